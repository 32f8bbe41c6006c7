"""The same work on a slow disk: each commit takes 5 ms, as on ordinary ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection

from bench import api, mail
from bench.fill import Town
from bench.house import House
from bench.pages import Desk, Series
from bench.table import Goal, Line, percentile

COMMIT = 5000  # microseconds
FIRST_MAIL = 22_000_000
SEED = 50


def measure(house: House, town: Town, desk: Desk, samples: int, mails: int) -> Line:
    """Replies, tickets by API (one program, eight at once) and mail."""
    with _slow_commits():
        replies, alone = desk.replies(samples), Series()
        programs = api.programs(house, town, SEED)
        for _ in range(samples):
            programs[0].bring(alone)
        pace, times, wrong = api.together(programs, samples)
        done = mail.drain(house, town, mails, FIRST_MAIL)
    goals = [
        Goal("reply p95", percentile(replies.ms, 0.95), 30, "ms"),
        Goal("ticket by API p95", percentile(alone.ms, 0.95), 30, "ms"),
        Goal(f"{api.CLIENTS} programs", pace, 130, "/s", at_least=True),
        Goal(f"{api.CLIENTS} programs p95", percentile(times, 0.95), 90, "ms"),
        Goal("mail triaged", done.pace, 100, "/s", at_least=True),
    ]
    wrong = replies.wrong or alone.wrong or wrong or done.wrong
    return Line("the same with a commit of 5 ms", goals, "", wrong)


@contextmanager
def _slow_commits() -> Iterator[None]:
    _set(COMMIT, 0)
    try:
        yield
    finally:
        _set(0, 5)


def _set(delay: int, siblings: int) -> None:
    """`siblings`: how many other transactions must be open for a commit to wait."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET commit_delay = {delay}")
        cursor.execute(f"ALTER SYSTEM SET commit_siblings = {siblings}")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()
    cast(Any, connection).close_pool()
