"""What every command needs: the rooms, a database, and a way to fail in plain words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from zabota.ops.words import say


class Failed(Exception):
    """A command could not do its work; the text is for a person."""


def rooms() -> None:
    """Load all rooms."""
    import django

    django.setup()


@contextmanager
def database(*, migrated: bool = True) -> Iterator[None]:
    """The database for one command: the running one, or the embedded one started for it.

    `migrated` brings the schema to this code's state first. Raises PostgresError, NotReady.
    """
    from django.conf import settings

    from zabota.ops.postgres import Server, running

    with ExitStack() as stack:
        if not settings.DATABASE_URL:
            purpose = f"zabota {' '.join(sys.argv[1:3])}"
            stack.enter_context(running(Server(settings.DATA_DIR, say=say, purpose=purpose)))
        rooms()
        from django.db import connection, connections

        # The pool's connections end before their server does.
        stack.callback(connection.close_pool)  # type: ignore[attr-defined] # PostgreSQL's has it
        stack.callback(connections.close_all)
        if migrated:
            from zabota.ops.prepare import migrate as bring_up_to_date

            bring_up_to_date()
        yield
