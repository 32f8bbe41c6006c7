"""Mail: raw rows in, triaged tickets out, everything the worker owes done."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from django.db import connection, transaction

from bench import processes, words
from bench.fill import Town
from bench.house import Failed, House
from zabota.channels.receive import receive
from zabota.events.actor import system
from zabota.lib import clock

STEP = 250  # raw rows in one transaction
LIMIT = 600.0  # seconds
LOOK = 0.5  # seconds between looks; each costs the database a few ms, which count as its own


@dataclass(frozen=True)
class Drained:
    """What became of a batch of mails. Seconds count from the first raw row that a worker saw."""

    mails: int
    triaged_seconds: float
    all_seconds: float
    receive_seconds: float
    worker_cpu: float
    database_cpu: float
    growth_mb: float
    jobs: int
    wrong: str

    @property
    def pace(self) -> float:
        """Triaged mails in a second."""
        return self.mails / self.triaged_seconds

    @property
    def whole_pace(self) -> float:
        """Mails in a second with everything they cause: acknowledgement sent and noted."""
        return self.mails / self.all_seconds

    @property
    def cpu_ms(self) -> float:
        """CPU of worker and database for one mail, with everything it causes."""
        return (self.worker_cpu + self.database_cpu) * 1000 / self.mails


def drain(house: House, town: Town, mails: int, first: int) -> Drained:
    """Put `mails` raw rows before a resting worker, let it go, and wait until it owes nothing."""
    source = random.Random(first)
    before = _numbers()
    worker, database = house.pids("worker"), house.pids("postgres")
    house.pause("worker", True)
    try:
        began = time.monotonic()
        by = system("bench")
        for start in range(first, first + mails, STEP):
            with transaction.atomic():
                for number in range(start, min(start + STEP, first + mails)):
                    inbox = source.choice(town.inboxes)
                    receive(
                        inbox,
                        letter(source, number, inbox.address),
                        place=f"bench/{number}",
                        arrived_at=clock.now(),
                        by=by,
                    )
        received = time.monotonic() - began
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE procrastinate_jobs")
        memory = processes.pss_mb(worker)
        cpu = processes.cpu_seconds(worker), processes.cpu_seconds(database)
    finally:
        house.pause("worker", False)
    began = time.monotonic()
    triaged = 0.0
    while True:
        treated, waiting = _progress(before["last_raw"])
        now = time.monotonic() - began
        if not triaged and treated >= mails:
            triaged = now
        if triaged and not waiting:
            break
        if now > LIMIT:
            raise Failed(f"after {LIMIT:.0f} s there was still work: {waiting} jobs")
        time.sleep(LOOK)
    state = _numbers()
    return Drained(
        mails=mails,
        triaged_seconds=triaged,
        all_seconds=now,
        receive_seconds=received,
        worker_cpu=processes.cpu_seconds(house.pids("worker")) - cpu[0],
        database_cpu=processes.cpu_seconds(database) - cpu[1],
        growth_mb=processes.pss_mb(worker) - memory,
        jobs=state["done"] - before["done"],
        wrong=_wrong(before, state, mails),
    )


def letter(source: random.Random, number: int, to: str) -> bytes:
    """A mail of a client to `to`: every fifth has HTML too, every second is from a known client."""
    who = source.randrange(2, 2000) if number % 2 else 10_000_000 + number
    mail = EmailMessage()
    mail["From"] = f"{words.name(who)} <client{who}@firm{who // 10}.example>"
    mail["To"] = to
    mail["Subject"] = words.subject(source, number)
    mail["Message-ID"] = f"<bench.{number}@firm{who // 10}.example>"
    mail["Date"] = clock.now()
    mail["Received"] = f"from firm.example by mx.zabota.example; {mail['Date']}"
    text = words.body(source, f"п{number}", 400)
    mail.set_content(text)
    if number % 5 == 0:
        mail.add_alternative(f"<p>Здравствуйте!</p><p>{text}</p>", subtype="html")
    return bytes(mail)


def _numbers() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM tickets_message m JOIN channels_rawmessage r "
            "ON r.id = m.raw_id WHERE m.triaged_at IS NOT NULL), "
            "(SELECT count(*) FROM channels_rawmessage WHERE state <> 'done'), "
            "(SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')), "
            "(SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'), "
            "(SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'), "
            "(SELECT coalesce(max(id), 0) FROM channels_rawmessage)"
        )
        names = ("triaged", "undone", "waiting", "done", "failed", "last_raw")
        row: Any = cursor.fetchone()
        return dict(zip(names, row, strict=True))


def _progress(last_raw: int) -> tuple[int, int]:
    """Triaged mails after the raw row `last_raw`, and jobs that wait or run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM tickets_message "
            "WHERE raw_id > %s AND triaged_at IS NOT NULL), "
            "(SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))",
            [last_raw],
        )
        found: tuple[int, int] = cursor.fetchone()
        return found


def _wrong(before: dict[str, int], after: dict[str, int], mails: int) -> str:
    if after["undone"] or after["failed"]:
        return f"{after['undone']} raw rows not done, {after['failed']} jobs failed"
    if after["triaged"] - before["triaged"] != mails:
        return f"{after['triaged'] - before['triaged']} of {mails} mails were triaged"
    return ""
