"""What goes wrong, told to a program: problem details (RFC 9457) in the words of the caller's
language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:zabota:problem:"


@dataclass(frozen=True)
class Sort:
    """One kind of problem: its short name, which never changes, status and title."""

    name: str
    status: int
    title: str | Promise


BAD_REQUEST = Sort("bad-request", 400, gettext_lazy("The request cannot be read"))
UNAUTHORISED = Sort("unauthorised", 401, gettext_lazy("No valid token"))
SCOPE = Sort("scope", 403, gettext_lazy("The token lacks a scope"))
NOT_ALLOWED = Sort("not-allowed", 403, gettext_lazy("The agent of the token may not do this"))
NOT_FOUND = Sort("not-found", 404, gettext_lazy("There is nothing here"))
METHOD = Sort("method", 405, gettext_lazy("This method is not for this address"))
IN_FLIGHT = Sort("in-flight", 409, gettext_lazy("The same request is being worked on"))
TOO_LARGE = Sort("too-large", 413, gettext_lazy("The request is too large"))
INVALID = Sort("invalid", 422, gettext_lazy("Some values cannot be used"))
NOT_POSSIBLE = Sort("not-possible", 422, gettext_lazy("This cannot be done now"))
KEY_REUSED = Sort("key-reused", 422, gettext_lazy("The Idempotency-Key had another request"))
TOO_MANY = Sort("too-many", 429, gettext_lazy("Too many requests"))
BROKEN = Sort("broken", 500, gettext_lazy("Something went wrong on our side"))
NO_INBOX = Sort("no-inbox", 503, gettext_lazy("No mailbox can answer clients yet"))

SORTS = (
    BAD_REQUEST, UNAUTHORISED, SCOPE, NOT_ALLOWED, NOT_FOUND, METHOD, IN_FLIGHT, TOO_LARGE,
    INVALID, NOT_POSSIBLE, KEY_REUSED, TOO_MANY, BROKEN, NO_INBOX,
)  # fmt: skip


@dataclass
class Problem(Exception):
    """Ends a request with problem details; `errors` name the fields."""

    sort: Sort
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """The answer to the caller."""
        content: dict[str, Any] = {
            "type": TYPE + self.sort.name,
            "title": str(self.sort.title),
            "status": self.sort.status,
            "detail": self.detail or str(self.sort.title),
            "errors": list(self.errors),
        }
        text = json.dumps(content, ensure_ascii=False)
        return HttpResponse(
            text, status=self.sort.status, content_type=MEDIA_TYPE, headers=dict(self.headers)
        )


def wrong(name: str, message: str, code: str = "unknown") -> Problem:
    """One field of the body that cannot be used."""
    return Problem(
        INVALID, message, [{"in": "body", "field": name, "code": code, "message": message}]
    )


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found, in our words."""
    told = [_told(error) for error in errors[:50]]
    detail = " ".join(f"{one['field']}: {one['message']}" for one in told[:3])
    return Problem(INVALID, detail, told)


def _told(error: Mapping[str, Any]) -> dict[str, str]:
    source, *place = error["loc"] or ("body",)
    if source in {"body", "form", "file", "query"} and len(place) > 1:
        place = place[1:]
    code = str(error["type"])
    return {
        "in": str(source),
        "field": ".".join(str(part) for part in place),
        "code": code,
        "message": _words(code, error.get("ctx") or {}),
    }


def _words(code: str, more: Mapping[str, Any]) -> str:
    known = {
        "missing": _("This value is required."),
        "extra_forbidden": _("There is no such field."),
        "address": _("This is no mail address."),
        "moment": _("The time must lie between 1990 and 2100."),
        "string_too_short": _("This must not be empty."),
        "timezone_aware": _("The time needs its offset, such as +03:00 or Z."),
    }
    if code in known:
        return known[code]
    if code in {"string_too_long", "too_long"}:
        return _("At most %(most)d.") % {"most": int(more.get("max_length", 0))}
    if code in {"enum", "literal_error"}:
        return _("One of: %(values)s.") % {"values": more.get("expected", "")}
    wanted = code.partition("_")[0]
    sorts = {
        "string": _("This must be a text."),
        "int": _("This must be a whole number."),
        "bool": _("This must be true or false."),
        "list": _("This must be a list."),
        "datetime": _("This must be a time as in RFC 3339."),
        "model": _("This must be an object."),
        "greater": _("The number is too small."),
        "less": _("The number is too large."),
    }
    return sorts.get(wanted, _("This value cannot be used."))
