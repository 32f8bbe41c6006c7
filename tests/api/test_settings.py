"""The administrator's screen of programs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import make
from tests.api.program import integration
from zabota.staff.models import Role, Token

pytestmark = pytest.mark.django_db
PATH = "/settings/programs/"


@pytest.fixture
def desk() -> Any:
    return make.browser(make.administrator(language="en"))


def test_a_token_is_shown_once_works_and_is_revoked(desk: Any) -> None:
    agent = integration()
    assert "No program has a token yet" in desk.get(PATH).content.decode()
    form = {"name": "CRM", "agent": agent.pk, "scopes": ["tickets:read"], "last_day": "2099-01-31"}
    page = desk.post(f"{PATH}new/", form).content.decode()
    found = re.search(r'value="(zbt_[\w-]+)"', page)
    assert found
    secret = found[1]
    row = Token.objects.get()
    assert row.scopes == ["tickets:read"]
    assert row.expires_at
    shown = desk.get(PATH).content.decode()
    assert secret not in shown
    assert row.hint in shown
    assert "Token made: CRM (Тимур Хабибуллин)" in shown
    headers = {"Authorization": f"Bearer {secret}"}
    answer = make.browser().get("/api/v1/tickets", headers=headers)
    assert answer.status_code == 200
    assert desk.post(f"{PATH}{row.pk}/revoke/").status_code == 302
    assert make.browser().get("/api/v1/tickets", headers=headers).status_code == 401
    shown = desk.get(PATH).content.decode()
    assert "revoked" in shown
    assert "Token revoked: CRM (Тимур Хабибуллин)" in shown


def test_what_cannot_be_made_says_why(desk: Any) -> None:
    assert "There is no agent for programs yet" in desk.get(f"{PATH}new/").content.decode()
    agent, other = integration(), make.agent()
    given = {"name": "CRM", "agent": agent.pk, "scopes": ["tickets:read"]}
    changes: tuple[dict[str, Any], ...] = (
        {"name": ""},
        {"agent": other.pk},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"last_day": "2001-01-01"},
    )
    for change in changes:
        assert desk.post(f"{PATH}new/", given | change).status_code == 422, change
    assert not Token.objects.exists()
    assert agent.role == Role.INTEGRATION


def test_the_page_is_found_by_its_words(desk: Any) -> None:
    for word in ("webhook", "api", "интеграция"):
        assert PATH in desk.get("/settings/", {"q": word}).content.decode()
