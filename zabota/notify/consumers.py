from __future__ import annotations

from zabota.channels import outbox
from zabota.channels.contract import Address, Envelope
from zabota.channels.events import BalanceBroken
from zabota.channels.models import Inbox
from zabota.events import alarms
from zabota.events.actor import Actor, system
from zabota.events.alarms import AlarmRaised
from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib.html import text_to_html
from zabota.notify import letters
from zabota.notify.events import WebhookSwitched
from zabota.notify.models import OffReason, Webhook
from zabota.sla.clocks import BURNS_AT
from zabota.sla.events import ClockReached
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets import links
from zabota.tickets.events import FloodBegan, MessageReceived, OwnerChanged
from zabota.tickets.models import Message, Ticket
from zabota.tickets.turns import is_waiting


def _has_reader(fact: MessageReceived) -> bool:
    # Who becomes the owner later hears of the whole ticket by that.
    return fact.owner is not None and not fact.silent


def _is_alarm(fact: WebhookSwitched) -> bool:
    return not fact.is_on and fact.reason != OffReason.HAND


@consumer("notify.client_wrote", MessageReceived, wants=_has_reader)
def client_wrote(event: Event, fact: MessageReceived) -> None:
    """The owner hears by mail that his client wrote; silence for late mail and robots."""
    owned = Message.objects.filter(pk=fact.message, robot="", ticket__owner__isnull=False)
    message = owned.select_related("ticket__owner", "ticket__inbox").first()
    if message is None or message.ticket.owner is None or _was_given_since(event):
        return
    ticket, owner = message.ticket, message.ticket.owner
    _send(owner, ticket, letters.new_message(owner, ticket, message), event)


@consumer("notify.flood", FloodBegan)
def flooded(event: Event, fact: FloodBegan) -> None:
    """Whoever leads the queue hears once that somebody floods it."""
    ticket = Ticket.objects.select_related("contact", "inbox").get(pk=fact.ticket)
    for lead in policy.agents_of(ticket.queue_id, Level.MANAGE):
        _send(lead, ticket, letters.flood(lead, ticket), event)


@consumer("notify.balance", BalanceBroken)
def unbalanced(event: Event, fact: BalanceBroken) -> None:
    """Administrators hear once of a day whose mail does not come out even."""
    inbox = Inbox.objects.filter(pk=fact.inbox).first()
    if inbox is None:
        return
    for agent in policy.administrators():
        key = f"balance:{fact.inbox}:{fact.day}:{agent.pk}"
        letter = letters.unbalanced(agent, inbox, fact)
        outbox.enqueue(_letter(agent, inbox, letter), key=key, inbox=inbox, by=_by(event))


@consumer("notify.webhook_off", WebhookSwitched, wants=_is_alarm)
def switched_off(event: Event, fact: WebhookSwitched) -> None:
    """Administrators hear that a program is told nothing any more."""
    hook = Webhook.objects.filter(pk=fact.webhook).first()
    inbox = Inbox.objects.filter(is_active=True).order_by("id").first()
    if hook is None or inbox is None:
        return
    for agent in policy.administrators():
        letter = letters.webhook_off(agent, hook, fact)
        key = f"webhook:{event.pk}:{agent.pk}"
        outbox.enqueue(_letter(agent, inbox, letter), key=key, inbox=inbox, by=_by(event))


@consumer("notify.alarm", AlarmRaised)
def alarmed(event: Event, fact: AlarmRaised) -> None:
    """Administrators hear that the machine needs a person, unless it is over by now."""
    wrong = [alarm for alarm in alarms.current() if alarm.name == fact.alarm]
    inbox = Inbox.objects.filter(is_active=True).order_by("id").first()
    if not wrong or inbox is None:
        return
    for agent in policy.administrators():
        key = f"alarm:{event.pk}:{agent.pk}"
        letter = letters.alarm(agent, wrong)
        outbox.enqueue(_letter(agent, inbox, letter), key=key, inbox=inbox, by=_by(event))


@consumer("notify.guard", ClockReached, wants=lambda fact: fact.clock == "guard")
def guarded(event: Event, fact: ClockReached) -> None:
    """The owner hears that a client waits too long; from three quarters on the leads do where
    nobody owns the ticket, and at the end in any case."""
    ticket = Ticket.objects.select_related("owner", "inbox").get(pk=fact.ticket)
    if not is_waiting(ticket):
        return
    people = {ticket.owner.pk: ticket.owner} if ticket.owner else {}
    if fact.percent >= 100 or (fact.percent >= BURNS_AT and not people):
        leads = policy.agents_of(ticket.queue_id, Level.MANAGE)
        people |= {lead.pk: lead for lead in leads}
    for agent in people.values():
        _send(agent, ticket, letters.guard(agent, ticket, fact.percent), event)


@consumer("notify.owner_changed", OwnerChanged)
def given(event: Event, fact: OwnerChanged) -> None:
    """The new owner hears of it, unless he took the ticket himself."""
    if fact.now is None or event.actor == f"agent:{fact.now}":
        return
    ticket = Ticket.objects.select_related("owner", "inbox").get(pk=fact.ticket)
    if ticket.owner is None or ticket.owner.pk != fact.now:
        return
    _send(ticket.owner, ticket, letters.given(ticket.owner, ticket), event)


def _was_given_since(event: Event) -> bool:
    """He became owner after this message and hears of the whole ticket by that."""
    later = Event.objects.filter(stream=event.stream, pk__gt=event.pk)
    return later.filter(kind=OwnerChanged.kind).exists()


def _send(agent: Agent, ticket: Ticket, letter: tuple[str, str], event: Event) -> None:
    if not (agent.mail_notices and policy.allows(agent, Level.SEE, ticket.queue_id)):
        return
    inbox = ticket.inbox or Inbox.objects.filter(is_active=True).order_by("id").first()
    if inbox is None or Inbox.objects.filter(address=agent.email).exists():
        return
    key = links.notice_key(ticket.pk, event.pk, agent.pk)
    answers = links.note_address(inbox.address, ticket.pk) if inbox.plus_addresses else ""
    envelope = _letter(agent, inbox, letter, answers)
    outbox.enqueue(envelope, key=key, inbox=inbox, by=_by(event))


def _by(event: Event) -> Actor:
    return system("notify").because(event)


def _letter(agent: Agent, inbox: Inbox, letter: tuple[str, str], answers: str = "") -> Envelope:
    subject, text = letter
    return Envelope(
        message_id=outbox.new_message_id(inbox.address, "notice"),
        mail_from=inbox.address,
        sender=Address(inbox.address, inbox.sender_name or inbox.name),
        to=(Address(agent.email, agent.full_name),),
        cc=(),
        subject=subject,
        text=text,
        html=text_to_html(text),
        reply_to=(Address(answers),) if answers else (),
        automatic=True,
    )
