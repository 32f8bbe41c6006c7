from __future__ import annotations

import pytest

from tests import make
from zabota.staff.models import Agent

pytestmark = pytest.mark.django_db
FORM = {
    "surname": "Зорина", "first_name": "Вера", "patronymic": "Ильинична", "language": "en",
    "time_zone": "Asia/Yekaterinburg", "theme": "dark", "density": "compact",
    "undo_seconds": "5",
}  # fmt: skip


def test_one_changes_ones_own_habits() -> None:
    vera = make.agent()
    client = make.browser(vera)
    client.cookies["zabota_theme"] = "light"
    answer = client.post("/profile/", FORM)
    assert answer["Location"] == "/profile/"
    assert answer.cookies["zabota_theme"]["max-age"] == 0, "the browser's choice must not win"
    vera.refresh_from_db()
    assert (vera.theme, vera.density, vera.language) == ("dark", "compact", "en")
    assert (vera.letter_keys, vera.mail_notices, vera.undo_seconds) == (False, False, 5)
    page = client.get("/profile/").content.decode()
    assert 'data-theme="dark"' in page
    assert "Saved." in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surname", ""),
        ("first_name", "12"),
        ("language", "xx"),
        ("time_zone", "Moon/Sea"),
        ("theme", "pink"),
    ],
)
def test_wrong_values_are_refused_beside_their_field(field: str, value: str) -> None:
    vera = make.agent()
    answer = make.browser(vera).post("/profile/", FORM | {field: value})
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert Agent.objects.values().get(pk=vera.pk)["theme"] == "system"


def test_rights_cannot_be_given_to_oneself() -> None:
    vera = make.agent()
    make.browser(vera).post("/profile/", FORM | {"role": "administrator", "is_active": "on"})
    vera.refresh_from_db()
    assert vera.role == "line1"


def test_safety_is_one_click_away() -> None:
    page = make.browser(make.agent()).get("/profile/").content.decode()
    for link in ("/account/password/change/", "/account/2fa/", "/account/sessions/"):
        assert link in page
