"""Where the demonstration's mail server listens, and what it keeps in the data folder."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from zabota.ops.demo.batch import save_json

HOST = "127.0.0.1"
WANTED = {"web": 8101, "smtp": 8125, "imap": 8143}


@dataclass(frozen=True)
class Places:
    """The three ports; remembered from one start to the next."""

    web: int
    smtp: int
    imap: int

    def inbox_config(self, address: str) -> dict[str, str | int]:
        """`Inbox.config` of a company inbox on this server."""
        return {
            "imap_host": HOST,
            "imap_port": self.imap,
            "imap_tls": "none",
            "imap_user": address,
            "smtp_host": HOST,
            "smtp_port": self.smtp,
            "smtp_tls": "none",
            "smtp_user": "",
        }

    @property
    def mailbox_url(self) -> str:
        """Address of the page "a client's mailbox"."""
        return f"http://{HOST}:{self.web}"


def folder() -> Path:
    """The demonstration's folder below the data folder; made when missing."""
    path = Path(settings.DATA_DIR) / "demo"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def settle() -> Places:
    """The remembered ports, each replaced by a free one when another program has it now."""
    path = folder() / "ports.json"
    known = dict(WANTED)
    with contextlib.suppress(FileNotFoundError, ValueError):
        known |= json.loads(path.read_text())
    # All are held until the last is chosen, or two of them could get the same one.
    with contextlib.ExitStack() as held:
        chosen = {name: held.enter_context(_free(known[name])) for name in WANTED}
    places = Places(**chosen)
    if not path.exists() or json.loads(path.read_text()) != asdict(places):
        save_json(path, asdict(places))
    return places


@contextlib.contextmanager
def _free(wanted: int) -> Iterator[int]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        yield int(probe.getsockname()[1])
