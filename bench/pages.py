"""The agents' screens through HTTP: lists, a ticket with 20 messages, a reply."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import processes, words
from bench.browser import Answer, Browser
from bench.fill import Town
from bench.house import House
from bench.table import Goal, Line, percentile
from zabota.desk.inbox import write_cursor
from zabota.staff.models import Grant
from zabota.tickets.models.ticket import micros
from zabota.tickets.queries import DONE

PAGE = 50
DEEP = 100  # the deep page of a list
LONG = 20  # messages of a long ticket
ROW = re.compile(r'id="row-(\d+)"')
SEEN = re.compile(r'name="seen" value="(\d+)"')
ONCE = re.compile(r'name="token" value="([^"]+)"')
WORKING = "('new', 'open', 'waiting_client', 'waiting_internal')"
VIEWS = {
    "open": f"status IN {WORKING}",
    "unassigned": f"status IN {WORKING} AND owner_id IS NULL",
    "solved": "status IN ('solved', 'closed')",
    "mine": f"status IN {WORKING} AND owner_id = %(agent)s",
}
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass
class Series:
    """Times of one kind of request, and the CPU they cost."""

    ms: list[float] = field(default_factory=list)
    web_cpu: float = 0.0
    database_cpu: float = 0.0
    counted: int = 0
    wrong: str = ""

    @property
    def cpu_ms(self) -> float:
        """CPU of web and database for one request, in ms."""
        return (self.web_cpu + self.database_cpu) * 1000 / max(self.counted, 1)

    def line(self, work: str, p95: float, cpu: float, queries: tuple[int, int] | None) -> Line:
        """The row of the table; `queries` is (counted, at most)."""
        goals = [
            Goal("p95", percentile(self.ms, 0.95), p95, "ms"),
            Goal("CPU", self.cpu_ms, cpu, "ms"),
        ]
        if queries:
            goals.append(Goal("queries", *queries))
        told = (
            f"p50 {percentile(self.ms, 0.5):.1f} ms, {len(self.ms)} samples; CPU of web "
            f"{self.web_cpu * 1000 / max(self.counted, 1):.1f} and of the database "
            f"{self.database_cpu * 1000 / max(self.counted, 1):.1f} ms"
        )
        return Line(work, goals, told, self.wrong)


class Desk:
    """Signed-in agents and what each of them must be shown, by statements of our own."""

    def __init__(self, house: House, town: Town, browsers: list[Browser], seed: int = 1) -> None:
        self.house, self.town, self.browsers = house, town, browsers
        self.source = random.Random(seed)
        self.queues = {
            one.agent.pk: list(
                Grant.objects.filter(agent=one.agent).values_list("queue_id", flat=True)
            )
            for one in browsers
        }
        self.lists: dict[tuple[int, str], list[tuple[int, str]]] = {}
        self.long = {one.agent.pk: self._long(one.agent.pk) for one in browsers}

    def list_of(self, agent: int, view: str) -> list[tuple[int, str]]:
        """(ticket, cursor) of a whole view in its order."""
        if (agent, view) not in self.lists:
            key, order = "turn", "turn, id"
            if view in DONE:
                key, order = "last_message_at", "last_message_at DESC, id DESC"
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id, {key} FROM tickets_ticket "
                    f"WHERE queue_id = ANY(%(queues)s) AND {VIEWS[view]} "
                    f"ORDER BY {order}",
                    {"agent": agent, "queues": self.queues[agent]},
                )
                rows = cursor.fetchall()
            self.lists[agent, view] = [
                (pk, write_cursor(at if view not in DONE else -micros(at), pk)) for pk, at in rows
            ]
        return self.lists[agent, view]

    def first_pages(self, count: int) -> Series:
        """The work place with page 1 of a random view."""

        def ask(browser: Browser) -> tuple[Answer, str]:
            view = self.source.choice(list(VIEWS))
            answer = browser.get(f"/inbox/{view}/")
            wanted = [pk for pk, _ in self.list_of(browser.agent.pk, view)[:PAGE]]
            return answer, _rows_differ(answer, wanted)

        for browser in self.browsers:
            for view in VIEWS:
                self.list_of(browser.agent.pk, view)
        return self._series(count, ask)

    def deep_pages(self, count: int) -> Series:
        """Page 100 of a long view (the last whole page of a shorter one), as scrolling asks it."""

        def ask(browser: Browser) -> tuple[Answer, str]:
            view = self.source.choice(("open", "solved"))
            every = self.list_of(browser.agent.pk, view)
            start = min((DEEP - 1) * PAGE, len(every) // PAGE * PAGE - PAGE)
            before = every[start - 1][1]
            answer = browser.get(f"/inbox/{view}/rows/?before={before}", part=True)
            return answer, _rows_differ(answer, [pk for pk, _ in every[start : start + PAGE]])

        return self._series(count, ask)

    def searches(self, count: int) -> Series:
        """The list with what a search finds: a word of one message, of 2 %, 20 % and one of more
        than half of the tickets, in forms that do not stand there."""

        def ask(browser: Browser) -> tuple[Answer, str]:
            ticket = self.source.choice(self.long[browser.agent.pk])
            text = self.source.choice((f"т{ticket}с{LONG - 1}", *words.SEARCHED))
            answer = browser.get(f"/inbox/search/?q={quote(text)}")
            shown = [int(number) for number in ROW.findall(answer.text)]
            is_right = shown == [ticket] if text.startswith("т") else len(shown) == PAGE
            return answer, "" if is_right else f"{text}: {len(shown)} rows"

        return self._series(count, ask)

    def panes(self, count: int) -> Series:
        """A click on a ticket with 20 messages."""
        return self._series(count, lambda browser: self._open(browser, "/t/{}/pane/", True))

    def whole_tickets(self, count: int) -> Series:
        """The same ticket by its address: the work place with list, counters and conversation."""
        return self._series(count, lambda browser: self._open(browser, "/t/{}/", False))

    def replies(self, count: int, *, at_once: int = 50) -> Series:
        """Replies with the worker running; the CPU is counted apart from its work."""
        series = self._replies(count, at_once)
        self.house.pause("worker", True)
        try:
            quiet = self._replies(max(count // 4, at_once), at_once)
        finally:
            self.house.pause("worker", False)
        series.web_cpu, series.database_cpu = quiet.web_cpu, quiet.database_cpu
        series.counted = quiet.counted
        series.wrong = series.wrong or quiet.wrong
        return series

    def bare(self, count: int) -> Series:
        """The bare request of this run: /healthz."""
        return self._series(count, lambda browser: (browser.get("/healthz"), ""))

    def _replies(self, count: int, at_once: int) -> Series:
        series = Series()
        while series.counted < count:
            waiting: list[tuple[Browser, int, dict[str, str]]] = []
            chosen: set[int] = set()
            while len(waiting) < at_once:
                browser = self.source.choice(self.browsers)
                ticket = self.source.choice(self.list_of(browser.agent.pk, "open"))[0]
                # Whoever answers second is told to read the first answer.
                if ticket in chosen:
                    continue
                chosen.add(ticket)
                page = browser.get(f"/t/{ticket}/pane/", part=True).text
                seen, once = SEEN.search(page), ONCE.search(page)
                if seen and once:
                    fields = {"seen": seen[1], "token": once[1]}
                    waiting.append((browser, ticket, fields))
            before = self._cpu()
            for browser, ticket, fields in waiting:
                text = words.body(self.source, f"ответ{self.source.getrandbits(60)}", 300)
                answer = browser.post(f"/t/{ticket}/reply/", fields | {"body": text}, part=True)
                series.ms.append(answer.ms)
                if answer.status != 200 or text.split()[0] not in answer.text:
                    series.wrong = f"reply to {ticket}: {answer.status}"
            self._count(series, before, len(waiting))
        return series

    def _open(self, browser: Browser, path: str, part: bool) -> tuple[Answer, str]:
        ticket = self.source.choice(self.long[browser.agent.pk])
        answer = browser.get(path.format(ticket), part=part)
        missing = [k for k in range(LONG) if f"т{ticket}с{k} " not in answer.text]
        return answer, f"ticket {ticket} lacks messages {missing}" if missing else ""

    def _series(self, count: int, ask: Callable[[Browser], tuple[Answer, str]]) -> Series:
        for browser in self.browsers[:8]:
            ask(browser)
        series = Series()
        before = self._cpu()
        for _ in range(count):
            answer, wrong = ask(self.source.choice(self.browsers))
            series.ms.append(answer.ms)
            if answer.status != 200 or wrong:
                series.wrong = wrong or f"status {answer.status}"
        self._count(series, before, count)
        return series

    def _cpu(self) -> tuple[float, float]:
        web, database = self.house.pids("web"), self.house.pids("postgres")
        return processes.cpu_seconds(web), processes.cpu_seconds(database)

    def _count(self, series: Series, before: tuple[float, float], count: int) -> None:
        after = self._cpu()
        series.web_cpu += after[0] - before[0]
        series.database_cpu += after[1] - before[1]
        series.counted += count

    def _long(self, agent: int) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT t.id FROM tickets_ticket t JOIN tickets_message m ON m.ticket_id = t.id "
                "WHERE t.queue_id = ANY(%s) GROUP BY t.id HAVING count(*) = %s",
                [self.queues[agent], LONG],
            )
            return [row[0] for row in cursor.fetchall()]


def queries_of(desk: Desk, path: str, *, part: bool = False) -> int:
    """Statements of one GET, session and rights included, BEGIN and COMMIT left out."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(desk.browsers[0].agent)
    headers = {"HX-Request": "true"} if part else {}
    client.get(path, headers=headers)
    with CaptureQueriesContext(connection) as caught:
        client.get(path, headers=headers)
    return sum(not query["sql"].startswith(CONTROL) for query in caught)


def _rows_differ(answer: Answer, wanted: list[int]) -> str:
    shown = [int(number) for number in ROW.findall(answer.text)]
    return "" if shown == wanted else f"rows {shown[:3]}… instead of {wanted[:3]}…"
