"""`python -m bench.consumers`: CPU of each consumer for one mail, in one process.

A real installation with its worker halted; this process takes the jobs in the worker's place and
counts its thread's CPU, and that of the one PostgreSQL backend that serves it. `--profile` writes
what the profiler saw.
"""

from __future__ import annotations

import argparse
import cProfile
import random
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import processes
from bench.house import House
from bench.mailserver import MailServers
from bench.stage import installed


def main() -> int:
    """Print the table; 0 unless a consumer failed."""
    given = _arguments()
    with installed() as (house, servers):
        _measure(house, servers, given)
    return 0


def _measure(house: House, servers: MailServers, given: argparse.Namespace) -> None:
    from django.db import connection

    from bench.fill import found, grow

    town = found(servers.imap_port, servers.smtp_port)
    grow(town, given.tickets)
    house.pause("worker", True)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = int(cursor.fetchone()[0])
        _receive(town, given.mails // 4, 1)
        _drain(backend)
        _receive(town, given.mails, 10_000)
        profile = cProfile.Profile(time.thread_time) if given.profile else None
        if profile:
            profile.enable()
        spent = _drain(backend)
        if profile:
            profile.disable()
            profile.dump_stats(given.profile)
        _print(spent, given.mails)
    finally:
        house.pause("worker", False)


def _receive(town: Any, mails: int, first: int) -> None:
    from bench.mail import letter
    from zabota.channels.receive import receive
    from zabota.events.actor import system
    from zabota.lib import clock

    source = random.Random(first)
    for number in range(first, first + mails):
        inbox = source.choice(town.inboxes)
        raw, by = letter(source, number, inbox.address), system("bench")
        receive(inbox, raw, place=f"bench/{number}", arrived_at=clock.now(), by=by)


def _drain(backend: int) -> dict[str, list[float]]:
    """Jobs, Python CPU ms and wall ms by consumer; `take` is the taking and finishing of jobs,
    `database` the backend's CPU for everything."""
    from zabota.events import hands, jobs

    spent: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    database = processes.cpu_seconds([backend])
    jobs.call_hands = lambda: None
    done: list[int] = []
    while True:
        cpu, wall = time.thread_time(), time.monotonic()
        taken = jobs.take(None, done, hands.BASKET)
        _add(spent["take"], cpu, wall)
        if not taken:
            break
        for job in taken:
            cpu, wall = time.thread_time(), time.monotonic()
            jobs.run(job)
            _add(spent[job.consumer], cpu, wall)
        done = [job.number for job in taken]
    spent["database"] = [1, (processes.cpu_seconds([backend]) - database) * 1000, 0.0]
    return spent


def _add(row: list[float], cpu: float, wall: float) -> None:
    row[0] += 1
    row[1] += (time.thread_time() - cpu) * 1000
    row[2] += (time.monotonic() - wall) * 1000


def _print(spent: dict[str, list[float]], mails: int) -> None:
    for name, (count, cpu, wall) in sorted(spent.items(), key=lambda item: -item[1][1]):
        told = f"{count / mails:6.2f} {cpu / mails:8.2f} CPU ms {wall / mails:8.2f} ms"
        sys.stdout.write(f"{name:28} {told}\n")
    python = sum(row[1] for name, row in spent.items() if name != "database")
    sys.stdout.write(f"{'Python a mail':28} {'':6} {python / mails:8.2f} CPU ms\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.consumers", description=__doc__)
    parser.add_argument("--mails", type=int, default=400)
    parser.add_argument("--tickets", type=int, default=5000)
    parser.add_argument("--profile", type=Path, help="write the profiler's figures here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
