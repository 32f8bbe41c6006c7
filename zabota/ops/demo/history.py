"""One ticket's life in the past tense: the fields and facts that the actions would leave."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from zabota.channels.contract import Robot
from zabota.channels.models import Inbox, OutgoingState
from zabota.events import actor
from zabota.events.facts import Fact
from zabota.events.models import Timer
from zabota.lib.html import clean_html, text_to_html
from zabota.lib.text import shorten
from zabota.ops.demo import deadlines, mails
from zabota.ops.demo.batch import Batch
from zabota.ops.demo.mails import File
from zabota.ops.demo.post import SECOND, Client, Post
from zabota.staff.models import Agent, Queue, Topic
from zabota.tickets import events as facts
from zabota.tickets import letters
from zabota.tickets.actions.solving import CLOSES_AFTER
from zabota.tickets.appending import QUIET
from zabota.tickets.lasting import with_client
from zabota.tickets.models import (
    Attachment,
    CloseReason,
    Direction,
    Message,
    Participant,
    Status,
    Ticket,
)


class History:
    """A ticket being told. Every method takes the moment at which it happened."""

    def __init__(
        self,
        batch: Batch,
        client: Client,
        *,
        inbox: Inbox,
        subject: str,
        at: datetime,
        rng: random.Random,
        late: bool = False,
    ) -> None:
        self.batch, self.client, self.inbox, self.rng = batch, client, inbox, rng
        self.late = late
        self.post = Post(batch, client, inbox, rng, late)
        self.messages = 0
        self.solved_once = False
        self.turns: list[tuple[datetime, str]] = []
        self.ticket: Ticket = batch.add(
            Ticket(
                subject=subject[:300],
                queue=inbox.queue,
                queue_reason="inbox",
                contact=client.contact,
                account=client.contact.account,
                inbox=inbox,
                language=client.language,
                created_at=at,
                last_message_at=at,
                arrived_late=late,
                is_robot=client.is_robot,
            )
        )
        batch.add(
            Participant(ticket=self.ticket, address=client.address, name=client.name, role="from")
        )
        made = facts.TicketMade(self.ticket.pk, self.ticket.queue_id, "inbox")
        self._record(made, at, actor.system("intake"))

    def receive(
        self,
        text: str,
        at: datetime,
        *,
        files: Sequence[File] = (),
        robot: Robot = Robot.NONE,
        sign: str = "",
        headers: dict[str, str] | None = None,
        html: bool = True,
    ) -> Message:
        """The client's mail, and the acknowledgement when it is his first."""
        ticket, first = self.ticket, self.messages == 0
        body = self.post.body(ticket, text, alone=first or bool(robot))
        body_html = body.html if html else ""
        for file in files:
            if file.content_id:
                body_html += f'<div><img src="cid:{file.content_id}" alt="{file.name}"></div>'
        mail = self.post.mail(ticket, body.text, body_html, at, files, headers or {})
        raw = self.post.raw(mails.build(mail), at)
        how, detail = self.post.threading(mail)
        message = self._message(
            direction=Direction.IN,
            contact=self.client.contact,
            at=at,
            text=text,
            quoted=body.quote,
            html=clean_html(body_html) if body_html else "",
            raw=raw,
            message_id=mail.message_id,
            in_reply_to=mail.in_reply_to,
            content_key=raw.sha256,
            robot=robot,
            robot_sign=sign,
            thread_how=how,
            thread_detail=detail[:250],
        )
        message.triaged_at = at + SECOND
        self._attach(message, files)
        self._wake(message, at)
        self._triage(message, first, at + SECOND, robot)
        return message

    def reply(
        self,
        agent: Agent,
        text: str,
        at: datetime,
        *,
        solve: bool = False,
        then: str = "",
        files: Sequence[File] = (),
        failed: str = "",
    ) -> Message:
        """An agent's answer; `failed` is the server's refusal when it did not arrive."""
        ticket = self.ticket
        message = self._message(
            direction=Direction.OUT,
            agent=agent,
            signed=letters.signature(agent),
            at=at,
            text=text,
            html=text_to_html(text),
            solves=solve,
            message_id=self._new_id(),
        )
        self._attach(message, files)
        self.post.send(message, files, failed)
        if failed:
            fact = facts.DeliveryChanged(ticket.pk, message.pk, OutgoingState.FAILED)
            self._record(fact, at + 3 * SECOND, actor.system("outbox"))
        by = agent.actor
        if ticket.owner is None:
            self.give(agent, at, by)
        ticket.first_answer_at = ticket.first_answer_at or at
        ticket.awaits_answer, ticket.waits_since = False, None
        ticket.last_message_at, ticket.snippet = at, shorten(text, 160)
        ticket.version += 3
        replied = facts.Replied(ticket=ticket.pk, message=message.pk, solves=solve, purpose="")
        self._record(replied, at, by)
        if solve:
            self._mark_solved(message.pk, at, by)
        elif then and ticket.status != then:
            self.turn(Status(then), at, by)
        elif ticket.status == Status.NEW:
            self.turn(Status.OPEN, at, by)
        return message

    def note(self, agent: Agent, text: str, at: datetime) -> Message:
        """An internal note."""
        message = self._message(
            direction=Direction.NOTE,
            agent=agent,
            signed=agent.full_name,
            at=at,
            text=text,
            html=text_to_html(text),
        )
        self.ticket.version += 1
        fact = facts.NoteAdded(ticket=self.ticket.pk, message=message.pk)
        self._record(fact, at, agent.actor)
        return message

    def call(self, agent: Agent, summary: str, advice: str, minutes: int, at: datetime) -> Message:
        """A logged call."""
        message = self._message(
            direction=Direction.CALL,
            agent=agent,
            signed=agent.full_name,
            contact=self.client.contact,
            at=at,
            text=summary,
            html=text_to_html(summary),
            call={"topic": self.ticket.subject[:200], "advice": advice, "came_in": False,
                  "minutes": minutes},
        )  # fmt: skip
        self.ticket.version += 1
        self.ticket.last_message_at, self.ticket.snippet = at, shorten(summary, 160)
        fact = facts.CallLogged(ticket=self.ticket.pk, message=message.pk)
        self._record(fact, at, agent.actor)
        return message

    def give(self, agent: Agent | None, at: datetime, by: actor.Actor) -> None:
        """Another owner, or nobody."""
        was, self.ticket.owner = self.ticket.owner_id, agent
        now = agent.pk if agent else None
        self._record(facts.OwnerChanged(ticket=self.ticket.pk, was=was, now=now), at, by)
        self.ticket.version += 1

    def move(self, queue: Queue, reason: str, at: datetime, by: actor.Actor) -> None:
        """Another queue."""
        was, self.ticket.queue = self.ticket.queue_id, queue
        self.ticket.queue_reason = reason
        fact = facts.QueueChanged(ticket=self.ticket.pk, was=was, now=queue.pk, reason=reason)
        self._record(fact, at, by)
        self.ticket.version += 1

    def classify(
        self, topic: Topic, type_: str, urgency: int, tags: list[str], at: datetime, by: actor.Actor
    ) -> None:
        """Topic, type, urgency and tags as an agent sets them at first sight."""
        ticket = self.ticket
        if ticket.topic_id != topic.pk:
            was, ticket.topic = ticket.topic_id, topic
            self._record(facts.TopicChanged(ticket=ticket.pk, was=was, now=topic.pk), at, by)
        if ticket.type != type_:
            changed = facts.TypeChanged(ticket=ticket.pk, was=ticket.type, now=type_)
            ticket.type = type_
            self._record(changed, at, by)
        if ticket.urgency != urgency:
            hurry = facts.UrgencyChanged(ticket=ticket.pk, was=ticket.urgency, now=urgency)
            ticket.urgency = urgency
            self._record(hurry, at, by)
        if tags:
            ticket.tags = sorted(tags)
            self._record(facts.TagsChanged(ticket.pk, ticket.tags, []), at, by)
        ticket.version += 1

    def turn(self, status: Status, at: datetime, by: actor.Actor) -> None:
        """Another working status."""
        was, self.ticket.status = self.ticket.status, status
        self.ticket.status_version += 1
        self._record(facts.StatusChanged(ticket=self.ticket.pk, was=was, now=status), at, by)
        self.turns.append((at, status))

    def solve_quietly(self, agent: Agent, at: datetime) -> None:
        """Solved without an answer: the solved notice goes."""
        self.ticket.version += 1
        self._mark_solved(None, at, agent.actor)
        self._automatic("solved", letters.solved_notice(self.ticket), at + SECOND)

    def close(self, reason: CloseReason, at: datetime, by: actor.Actor) -> None:
        """Closed, with the counted reason."""
        ticket = self.ticket
        was, ticket.status = ticket.status, Status.CLOSED
        ticket.status_version += 1
        ticket.closed_at, ticket.close_reason, ticket.awaits_answer = at, reason, False
        ticket.version += 1
        self._record(facts.Closed(ticket=ticket.pk, was=was, reason=reason), at, by)

    def await_closing(self) -> None:
        """The timer of a ticket that was solved less than seven days ago."""
        ticket = self.ticket
        if ticket.solved_at is None:
            return
        fact = facts.ClosingDue(ticket=ticket.pk, version=ticket.status_version)
        self.batch.add(
            Timer(
                due_at=ticket.solved_at + CLOSES_AFTER,
                subject=f"ticket-status:{ticket.pk}",
                kind=fact.kind,
                stream=ticket.stream,
                version=ticket.status_version,
                facts=fact.as_json(),
            )
        )

    def _mark_solved(self, told: int | None, at: datetime, by: actor.Actor) -> None:
        ticket = self.ticket
        was, ticket.status = ticket.status, Status.SOLVED
        ticket.status_version += 1
        ticket.solved_at, ticket.awaits_answer = at, False
        self.solved_once = True
        took = int((at - ticket.created_at).total_seconds())
        waited = int(with_client(self.turns, at).total_seconds())
        self._record(facts.Solved(ticket.pk, was, told, took, min(waited, took)), at, by)
        self.turns.append((at, Status.SOLVED))

    def _wake(self, message: Message, at: datetime) -> None:
        """What a client's mail changes in its ticket (compare `tickets.appending`)."""
        ticket, by = self.ticket, actor.system("intake")
        ticket.last_message_at, ticket.snippet = at, shorten(message.text, 160)
        if not message.robot and not self.late and ticket.waits_since is None:
            ticket.waits_since = at
        if message.robot not in QUIET:
            ticket.awaits_answer = True
            if ticket.status == Status.SOLVED:
                self._open_solved(message, at, by)
            elif ticket.status == Status.WAITING_CLIENT:
                self.turn(Status.OPEN, at, by)
        ticket.version += 1
        fact = facts.MessageReceived(ticket=ticket.pk, message=message.pk, silent=self.late)
        self._record(fact, at, by)

    def _open_solved(self, message: Message, at: datetime, by: actor.Actor) -> None:
        ticket = self.ticket
        was, ticket.status = ticket.status, Status.OPEN
        ticket.status_version += 1
        ticket.solved_at = None
        self._record(facts.Reopened(ticket=ticket.pk, was=was, message=message.pk), at, by)
        self.turns.append((at, Status.OPEN))

    def _triage(self, message: Message, first: bool, at: datetime, robot: str) -> None:
        why = "silent" if self.late else "robot" if robot else "" if first else "told"
        if not why:
            due = deadlines.promise(self.batch, self.ticket, at)
            self._automatic("acknowledgement", letters.acknowledgement(self.ticket, due), at)
        fact = facts.Triaged(self.ticket.pk, message.pk, acknowledged=not why, why_not=why)
        self._record(fact, at, actor.system("triage"))

    def _automatic(self, purpose: str, text: str, at: datetime) -> None:
        message = self._message(
            direction=Direction.OUT,
            purpose=purpose,
            signed=letters.signature_of(self.ticket),
            at=at,
            text=text,
            html=text_to_html(text),
            message_id=self._new_id(),
        )
        self.post.send(message, (), "")
        fact = facts.Replied(self.ticket.pk, message.pk, solves=False, purpose=purpose)
        self._record(fact, at, actor.system("triage"))
        self.ticket.version += 3

    def _message(self, **fields: Any) -> Message:
        message = Message(
            ticket=self.ticket,
            inbox=self.inbox,
            received_at=fields["at"],
            language=self.ticket.language,
            **fields,
        )
        self.batch.add(message)
        self.messages += 1
        if message.is_public:
            self.post.note_id(message)
        return message

    def _attach(self, message: Message, files: Sequence[File]) -> None:
        for file in files:
            self.batch.add(
                Attachment(
                    message=message,
                    name=file.name,
                    content_type=file.content_type,
                    size=len(file.content),
                    sha256=self.batch.keep(file.content),
                    is_inline=bool(file.content_id),
                    content_id=file.content_id,
                )
            )

    def _new_id(self) -> str:
        made = uuid.UUID(int=self.rng.getrandbits(128), version=4)
        return f"{made}.{self.ticket.pk}@{self.inbox.address.partition('@')[2]}"

    def _record(self, fact: Fact, at: datetime, by: actor.Actor) -> None:
        self.batch.record(fact, stream=self.ticket.stream, by=by, at=at)
