"""How a ticket's words travelled: the client's raw mail, our envelope in the outbox."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from zabota.channels.models import Inbox, Outgoing, OutgoingState, RawMessage, RawState
from zabota.lib.html import text_to_html
from zabota.ops.demo import mails, quoting
from zabota.ops.demo.batch import Batch
from zabota.ops.demo.mails import File
from zabota.tickets import letters, links
from zabota.tickets.models import Message, Ticket
from zabota.tickets.threading import How

ZONE = ZoneInfo("Europe/Moscow")
SECOND = timedelta(seconds=1)


@dataclass
class Client:
    """A contact with what the story needs to know of him."""

    contact: Any
    first: str
    female: bool
    address: str
    domain: str
    language: str
    form: str
    company: str = ""
    is_robot: bool = False

    @property
    def name(self) -> str:
        """His name as it stands in From."""
        return str(self.contact.name)


class Post:
    """The mails of one ticket, in both directions."""

    def __init__(
        self, batch: Batch, client: Client, inbox: Inbox, rng: random.Random, late: bool
    ) -> None:
        self.batch, self.client, self.inbox, self.rng = batch, client, inbox, rng
        self.late = late
        self.ids: list[str] = []
        self.before: list[str] = []
        self.last: Message | None = None

    def note_id(self, message: Message) -> None:
        """A public message has its place in the references of the next one."""
        self.before = list(self.ids)
        self.ids.append(message.message_id)
        if message.agent is not None:
            self.last = message

    def send(self, message: Message, files: Sequence[File], failed: str) -> None:
        """Our message as the outbox keeps it: sent, or refused with the server's words."""
        at = message.at
        message.outgoing = self.batch.add(
            Outgoing(
                key=f"message:{message.pk}",
                inbox=self.inbox,
                recipient=self.client.address,
                message_id=message.message_id,
                envelope=self._envelope(message, files),
                state=OutgoingState.FAILED if failed else OutgoingState.SENT,
                attempts=1,
                last_error=failed,
                created_at=at,
                sent_at=None if failed else at + 2 * SECOND,
            )
        )

    def _envelope(self, message: Message, files: Sequence[File]) -> dict[str, Any]:
        """What `channels.outbox.load` reads."""
        ticket, inbox, text = message.ticket, self.inbox, letters.full_text(message)
        token = links.reply_address(inbox.address, ticket.pk)
        return {
            "message_id": message.message_id,
            "mail_from": inbox.address,
            "sender": {"email": inbox.address, "name": f"{message.signed}, {inbox.sender_name}"},
            "to": [{"email": self.client.address, "name": self.client.name}],
            "cc": [],
            "subject": letters.subject(ticket),
            "text": text,
            "html": text_to_html(text),
            "reply_to": [{"email": token, "name": inbox.sender_name}],
            "in_reply_to": self.before[-1] if self.before else "",
            "references": self.before,
            "automatic": bool(message.purpose),
            "date": message.at.isoformat(),
            "files": [self._file(file) for file in files],
            "headers": {},
        }

    def _file(self, file: File) -> dict[str, Any]:
        digest = self.batch.keep(file.content)
        return {"name": file.name, "content_type": file.content_type, "sha256": digest,
                "inline": False, "content_id": ""}  # fmt: skip

    def body(self, ticket: Ticket, text: str, alone: bool) -> quoting.Body:
        """The client's text, above what he answers unless it stands alone."""
        old = self.last
        if alone or old is None or old.agent is None:
            return quoting.plain(text)
        quoted = quoting.Quoted(
            name=f"{old.signed}, {self.inbox.sender_name}",
            address=links.reply_address(self.inbox.address, ticket.pk),
            at=old.at.astimezone(ZONE),
            to=self.client.address,
            subject=letters.subject(ticket),
            text=letters.full_text(old),
        )
        return quoting.answer(self.client.form, self.client.language, text, quoted)

    def mail(
        self,
        ticket: Ticket,
        text: str,
        html: str,
        at: datetime,
        files: Sequence[File],
        headers: dict[str, str],
    ) -> mails.Mail:
        """The client's mail; `text` is the whole plain body."""
        first = not self.ids
        ids = self.ids if not headers else []
        return mails.Mail(
            sender=(self.client.name, self.client.address),
            to=self.inbox.address if first else links.reply_address(self.inbox.address, ticket.pk),
            subject=ticket.subject if first else letters.subject(ticket),
            at=at.astimezone(ZONE),
            message_id=f"{self.rng.getrandbits(64):016x}@{self.client.address.partition('@')[2]}",
            text=text,
            html=html,
            in_reply_to=ids[-1] if ids else "",
            references=tuple(ids[-12:]),
            files=files,
            headers=headers,
        )

    def raw(self, content: bytes, at: datetime) -> RawMessage:
        """The raw row of a mail, taken in already."""
        raw: RawMessage = self.batch.add(
            RawMessage(
                inbox=self.inbox,
                sha256=self.batch.keep(content),
                size=len(content),
                received_at=at,
                arrived_at=at,
                is_silent=self.late,
                silent_reason="late" if self.late else "",
                state=RawState.DONE,
            )
        )
        raw.place = f"demo:{raw.pk}"
        return raw

    def threading(self, mail: mails.Mail) -> tuple[str, str]:
        """Why the mail joined its ticket, with the detail."""
        if not mail.in_reply_to:
            return How.NEW, ""
        if self.rng.random() < 0.8:
            return How.ADDRESS, mail.to
        return How.OUR_MESSAGE_ID, mail.in_reply_to
