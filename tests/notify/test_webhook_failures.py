"""Webhooks whose program does not answer well: back-off, giving up, switching off, replay."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.drain import drain, run_timers
from tests.notify.program import LOOPBACK, kinds, later, signs, webhook
from tests.receiver import Receiver, receiving
from zabota.channels.models import Outgoing
from zabota.channels.outbox import load
from zabota.events.models import Event
from zabota.lib import clock
from zabota.lib.calling import Answer
from zabota.notify import actions, outcomes, webhooks
from zabota.notify.models import DeliveryState, OffReason, Webhook, WebhookDelivery
from zabota.tickets import actions as desk
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db
NOTE, URGENCY = "tickets.note_added", "tickets.urgency_changed"
HOUR = timedelta(hours=1)


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiving() as found, LOOPBACK:
        yield found


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, most: least)


def something(ticket: Ticket | None = None) -> Ticket:
    """A note in a ticket, for the program to hear of."""
    found = ticket or make.ticket()
    vera = make.agent()
    desk.add_note(found, "Заметка", agent=vera, by=vera.actor)
    drain()
    return found


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def letters() -> list[Any]:
    rows = Outgoing.objects.filter(key__startswith="webhook:").order_by("id")
    return [load(row.envelope) for row in rows]


def until(moment: timedelta, step: timedelta = HOUR / 4) -> None:
    """Time passes, in steps; timers and jobs are done at each."""
    passed = timedelta(0)
    while passed < moment:
        passed += step
        with clock.shifted(passed):
            run_timers()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_what_may_pass_is_tried_again_after_one_minute_five_and_thirty(
    target: Receiver, status: int
) -> None:
    webhook(target, NOTE)
    target.will(status, status, status)
    something()
    for passed, calls in ((0.9, 1), (1.1, 2), (5.9, 2), (6.2, 3), (35.9, 3), (36.5, 4)):
        with later(minutes=passed):
            assert len(target.heard) == calls, f"after {passed} minutes"
    assert len({one.headers["webhook-id"] for one in target.heard}) == 1
    stamps = [int(one.headers["webhook-timestamp"]) for one in target.heard]
    assert stamps[3] - stamps[0] > 36 * 60, "each try is signed with its own time"
    assert (only().state, only().attempts) == (DeliveryState.DELIVERED, 4)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded(target: Receiver, status: int) -> None:
    webhook(target, NOTE)
    target.will(status, Retry_After="1200")
    something()
    with later(minutes=19):
        assert len(target.heard) == 1
    with later(minutes=21):
        assert len(target.heard) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("120", timedelta(minutes=2)),
        ("99999999999999", timedelta(days=1)),
        ("Sun, 29 Nov 2026 12:30:00 GMT", timedelta(minutes=30)),
        ("Sun, 29 Nov 2026 11:30:00 GMT", None),
        ("Sun, 29 Nov 2026 12:30:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_retry_after_is_read(said: str, expected: timedelta | None) -> None:
    from datetime import UTC, datetime

    with clock.at(datetime(2026, 11, 29, 12, tzinfo=UTC)):
        answer = Answer(503, {"retry-after": said}, b"")
        assert outcomes.of_answer(answer, 1).after == expected


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 422])
def test_what_time_hardly_mends_is_tried_a_few_times(target: Receiver, status: int) -> None:
    webhook(target, NOTE)
    target.will(*[status] * 10, Location="http://127.0.0.1:1/")
    something()
    until(timedelta(hours=6))
    assert len(target.heard) == outcomes.FEW
    row = only()
    assert (row.state, row.status, row.answer) == (DeliveryState.FAILED, status, "It said so.")
    assert row.error == ("redirect" if status < 400 else "status")
    assert Webhook.objects.get().is_active


def test_the_tries_of_one_delivery_take_almost_four_days(target: Receiver) -> None:
    webhook(target, NOTE)
    target.will(*[500] * 30)
    something()
    until(timedelta(days=3.8), timedelta(hours=2))
    assert only().state == DeliveryState.WAITING
    until(timedelta(days=6), timedelta(hours=6))
    assert only().state == DeliveryState.FAILED
    assert len(target.heard) == len(outcomes.BACKOFF) + 1


def test_gone_switches_off_at_once_with_an_alarm(target: Receiver) -> None:
    chief = make.administrator()
    hook, _secret = webhook(target, NOTE)
    target.will(410)
    ticket = something()
    hook.refresh_from_db()
    assert (hook.is_active, hook.off_reason) == (False, OffReason.GONE)
    assert [letter.to[0].email for letter in letters()] == [chief.email]
    something(ticket)
    with later(days=3):
        assert len(target.heard) == 1
    states = list(WebhookDelivery.objects.order_by("id").values_list("state", flat=True))
    assert states == [DeliveryState.FAILED, DeliveryState.MISSED]


def test_a_week_of_failures_switches_off_and_what_was_missed_is_sent_afterwards(
    target: Receiver,
) -> None:
    chief = make.administrator(language="en")
    hook, _secret = webhook(target, NOTE, URGENCY)
    url = hook.address
    Webhook.objects.update(address="http://127.0.0.1:1/")
    first = something()
    with clock.shifted(timedelta(days=2)):
        second = make.ticket(who=make.MARIA)
        something(second)
    until(timedelta(days=6.9), timedelta(hours=3))
    hook.refresh_from_db()
    assert hook.is_active
    assert 8 < hook.failures < 20, "one call at a time finds out, ever more rarely"
    assert letters() == []
    until(timedelta(days=8.2), timedelta(hours=3))
    hook.refresh_from_db()
    assert (hook.is_active, hook.off_reason) == (False, OffReason.WEEK)
    [letter] = letters()
    assert letter.to[0].email == chief.email
    assert "CRM" in letter.subject
    assert f"/settings/webhooks/{hook.pk}/" in letter.text
    fact = Event.objects.get(kind="notify.webhook_switched").facts
    assert fact == {"webhook": hook.pk, "is_on": False, "reason": "week", "waiting": 2}
    with clock.shifted(timedelta(days=9)):
        desk.set_urgency(first, 1, by=chief.actor)
        drain()
        run_timers()
        assert target.heard == []
        Webhook.objects.update(address=url)
        hook.refresh_from_db()
        assert actions.switch_on(hook, replay=True, by=chief.actor) == 3
        drain()
        told = [(one.json["kind"], one.json["ticket"]["number"]) for one in target.heard]
        assert told == [(NOTE, first.pk), (NOTE, second.pk), (URGENCY, first.pk)]
        assert actions.switch_on(hook, replay=True, by=chief.actor) == 0
    assert len(letters()) == 1


def test_a_success_in_between_begins_the_week_anew(target: Receiver) -> None:
    hook, _secret = webhook(target, NOTE)
    target.will(500)
    ticket = something()
    with later(minutes=2):
        assert only().state == DeliveryState.DELIVERED
    target.will(500)
    with clock.shifted(timedelta(days=8)):
        something(ticket)
    hook.refresh_from_db()
    assert hook.is_active
    assert hook.failures == 1


def test_switched_off_by_hand_it_hears_nothing_and_tells_nobody(target: Receiver) -> None:
    chief = make.administrator()
    hook, _secret = webhook(target, NOTE)
    ticket = make.ticket()
    drain()
    actions.switch_off(hook, by=chief.actor)
    something(ticket)
    assert not WebhookDelivery.objects.exists()
    assert letters() == []
    actions.switch_on(hook, replay=True, by=chief.actor)
    something(ticket)
    assert kinds(target) == [NOTE]


def test_a_program_that_answers_badly_three_times_is_left_alone(target: Receiver) -> None:
    webhook(target, NOTE)
    tickets = [make.ticket(who=who) for who in (make.PETR, make.MARIA, make.JOHN)]
    tickets += [make.ticket(who=(f"n{n}@firm.example", "Н")) for n in range(3)]
    drain()
    target.will(*[500] * 3)
    vera = make.agent()
    for ticket in tickets:
        desk.add_note(ticket, "Заметка", agent=vera, by=vera.actor)
    drain()
    assert len(target.heard) == 3
    with later(hours=1):
        assert len(target.heard) == 3 + 6
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_one_delivery_and_all_failed_are_sent_again_with_their_ids(target: Receiver) -> None:
    chief = make.administrator()
    hook, _secret = webhook(target, NOTE)
    target.will(*[400] * outcomes.FEW)
    ticket = something()
    until(timedelta(hours=3))
    row = only()
    assert row.state == DeliveryState.FAILED
    assert actions.replay_all(hook, by=chief.actor) == 1
    drain()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == (DeliveryState.DELIVERED, 1, "")
    actions.replay(row, by=chief.actor)
    with pytest.raises(NotPossible):
        actions.replay(row, by=chief.actor)
    drain()
    assert len({one.headers["webhook-id"] for one in target.heard}) == 1
    assert len(target.heard) == outcomes.FEW + 2
    assert target.heard[-1].json["ticket"]["number"] == ticket.pk
    assert actions.replay_all(hook, by=chief.actor) == 0
    actions.switch_off(hook, by=chief.actor)
    hook.refresh_from_db()
    for attempt in (
        lambda: actions.replay(row, by=chief.actor),
        lambda: actions.replay_all(hook, by=chief.actor),
    ):
        with pytest.raises(NotPossible):
            attempt()


def test_both_secrets_sign_during_a_rotation_and_the_new_one_afterwards(target: Receiver) -> None:
    chief = make.administrator()
    hook, old = webhook(target, NOTE)
    assert old not in hook.secret_encrypted
    new = actions.rotate_secret(hook, hours=24, by=chief.actor)
    ticket = something()
    assert signs(target.heard[-1], new, old) == [True, True]
    with clock.shifted(timedelta(hours=25)):
        something(ticket)
    assert signs(target.heard[-1], new, old) == [True, False]
    newest = actions.rotate_secret(hook, hours=0, by=chief.actor)
    something(ticket)
    assert signs(target.heard[-1], newest, new, old) == [True, False, False]
    facts = Event.objects.filter(kind="notify.webhook_secret_changed").values_list("facts")
    assert all(new not in str(row) and old not in str(row) for row in facts)


def test_a_test_tells_what_happened_and_ends_a_rest(target: Receiver) -> None:
    chief = make.administrator()
    hook, secret = webhook(target, NOTE)
    target.will(503)
    ticket = something()
    drain()
    assert len(target.heard) == 1
    row = actions.test(hook, by=chief.actor)
    assert (row.state, row.status) == (DeliveryState.DELIVERED, 204)
    heard = target.heard[1]
    assert signs(heard, secret) == [True]
    assert heard.json == {
        "id": f"test_{row.pk}", "kind": "test", "webhook": hook.pk, "ticket": None,
    }  # fmt: skip
    something(ticket)
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since) == (0, None)
    Webhook.objects.update(address="http://127.0.0.1:1/")
    hook.refresh_from_db()
    bad = actions.test(hook, by=chief.actor)
    assert (bad.state, bad.error) == (DeliveryState.FAILED, "connect")
    hook.refresh_from_db()
    assert hook.failures == 0, "a test is no failure of the week"
    with pytest.raises(NotPossible):
        actions.replay(bad, by=chief.actor)


def test_a_new_address_is_tried_at_once(target: Receiver) -> None:
    hook, _secret = webhook("http://127.0.0.1:1/", NOTE)
    something()
    hook.refresh_from_db()
    assert hook.failures == 1
    WebhookDelivery.objects.update(next_try=None)
    hook.address = target.url
    actions.save_webhook(hook, ["address"], by=make.BY)
    drain()
    assert kinds(target) == [NOTE]


def test_another_secret_key_is_told_and_nothing_is_lost(target: Receiver, settings: Any) -> None:
    webhook(target, NOTE)
    ticket = make.ticket()
    drain()
    kept = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    something(ticket)
    assert (only().error, only().state) == ("key", DeliveryState.WAITING)
    settings.SECRET_KEY = kept
    with later(minutes=2):
        assert kinds(target) == [NOTE]


def test_the_answer_is_kept_harmless_and_short() -> None:
    answer = Answer(500, {}, b"a\x00b\xff" + b"c" * 9000)
    told = outcomes.of_answer(answer, 1).answer
    assert told.startswith("ab�ccc")
    assert len(told) == outcomes.EXCERPT
    assert webhooks.KEPT > webhooks.WEEK, "what a week missed must still be there"
