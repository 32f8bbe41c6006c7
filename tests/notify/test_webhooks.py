"""Webhooks: what a program is told, in which order, and what never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import make
from tests.api.program import Program, integration
from tests.drain import drain, run_timers
from tests.notify.program import LOOPBACK, kinds, later, signs, statuses, webhook
from tests.receiver import Receiver, receiving
from zabota.channels import standstill
from zabota.events import jobs
from zabota.events.facts import known_facts
from zabota.lib import clock
from zabota.notify import actions, hearing, webhooks
from zabota.notify.models import DeliveryState, WebhookDelivery
from zabota.staff.models import Agent, Grant, Level, Scope
from zabota.tickets import actions as desk
from zabota.tickets.actions import holding
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db
SOLVED, NOTE, URGENCY = "tickets.solved", "tickets.note_added", "tickets.urgency_changed"
STATUS = "tickets.status_changed"


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiving() as found, LOOPBACK:
        yield found


def noted(ticket: Ticket, agent: Agent, text: str = "Заметка") -> None:
    desk.add_note(ticket, text, agent=agent, by=agent.actor)


def test_a_program_is_told_with_a_signature_what_its_door_shows(target: Receiver) -> None:
    works_as = integration()
    hook, secret = webhook(target, SOLVED, agent=works_as)
    vera, ticket = make.agent(), make.ticket()
    drain()
    desk.reply(ticket, "Готово.", agent=vera, by=vera.actor, solve=True)
    drain()
    (heard,) = target.heard
    assert signs(heard, secret, "whsec_AAAA") == [True, False]
    assert heard.headers["content-type"] == "application/json; charset=utf-8"
    told = heard.json
    assert told["id"] == heard.headers["webhook-id"]
    assert (told["kind"], told["webhook"]) == (SOLVED, hook.pk)
    assert told["by"] == {"kind": "agent", "id": vera.pk}
    assert told["facts"]["was"] == "open" or told["facts"]["was"] == "new"
    assert "ticket" not in told["facts"]
    program = Program(works_as, [Scope.TICKETS_READ])
    assert told["ticket"] == program.get(f"/tickets/{ticket.pk}").json()
    assert told["links"]["ticket"].endswith(f"/api/v1/tickets/{ticket.pk}")
    row = WebhookDelivery.objects.get()
    assert (row.state, row.status, row.attempts) == (DeliveryState.DELIVERED, 204, 1)
    assert row.body == heard.body.decode()


def test_who_has_no_webhook_has_no_job() -> None:
    ticket = make.ticket()
    drain()
    noted(ticket, make.agent())
    consumers = [job.args["consumer"] for job in ProcrastinateJob.objects.filter(status="todo")]
    assert "notify.webhooks" not in consumers


def test_only_chosen_facts_are_told(target: Receiver) -> None:
    webhook(target, NOTE)
    ticket, vera = make.ticket(), make.agent()
    desk.set_urgency(ticket, 1, by=vera.actor)
    noted(ticket, vera)
    drain()
    assert kinds(target) == [NOTE]


def test_a_foreign_queue_is_never_heard(target: Receiver) -> None:
    billing = make.billing()
    works_as = integration(make.queue())
    webhook(target, agent=works_as)
    vera = make.agent("Вера Зорина", make.queue(), billing)
    foreign = make.ticket("Счёт", queue=billing, who=make.MARIA)
    noted(foreign, vera)
    drain()
    assert target.heard == []
    # It leaves for a foreign queue before the call is made: nothing of it goes out any more.
    moved = make.ticket()
    drain()
    before = len(target.heard)
    assert before
    noted(moved, vera)
    desk.move_to_queue(moved, queue=billing, reason="тайна счетов", by=vera.actor)
    drain()
    assert len(target.heard) == before
    # It comes back: the number of the foreign queue and the reason stay untold.
    desk.move_to_queue(moved, queue=make.queue(), reason="тайна счетов", by=vera.actor)
    drain()
    told = target.heard[-1].json
    assert told["kind"] == "tickets.queue_changed"
    assert told["facts"] == {"was": None, "now": make.queue().pk}
    assert all("тайна" not in one.body.decode() for one in target.heard)


@pytest.mark.parametrize("loss", ["grant", "account", "role", "choice"])
def test_rights_are_asked_when_the_call_is_made(target: Receiver, loss: str) -> None:
    works_as = integration(make.queue(), make.billing())
    hook, _secret = webhook(target, NOTE, agent=works_as)
    ticket = make.ticket()
    drain()
    noted(ticket, make.agent())
    # The delivery is made, the call is not yet.
    (job,) = (one for one in waiting_jobs() if one.consumer == "notify.webhooks")
    jobs.run(job)
    jobs.finish(job.number)
    assert WebhookDelivery.objects.get().state == DeliveryState.WAITING
    if loss == "grant":
        Grant.objects.filter(agent=works_as, queue=make.queue()).delete()
    elif loss == "choice":
        hook.queues = [make.billing().pk]
        actions.save_webhook(hook, ["queues"], by=make.BY)
    else:
        change = {"is_active": False} if loss == "account" else {"role": "line1"}
        Agent.objects.filter(pk=works_as.pk).update(**change)
    drain()
    assert target.heard == []
    assert WebhookDelivery.objects.get().state == DeliveryState.DROPPED
    noted(ticket, make.agent())
    drain()
    assert WebhookDelivery.objects.count() == 1


def waiting_jobs() -> Iterator[jobs.Job]:
    while taken := jobs.take():
        yield from taken


def test_a_held_answer_is_not_heard_before_its_time_and_never_when_taken_back(
    target: Receiver,
) -> None:
    webhook(target)
    vera, ticket = make.agent(), make.ticket()
    drain()
    before = len(target.heard)
    given: dict[str, Any] = {"agent": vera, "by": vera.actor, "seconds": 10, "solve": True}
    held = holding.hold_reply(ticket, "Первый ответ", **given)
    assert held
    drain()
    assert holding.take_back(held.pk, ticket, vera, by=vera.actor)
    with later(seconds=30):
        assert len(target.heard) == before
    holding.hold_reply(ticket, "Второй ответ", **given)
    drain()
    assert len(target.heard) == before
    with later(seconds=30):
        told = kinds(target)[before:]
    assert {"tickets.replied", SOLVED} <= set(told)
    assert set(told) <= set(hearing.KNOWN)


def test_no_fact_of_holding_is_offered_and_every_offered_one_names_its_ticket() -> None:
    offered = set(hearing.KNOWN)
    assert not [kind for kind in offered if "held" in kind or "hold" in kind or "return" in kind]
    known = known_facts()
    for kind in offered:
        names = set(known[kind].__dataclass_fields__)
        assert "ticket" in names, kind
        one = hearing.KNOWN[kind]
        assert {*one.hidden, *one.queues, *one.tickets} <= names, kind


def test_what_is_taken_in_silence_is_told_to_none(target: Receiver) -> None:
    webhook(target, "tickets.made", "tickets.message_received")
    make.incoming(headers={"received": "by mx.example; Mon, 01 Jan 2024 10:00:00 +0000"})
    drain()
    assert target.heard == []
    message = make.incoming(who=make.MARIA)
    drain()
    assert kinds(target) == ["tickets.made", "tickets.message_received"]
    assert target.heard[1].json["facts"] == {"message": message.pk}


def test_the_order_of_a_ticket_is_kept_and_others_do_not_wait(target: Receiver) -> None:
    webhook(target, NOTE, URGENCY)
    vera, first = make.agent(), make.ticket()
    second = make.ticket(who=make.MARIA)
    drain()
    target.will(500)
    noted(first, vera)
    desk.set_urgency(first, 1, by=vera.actor)
    noted(second, vera)
    drain()
    told = [(one.json["kind"], one.json["ticket"]["number"]) for one in target.heard]
    assert told == [(NOTE, first.pk), (NOTE, second.pk)]
    with later(minutes=2):
        told = [(one.json["kind"], one.json["ticket"]["number"]) for one in target.heard]
    assert told[2:] == [(NOTE, first.pk), (URGENCY, first.pk)]
    ids = [one.headers["webhook-id"] for one in target.heard]
    assert ids[0] == ids[2], "a repetition has the same id"
    assert len(set(ids)) == 3


def test_one_dead_program_blocks_neither_others_nor_tickets(target: Receiver) -> None:
    works_as = integration()
    dead, _secret = webhook("http://127.0.0.1:1/", NOTE, agent=works_as, name="dead")
    webhook(target, NOTE, agent=works_as)
    vera = make.agent()
    tickets = [make.ticket(who=(f"n{number}@firm.example", "Клиент")) for number in range(5)]
    drain()
    for ticket in tickets:
        noted(ticket, vera)
    drain()
    assert len(target.heard) == 5
    tried = WebhookDelivery.objects.filter(webhook=dead).order_by("id")
    assert [row.attempts for row in tried] == [1, 0, 0, 0, 0], "one call found out"
    assert tried[0].error == "connect"


def test_slow_programs_leave_hands_for_others(
    target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook(target, NOTE)
    ticket = make.ticket()
    drain()
    assert webhooks._calls.acquire(blocking=False)
    assert webhooks._calls.acquire(blocking=False)
    try:
        noted(ticket, make.agent())
        drain()
        assert target.heard == []
    finally:
        webhooks._calls.release(2)
    with later(seconds=2):
        assert kinds(target) == [NOTE]


def test_a_restored_copy_calls_nobody_until_an_administrator_says_so(target: Receiver) -> None:
    hook, _secret = webhook(target, NOTE)
    ticket = make.ticket()
    drain()
    standstill.begin("2026-11-27T21:00:00+00:00", by=make.BY)
    noted(ticket, make.agent())
    drain()
    with later(days=2):
        assert target.heard == []
    with pytest.raises(NotPossible):
        actions.test(hook, by=make.BY)
    assert target.heard == []
    standstill.end(by=make.BY)
    drain()
    assert kinds(target) == [NOTE]
    standstill.forget()


def test_a_demonstration_calls_only_its_own_machine(settings: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE)
    answers = {"hooks.example": ["8.8.8.8"]}
    asked: list[str] = []

    def resolve(host: str, port: int, seconds: float) -> list[str]:
        asked.append(host)
        return answers[host]

    from zabota.lib import calling
    from zabota.lib.networks import Reach, networks

    settings.FETCH_REACH = Reach(networks(["127.0.0.0/8", "::1"]), is_public_open=False)
    with pytest.raises(calling.Failed) as told:
        calling.call("POST", hook.address, headers={}, body=b"", resolve=resolve)
    assert told.value.code == "network"
    assert asked == ["hooks.example"]


def test_a_worker_that_dies_before_the_note_repeats_the_call_with_the_same_id(
    target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook(target, NOTE)
    ticket = make.ticket()
    drain()
    noted(ticket, make.agent())
    note = webhooks.note

    class Killed(BaseException):
        pass

    def die(*_given: Any) -> None:
        raise Killed

    monkeypatch.setattr(webhooks, "note", die)
    with pytest.raises(Killed):
        drain()
    monkeypatch.setattr(webhooks, "note", note)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")
    drain()
    first, second = target.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert statuses(WebhookDelivery.objects.all()) == [(NOTE, DeliveryState.DELIVERED)]


def test_old_deliveries_are_forgotten(target: Receiver) -> None:
    webhook(target, NOTE)
    ticket = make.ticket()
    noted(ticket, make.agent())
    drain()
    with clock.shifted(timedelta(days=13)):
        webhooks.forget_deliveries()
        assert WebhookDelivery.objects.count() == 1
    WebhookDelivery.objects.create(
        webhook_id=WebhookDelivery.objects.get().webhook_id, event=1, kind=NOTE, ticket=ticket.pk
    )
    with clock.shifted(timedelta(days=15)):
        webhooks.forget_deliveries()
    assert [row.state for row in WebhookDelivery.objects.all()] == [DeliveryState.WAITING]


@pytest.mark.django_db(transaction=True)
def test_calls_run_outside_transactions(target: Receiver) -> None:
    webhook(target, NOTE)
    ticket = make.ticket()
    noted(ticket, make.agent(level=Level.CLOSE))
    seen: list[bool] = []
    real = webhooks.attempt

    def look(*given: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return real(*given)

    webhooks.attempt = look  # type: ignore[assignment]
    try:
        for job in waiting_jobs():
            jobs.run(job)
            jobs.finish(job.number)
    finally:
        webhooks.attempt = real
    assert seen == [False]
    assert kinds(target) == [NOTE]
    assert run_timers() >= 0
