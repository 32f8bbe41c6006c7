"""Who gets in, at which pace, and how it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.api.program import Program, integration, new_ticket
from zabota.api.models import Window
from zabota.lib import clock
from zabota.staff.actions import change_agent
from zabota.staff.models import Scope, Token
from zabota.staff.tokens import make_token, revoke_token
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db
OFF = "urn:zabota:problem:unauthorised"


@pytest.fixture
def crm() -> Program:
    return Program(integration())


def kind(answer: Any) -> str:
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "errors"}
    assert told["status"] == answer.status_code
    return str(told["type"]).removeprefix("urn:zabota:problem:")


def test_only_the_hash_of_a_token_is_kept(crm: Program) -> None:
    row = Token.objects.get()
    assert crm.secret.startswith("zbt_")
    assert crm.secret not in repr(vars(row))
    assert row.hint == crm.secret[:8]
    assert crm.get("/token").json()["agent"]["name"] == "Тимур Хабибуллин"
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_a_revoked_or_old_token_or_one_of_an_agent_without_work_lets_nobody_in(
    crm: Program,
) -> None:
    agent = crm.token.agent
    day = Program(agent, expires_at=clock.now() + timedelta(days=1))
    assert day.get("/token").status_code == 200
    with clock.at(clock.now() + timedelta(days=2)):
        assert kind(day.get("/token")) == "unauthorised"
    revoke_token(crm.token, by=make.BY)
    assert crm.get("/token").status_code == 401
    other = Program(agent)
    assert other.get("/token").status_code == 200
    change_agent(agent, {"is_active": False}, by=make.BY)
    assert other.get("/token").status_code == 401
    change_agent(agent, {"is_active": True, "role": "line1"}, by=make.BY)
    assert other.get("/token").status_code == 401


def test_a_session_of_the_desk_opens_nothing(crm: Program) -> None:
    answer = make.browser(make.administrator()).get("/api/v1/tickets")
    assert kind(answer) == "unauthorised"
    assert answer["WWW-Authenticate"] == "Bearer"
    for header in ("", "Bearer", "Bearer zbt_guessed", f"Basic {crm.secret}", crm.secret):
        answer = Client().get("/api/v1/tickets", headers={"Authorization": header})
        assert kind(answer) == "unauthorised"


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (Scope.TICKETS_READ, "get", "/tickets"),
        (Scope.TICKETS_WRITE, "post", "/tickets"),
        (Scope.CUSTOMERS_READ, "get", "/contacts"),
        (Scope.CUSTOMERS_WRITE, "post", "/accounts"),
    ],
)
def test_each_operation_needs_its_scope(crm: Program, scope: Scope, method: str, path: str) -> None:
    others = Program(crm.token.agent, [one for one in Scope if one != scope])
    assert kind(others.ask(method, path, {})) == "scope"
    only = Program(crm.token.agent, [scope])
    assert only.ask(method, path, {}).status_code in {200, 422}


def test_the_pace_is_told_and_kept(crm: Program, settings: Any) -> None:
    settings.API_PER_MINUTE = 3
    moment = clock.now().replace(second=10)
    with clock.at(moment):
        left = [crm.get("/token")["RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        over = crm.get("/token")
        assert kind(over) == "too-many"
        assert over["Retry-After"] == over["RateLimit-Reset"] == "50"
        assert Program(crm.token.agent).get("/token").status_code == 200
    with clock.at(moment + timedelta(seconds=50)):
        assert crm.get("/token").status_code == 200
    assert Window.objects.get(token=crm.token).requests == 1


def test_every_trouble_is_a_problem(crm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kind(crm.get("/nothing")) == "not-found"
    assert kind(crm.get("/tickets/abc")) == "not-found"
    assert kind(crm.get(f"/tickets/{10**30}")) == "not-found"
    wrong = crm.ask("delete", "/tickets")
    assert kind(wrong) == "method"
    assert sorted(wrong["Allow"].split(", ")) == ["GET", "POST"]
    broken = Client().post(
        "/api/v1/tickets", b"{", content_type="application/json", headers=crm.headers
    )
    assert kind(broken) == "bad-request"
    large = b'{"text": "%s"}' % (b"a" * 6 * 1024 * 1024)
    answer = Client().post(
        "/api/v1/tickets", large, content_type="application/json", headers=crm.headers
    )
    assert kind(answer) == "too-large"

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("zabota.api.views.tickets.page", fail)
    answer = crm.get("/tickets")
    assert kind(answer) == "broken"
    assert "secret words" not in answer.content.decode()


def test_nothing_of_a_failed_request_stays(crm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("zabota.api.creating.triage.take_new", fail)
    assert crm.post("/tickets", new_ticket()).status_code == 500
    assert not Ticket.objects.exists()


def test_tokens_are_for_integrations_and_known_scopes() -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        make_token(make.agent(), name="x", scopes=["tickets:read"], by=make.BY)
    with pytest.raises(ValidationError):
        make_token(integration(), name="x", scopes=["everything"], by=make.BY)
