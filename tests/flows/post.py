"""A post office between the company and its client: takes mail by SMTP, puts it into mailboxes."""

from __future__ import annotations

import imaplib
import queue
import threading
from collections.abc import Mapping

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mailserver import ImapServer, SmtpServer, Taken


class PostOffice(SmtpServer):
    """`boxes`: address → its mailbox; `name+anything@` lies in the box of `name@`."""

    def __init__(self, boxes: Mapping[str, ImapServer]) -> None:
        super().__init__()
        self.boxes = boxes
        self.undeliverable: list[str] = []
        self._waiting: queue.Queue[Taken] = queue.Queue()
        threading.Thread(target=self._deliver, daemon=True).start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail; a postman brings it."""
        before = len(self.taken)
        answer = await super().handle_DATA(server, session, envelope)
        for taken in self.taken[before:]:
            self._waiting.put(taken)
        return answer

    def _deliver(self) -> None:
        lines: dict[str, imaplib.IMAP4] = {}
        while True:
            taken = self._waiting.get()
            for recipient in taken.recipients:
                local, _, domain = recipient.lower().rpartition("@")
                address = f"{local.partition('+')[0]}@{domain}"
                if address not in self.boxes:
                    self.undeliverable.append(recipient)
                    continue
                # One connection for all: a login costs the server half a second of hashing.
                if address not in lines:
                    lines[address] = self.boxes[address].client()
                lines[address].append("INBOX", "", "", taken.raw)
