"""`python -m bench.requests`: where the CPU of one request goes, in one process.

A real installation with its worker halted; this process answers the requests in the web server's
place and counts its thread's CPU, and that of the one PostgreSQL backend that serves it.
`--statements` prints what the last request asked the database, `--profile` writes what the
profiler saw.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import processes
from bench.house import House
from bench.mailserver import MailServers
from bench.stage import installed

if TYPE_CHECKING:
    from bench.fill import Town


@dataclass(frozen=True)
class Work:
    """One kind of request: what is got ready without being counted, and what is counted."""

    ready: Callable[[int], Any]
    act: Callable[[Any], None]


def main() -> int:
    """Print a line for each kind of request."""
    given = _arguments()
    with installed() as (house, servers):
        _measure(house, servers, given)
    return 0


def _measure(house: House, servers: MailServers, given: argparse.Namespace) -> None:
    from bench.fill import found, grow

    town = found(servers.imap_port, servers.smtp_port)
    grow(town, given.tickets)
    works = {"api": _bringing, "list": _listing, "pane": _looking, "reply": _answering}
    house.pause("worker", True)
    try:
        for name in given.work.split(","):
            _count(name, works[name](town, random.Random(1)), given)
    finally:
        house.pause("worker", False)


def _bringing(town: Town, source: random.Random) -> Work:
    from django.test import Client

    from bench.api import letter, secret_of

    client, secret = Client(HTTP_HOST="127.0.0.1"), secret_of(town)

    def ready(number: int) -> tuple[str, dict[str, str]]:
        return letter(source, number, source.choice(town.queues[:5]), secret)

    def act(sent: tuple[str, dict[str, str]]) -> None:
        body, headers = sent
        told = client.generic("POST", "/api/v1/tickets", body, headers=headers)
        assert told.status_code == 201, told.content[:300]
        assert json.loads(told.content)["number"]

    return Work(ready, act)


def _listing(town: Town, source: random.Random) -> Work:
    client, _ = _signed_in(town)

    def act(view: str) -> None:
        told = client.get(f"/inbox/{view}/")
        assert told.status_code == 200

    return Work(lambda number: ("open", "unassigned", "solved")[number % 3], act)


def _looking(town: Town, source: random.Random) -> Work:
    client, tickets = _signed_in(town)

    def act(ticket: int) -> None:
        told = client.get(f"/t/{ticket}/pane/", headers={"HX-Request": "true"})
        assert told.status_code == 200

    return Work(lambda number: tickets[number % len(tickets)], act)


def _answering(town: Town, source: random.Random) -> Work:
    from bench import words
    from bench.pages import ONCE, SEEN

    client, tickets = _signed_in(town)

    def ready(number: int) -> tuple[int, dict[str, str]]:
        ticket = tickets[number % len(tickets)]
        page = client.get(f"/t/{ticket}/pane/", headers={"HX-Request": "true"}).content.decode()
        seen, once = SEEN.search(page), ONCE.search(page)
        assert seen and once  # noqa: PT018
        text = words.body(source, f"ответ{number}", 300)
        return ticket, {"seen": seen[1], "token": once[1], "body": text}

    def act(work: tuple[int, dict[str, str]]) -> None:
        ticket, fields = work
        told = client.post(f"/t/{ticket}/reply/", fields, headers={"HX-Request": "true"})
        assert told.status_code == 200

    return Work(ready, act)


def _signed_in(town: Town) -> tuple[Any, list[int]]:
    from django.test import Client

    from zabota.staff.models import Grant
    from zabota.tickets.models import Ticket

    agent = town.agents[0]
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(agent)
    queues = Grant.objects.filter(agent=agent).values("queue")
    his = Ticket.objects.filter(queue__in=queues, status="open").order_by("-id")
    return client, list(his.values_list("id", flat=True)[:2000])


def _count(name: str, work: Work, given: argparse.Namespace) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench.table import percentile

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = [int(cursor.fetchone()[0])]
    for number in range(given.warm):
        work.act(work.ready(number))
    profile = cProfile.Profile(time.thread_time) if given.profile else None
    python: list[float] = []
    database = 0.0
    for number in range(given.warm, given.warm + given.samples):
        got = work.ready(number)
        before = time.thread_time(), processes.cpu_seconds(backend)
        if profile:
            profile.enable()
        work.act(got)
        if profile:
            profile.disable()
        python.append((time.thread_time() - before[0]) * 1000)
        database += processes.cpu_seconds(backend) - before[1]
    got = work.ready(given.warm + given.samples)
    with CaptureQueriesContext(connection) as caught:
        work.act(got)
    if given.statements:
        for number, one in enumerate(caught, 1):
            sys.stdout.write(f"{number:3} {one['time']} {' '.join(one['sql'].split())[:160]}\n")
    if profile:
        profile.dump_stats(f"{given.profile}.{name}")
    # The quartile: other work of the machine makes some requests dearer, never cheaper.
    sys.stdout.write(
        f"{name:8} {len(caught)} statements, Python {percentile(python, 0.25):.2f} CPU ms (a "
        f"quarter below it), database {database * 1000 / given.samples:.2f}\n"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.requests", description=__doc__)
    parser.add_argument("--work", default="api,list,pane,reply")
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--warm", type=int, default=60)
    parser.add_argument("--tickets", type=int, default=5000)
    parser.add_argument("--statements", action="store_true")
    parser.add_argument("--profile", type=Path, help="write the profiler's figures here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
