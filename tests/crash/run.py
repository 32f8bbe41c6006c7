"""One crash run from start to verdict."""

from __future__ import annotations

import random
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

from django.db import DatabaseError, connection

from tests import make
from tests.crash import count
from tests.crash.house import House
from tests.crash.lanes import Lane, Runner, lanes
from tests.crash.people import ADDRESS, Browser, Clients, Post
from tests.crash.plan import Plan
from tests.mailserver import PASSWORD, ImapServer, free_port
from zabota.channels.models import RawMessage

SETTLE_LIMIT = 90.0  # seconds: a job of a killed worker is taken back within 30


class Run:
    """`whole()` does everything and prints; the same seed chooses the same kills."""

    def __init__(self, folder: Path, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.seed = seed
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.house = House(folder, free_port())
        self.imap, self.post = ImapServer(), Post()
        self.clients = Clients(self.imap, self.post, random.Random(seed))
        self.browser = Browser(self.house.url)
        self.replies: dict[str, int] = {}
        self.work = Runner()
        self.lanes: list[Lane] = []
        self.settled = 0.0

    def whole(self) -> int:
        """Start, kill, wait for rest, count; the exit status."""
        complaints: list[str] = []
        with self.imap, self.post:
            try:
                try:
                    self._open()
                    self._stream()
                    complaints += self._rest()
                except Exception as error:
                    complaints.append(f"{type(error).__name__}: {error}")
                found, doubles = self._counted()
            finally:
                self.stopping.set()
                status = self.house.stop()
        if status:
            complaints.append(f"zabota up ended with status {status}")
        complaints += found + self.work.errors + self._not_done()
        return self._verdict(complaints, doubles)

    def _open(self) -> None:
        self._say("starting Zabota, IMAP and SMTP")
        self.house.start()
        make.agent("Вера Зорина")
        box = make.inbox(address=ADDRESS)
        box.config = {**self.imap.config(), **self.post.config()}
        box.set_secret(PASSWORD)
        box.save()
        connection.close()
        self.browser.sign_in("vera@zabota.example", make.PASSWORD)

    def _stream(self) -> None:
        """Mails, replies and kills at the same time, until all lanes are through."""
        self.lanes = lanes(self.house, self.plan, random.Random(self.seed + 1), self.stopping)
        self.work.start("agent", self._answer)
        self.work.start("clients", self._write)
        killing = Runner()
        for lane in self.lanes:
            killing.start("/".join(sorted({who for who, _ in lane.steps})), lane.run)
        shown = 0.0
        while self._left() > 0 and (killing.busy() or self.work.busy()):
            if not killing.busy() and self._streamed():
                self.stopping.set()
            if time.monotonic() - shown > 5:
                shown = time.monotonic()
                self._progress()
            time.sleep(0.2)
        self.stopping.set()
        for thread in killing.threads + self.work.threads:
            thread.join(max(1.0, self._left()))
        self.work.errors += killing.errors

    def _streamed(self) -> bool:
        mails, replies = len(self.clients.expected), len(self.replies)
        return mails >= self.plan.mails and replies >= self.plan.replies

    def _write(self) -> None:
        while not self.stopping.wait(self.plan.pace * random.uniform(0.5, 1.5)):
            self.clients.write()

    def _answer(self) -> None:
        """Replies to tickets whose acknowledgement arrived."""
        pause = self.plan.pace * self.plan.mails / self.plan.replies * 0.7
        while not self.stopping.wait(pause * random.uniform(0.5, 1.5)):
            tickets = sorted({letter.ticket for letter in list(self.post.letters)} - {0})
            if not tickets:
                continue
            ticket, token = random.choice(tickets), f"reply-{uuid.uuid4().hex}"
            self.replies[token] = ticket
            self.browser.reply(ticket, f"Здравствуйте! Отправили код ещё раз.\n{token}")

    def _rest(self) -> list[str]:
        """Wait until nothing is left to do."""
        self._say("waiting until all work is done")
        began = time.monotonic()
        left = "the database is away"
        calm = 0
        while time.monotonic() - began < SETTLE_LIMIT:
            try:
                left = count.left_over() or self._missing_raw()
            except DatabaseError:
                connection.close()
            calm = 0 if left else calm + 1
            if calm == 3:
                self.settled = time.monotonic() - began
                return []
            time.sleep(0.5)
        return [f"after {SETTLE_LIMIT:.0f} s of rest there are still: {left}"]

    def _missing_raw(self) -> str:
        missing = len(self.clients.expected) - RawMessage.objects.count()
        return f"{missing} mails not fetched" if missing > 0 else ""

    def _counted(self) -> tuple[list[str], count.Doubles]:
        try:
            return count.complaints(self.clients, self.replies, self.house.kills)
        except DatabaseError as error:
            return [f"the database does not answer: {error}"], count.Doubles(0, [])

    def _not_done(self) -> list[str]:
        hits = Counter(kill.step for kill in self.house.kills if kill.step)
        found = [
            f"{point} was hit {hits[point]} times instead of {self.plan.hits}"
            for point in self.plan.points
            if hits[point] < self.plan.hits
        ]
        at_random = sum(not kill.step for kill in self.house.kills)
        if at_random < self.plan.kills:
            found.append(f"{at_random} kills at random moments instead of {self.plan.kills}")
        if not self._streamed():
            found.append(f"only {len(self.clients.expected)} mails, {len(self.replies)} replies")
        return found

    def _verdict(self, complaints: list[str], doubles: count.Doubles) -> int:
        kills = self.house.kills
        print("hits per step:")
        for point, hits in sorted(Counter(kill.step for kill in kills if kill.step).items()):
            print(f"  {point:20} {hits}")
        print("kills at random moments:")
        for who, hits in sorted(Counter(kill.who for kill in kills if not kill.step).items()):
            print(f"  {who:20} {hits}")
        after_ok = sum(kill.step == "outbox.after_send" for kill in kills)
        print(
            f"sent twice under one Message-ID: {doubles.count} "
            f"({after_ok} kills fell at outbox.after_send)"
        )
        print(
            f"POSTs repeated: {self.browser.repeated}; starts of zabota up: "
            f"{self.house.restarts + 1}; all work done {self.settled:.1f} s after the last mail"
        )
        for line in complaints:
            print(f"WRONG: {line}")
        if complaints:
            print(f"the end of its log:\n{self.house.last_words(30)}", file=sys.stderr)
        print(
            f"crash: {'FAILED' if complaints else 'passed'}: {len(kills)} kills, "
            f"{len(self.clients.expected)} mails, {len(self.replies)} replies, "
            f"{len(self.post.letters)} mails out, {doubles.count} sent twice, "
            f"{len(complaints)} wrong, {time.monotonic() - self.began:.0f} s, seed {self.seed}"
        )
        return 1 if complaints else 0

    def _left(self) -> float:
        return self.plan.limit - SETTLE_LIMIT / 2 - (time.monotonic() - self.began)

    def _progress(self) -> None:
        steps = sum(len(lane.steps) for lane in self.lanes)
        done = sum(lane.done for lane in self.lanes)
        self._say(
            f"{len(self.clients.expected)}/{self.plan.mails} mails, "
            f"{len(self.replies)}/{self.plan.replies} replies, {done}/{steps} kills, "
            f"{len(self.post.letters)} mails out"
        )

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)
