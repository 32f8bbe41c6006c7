"""The demonstration's mail server: SMTP and IMAP on loopback, and the page "a client's mailbox"."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import Any
from typing import cast as typed

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import close_old_connections
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from zabota.channels.models import Inbox
from zabota.customers.models import Contact
from zabota.ops.demo import cast, places
from zabota.ops.demo.imap import Boxes
from zabota.ops.demo.loading import update_inboxes
from zabota.ops.demo.mailbox import Mailbox, Person
from zabota.ops.demo.store import Store, box_of

log = logging.getLogger(__name__)
LARGEST = 60 * 1024 * 1024
LOOK_AGAIN = 1.0  # seconds, while the demonstration is not loaded
SHOWN_CLIENTS = 5  # of each language


def run() -> None:
    """Serve until SIGTERM; waits for the demonstration to be loaded."""
    # aiosmtpd tells every address it hears.
    logging.getLogger("mail").setLevel(logging.WARNING)
    asyncio.run(_run())


async def _run() -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    while not (company := await asyncio.to_thread(_company)):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), LOOK_AGAIN)
        if stopped.is_set():
            return
    where = places.settle()
    await asyncio.to_thread(update_inboxes, where)
    people = await asyncio.to_thread(_people)
    async with serving(where, company, people):
        await stopped.wait()


def _company() -> dict[str, tuple[str, str]]:
    """Name and mailbox password by address of every company inbox of the demonstration."""
    close_old_connections()
    rows = Inbox.objects.filter(address__endswith=f"@{cast.DOMAIN}").order_by("id")
    return {row.address: (row.name, row.secret()) for row in rows}


def _people() -> list[Person]:
    """A few clients to be: first those with a company, in both languages."""
    found = []
    for language in ("ru", "en"):
        rows = Contact.objects.filter(language=language, account__isnull=False, is_robot=False)
        for contact in rows.select_related("account").order_by("id")[:SHOWN_CLIENTS]:
            company = contact.account.name if contact.account else ""
            found.append(Person(contact.address, contact.name, company))
    return found


@contextlib.asynccontextmanager
async def serving(
    where: places.Places, company: dict[str, tuple[str, str]], people: list[Person]
) -> AsyncIterator[None]:
    """All three servers run inside the block."""
    async with AsyncExitStack() as stack:
        store = Store(places.folder() / "mail.sqlite")
        stack.callback(store.close)
        boxes = Boxes(store, places.HOST, where.imap)
        await boxes.start(stack, {address: secret for address, (_, secret) in company.items()})
        smtp = await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                Door(store, boxes, set(company)),
                hostname=cast.DOMAIN,
                enable_SMTPUTF8=True,
                data_size_limit=LARGEST,
            ),
            places.HOST,
            where.smtp,
        )
        stack.callback(smtp.close)
        page = Mailbox(store, where, {at: name for at, (name, _) in company.items()}, people)
        site = Server(
            page.app(),
            address=places.HOST,
            port=where.web,
            interface=Interfaces.ASGINL,
            websockets=False,
            log_enabled=False,
            log_level=LogLevels.critical,
        )
        task = asyncio.create_task(site.serve())
        log.info("demo mail: smtp %d, imap %d, page %d", where.smtp, where.imap, where.web)
        try:
            yield
        finally:
            typed(Any, site).stop()
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(task, 3)


class Door:
    """What aiosmtpd asks: company mail goes to its IMAP box, all other to a client's store."""

    def __init__(self, store: Store, boxes: Boxes, company: set[str]) -> None:
        self.store, self.boxes, self.company = store, boxes, company
        self._one_by_one = asyncio.Lock()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """250 only when every copy is on the disk; 451 when the disk is full."""
        content = envelope.content or b""
        content = content if isinstance(content, bytes) else content.encode()
        try:
            async with self._one_by_one:
                for recipient in envelope.rcpt_tos:
                    await self._take(envelope.mail_from or "", recipient, content)
        except Exception:
            log.exception("demo mail could not be stored")
            return "451 4.3.0 Try again later"
        return "250 2.0.0 Taken"

    async def _take(self, sender: str, recipient: str, content: bytes) -> None:
        box = box_of(recipient)
        head = (
            f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
            f"Received: by mail.{cast.DOMAIN} with ESMTP; {formatdate(localtime=True)}\r\n"
        )
        letter = self.store.put(box, "in", head.encode() + content)
        if box in self.company:
            await self.boxes.deliver(letter)
