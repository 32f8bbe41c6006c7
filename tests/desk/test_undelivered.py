"""What did not get through, for those who look after it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.drain import drain
from zabota.automation import triage
from zabota.channels import away
from zabota.channels.events import ResendOrdered
from zabota.channels.models import Outgoing
from zabota.desk import stuck
from zabota.events import jobs, undelivered
from zabota.events.models import Event, JobError
from zabota.staff.models import Agent, Level
from zabota.tickets import actions, resending
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


def unsent(ticket: Ticket, person: Agent, count: int, error: str) -> list[Outgoing]:
    """Answers in the ticket that could not be sent; %s stands for the address in the error."""
    rows = []
    for number in range(count):
        message = actions.reply(ticket, f"Ответ {number}", agent=person, by=person.actor)
        address = f"client{number}@romashka.example"
        rows.append(
            Outgoing.objects.create(
                key=f"message:{message.pk}",
                message_id=f"{message.pk}@zabota.example",
                envelope={},
                recipient=address,
                state="failed",
                last_error=error.replace("%s", address),
                attempts=3,
            )
        )
        message.outgoing = rows[-1]
        message.save()
    return rows


def states(rows: list[Outgoing]) -> set[str]:
    return set(Outgoing.objects.filter(pk__in=[r.pk for r in rows]).values_list("state", flat=True))


def run_resend() -> None:
    """The ordered job alone: the mails' own jobs would try to send."""
    for event in Event.objects.filter(kind=ResendOrdered.kind):
        jobs.run(jobs.Job(0, "tickets.resend", 0, event))


@pytest.mark.parametrize("batch", [200, 2])
def test_all_mail_of_one_reason_is_sent_again(
    chief: Agent, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "BATCH", batch)
    ticket = make.ticket()
    full = unsent(ticket, chief, 5, "The SMTP server refused the recipient: %s: 552 5.2.2 full")
    other = unsent(ticket, chief, 1, "The inbox a@b.example is switched off.")
    client = make.browser(chief)
    page = client.get("/undelivered/").content.decode()
    marks = re.findall(r'name="mark" value="(\w+)"', page)
    assert len(marks) == 2
    client.post("/undelivered/mail/retry/", {"mark": marks[0]})
    run_resend()
    assert (states(full), states(other)) == ({"queued"}, {"failed"})
    queued = Event.objects.filter(kind="channels.queued", actor=str(chief.actor))
    assert queued.count() == 5
    client.post("/undelivered/mail/retry/")
    run_resend()
    assert states(other) == {"queued"}
    assert queued.count() == 6


def test_a_lead_sends_again_only_what_he_sees(chief: Agent) -> None:
    lead = make.agent("Ольга Щербакова", make.billing(), level=Level.MANAGE, role="lead")
    foreign = unsent(make.ticket(), chief, 2, "gone")
    box = make.inbox(make.billing())
    own = unsent(make.ticket(to=box), chief, 2, "gone")
    make.browser(lead).post("/undelivered/mail/retry/")
    run_resend()
    assert (states(own), states(foreign)) == ({"queued"}, {"failed"})


def test_whoever_lost_his_account_meanwhile_sends_nothing(chief: Agent) -> None:
    rows = unsent(make.ticket(), chief, 2, "gone")
    make.browser(chief).post("/undelivered/mail/retry/")
    Agent.objects.filter(pk=chief.pk).update(is_active=False)
    run_resend()
    assert states(rows) == {"failed"}


def fail_jobs(count: int, error: str) -> list[Ticket]:
    """Tickets whose first treatment gave up with this error."""
    tickets = [make.ticket(subject=f"Обращение {number}") for number in range(count)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'failed'"
            " WHERE status = 'todo' AND args->>'consumer' = 'automation.triage' RETURNING id"
        )
        numbers = [row[0] for row in cursor.fetchall()]
    for number in numbers:
        JobError.objects.create(job=number, error=error)
    return tickets


@pytest.mark.parametrize("batch", [500, 2])
def test_all_jobs_of_one_error_are_tried_again(
    chief: Agent, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelivered, "BATCH", batch)
    fail_jobs(5, "OSError")
    fail_jobs(1, "ValueError")
    client = make.browser(chief)
    page = client.get("/undelivered/").content.decode()
    assert re.findall(r'name="error" value="(\w+)"', page) == ["OSError", "ValueError"]
    form = {"consumer": "automation.triage", "error": "OSError"}
    said = client.post("/undelivered/job/retry/", form, follow=True).content.decode()
    assert "5 jobs are tried again" in said
    assert undelivered.count() == 1
    client.post("/undelivered/job/retry/")
    assert undelivered.count() == 0
    drain()


def test_rights_come_before_the_page_and_pages_follow_one_another(
    chief: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others may know of does not fill a lead's page."""
    monkeypatch.setattr(stuck, "PAGE", 3)
    box = make.inbox(make.billing())
    seen = fail_jobs(4, "OSError")
    make.ticket(to=box)
    foreign = fail_jobs(4, "OSError")
    lead = make.agent("Sara Lindqvist", level=Level.MANAGE, role="lead")
    Ticket.objects.filter(pk__in=[t.pk for t in foreign]).update(queue=make.billing())
    client = make.browser(lead)
    first = client.get("/undelivered/").content.decode()
    shown = set(re.findall(r"#(\d+)<", first))
    assert shown == {str(ticket.pk) for ticket in seen[1:]}
    [older] = re.findall(r"\?work=(\d+)", first)
    second = client.get(f"/undelivered/?work={older}").content.decode()
    assert set(re.findall(r"#(\d+)<", second)) == {str(seen[0].pk)}
    assert client.get("/undelivered/?work=x").status_code == 400
    assert client.get("/undelivered/?mail=" + "9" * 40).status_code == 400


@pytest.mark.parametrize(
    ("waiting", "language", "name", "badge"),
    [
        (0, "en", "Not delivered", ""),
        (1, "en", "Not delivered: 1 waits for a person", "1"),
        (3, "en", "Not delivered: 3 wait for a person", "3"),
        (1, "ru", "Недоставленное: 1 ждёт человека", "1"),
        (3, "ru", "Недоставленное: 3 ждут человека", "3"),
        (5, "ru", "Недоставленное: 5 ждут человека", "5"),
        (7, "ru", "Недоставленное: больше 5 ждут человека", "5+"),
    ],
)
def test_the_rail_says_how_much_waits_for_a_person(
    waiting: int, language: str, name: str, badge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "MOST_COUNTED", 6)
    chief = make.administrator(language=language)
    rows = unsent(make.ticket(), chief, waiting + 1, "gone")
    Outgoing.objects.filter(pk=rows[0].pk).update(state="delayed")
    client = make.browser(chief)
    text = client.get("/undelivered/count/").content.decode()
    assert re.findall(r'<span class="vh">(.*?)</span>', text) == [name]
    assert re.findall(r'rail-badge num" aria-hidden="true">(.*?)<', text) == (
        [badge] if badge else []
    )


def test_the_count_costs_two_queries_and_pages_none(chief: Agent) -> None:
    client = make.browser(chief)
    client.get("/undelivered/count/")
    with CaptureQueriesContext(connection) as said:
        client.get("/undelivered/count/")
    asked = [
        row["sql"] for row in said if "outgoing" in row["sql"] or "procrastinate" in row["sql"]
    ]
    assert len(asked) == 2
    # Of the banners, asked for once in five seconds.
    away.unreachable()
    with CaptureQueriesContext(connection) as said:
        page = client.get("/inbox/mine/").content.decode()
    assert 'data-count="/undelivered/count/"' in page
    assert not [row for row in said if "procrastinate" in row["sql"] or "outgoing" in row["sql"]]
