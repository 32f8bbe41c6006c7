"""What did not get through, for those who look after it."""

from __future__ import annotations

import pytest

from tests import make
from tests.drain import drain
from zabota.automation import triage
from zabota.channels.models import Outgoing
from zabota.events import undelivered
from zabota.events.models import Event
from zabota.staff.models import Agent, Level
from zabota.tickets import actions
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief() -> Agent:
    return make.administrator(language="en")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Ticket:
    """A ticket whose first treatment gave up."""

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(triage, "take", fail)
    ticket = make.ticket()
    drain(quiet=True)
    monkeypatch.undo()
    return ticket


def test_a_job_that_gave_up_is_shown_and_tried_again(chief: Agent, broken: Ticket) -> None:
    client = make.browser(chief)
    page = client.get("/undelivered/").content.decode()
    assert "automation.triage" in page
    assert f"#{broken.pk}" in page
    job = undelivered.listed()[0].job
    assert client.post(f"/undelivered/job/{job}/retry/").status_code == 302
    drain()
    assert "automation.triage" not in client.get("/undelivered/").content.decode()
    assert client.post(f"/undelivered/job/{job}/retry/").status_code == 404


def test_mail_that_failed_is_sent_again(chief: Agent) -> None:
    ticket = make.ticket()
    actions.reply(ticket, "Ответ", agent=chief, by=chief.actor)
    drain()
    Outgoing.objects.update(state="failed", last_error="550 no such user", attempts=1)
    client = make.browser(chief)
    page = client.get("/undelivered/").content.decode()
    assert "550 no such user" in page
    letter = Outgoing.objects.order_by("id")[0]
    assert client.post(f"/undelivered/mail/{letter.pk}/retry/").status_code == 302
    letter.refresh_from_db()
    assert letter.state == "queued"
    assert client.post(f"/undelivered/mail/{letter.pk}/retry/").status_code == 404
    assert client.post("/undelivered/mail/999999/retry/").status_code == 404


def test_a_lead_knows_only_of_tickets_he_sees(broken: Ticket) -> None:
    lead = make.agent("Ольга Щербакова", make.billing(), level=Level.MANAGE, role="lead")
    client = make.browser(lead)
    page = client.get("/undelivered/").content.decode()
    assert f"#{broken.pk}" not in page
    job = undelivered.listed()[0].job
    assert client.post(f"/undelivered/job/{job}/retry/").status_code == 404
    own = make.agent("Sara Lindqvist", level=Level.MANAGE, role="lead")
    assert f"#{broken.pk}" in make.browser(own).get("/undelivered/").content.decode()


def test_nothing_wrong_is_said_too(chief: Agent) -> None:
    page = make.browser(chief).get("/undelivered/").content.decode()
    assert "Everything was delivered" in page


def test_a_job_whose_event_was_forgotten_does_not_close_the_page(
    chief: Agent, broken: Ticket
) -> None:
    events = Event.objects.filter(pk=undelivered.listed()[0].event)
    events.delete()
    assert make.browser(chief).get("/undelivered/").status_code == 200
