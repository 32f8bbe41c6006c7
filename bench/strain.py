"""`python -m bench.strain`: a full department for some minutes; nothing may fail or get lost.

200 sessions look at lists and tickets; 2,000 live streams are open, 200 of which
show all queues of their agent; 20 mails arrive a second. Counted: answers that are no page, streams
that ended, tickets that changed and were not heard, work that stays behind.
"""

from __future__ import annotations

import argparse
import http.client
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.hearing import Heard, Hearing
from bench.house import House
from bench.stage import installed
from bench.table import percentile

if TYPE_CHECKING:
    from bench.fill import Town

FIRST_MAIL = 40_000_000
WATCHING = 200  # streams that show whole queues
HANDS = 8  # requests of pages at once
THINKING = 20.0  # seconds of a person between two pages
PATIENCE = 120.0  # seconds for the work that stays behind
SETTLE = 3.0  # seconds for the last notices


@dataclass
class Tally:
    """What happened."""

    ms: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    behind: int = 0
    spent: float = 0.0
    heard: list[Heard] = field(default_factory=list)


def main() -> int:
    """Print the counts; 0 when nothing failed."""
    given = _arguments()
    with installed() as (house, servers):
        from bench.fill import found, grow

        town = found(servers.imap_port, servers.smtp_port)
        grow(town, given.tickets)
        return _strain(house, town, given)


def _strain(house: House, town: Town, given: argparse.Namespace) -> int:
    tally, over = Tally(), threading.Event()
    keys = _sessions(town, given.sessions)
    threads = [
        threading.Thread(target=_post_mails, args=(town, given.mails, tally, over)),
        threading.Thread(target=_look, args=(house, keys, tally, over)),
    ]
    try:
        _run(house, keys, given, tally, threads, over)
    finally:
        over.set()
        for one in threads:
            one.join()
    return _report(house, keys, given, tally)


def _sessions(town: Town, count: int) -> list[tuple[int, str]]:
    """(agent, session key) of signed-in browsers."""
    from django.test import Client

    found = []
    for number in range(count):
        agent = town.agents[number % len(town.agents)]
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(agent)
        found.append((agent.pk, str(client.session.session_key)))
    return found


def _post_mails(town: Town, pace: float, tally: Tally, over: threading.Event) -> None:
    from bench.mail import letter
    from zabota.channels.receive import receive
    from zabota.events.actor import system
    from zabota.lib import clock

    source, by, began = random.Random(1), system("bench"), time.monotonic()
    while not over.is_set():
        number = FIRST_MAIL + tally.mails
        inbox = source.choice(town.inboxes)
        raw = letter(source, number, inbox.address)
        receive(inbox, raw, place=f"strain/{number}", arrived_at=clock.now(), by=by)
        tally.mails += 1
        over.wait(max(began + tally.mails / pace - time.monotonic(), 0))


def _look(house: House, keys: list[tuple[int, str]], tally: Tally, over: threading.Event) -> None:
    """Each session asks for a page as often as a person does."""
    from zabota.staff.models import Grant
    from zabota.tickets.models import Ticket

    tickets: dict[int, list[int]] = {}
    for agent in {agent for agent, _ in keys}:
        queues = Grant.objects.filter(agent=agent).values("queue")
        rows = Ticket.objects.filter(queue__in=queues).order_by("-id")
        tickets[agent] = list(rows.values_list("id", flat=True)[:500])
    lines = threading.local()

    def ask(number: int) -> None:
        source = random.Random(number)
        agent, key = source.choice(keys)
        path = source.choice(
            (f"/t/{source.choice(tickets[agent])}/pane/", "/inbox/open/", "/inbox/counts/")
        )
        if not hasattr(lines, "line"):
            lines.line = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
        began = time.perf_counter()
        headers = {"Cookie": f"sessionid={key}"} | ({"HX-Request": "true"} if "/t/" in path else {})
        try:
            lines.line.request("GET", path, headers=headers)
            answer = lines.line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            tally.wrong[type(error).__name__] += 1
            del lines.line
            return
        tally.ms.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            tally.wrong[f"{answer.status} {path.split('/')[1]}"] += 1

    with ThreadPoolExecutor(HANDS) as pool:
        number, began = 0, time.monotonic()
        while not over.is_set():
            pool.submit(ask, number)
            number += 1
            over.wait(max(began + number * THINKING / len(keys) - time.monotonic(), 0))


def _run(
    house: House,
    keys: list[tuple[int, str]],
    given: argparse.Namespace,
    tally: Tally,
    threads: list[threading.Thread],
    over: threading.Event,
) -> None:
    """Open the streams, let the others work for the time, and hear on until all is done."""
    streams = []
    for number in range(given.streams):
        query = "queues=all" if number < WATCHING else f"ticket={number + 1}"
        streams.append((f"sessionid={keys[number % len(keys)][1]}", query))
    hearing = Hearing(house.port, streams)
    for one in threads:
        one.start()
    time.sleep(given.minutes * 60)
    over.set()
    tally.behind, began = _behind(), time.monotonic()
    while _behind() and time.monotonic() - began < PATIENCE:
        time.sleep(0.5)
    tally.spent = time.monotonic() - began
    time.sleep(SETTLE)
    tally.heard = hearing.heard()


def _behind() -> int:
    from procrastinate.contrib.django.models import ProcrastinateJob

    return int(ProcrastinateJob.objects.filter(status__in=["todo", "doing"]).count())


def _report(
    house: House, keys: list[tuple[int, str]], given: argparse.Namespace, tally: Tally
) -> int:
    told, errors = _states(), house.errors()
    anew, missed = _unheard(keys, tally)
    ended = sum(one.ended for one in tally.heard)
    resets = sum(len(one.resets) for one in tally.heard)
    figures: dict[str, Any] = {
        "mails": f"{tally.mails} in {given.minutes:g} minutes, {told['undone']} not taken in, "
        f"{told['failed']} jobs given up, {tally.behind} jobs waited at the end, all done "
        f"{tally.spent:.0f} s later",
        "pages": f"{len(tally.ms)}, p50 {percentile(tally.ms, 0.5):.0f} ms, "
        f"p95 {percentile(tally.ms, 0.95):.0f} ms, wrong: {dict(tally.wrong) or 'none'}",
        "streams": f"{given.streams}, {ended} times one ended and came back, {resets} times one "
        f"was told to read anew, {sum(len(one.tickets) for one in tally.heard[:WATCHING])} tickets "
        f"heard, {anew} read anew instead, {missed} missed",
        "errors in the log": errors,
    }
    for name, text in figures.items():
        sys.stdout.write(f"{name}: {text}\n")
    bad = sum(tally.wrong.values()) + ended + missed + errors
    bad += told["undone"] + told["failed"] + bool(_behind())
    sys.stdout.write(f"strain: {'nothing failed' if not bad else f'{bad} failures'}\n")
    return int(bool(bad))


def _unheard(keys: list[tuple[int, str]], tally: Tally) -> tuple[int, int]:
    """Tickets made meanwhile of which a stream that shows their queue did not hear: those before a
    moment at which it was told to read anew, and the others, which are missed."""
    from zabota.staff.models import Grant
    from zabota.tickets.models import Ticket

    born = Ticket.objects.filter(messages__raw__place__startswith="strain/").distinct()
    places = {
        number: (queue, at.timestamp())
        for number, queue, at in born.values_list("id", "queue_id", "created_at")
    }
    anew = missed = 0
    for number, heard in enumerate(tally.heard[:WATCHING]):
        grants = Grant.objects.filter(agent=keys[number % len(keys)][0])
        seen = set(grants.values_list("queue", flat=True))
        reset = max(heard.resets, default=0.0)
        for ticket, (queue, at) in places.items():
            if queue in seen and ticket not in heard.tickets:
                anew, missed = anew + (at < reset), missed + (at >= reset)
    return anew, missed


def _states() -> dict[str, int]:
    from procrastinate.contrib.django.models import ProcrastinateJob

    from zabota.channels.models import RawMessage

    raw = RawMessage.objects.filter(place__startswith="strain/")
    return {
        "undone": raw.exclude(state="done").count(),
        "failed": ProcrastinateJob.objects.filter(status="failed").count(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.strain", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--mails", type=float, default=20, help="a second")
    parser.add_argument("--tickets", type=int, default=20_000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
