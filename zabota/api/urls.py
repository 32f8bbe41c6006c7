"""The programs' door: everything under /api/v1/."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, path, re_path
from django.utils import translation
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from zabota.api import problems
from zabota.api.document import PREFIX, completed
from zabota.api.door import Bearer, guarded, nothing, told
from zabota.api.problems import Problem, invalid
from zabota.api.views import company, customers, messages, tickets
from zabota.tickets.locking import NotPossible

api = NinjaAPI(
    title="Zabota",
    version="1",
    description=(
        "Tickets, messages and customers for programs. A token is made in Settings → Programs; "
        "it works as an agent of the role integration, in the queues granted to him."
    ),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
ROUTERS = (tickets.router, messages.router, customers.router, company.router)
for _router in ROUTERS:
    api.add_router("", _router)


@api.exception_handler(Exception)
def _any(request: HttpRequest, error: Exception) -> HttpResponse:
    # `guarded` would do it too, but the library wants to log first.
    return _answer(told(error))


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return error.response()


@api.exception_handler(Http404)
@api.exception_handler(PermissionDenied)
def _known(request: HttpRequest, error: Exception) -> HttpResponse:
    return _answer(told(error))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return invalid(error.errors).response()


@api.exception_handler(AuthenticationError)
def _unauthorised(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return Problem(problems.UNAUTHORISED, headers={"WWW-Authenticate": "Bearer"}).response()


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return Problem(problems.BAD_REQUEST).response()


@api.exception_handler(NotPossible)
def _refused(request: HttpRequest, error: NotPossible) -> HttpResponse:
    return Problem(problems.NOT_POSSIBLE, str(error)).response()


def _answer(response: HttpResponseBase) -> HttpResponse:
    assert isinstance(response, HttpResponse)
    return response


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, in English; made once."""
    with translation.override("en"):
        return completed(dict(api.get_openapi_schema(path_prefix=f"{PREFIX}/")), _scopes())


def _scopes() -> dict[str, str]:
    """The scope that each operation needs, by its id; empty where any token will do."""
    found = {}
    for router in ROUTERS:
        for view in router.path_operations.values():
            for one in view.operations:
                assert isinstance(one.auth_param, Bearer)
                scope = one.auth_param.scope
                found[str(one.operation_id)] = scope.value if scope else ""
    return found


def openapi(request: HttpRequest) -> HttpResponseBase:
    """The document, for everybody."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    return JsonResponse(document())


def _patterns() -> list[URLPattern]:
    found = [
        path(str(one.pattern), guarded(one.callback), name=one.name)
        for one in api.urls[0]
        if isinstance(one, URLPattern) and one.name != "api-root"
    ]
    found.append(path("openapi.json", guarded(openapi), name="openapi"))
    return [*found, re_path(r"^[\s\S]*$", guarded(nothing), name="nothing")]


app_name = "api"
urlpatterns = _patterns()
