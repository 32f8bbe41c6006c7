"""What every page of the clients goes through: language, and headers that keep its link secret."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from zabota.staff.models import Language
from zabota.tickets import tracking
from zabota.tickets.models import TrackingLink

Rest = ParamSpec("Rest")
View = Callable[..., HttpResponse]
LinkView = Callable[Concatenate[HttpRequest, TrackingLink, Rest], HttpResponse]
COOKIE = "zabota_language"
YEAR = 365 * 24 * 3600


def public(*methods: str) -> Callable[[View], View]:
    """A page for everybody, in the language of `?language=`, the cookie or the browser."""
    allowed = methods or ("GET", "HEAD")

    def wrap(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            wanted = request.GET.get("language", "")
            chosen = wanted if wanted in Language.values else request.COOKIES.get(COOKIE, "")
            if chosen not in Language.values:
                chosen = (translation.get_language_from_request(request) or "ru")[:2]
            # The middleware puts the former language back.
            translation.activate(chosen)
            response = view(request, *args, **kwargs)
            if wanted in Language.values:
                response.set_cookie(COOKIE, wanted, max_age=YEAR, samesite="Lax", httponly=True)
            response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
            return response

        return door

    return wrap


def secret_path(
    *methods: str,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A page whose address is a secret: no other site may hear of it.

    Without a referrer browsers send `Origin: null` with a form, which the check of forms refuses;
    who does not know the address cannot forge one, so it is not needed here.
    """

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = public(*methods)(view)(request, *args, **kwargs)
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cache-Control"] = "private, no-store"
            return response

        return door

    return wrap


def by_link(
    *methods: str, receipts: bool = False
) -> Callable[[LinkView[Rest]], Callable[..., HttpResponse]]:
    """The view gets the link its token opens; a wrong, revoked or old one ends at one same page.

    The receipt of a form opens only views that say so.
    """

    def wrap(view: LinkView[Rest]) -> Callable[..., HttpResponse]:
        @secret_path(*methods)
        @wraps(view)
        def door(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponse:
            link = tracking.find(token)
            if link is None or (link.is_receipt and not receipts):
                return over(request)
            return view(request, link, *args, **kwargs)

        return door

    return wrap


def over(request: HttpRequest) -> HttpResponse:
    """The page of a link that opens nothing."""
    return render(request, "portal/over.html", status=410)
