"""What every request goes through: the token, its scope, its pace, and problems in words."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.security import HttpBearer

from zabota.api import pace, problems
from zabota.api.problems import Problem
from zabota.events.kept import held
from zabota.staff import policy, structure
from zabota.staff.models import Agent, Level, Role, Scope, Token
from zabota.staff.tokens import token_of
from zabota.tickets import reading
from zabota.tickets.models import Ticket

log = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]
MOST = 2**63 - 1
# Where the count of a request stands till its answer goes.
PACE = "zabota.pace"


@dataclass(frozen=True)
class Caller:
    """The program that asks: its token, and the agent as whom it works."""

    token: Token
    agent: Agent

    def has(self, scope: Scope) -> bool:
        """Whether the token was made with the scope."""
        return scope in self.token.scopes


class Bearer(HttpBearer):
    """`Authorization: Bearer …`; the operation needs `scope`, if it names one."""

    openapi_description = "A token of Settings → Programs."

    def __init__(self, scope: Scope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """The caller; raises Problem for a token without the scope or with too many requests."""
        caller = _caller(token.strip())
        if caller is None:
            return None
        room = pace.count(caller.token.pk)
        request.META[PACE] = room
        if room.is_over:
            raise Problem(
                problems.TOO_MANY,
                _("Wait %(seconds)d s.") % {"seconds": room.reset},
                headers={"Retry-After": str(room.reset)},
            )
        if self.scope and not caller.has(self.scope):
            detail = _("The operation needs the scope %(scope)s.") % {"scope": self.scope.value}
            raise Problem(problems.SCOPE, detail)
        return caller


def _caller(secret: str) -> Caller | None:
    found = token_of(secret)
    if found is None:
        return None
    now = structure.current()
    known = now.agents.get(found.agent_id)
    if known is None or known.role != Role.INTEGRATION or not known.may_work:
        return None
    # The kept one is shared by threads.
    agent = copy.copy(known)
    agent.company, agent.known_levels = now, policy.levels_in(now, known)
    return Caller(found, agent)


def caller(request: HttpRequest) -> Caller:
    """Who asks; only in operations with a token."""
    found = getattr(request, "auth", None)
    assert isinstance(found, Caller)
    return found


def ticket_for(who: Caller, number: int, level: Level = Level.SEE) -> Ticket:
    """The ticket; raises Http404 for a foreign one exactly as for one that does not exist, and
    PermissionDenied for one that may be seen but not acted upon at `level`."""
    ticket = reading.visible_ticket(who.agent, number) if number <= MOST else None
    if ticket is None:
        raise Http404
    policy.demand(who.agent, level, ticket.queue_id)
    return ticket


def guarded(view: View) -> View:
    """Whatever happens inside is told as a problem; the pace stands in the headers."""

    # Programs have no cookies; the token stands in a header no browser sends by itself.
    @csrf_exempt
    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            # No operation changes what is kept in memory.
            with held():
                response = view(request, *args, **kwargs)
        except Exception as error:
            response = told(error)
        if response.status_code == 405:
            allowed = response.headers.get("Allow", "")
            response = Problem(problems.METHOD, headers={"Allow": allowed}).response()
        room = request.META.get(PACE)
        if room is not None:
            for name, value in room.headers().items():
                response.headers[name] = value
        response.headers["Vary"] = "Accept-Language, Authorization"
        return response

    return door


def told(error: Exception) -> HttpResponseBase:
    """An exception as the problem that the caller reads."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, Http404):
        return Problem(problems.NOT_FOUND).response()
    if isinstance(error, PermissionDenied):
        return Problem(problems.NOT_ALLOWED).response()
    if isinstance(error, RequestDataTooBig):
        return Problem(problems.TOO_LARGE).response()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return Problem(problems.BAD_REQUEST).response()
    log.error("request of a program failed", exc_info=error)
    return Problem(problems.BROKEN, _("Try again in a minute.")).response()


def nothing(request: HttpRequest, **_more: Any) -> HttpResponseBase:
    """404 for every address that no operation has."""
    raise Http404
