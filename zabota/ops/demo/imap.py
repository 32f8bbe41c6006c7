"""The companies' inboxes by IMAP (pymap, in memory). Box numbers survive a restart: the boxes are
filled again from the store under the same UIDVALIDITY and UIDs before anybody can look."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from pymap.backend.dict import Config, DictBackend, Identity
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPService
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata

from zabota.ops.demo.store import Letter, Store


def _arguments(host: str, port: int) -> Namespace:
    parser = ArgumentParser()
    kinds = parser.add_subparsers(dest="backend")
    DictBackend.add_subparser("dict", kinds)
    IMAPService.add_arguments(parser)
    parser.set_defaults(debug=False, skip_services=[], passlib_cfg=None)
    return parser.parse_args(["--host", host, "--port", str(port), "--no-tls", "dict"])


class Boxes:
    """One IMAP server with a user for every company inbox (its name is the address)."""

    def __init__(self, store: Store, host: str, port: int) -> None:
        self._store = store
        self._arguments = _arguments(host, port)
        self._inboxes: dict[str, MailboxData] = {}
        self._lock = asyncio.Lock()

    async def start(self, stack: AsyncExitStack, passwords: Mapping[str, str]) -> None:
        """Fill the boxes, then listen until `stack` is closed."""
        backend, config = await DictBackend.init(self._arguments)
        config.apply_context()
        for address, password in passwords.items():
            await self._add(backend, config, address, password)
        await IMAPService(backend, config).start(stack)

    async def deliver(self, letter: Letter) -> None:
        """Show a stored letter in its box; those who wait by IDLE hear of it."""
        async with self._lock:
            box = self._inboxes[letter.box]
            box._max_uid = letter.uid - 1
            when = datetime.fromtimestamp(letter.at, UTC)
            await box.append(AppendMessage(letter.content, when, frozenset()))

    async def _add(self, backend: DictBackend, config: Config, address: str, password: str) -> None:
        user = UserMetadata(
            config, address, password=await Passwords(config).hash_password(password)
        )
        await Identity(address, backend.login, None, frozenset()).set(user)
        boxes = MailboxSet()
        box = await boxes.get_mailbox("INBOX")
        # pymap makes a new one at every start; ours must outlive it.
        box._uid_validity = self._store.uid_validity()
        self._inboxes[address] = box
        config.set_cache[address] = (boxes, FilterSet())
        for letter in self._store.letters(address, "in"):
            await self.deliver(letter)
