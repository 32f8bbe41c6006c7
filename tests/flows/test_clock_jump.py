"""The clock of the machine jumps an hour ahead and back: all goes on, and nothing happens twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from tests import make
from tests.events.slow_consumers import Noted
from tests.site import WEB, WORKER, Site, Stream, process, serving
from zabota.channels.models import Inbox
from zabota.events import actor, log, timers
from zabota.lib import clock
from zabota.tickets.models import Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("processes")]
CLIENTS = iter([make.PETR, make.MARIA, make.JOHN])
JUMPING = "import django; django.setup(); import tests.jumping; "


def test_an_hour_ahead_and_back(tmp_path: Path) -> None:
    file, book = tmp_path / "clock", tmp_path / "book"
    file.write_text("0")
    agent, box = make.agent(), make.inbox()
    with (
        process(JUMPING + WORKER, TEST_CLOCK=str(file)),
        serving(JUMPING + WEB, TEST_CLOCK=str(file)) as site,
    ):
        key = make.browser(agent).session.session_key
        stream = Stream(site, str(key), "queues=all")
        tell(book, 1)
        wait_for(lambda: "end 1" in lines(book))
        remind(book, 2, timedelta(minutes=30))
        tell(book, 3, hangs=True)
        wait_for(lambda: "begin 3" in lines(book))
        numbers = [arrives(box)]

        file.write_text("3600")
        wait_for(lambda: "end 2" in lines(book))
        numbers.append(arrives(box))
        assert opens(site, str(key), numbers[-1])

        file.write_text("0")
        numbers.append(arrives(box))
        assert opens(site, str(key), numbers[-1])
        remind(book, 4, timedelta(seconds=0.5))
        tell(book, 5)
        wait_for(lambda: {"end 4", "end 5"} <= set(lines(book)))
        heard: set[int] = set()
        while not set(numbers) <= heard:
            heard.add(stream.next()[1].get("id", 0))
        stream.close()
    once = [line for line in lines(book) if line.startswith("begin")]
    assert sorted(once) == [f"begin {number}" for number in range(1, 6)]
    answers = Message.objects.filter(ticket__in=numbers, direction="out")
    assert answers.count() == len(numbers), "one acknowledgement each"


def arrives(box: Inbox) -> int:
    """The number of the ticket that a new mail opens, when the worker has treated it."""
    raw = make.received(box, make.mail(who=next(CLIENTS)))
    found = Message.objects.filter(raw=raw, triaged_at__isnull=False)
    wait_for(found.exists)
    return found.values_list("ticket", flat=True).get()


def opens(site: Site, key: str, number: int) -> bool:
    """Whether the agent still is signed in and sees the ticket."""
    status, _, body = site.request("GET", f"/t/{number}/", headers={"Cookie": f"sessionid={key}"})
    return status == 200 and f"row-{number}" in body.decode()


def tell(book: Path, number: int, *, hangs: bool = False) -> None:
    with transaction.atomic():
        fact = Noted(str(book), number, hangs)
        log.record(fact, stream=f"thing:{number}", by=actor.system("test"))


def remind(book: Path, number: int, after: timedelta) -> None:
    name = f"thing:{number}"
    due_at = clock.now() + after
    timers.set_timer(Noted(str(book), number), subject=name, stream=name, due_at=due_at)


def lines(book: Path) -> list[str]:
    return book.read_text().splitlines() if book.exists() else []


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
