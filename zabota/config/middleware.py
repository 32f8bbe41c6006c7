"""What holds for every request: its id and log line, safe headers, the viewer's language."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone, translation

from zabota.config import metrics
from zabota.events.kept import asked_ahead, held
from zabota.lib.log import request_id
from zabota.staff.models import Agent

log = logging.getLogger("zabota.access")

Next = Callable[[HttpRequest], HttpResponseBase]
GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SEEN_EVERY_SECONDS = 300.0
MOST_SEEN = 20_000


class RequestContext:
    """Gives the request an id (its own if it brings a good one), logs it, counts it, and sets the
    headers that a view has not set itself."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        brought = request.headers.get("X-Request-ID", "")
        name = brought if GOOD_ID.fullmatch(brought) else uuid.uuid4().hex[:16]
        token = request_id.set(name)
        start = time.monotonic()
        # What changes nothing sees the company in one state.
        steady = held() if request.method in {"GET", "HEAD"} else asked_ahead()
        try:
            with steady:
                response = self.get_response(request)
            response.headers["X-Request-ID"] = name
            response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
            self._tell(request, response, time.monotonic() - start)
            return response
        finally:
            request_id.reset(token)

    def _tell(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        metrics.count_request(response.status_code, seconds)
        if request.path.startswith(settings.STATIC_URL):
            return
        # Only an already loaded user: the log must not cost a query. No query string: tokens.
        user = getattr(request, "_cached_user", None)
        log.info(
            "%s %s",
            request.method,
            _route(request),
            extra={
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "agent": getattr(user, "pk", None) or 0,
                "client": request.META.get("REMOTE_ADDR", ""),
            },
        )


def _route(request: HttpRequest) -> str:
    """The path with only its numbers: one-time links carry their token in the path."""
    match = request.resolver_match
    if match is None:
        return "(no page)"
    numbers = [f"{name}={value}" for name, value in match.kwargs.items() if isinstance(value, int)]
    return " ".join([f"/{match.route}", *numbers])


class PersonalSettings:
    """Language and zone of the agent; of the browser where nobody has signed in. A session whose
    account was switched off or has ended is closed."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not user.is_authenticated and auth.SESSION_KEY in request.session:
            auth.logout(request)
            return _to_sign_in(request)
        if isinstance(user, Agent):
            translation.activate(user.language)
            timezone.activate(user.zone)
        else:
            translation.activate(translation.get_language_from_request(request))
            timezone.deactivate()
        try:
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
            return response
        finally:
            translation.deactivate()
            timezone.deactivate()


class SessionActivity:
    """Notes in the agent's list of sessions when and from where each was last used.

    allauth's own middleware writes that at every request, which would cost each page two queries
    and a commit; five minutes are near enough.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.seen: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated and self._is_due(key):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)

    def _is_due(self, key: str) -> bool:
        now = time.monotonic()
        if now - self.seen.get(key, -SEEN_EVERY_SECONDS) < SEEN_EVERY_SECONDS:
            return False
        if len(self.seen) >= MOST_SEEN:
            self.seen.clear()
        self.seen[key] = now
        return True


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """A script hears 401 and keeps its page, with what is typed there."""
    target = resolve_url(settings.LOGIN_URL)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401)
    return HttpResponse(status=302, headers={"Location": target})
