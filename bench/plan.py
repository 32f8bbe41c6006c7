"""The order of the measurements, and how much of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from bench import api, live, mail, processes, slow
from bench.browser import Browser
from bench.fill import Town, found, grow
from bench.house import ROLES, House
from bench.mailserver import MailServers
from bench.pages import Desk, Series, queries_of
from bench.table import Goal, Line, percentile

SETTLE = 5.0  # seconds before memory is read
SIGNED_IN = 12
GROWTH = 1.3
MILLION = 1_000_000
BIG_CONTACT = 1
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """`grow_to` tickets for the second look (0: none); `samples` of each page."""

    tickets: int = 100_000
    grow_to: int = 200_000
    samples: int = 1000
    mails: int = 10_000
    streams: int = live.STREAMS

    @classmethod
    def quick(cls) -> Plan:
        """For development: under two minutes."""
        return cls(10_000, 0, 200, 400, 500)

    def run(self, house: House, first_start: float, say: Say) -> list[Line]:
        """All lines of the table."""
        servers = MailServers()
        try:
            town = found(servers.imap_port, servers.smtp_port)
            began = time.monotonic()
            grow(town, self.tickets)
            spent = time.monotonic() - began
            say(f"{town.tickets} tickets with {town.messages} messages made in {spent:.0f} s")
            connection.close()
            cast(Any, connection).close_pool()
            house.stop()
            warm = house.start()
            lines = [_starts(first_start, warm), _memory(house)]
            return lines + self._measured(house, town, say)
        finally:
            servers.stop()

    def _measured(self, house: House, town: Town, say: Say) -> list[Line]:
        browsers = [Browser(house.port, agent) for agent in town.agents[:SIGNED_IN]]
        desk = Desk(house, town, browsers)
        bare = _bare(desk, self.samples, say)
        lines, before = self._pages(desk)
        for line in lines:
            say(str(line))
        lines.append(live.measure(house, desk, self.streams))
        say(str(lines[-1]))
        if self.grow_to > town.tickets:
            grow(town, self.grow_to)
            say(f"grown to {town.tickets} tickets with {town.messages} messages")
            # As fresh as for the first look: what a process keeps of pages belongs to neither size.
            connection.close()
            cast(Any, connection).close_pool()
            house.stop()
            house.start()
            desk = Desk(house, town, browsers, seed=2)
            bare_after = _bare(desk, self.samples, say)
            larger, after = self._pages(desk, self.grow_to)
            for line in larger:
                say(str(line))
            lines += larger
            slower = bare_after / bare
            lines.append(_growth(self.tickets, self.grow_to, before, after, slower))
        # Last: its tickets and people are not those the growth counts with.
        lines += self._mail(house, town, say)
        lines += api.measure(house, town, self.samples)
        fresh = Desk(house, town, browsers, seed=3)
        lines.append(slow.measure(house, town, fresh, self.samples // 3, self.mails // 5))
        return lines

    def _pages(self, desk: Desk, size: int = 0) -> tuple[list[Line], dict[str, Series]]:
        """The rows of all pages, named by the `size` of the second look."""
        first = desk.browsers[0].agent.pk
        long, deep = desk.long[first][0], desk.list_of(first, "solved")[-60][1]
        counted = {
            "list": queries_of(desk, "/inbox/open/"),
            "deep": queries_of(desk, f"/inbox/solved/rows/?before={deep}", part=True),
            "pane": queries_of(desk, f"/t/{long}/pane/", part=True),
            "whole": queries_of(desk, f"/t/{long}/"),
            "search": queries_of(desk, "/inbox/search/?q=бегемот"),
        }
        found = {
            "list": desk.first_pages(self.samples),
            "deep": desk.deep_pages(self.samples),
            "pane": desk.panes(self.samples),
            "whole": desk.whole_tickets(self.samples),
            "search": desk.searches(self.samples),
            "reply": desk.replies(self.samples),
        }
        rows: list[tuple[str, str, float, float]] = [
            ("list", "inbox view of 50, page 1 (whole page)", 25, 6),
            ("deep", "inbox view of 50, page 100", 25, 6),
            ("pane", "open a ticket with 20 messages", 25, 7),
            # Two of the pages above in one.
            ("whole", "the same by its address (list, counters and ticket)", 50, 13),
            ("search", "ticket search (whole page)", 100 if size >= MILLION else 60, 15),
            ("reply", "post a reply", 30, 8),
        ]
        place = f", at {size} tickets" if size else ""
        lines = []
        for name, work, p95, cpu in rows:
            queries = (counted[name], 12) if name in counted else None
            lines.append(found[name].line(work + place, p95, cpu, queries))
        return lines, found

    def _mail(self, house: House, town: Town, say: Say) -> list[Line]:
        warm = mail.drain(house, town, max(self.mails // 20, 50), 20_000_000)
        say(f"warmed up with {warm.mails} mails")
        done = mail.drain(house, town, self.mails, 21_000_000)
        return [
            Line(
                f"mail, raw row to triaged ticket, a backlog of {done.mails}",
                [
                    Goal("pace", done.pace, 100, "/s", at_least=True),
                    Goal("worker memory growth", done.growth_mb, 20, "MB"),
                ],
                f"with acknowledgement sent and noted {done.whole_pace:.0f}/s, "
                f"{done.jobs / done.mails:.1f} jobs and {done.cpu_ms:.1f} CPU ms a mail (worker "
                f"{done.worker_cpu * 1000 / done.mails:.1f}, database "
                f"{done.database_cpu * 1000 / done.mails:.1f}); receive "
                f"{done.receive_seconds * 1000 / done.mails:.1f} ms a mail",
                done.wrong,
            )
        ]


def _starts(first: float, warm: float) -> Line:
    goals = [Goal("first ever", first, 15, "s"), Goal("warm", warm, 5, "s")]
    return Line("start to first page", goals)


def _memory(house: House) -> Line:
    time.sleep(SETTLE)
    parts = [f"{role} {processes.pss_mb(house.pids(role)):.0f}" for role in (*ROLES, "postgres")]
    whole = processes.pss_mb(house.all_pids())
    told = "MB: " + ", ".join(parts)
    return Line("memory of everything, idle, PSS", [Goal("sum", whole, 400, "MB")], told)


def _bare(desk: Desk, samples: int, say: Say) -> float:
    """CPU ms of a bare request."""
    bare = desk.bare(samples)
    say(f"bare request: p50 {percentile(bare.ms, 0.5):.2f} ms, {bare.cpu_ms:.2f} CPU ms")
    return bare.cpu_ms


def _growth(
    small: int, large: int, before: dict[str, Series], after: dict[str, Series], slower: float
) -> Line:
    """`slower`: by how much the machine itself was at the second look, by a bare request."""
    ratios = {name: after[name].cpu_ms / before[name].cpu_ms for name in before}
    goals = [Goal(name, ratio / slower, GROWTH, "×") for name, ratio in ratios.items()]
    plain = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    told = f"a bare request cost {slower:.2f} times as much; without regard to that: {plain}"
    return Line(f"CPU per bare request from {small} to {large} tickets", goals, told)
