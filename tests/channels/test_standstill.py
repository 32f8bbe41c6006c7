"""A restored copy neither fetches nor sends; what waited leaves when its standstill ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.drain import drain
from zabota.channels import fetcher, standstill
from zabota.channels.models import Outgoing, OutgoingState
from zabota.events.models import Event
from zabota.tickets import actions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Any:
    standstill.forget()
    yield
    standstill.forget()


def stand_still() -> None:
    standstill.begin("2026-11-27T21:00:00+00:00", by=make.BY)


def test_nothing_is_sent_and_everything_that_waited_leaves_afterwards() -> None:
    vera = make.agent()
    stand_still()
    ticket = make.ticket()
    actions.reply(ticket, "Ответ", agent=vera, by=vera.actor)
    drain()
    states = set(Outgoing.objects.values_list("state", flat=True))
    assert states == {OutgoingState.QUEUED}
    assert standstill.end(by=make.BY) == Outgoing.objects.count()
    drain()
    assert set(Outgoing.objects.values_list("state", flat=True)) == {OutgoingState.SENT}
    assert standstill.end(by=make.BY) == 0
    kinds = Event.objects.filter(stream="standstill").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["channels.standstill_began", "channels.standstill_ended"]


def test_no_inbox_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    class Reader:
        def __init__(self, inbox: Any) -> None:
            self.number = inbox.pk

        def start(self) -> None:
            begun.append(self.number)

    monkeypatch.setattr(fetcher, "Reader", Reader)
    box = make.inbox()
    stand_still()
    fetcher._keep({})
    assert begun == []
    standstill.end(by=make.BY)
    fetcher._keep({})
    assert begun == [box.pk]


def test_every_page_says_it_and_an_administrator_ends_it() -> None:
    chief, vera = make.administrator(language="en"), make.agent(language="en")
    stand_still()
    words, button = "This is a restored copy", "/settings/standstill/end/"
    for page in ("/inbox/open/", "/profile/"):
        shown = make.browser(vera).get(page).content.decode()
        assert words in shown
        assert button not in shown
        assert button in make.browser(chief).get(page).content.decode()
    assert make.browser(vera).post(button).status_code == 404
    assert standstill.is_on()
    assert make.browser(chief).post(button).status_code == 302
    assert not standstill.is_on()
    assert words not in make.browser(vera).get("/profile/").content.decode()
