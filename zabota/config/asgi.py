"""The web application: live streams, files and health in the event loop, all pages in threads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zabota.config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.routing import Route

django = get_wsgi_application()

from zabota.config.downloads import download  # noqa: E402
from zabota.config.health import healthz  # noqa: E402
from zabota.config.shim import BODY, App, Receive, Scope, Send, Shim, cleaned  # noqa: E402
from zabota.config.threads import Threads  # noqa: E402
from zabota.desk import live  # noqa: E402

IN_LOOP = ("/live/", "/files/", "/healthz")
UPLOADS = 5


def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, reading the body that already lies there."""
    environ["wsgi.input"] = environ["asgi.scope"][BODY]
    return cast(Iterable[bytes], django(environ, cast(Any, start_response)))


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    async with live.running():
        yield


in_loop = Starlette(
    routes=[
        Route("/live/stream", live.stream, methods=["GET"]),
        Route("/live/here", live.here, methods=["POST"]),
        Route("/files/{token}", download, methods=["GET", "HEAD"]),
        Route("/healthz", healthz, methods=["GET", "HEAD"]),
    ],
    lifespan=_lifespan,
)
in_threads = Shim(
    Threads(pages, workers=settings.WEB_THREADS),
    most_bytes=settings.MAX_UPLOAD_MB * UPLOADS * 1024 * 1024,
)
_proxies = frozenset(settings.TRUSTED_PROXIES)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Called by the server for every request and for start and stop."""
    if scope["type"] == "lifespan":
        await in_loop(scope, receive, send)
    elif scope["type"] == "http":
        scope = cleaned(scope, _proxies)
        path = scope["path"]
        target = cast(App, in_loop) if path.startswith(IN_LOOP) else in_threads
        await target(scope, receive, send)
