"""Settings are for administrators; for everybody else their pages do not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from zabota.staff.models import Agent

View = Callable[..., HttpResponse]


def administrators(view: View) -> View:
    """Sends strangers to the sign-in page; 404 for agents who are no administrators."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not viewer(request).is_administrator:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def viewer(request: HttpRequest) -> Agent:
    """The signed-in agent; raises Http404 for anybody else."""
    if not isinstance(request.user, Agent):
        raise Http404
    return request.user
