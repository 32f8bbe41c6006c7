"""Tells stories as tickets: people write at plausible hours, and it stops at the present."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zabota.channels.contract import Robot
from zabota.events import actor
from zabota.ops.demo import cast, extra, grammar, pictures
from zabota.ops.demo.batch import Batch
from zabota.ops.demo.company import World
from zabota.ops.demo.grammar import Step, Story, expand
from zabota.ops.demo.history import History
from zabota.ops.demo.mails import File
from zabota.ops.demo.post import ZONE, Client
from zabota.ops.demo.slots import Slots
from zabota.staff.models import Agent
from zabota.tickets.actions.solving import CLOSES_AFTER
from zabota.tickets.models import CloseReason, Status

ATTACHED = re.compile(
    r"влож|прилож|Прилож|attach|picture\.|our monitoring\.|photo says", re.IGNORECASE
)
AGENT_MINUTES = {1: 9, 2: 35, 3: 80, 4: 150}
WEIGHTS = {1: 0.45, 2: 0.9, 3: 1.3, 4: 1.2}
MOST_TRIES = 200
MOST_TURNS = 30
LEAST_REFUSED = 3  # answers of the last days that did not arrive
GIVEN_UP = timedelta(days=10)
SOON = timedelta(minutes=15)
LONG_AGO = timedelta(hours=20)
# As channels/kinds/mail/send.py writes them down; %s is the client's address.
REFUSALS = (
    "The SMTP server refused the recipient: %s: 550 5.2.2 Mailbox full",
    "The SMTP server refused the recipient: %s: 550 5.1.1 No such user here",
    "The SMTP server refused the message: 554 5.7.1 Message rejected by policy",
)


@dataclass
class Telling:
    """One story being told."""

    story: Story
    client: Client
    slots: Slots
    life: History
    queue: str
    agent: Agent
    agent_female: bool
    at: datetime
    greeted: bool = False

    def move(self, moment: datetime) -> None:
        """Time goes on; texts speak of the day and hour at which they are written."""
        self.at = moment
        self.slots.at = moment.astimezone(ZONE)


class Plot:
    """Makes tickets of stories. Hardly a text is used twice."""

    def __init__(self, batch: Batch, world: World, rng: random.Random, now: datetime) -> None:
        self.batch, self.world, self.rng, self.now = batch, world, rng, now
        self.seen: set[str] = set()
        self.refused = 0
        self._women = {role.login: role.person.female for role in cast.AGENTS}

    def unique(self, make: Callable[[], str]) -> str:
        """A text that was not used before, as long as there is one: a demonstration that says
        something twice is better than none."""
        for _ in range(MOST_TRIES):
            text = make()
            if text not in self.seen:
                break
        self.seen.add(text)
        return text

    def fill(self, text: str, slots: Slots, female: bool = False) -> str:
        """A reading of `text`, unused if there is one."""
        return self.unique(lambda: expand(text, self.rng, slots, female))

    def tell(self, at: datetime, *, longest: bool = False) -> History:
        """One ticket that begins at `at`; with `longest` the story with the most letters."""
        language = "ru" if self.rng.random() < 0.7 else "en"
        story = self._story(language, longest)
        client = self.rng.choice(self.world.clients[language])
        telling = self._begin(story, client, at)
        for number, step in enumerate(self._steps(story, longest)):
            if not self._take(telling, step, number):
                break
        self._finish(telling)
        return telling.life

    def _story(self, language: str, longest: bool) -> Story:
        known = [s for s in grammar.stories(language).values() if s.subjects]
        if longest:
            return next(story for story in known if story.turns)
        weights = [0.3 if s.turns or s.topic == "other" else WEIGHTS[s.urgency] for s in known]
        return self.rng.choices(known, weights)[0]

    def _begin(self, story: Story, client: Client, at: datetime) -> Telling:
        queue = cast.TOPICS[story.topic][0]
        inbox = self.world.inboxes[cast.INBOX_OF[queue] if self.rng.random() < 0.8 else "support"]
        slots = Slots(self.rng, client.language, client.domain, at.astimezone(ZONE))
        subject = expand(self.rng.choice(story.subjects), self.rng, slots, client.female)
        life = History(self.batch, client, inbox=inbox, subject=subject, at=at, rng=self.rng)
        login = self.rng.choice(cast.CREW[queue][client.language])
        agent = self.world.agents[login]
        return Telling(story, client, slots, life, queue, agent, self._women[login], at)

    def _steps(self, story: Story, longest: bool) -> Iterator[Step]:
        steps = list(story.steps)
        if story.turns:
            language = "ru" if story.turns == "migration" else "en"
            turns = grammar.stories(language)[story.turns].steps
            count = MOST_TURNS if longest else self.rng.choice((4, 10, 18, 26))
            steps = steps[:2] + turns[:count] + steps[2:]
        for number, step in enumerate(steps):
            yield step
            if step.kind == "C" and 0 < number < len(steps) - 1 and self.rng.random() < 0.05:
                yield Step("C", extra.NUDGE[_language(story)])
                yield Step("A", extra.WAIT[_language(story)])
            if step.kind == "A" and self.rng.random() < 0.1:
                yield Step("N", extra.QUIET_NOTE[_language(story)])

    def _take(self, telling: Telling, step: Step, number: int) -> bool:
        """Tell one step; False when the present is reached or nobody goes on."""
        if step.kind == "C":
            return self._client_writes(telling, step, number)
        moment = self._agent_time(telling)
        if moment >= self.now:
            self._take_for_later(telling)
            return False
        telling.move(moment)
        if telling.life.ticket.owner is None:
            self._take_over(telling)
        if step.kind == ">":
            return self._hand_over(telling, step)
        if step.kind in "NK":
            self._inside(telling, step)
            return True
        return self._agent_writes(telling, step)

    def _client_writes(self, telling: Telling, step: Step, number: int) -> bool:
        life, rng = telling.life, self.rng
        if number:
            if life.ticket.status == Status.SOLVED and rng.random() < 0.6:
                return False
            fresh = self.now - telling.at < GIVEN_UP
            waits = life.ticket.status == Status.WAITING_CLIENT and not telling.story.turns
            if waits and rng.random() < (0.4 if fresh else 0.05):
                return False
            moment = self._client_time(telling)
            if moment >= self.now:
                return False
            telling.move(moment)
        text = self.unique(lambda: self._client_text(telling, step, first=not number))
        files = self._files(telling, text)
        html = rng.random() < 0.45 or any(file.content_id for file in files)
        life.receive(text, telling.at, files=files, html=html)
        return True

    def _client_text(self, telling: Telling, step: Step, first: bool) -> str:
        client, rng = telling.client, self.rng
        parts = []
        if first:
            parts.append(expand(extra.HELLO[client.language], rng, telling.slots, False))
        elif rng.random() < 0.35:
            names = {"name": telling.agent.first_name}
            parts.append(expand(extra.HELLO_NAME[client.language], rng, names, False))
        parts.append(expand(step.text, rng, telling.slots, client.female))
        if first or rng.random() < 0.55:
            bye = expand(extra.BYE[client.language], rng, {}, False)
            sign = f"{bye}\n{client.name}" if first else f"{bye}\n{client.first}"
            parts.append(f"{sign}\n{client.company}" if first and client.company else sign)
        return "\n\n".join(parts)

    def _agent_writes(self, telling: Telling, step: Step, then: str = "") -> bool:
        life, solve = telling.life, step.kind == "A!"
        text = self.unique(lambda: self._agent_text(telling, step))
        telling.greeted = True
        fresh = self.now - telling.at < timedelta(days=12)
        refused = fresh and (self.refused < LEAST_REFUSED or self.rng.random() < 0.03)
        self.refused += refused
        refusal = self.rng.choice(REFUSALS) if refused else ""
        failed = refusal.replace("%s", telling.client.address)
        files = self._files(telling, text) if solve and ATTACHED.search(text) else []
        then = Status.WAITING_CLIENT if "?" in text and not solve else then
        life.reply(
            telling.agent, text, telling.at, solve=solve, then=then, files=files, failed=failed
        )
        if failed:
            return False
        if self.rng.random() < 0.02:
            self._away(telling)
        return True

    def _agent_text(self, telling: Telling, step: Step) -> str:
        body = expand(step.text, self.rng, telling.slots, telling.agent_female)
        if telling.greeted and self.rng.random() < 0.5:
            return body
        names = {"name": telling.client.first}
        hello = expand(extra.HELLO_NAME[telling.client.language], self.rng, names, False)
        return f"{hello}\n\n{body}"

    def _take_over(self, telling: Telling) -> None:
        life, by, story = telling.life, telling.agent.actor, telling.story
        queue = self.world.queues[telling.queue]
        topic = self.world.topics[story.topic]
        if life.ticket.queue_id != queue.pk:
            life.move(queue, "topic", telling.at, by)
        life.classify(topic, story.type, story.urgency, story.tags, telling.at, by)
        life.give(telling.agent, telling.at, by)

    def _take_for_later(self, telling: Telling) -> None:
        """Some fresh tickets have their owner already, who has not answered yet."""
        waited = self.now - telling.at
        if telling.life.ticket.owner is None and waited > SOON and self.rng.random() < 0.4:
            telling.move(telling.at + waited * self.rng.uniform(0.3, 0.9))
            self._take_over(telling)

    def _hand_over(self, telling: Telling, step: Step) -> bool:
        life, by = telling.life, telling.agent.actor
        telling.queue = step.target
        text = self.unique(lambda: expand(step.text, self.rng, telling.slots, telling.agent_female))
        life.note(telling.agent, text, telling.at)
        life.move(self.world.queues[step.target], "handover", telling.at, by)
        life.turn(Status.WAITING_INTERNAL, telling.at, by)
        if self.now - telling.at < timedelta(days=9) and self.rng.random() < 0.5:
            return False
        login = self.rng.choice(cast.CREW[step.target][telling.client.language])
        moment = telling.at + timedelta(minutes=self.rng.randint(3, 40))
        if moment >= self.now:
            return False
        telling.agent, telling.agent_female = self.world.agents[login], self._women[login]
        telling.greeted = False
        telling.move(moment)
        life.give(telling.agent, moment, telling.agent.actor)
        life.turn(Status.OPEN, moment, telling.agent.actor)
        return True

    def _inside(self, telling: Telling, step: Step) -> None:
        life, female = telling.life, telling.agent_female
        if step.kind == "N":
            life.note(telling.agent, self.fill(step.text, telling.slots, female), telling.at)
            return
        about, advice = step.text.split("] ", 1)
        summary = self.fill(f"{about}]", telling.slots, female)
        told = expand(advice, self.rng, telling.slots, female)
        life.call(telling.agent, summary, told, self.rng.randint(3, 24), telling.at)

    def _away(self, telling: Telling) -> None:
        moment = telling.at + timedelta(seconds=self.rng.randint(5, 90))
        if moment >= self.now:
            return
        language = telling.client.language
        text = self.unique(
            lambda: expand(extra.AWAY[language][1], self.rng, telling.slots, telling.client.female)
        )
        telling.life.receive(
            text, moment, robot=Robot.AUTO_REPLY, sign="Auto-Submitted: auto-replied", html=False,
            headers={"Auto-Submitted": "auto-replied"},
        )  # fmt: skip

    def _finish(self, telling: Telling) -> None:
        life, ticket = telling.life, telling.life.ticket
        waits = ticket.waits_since is not None and not life.solved_once
        if waits and ticket.owner and self.now - telling.at > LONG_AGO:
            # Who keeps his 24 hours says at least that he is on it; one in eight is lost.
            moment = self._agent_time(telling)
            if moment < self.now and self.rng.random() > 0.12:
                telling.move(moment)
                ask = extra.WAIT[telling.client.language]
                self._agent_writes(telling, Step("A", ask), then=Status.WAITING_CLIENT)
        if ticket.status in {Status.OPEN, Status.NEW} and ticket.owner is not None:
            # A word of thanks reopened it; the owner solves it once more.
            moment = self._agent_time(telling)
            if life.solved_once and ticket.awaits_answer and moment < self.now:
                life.solve_quietly(telling.agent, moment)
        elif ticket.status == Status.WAITING_CLIENT and self.now - telling.at > GIVEN_UP:
            life.solve_quietly(telling.agent, telling.at + GIVEN_UP - timedelta(days=1))
        if ticket.status == Status.SOLVED and ticket.solved_at is not None:
            due = ticket.solved_at + CLOSES_AFTER
            if due < self.now:
                life.close(CloseReason.AFTER_SOLVED, due, actor.system("closing"))
            else:
                life.await_closing()

    def _files(self, telling: Telling, text: str) -> Sequence[File]:
        if not ATTACHED.search(text):
            return ()
        rng, domain = self.rng, telling.client.domain
        kind = telling.story.file
        number = rng.randint(100, 999)
        if kind in {"chart", "screen"}:
            content = pictures.chart(rng) if kind == "chart" else pictures.screen(rng)
            inline = f"{rng.getrandbits(48):012x}@{domain}" if rng.random() < 0.4 else ""
            name = f"{'grafik' if kind == 'chart' else 'screenshot'}-{number}.png"
            return (File(name, "image/png", content, inline),)
        if kind == "csv":
            return (File(f"orders-{number}.csv", "text/csv", pictures.table(rng)),)
        if kind == "pdf":
            content = pictures.document(
                rng, f"Document {telling.slots['invoice']}".replace("СХ", "NH")
            )
            return (File(f"document-{number}.pdf", "application/pdf", content),)
        return (File(f"headers-{number}.txt", "text/plain", pictures.headers(rng, domain)),)

    def _client_time(self, telling: Telling) -> datetime:
        minutes = min(max(math.exp(self.rng.gauss(math.log(55), 1.2)), 4), 3000)
        if telling.story.turns:
            minutes *= 3
        return into_hours(telling.at + timedelta(minutes=minutes), 7, 23, self.rng)

    def _agent_time(self, telling: Telling) -> datetime:
        middle = AGENT_MINUTES[telling.story.urgency]
        minutes = min(max(math.exp(self.rng.gauss(math.log(middle), 0.7)), 2), 600)
        return into_hours(telling.at + timedelta(minutes=minutes), 8, 20, self.rng)


def _language(story: Story) -> str:
    return "ru" if any("а" <= letter <= "я" for letter in story.steps[0].text.lower()) else "en"


def into_hours(moment: datetime, first: int, last: int, rng: random.Random) -> datetime:
    """`moment`, moved to the next morning when it falls outside the hours first … last (Moscow)."""
    local = moment.astimezone(ZONE)
    if first <= local.hour < last:
        return moment
    if local.hour >= last:
        local += timedelta(days=1)
    morning = local.replace(hour=first, minute=0, second=0, microsecond=0)
    return (morning + timedelta(seconds=rng.randint(120, 5400))).astimezone(moment.tzinfo)


def beginnings(count: int, days: int, now: datetime, rng: random.Random) -> list[datetime]:
    """When clients first write, over the last `days`: office hours peak, weekends are quiet."""
    hours = (1, 1, 1, 1, 1, 2, 4, 9, 18, 28, 32, 30, 24, 26, 30, 28, 24, 18, 13, 10, 8, 6, 4, 2)
    found: list[datetime] = []
    while len(found) < count:
        moment = now - timedelta(days=days) * rng.random()
        local = moment.astimezone(ZONE)
        weight = hours[local.hour] / 32 * (0.3 if local.weekday() > 4 else 1.0)
        if rng.random() < weight:
            found.append(moment)
    return sorted(found)
