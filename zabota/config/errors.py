"""Pages for what went wrong: what happened, what to do, the number to name to an administrator."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from zabota.lib.log import request_id


@dataclass(frozen=True)
class Trouble:
    """One kind of failure as a person reads it."""

    status: int
    title: str
    advice: str


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request cannot be understood."""
    return _page(
        request,
        Trouble(
            400,
            _("This request cannot be understood"),
            _("Go back and try once more. If you opened a link, it may have been cut."),
        ),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form does not belong to this browser session."""
    return _page(
        request,
        Trouble(
            403,
            _("This form has become outdated"),
            _("You have signed in or out since the page was opened. Reload it and send it again."),
        ),
    )


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the agent may not do that."""
    return _page(
        request,
        Trouble(
            403,
            _("You may not do this"),
            _("Your role does not allow it. Ask an administrator if you need it for your work."),
        ),
    )


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; also for a ticket the agent may not see, so that its number says nothing."""
    return _page(
        request,
        Trouble(
            404,
            _("There is no such page"),
            _("It may have moved, or it is not open to you. Look for it from the work place."),
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500; works too when templates or the database do not."""
    try:
        return _page(
            request,
            Trouble(
                500,
                _("Something went wrong on our side"),
                _("Try again in a minute. Nothing you had already sent is lost."),
            ),
        )
    except Exception:
        text = f"Something went wrong. / Что-то пошло не так. {request_id.get()}\n"
        return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")


def _page(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    is_fragment = request.headers.get("HX-Request") == "true"
    template = "errors/fragment.html" if is_fragment else "errors/page.html"
    content = {"trouble": trouble, "number": request_id.get()}
    return HttpResponse(render_to_string(template, content, request), status=trouble.status)
