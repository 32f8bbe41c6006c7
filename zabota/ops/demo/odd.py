"""What else comes in: robots, bounces, spam, late, unreadable and doubled mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import translation

from zabota.channels.contract import Robot
from zabota.channels.models import RawMessage, RawState
from zabota.channels.wording import in_words
from zabota.customers.models import Contact, Identity
from zabota.events import actor
from zabota.ops.demo import cast, extra, grammar
from zabota.ops.demo.grammar import expand
from zabota.ops.demo.history import History
from zabota.ops.demo.plot import Plot, beginnings
from zabota.ops.demo.post import Client
from zabota.ops.demo.slots import Slots
from zabota.staff.models import Queue
from zabota.tickets import events as facts
from zabota.tickets.models import (
    Attachment,
    CloseReason,
    Direction,
    Message,
    Status,
    Ticket,
    TicketType,
)

ROBOTS = (("monitoring", "Monitoring"), ("1c-exchange", "1С:Обмен"))
UNREADABLE = (
    (b"\x00\x01\x02\xff\xfe" * 40, "There are no mail headers: this is not a mail."),
    (b"Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=\r\n\r\n\xd0\xd0\xd0 ?!\r\n",
     "No sender: the mail has neither From nor Reply-To nor Sender."),
    (b"To: support@nordhost.example\r\nDate: never\r\n\r\n", "No sender: the mail has neither From "
     "nor Reply-To nor Sender."),
    (b"Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--y\r\n\xff\xfe\xfd",
     "No sender: the mail has neither From nor Reply-To nor Sender."),
    (b"%PDF-1.3 this is no mail\r\n\x80\x81\x82", "There are no mail headers: this is not a mail."),
)  # fmt: skip


def robot(name: str, address: str, domain: str, began: datetime) -> Client:
    """A program that writes to us; its contact is stored at once."""
    contact = Contact.objects.create(name=name, is_robot=True, created_at=began)
    Identity.objects.create(contact=contact, value=address, created_at=began)
    return Client(contact, name, False, address, domain, "en", "gmail", is_robot=True)


def notices(plot: Plot, count: int) -> None:
    """Monitoring and 1C: kept, never acknowledged, mostly closed as robots."""
    began = plot.now - timedelta(days=95)
    senders = [
        (robot(name, f"{login}@{domain}", domain, began), login)
        for login, name in ROBOTS
        for domain in ("lesdvor.example", "fjordoutdoor.example", "baltlog.example")
    ]
    for at in beginnings(count, 90, plot.now, plot.rng):
        client, login = plot.rng.choice(senders)
        slots = Slots(plot.rng, "ru" if login == "1c-exchange" else "en", client.domain, at)
        slots["what"] = plot.rng.choice(extra.MONITOR_CHECKS)
        slots["level"] = plot.rng.choice(("WARNING", "CRITICAL", "OK"))
        subject, body = extra.ONE_C if login == "1c-exchange" else extra.MONITOR
        inbox = plot.world.inboxes["noc"]
        life = History(
            plot.batch,
            client,
            inbox=inbox,
            subject=expand(subject, plot.rng, slots, False),
            at=at,
            rng=plot.rng,
        )
        text = plot.fill(body, slots)
        life.receive(
            text,
            at,
            robot=Robot.AUTO_GENERATED,
            sign="Auto-Submitted: auto-generated",
            headers={"Auto-Submitted": "auto-generated"},
            html=False,
        )
        _shut_later(plot, life, CloseReason.ROBOT, "engineering1")


def spam(plot: Plot, count: int) -> None:
    """Advertising; closed as spam, the newest still waits."""
    for at in beginnings(count, 90, plot.now, plot.rng):
        language = plot.rng.choice(("ru", "en"))
        victim = plot.rng.choice(plot.world.clients[language])
        slots = Slots(plot.rng, language, victim.domain, at)
        login = f"promo{plot.rng.randint(100, 999999)}"
        client = robot(slots["person"], f"{login}@offers.example", victim.domain, at)
        client.contact.is_robot = client.is_robot = False
        client.contact.save()
        client.language = language
        subject, body = extra.SPAM[language]
        life = History(
            plot.batch,
            client,
            inbox=plot.world.inboxes["support"],
            at=at,
            rng=plot.rng,
            subject=expand(subject, plot.rng, slots, False),
        )
        text = plot.fill(body, slots)
        life.receive(
            text,
            at,
            robot=Robot.LIST,
            sign="List-Unsubscribe is present",
            headers={"List-Unsubscribe": "<https://offers.example/u>"},
        )
        life.ticket.is_robot = True
        _shut_later(plot, life, CloseReason.SPAM, "support1")


def bounces(plot: Plot, told: list[History], count: int) -> None:
    """Undeliverable answers come back as robots' tickets, linked to the ticket they belong to."""
    answered = [life for life in told if life.ticket.first_answer_at is not None]
    for life in plot.rng.sample(answered, count):
        old = life.ticket
        client, at = life.client, old.first_answer_at
        assert at is not None
        slots = Slots(plot.rng, client.language, client.domain, at)
        slots["address"], slots["subject"] = client.address, old.subject
        daemon = _daemon(client.address.partition("@")[2], at)
        daemon.language = client.language
        subject, body = extra.BOUNCE[client.language]
        at += timedelta(seconds=plot.rng.randint(4, 300))
        if at >= plot.now:
            continue
        made = History(
            plot.batch,
            daemon,
            inbox=life.inbox,
            at=at,
            rng=plot.rng,
            subject=expand(subject, plot.rng, slots, False),
        )
        made.ticket.maybe_related = old
        text = plot.fill(body, slots)
        made.receive(text, at, robot=Robot.BOUNCE, sign="From is mailer-daemon", html=False)
        _shut_later(plot, made, CloseReason.ROBOT, "support1")


def _daemon(domain: str, at: datetime) -> Client:
    address = f"mailer-daemon@{domain}"
    known = Identity.objects.filter(value=address).select_related("contact").first()
    if known is None:
        return robot("Mail Delivery System", address, domain, at)
    name = "Mail Delivery System"
    return Client(known.contact, name, False, address, domain, "en", "gmail", is_robot=True)


def _shut_later(plot: Plot, life: History, reason: CloseReason, queue: str) -> None:
    at = life.ticket.created_at + timedelta(hours=plot.rng.uniform(1, 30))
    if at < plot.now:
        logins = cast.CREW[queue]["ru"]
        life.close(reason, at, plot.world.agents[plot.rng.choice(logins)].actor)


def doubles(plot: Plot, told: list[History], count: int) -> None:
    """Impatient clients write the same matter twice; the second ticket is a closed duplicate."""
    for life in plot.rng.sample(told, count):
        old, client = life.ticket, life.client
        at = old.created_at + timedelta(minutes=plot.rng.randint(20, 90))
        if at >= plot.now:
            continue
        slots = Slots(plot.rng, client.language, client.domain, at)
        made = History(
            plot.batch, client, inbox=life.inbox, subject=old.subject, at=at, rng=plot.rng
        )
        nudge = extra.NUDGE[client.language]
        made.receive(plot.fill(nudge, slots), at)
        agent = plot.world.agents[plot.rng.choice(cast.CREW["support1"]["ru"])]
        if at + timedelta(minutes=9) < plot.now:
            made.close(CloseReason.DUPLICATE, at + timedelta(minutes=9), agent.actor)


def late(plot: Plot, count: int) -> None:
    """Old mail that came only now: taken in silently, waiting for somebody."""
    for _ in range(count):
        language = plot.rng.choice(("ru", "en"))
        client = plot.rng.choice(plot.world.clients[language])
        found = [s for s in grammar.stories(language).values() if s.subjects and s.urgency > 2]
        story = plot.rng.choice(found)
        at = plot.now - timedelta(days=plot.rng.uniform(30, 85))
        slots = Slots(plot.rng, language, client.domain, at)
        subject = expand(plot.rng.choice(story.subjects), plot.rng, slots, client.female)
        life = History(
            plot.batch,
            client,
            inbox=plot.world.inboxes["support"],
            subject=subject,
            at=at,
            rng=plot.rng,
            late=True,
        )
        text = plot.fill(f"{story.steps[0].text}\n\n{client.name}", slots, client.female)
        life.receive(text, at)


def outreach(plot: Plot, count: int) -> None:
    """Tickets we open ourselves: a word about works that touch the client."""
    for at in beginnings(count, 60, plot.now, plot.rng):
        language = plot.rng.choice(("ru", "en"))
        client = plot.rng.choice(plot.world.clients[language])
        slots = Slots(plot.rng, language, client.domain, at)
        subject, body = (extra.OUTREACH[language][0].format_map(slots), extra.OUTREACH[language][1])
        life = History(
            plot.batch,
            client,
            inbox=plot.world.inboxes["noc"],
            subject=subject,
            at=at,
            rng=plot.rng,
        )
        life.ticket.type, life.ticket.awaits_answer = TicketType.OUTREACH, False
        agent = plot.world.agents["e.lindqvist" if language == "en" else "a.tikhonov"]
        text = plot.fill(body, slots)
        life.reply(agent, text, at, then=Status.WAITING_CLIENT)
        if plot.now - at > timedelta(days=12):
            life.solve_quietly(agent, at + timedelta(days=11))
            due = at + timedelta(days=18)
            if due < plot.now:
                life.close(CloseReason.AFTER_SOLVED, due, actor.system("closing"))
            else:
                life.await_closing()


def quarantine(plot: Plot, queue: Queue) -> None:
    """Bytes that nobody can read, with the original attached; one was discarded."""
    for number, (content, error) in enumerate(UNREADABLE):
        at = plot.now - timedelta(hours=7 + 29 * number)
        ticket, raw = _unreadable(plot, queue, content, error, at)
        if number == len(UNREADABLE) - 1:
            _discard(plot, ticket, raw, at + timedelta(hours=3))


def _unreadable(
    plot: Plot, queue: Queue, content: bytes, error: str, at: datetime
) -> tuple[Ticket, RawMessage]:
    inbox, add = plot.world.inboxes["support"], plot.batch.add
    digest, size = plot.batch.keep(content), len(content)
    raw: RawMessage = add(
        RawMessage(inbox=inbox, sha256=digest, size=size, received_at=at, arrived_at=at,
                   state=RawState.QUARANTINE, error=error)
    )  # fmt: skip
    raw.place = f"demo:{raw.pk}"
    with translation.override(inbox.language):
        words = in_words(error)
    ticket: Ticket = add(
        Ticket(subject=f"{inbox.address}: {words}"[:300], queue=queue, queue_reason="quarantine",
               inbox=inbox, language=inbox.language, quarantined=raw, is_robot=True,
               created_at=at, last_message_at=at)
    )  # fmt: skip
    message: Message = add(
        Message(ticket=ticket, direction=Direction.IN, raw=raw, inbox=inbox, at=at, received_at=at,
                text=f"{words} [{digest[:8]}]", thread_how="new")
    )  # fmt: skip
    add(
        Attachment(message=message, name=f"original-{raw.pk}.eml", size=size, sha256=digest,
                   content_type="message/rfc822")
    )  # fmt: skip
    by, stream = actor.system("intake"), ticket.stream
    made = facts.TicketMade(ticket.pk, queue.pk, "quarantine")
    plot.batch.record(made, stream=stream, by=by, at=at)
    plot.batch.record(facts.Quarantined(ticket.pk, raw.pk), stream=stream, by=by, at=at)
    return ticket, raw


def _discard(plot: Plot, ticket: Ticket, raw: RawMessage, at: datetime) -> None:
    by = plot.world.agents["o.kuznetsova"].actor
    raw.state, raw.discard_reason = RawState.DISCARDED, "Файл, а не письмо; отправителя нет."
    ticket.status, ticket.closed_at = Status.CLOSED, at
    ticket.close_reason, ticket.awaits_answer = CloseReason.QUARANTINE, False
    ticket.status_version, ticket.version = 1, 2
    left = facts.QuarantineLeft(ticket.pk, how="discarded", became=None)
    plot.batch.record(left, stream=ticket.stream, by=by, at=at)
    closed = facts.Closed(ticket.pk, was="new", reason=CloseReason.QUARANTINE)
    plot.batch.record(closed, stream=ticket.stream, by=by, at=at)
