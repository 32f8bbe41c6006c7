"""The site's addresses, `/test/echo`, which tells what a view gets to see, and axe-core."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from zabota.config.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    """The request as a view sees it."""
    body = request.body if request.content_type != "multipart/form-data" else b""
    return JsonResponse(
        {
            "method": request.method,
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "length": request.headers.get("Content-Length"),
            "cookies": request.COOKIES,
            "secure": request.is_secure(),
            "address": request.META["REMOTE_ADDR"],
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "files": {name: getattr(file, "size", 0) for name, file in request.FILES.items()},
        }
    )


def broken(request: HttpRequest) -> HttpResponse:
    """A page that fails."""
    raise RuntimeError("broken on purpose")


def slow(request: HttpRequest) -> HttpResponse:
    """A page that takes its time."""
    time.sleep(1)
    return HttpResponse("slow")


def axe(request: HttpRequest) -> HttpResponse:
    """The script that judges a page."""
    text = Path(__file__).with_name("vendor") / "axe.min.js"
    return HttpResponse(
        text.read_bytes(),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "max-age=3600"},
    )


urlpatterns = [
    path("test/axe.js", axe),
    path("test/echo", echo),
    path("test/broken", broken),
    path("test/slow", slow),
    path("", include("zabota.config.urls")),
]
