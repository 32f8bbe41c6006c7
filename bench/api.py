"""Tickets that programs bring: one client, then several at once."""

from __future__ import annotations

import http.client
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from bench import processes, words
from bench.fill import Town
from bench.house import House
from bench.pages import Series
from bench.table import Goal, Line, percentile
from zabota.events.actor import system
from zabota.staff.models import Agent, Grant, Level, Role, Scope
from zabota.staff.tokens import make_token

CLIENTS = 8


class Program:
    """Brings tickets over a kept-open connection, each with a key of its own."""

    def __init__(self, port: int, secret: str, queues: list[int], seed: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._source = random.Random(seed)
        self._numbers = count(seed * 10_000_000)
        self._secret, self._queues = secret, queues

    def bring(self, series: Series) -> None:
        """One new ticket of a new client; number, queue and expected time are looked at."""
        number, queue = next(self._numbers), self._source.choice(self._queues)
        content, headers = letter(self._source, number, queue, self._secret)
        began = time.perf_counter()
        self._line.request("POST", "/api/v1/tickets", content, headers)
        response = self._line.getresponse()
        text = response.read()
        series.ms.append((time.perf_counter() - began) * 1000)
        told = json.loads(text)
        if response.status != 201 or told["queue"] != queue or not told["number"]:
            series.wrong = f"status {response.status}: {text[:200]!r}"


def letter(
    source: random.Random, number: int, queue: int, secret: str
) -> tuple[str, dict[str, str]]:
    """Body and headers of a request for a new ticket of a new client."""
    body = {
        "on_behalf_of": {"address": f"p{number}@firm.example", "name": words.name(number)},
        "subject": words.body(source, "", 60)[:60] or "Вопрос",
        "text": words.body(source, f"запрос{number}", 300),
        "queue": queue,
    }
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(number),
    }
    return json.dumps(body), headers


def measure(house: House, town: Town, samples: int) -> list[Line]:
    """One client, its CPU counted with the worker halted, then CLIENTS at once."""
    bringing = programs(house, town, 1)
    alone = Series()
    for _ in range(20):
        bringing[0].bring(Series())
    for _ in range(samples):
        bringing[0].bring(alone)
    house.pause("worker", True)
    try:
        _count_cpu(house, bringing[0], alone, max(samples // 4, 50))
    finally:
        house.pause("worker", False)
    pace, times, wrong = together(bringing, samples)
    goals = [
        Goal("pace", pace, 130, "/s", at_least=True),
        Goal("p95", percentile(times, 0.95), 90, "ms"),
    ]
    told = f"{len(times)} samples, the worker at work beside"
    return [
        alone.line("create a ticket by API, 1 client", 30, 10, None),
        Line(f"create a ticket by API, {CLIENTS} clients", goals, told, wrong),
    ]


def programs(house: House, town: Town, seed: int) -> list[Program]:
    """CLIENTS programs with one token; other numbers for another seed."""
    secret, queues = secret_of(town), town.queues[:5]
    return [Program(house.port, secret, queues, seed + more) for more in range(CLIENTS)]


def _count_cpu(house: House, program: Program, series: Series, samples: int) -> None:
    web, database = house.pids("web"), house.pids("postgres")
    before = processes.cpu_seconds(web), processes.cpu_seconds(database)
    quiet = Series()
    for _ in range(samples):
        program.bring(quiet)
    series.web_cpu = processes.cpu_seconds(web) - before[0]
    series.database_cpu = processes.cpu_seconds(database) - before[1]
    series.counted, series.wrong = samples, series.wrong or quiet.wrong


def together(programs: list[Program], samples: int) -> tuple[float, list[float], str]:
    """All programs at once: tickets a second, ms of each, and what was wrong."""
    each = max(samples // len(programs), 20)
    every = [Series() for _ in programs]

    def work(place: int) -> None:
        for _ in range(each):
            programs[place].bring(every[place])

    began = time.monotonic()
    with ThreadPoolExecutor(len(programs)) as pool:
        list(pool.map(work, range(len(programs))))
    spent = time.monotonic() - began
    times = [ms for one in every for ms in one.ms]
    wrong = next((one.wrong for one in every if one.wrong), "")
    return len(times) / spent, times, wrong


def secret_of(town: Town) -> str:
    """The token of a program that sees the first five queues."""
    names = {"surname": "Юдин", "first_name": "Егор", "role": Role.INTEGRATION}
    agent, _ = Agent.objects.get_or_create(email="crm@zabota.example", defaults=names)
    for queue in town.queues[:5]:
        Grant.objects.get_or_create(agent=agent, queue_id=queue, defaults={"level": Level.CLOSE})
    scopes = [Scope.TICKETS_WRITE]
    return make_token(agent, name="CRM", scopes=scopes, by=system("bench"))[1]
