"""What each single measurement stands on: an installation, its mail servers, Django here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.house import House
from bench.mailserver import MailServers


@contextmanager
def installed() -> Iterator[tuple[House, MailServers]]:
    """A running installation, gone afterwards; models may be imported within."""
    house = House()
    os.environ.update(house.environment())
    os.environ.pop("DATABASE_URL", None)
    servers = MailServers()
    try:
        house.start()
        import django

        django.setup()
        yield house, servers
    finally:
        house.stop()
        servers.stop()
        house.remove()
