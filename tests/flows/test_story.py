"""A request from the client's first mail to its reopening, with every process real: web, worker,
fetch, IMAP and SMTP servers, and a client whose mail program shares no line with Zabota."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection
from django.utils import translation
from playwright.sync_api import sync_playwright

from tests import make
from tests.crash.people import Browser
from tests.flows.client import FORMS
from tests.flows.post import PostOffice
from tests.mailserver import PASSWORD, USER, ImapServer
from tests.site import Site, process, serving
from zabota.staff.models import Agent
from zabota.tickets import letters
from zabota.tickets.models import Message, Status, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("processes")]

COMPANY, CLIENT = "support@zabota.example", "p.lebedev@romashka.example"
WORKER = "import django; django.setup(); from zabota.events import worker; worker.run()"
FETCH = "import django; django.setup(); from zabota.channels import fetcher; fetcher.run()"
PROGRAM = Path(__file__).with_name("client.py")
SOON = 2.0  # seconds from the client's mailbox server to the agent's list
PATIENCE = 20.0
Found = TypeVar("Found")


def until(question: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """The first true answer; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


@dataclass
class Client:
    """The client's mail program."""

    environment: dict[str, str]

    def __call__(self, *words: str) -> str:
        """Run one command of it; fails with its own words."""
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def mail(self, words: str) -> dict[str, str]:
        """The mail in his box with these words."""
        found: dict[str, str] = json.loads(self("wait", words))
        return found


@dataclass
class World:
    """Everything that runs."""

    site: Site
    post: PostOffice
    client: Client
    agent: Agent

    def desk(self) -> Browser:
        """The agent's browser, signed in."""
        browser = Browser(f"http://127.0.0.1:{self.site.port}")
        browser.sign_in(self.agent.email, make.PASSWORD)
        return browser


@contextmanager
def _running(stack: ExitStack) -> Iterator[World]:
    support, own = stack.enter_context(ImapServer()), stack.enter_context(ImapServer())
    agent_box = stack.enter_context(ImapServer())
    agent = make.agent("Вера Зорина", mail_notices=False)
    post = stack.enter_context(PostOffice({COMPANY: support, CLIENT: own, agent.email: agent_box}))
    box = make.inbox(address=COMPANY)
    box.config = {**support.config(), **post.config()}
    box.set_secret(PASSWORD)
    box.save()
    stack.enter_context(process(WORKER))
    stack.enter_context(process(FETCH))
    site = stack.enter_context(serving())
    until(lambda: type(box).objects.get(pk=box.pk).last_ok_at, "the mailbox is read")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONIOENCODING": "utf-8",
        "SMTP": f"{post.host}:{post.port}",
        "IMAP": f"{own.host}:{own.port}",
        "LOGIN": f"{USER}:{PASSWORD}",
        "ADDRESS": CLIENT,
        "COMPANY": COMPANY,
    }
    yield World(site, post, Client(environment), agent)


@pytest.fixture
def world() -> Iterator[World]:
    """All processes over the test database."""
    with ExitStack() as stack, _running(stack) as made:
        yield made
    connection.close()


def test_from_the_first_mail_to_the_reopening(world: World) -> None:
    client, desk = world.client, world.desk()

    client("write", "Не приходит код для входа", "Здравствуйте!\nСо вчера нет кода.")
    until(
        lambda: "Не приходит код для входа" in desk.patiently("/inbox/open/"),
        "the mail is on the open list",
    )
    ticket = Ticket.objects.get()
    receipt = client.mail(f"#{ticket.pk}")
    assert receipt["Auto-Submitted"].startswith("auto-")
    assert receipt["In-Reply-To"]

    desk.reply(ticket.pk, "Пётр, здравствуйте! Какой у вас оператор?")
    answer = client.mail("Какой у вас оператор")
    assert "Вера Зорина" in answer["text"]
    assert "Вера Зорина" in answer["html"]
    assert "Вера Зорина" in answer["From"]
    assert not answer["Auto-Submitted"]

    _every_program_threads_back(world, desk, ticket)

    desk.reply(ticket.pk, "Код уже у вас, проверьте.", then="solve")
    solved = client.mail("Код уже у вас, проверьте.")
    assert letters.solved_line("ru") in " ".join(solved["text"].split())
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    assert f"/t/{ticket.pk}/" not in desk.patiently("/inbox/open/")

    client("answer", "Код уже у вас", "gmail_html", "Снова не приходит!")
    until(
        lambda: f"/t/{ticket.pk}/" in desk.patiently("/inbox/open/"),
        "his answer reopens the ticket",
    )
    ticket.refresh_from_db()
    assert ticket.status == Status.OPEN
    assert "Снова не приходит!" in desk.patiently(f"/t/{ticket.pk}/")
    _solved_without_words(world, desk, ticket)
    assert Ticket.objects.count() == 1
    assert world.post.undeliverable == []
    _soon(world, lambda subject: subject in desk.patiently("/inbox/open/"))


def test_the_open_list_shows_a_mail_by_itself(
    world: World, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Playwright's event loop runs in this thread, where Django would refuse the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    session = make.browser(world.agent).session.session_key
    address = f"http://127.0.0.1:{world.site.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": str(session), "url": address}])
        page = context.new_page()
        with page.expect_response(lambda answer: "/live/stream" in answer.url):
            page.goto(f"{address}/inbox/open/")
        _soon(world, lambda subject: page.get_by_text(subject).first.is_visible())
        browser.close()


def _soon(world: World, seen: Callable[[str], bool]) -> None:
    """A mail is seen within 2 s; a machine busy with other tests gets three tries."""
    needed = []
    for attempt in range(3):
        subject = f"Сразу видно {attempt}"
        world.client("write", subject, "Здравствуйте!")
        began = time.monotonic()
        until(partial(seen, subject), f"“{subject}” is seen")
        needed.append(time.monotonic() - began)
        if needed[-1] <= SOON:
            return
    raise AssertionError(f"seen only after {needed} s")


def _every_program_threads_back(world: World, desk: Browser, ticket: Ticket) -> None:
    """Each form joins the ticket, and only what he wrote now is shown unfolded."""
    texts = {name: f"Оператор «Волна», отвечаю из {name}." for name in FORMS}
    for name, text in texts.items():
        world.client("answer", "Какой у вас оператор", name, text)
    wanted = len(FORMS) + 1
    until(
        lambda: Message.objects.filter(ticket=ticket, direction="in").count() == wanted,
        "all answers are in the ticket",
    )
    page = desk.patiently(f"/t/{ticket.pk}/?all=1")
    for name, text in texts.items():
        message = Message.objects.get(ticket=ticket, text__contains=f"отвечаю из {name}.")
        assert message.text == text, f"{name}: more than the new words is shown"
        assert "Какой у вас оператор" in message.quoted, f"{name}: the quote is kept"
        shown = page
        frame = f"/t/{ticket.pk}/message/{message.pk}/body/"
        if frame in page:
            shown = desk.patiently(frame)
            assert "Какой у вас оператор" not in shown, f"{name}: the quote is folded"
        assert f"отвечаю из {name}." in shown, f"{name}: his words are on the page"
    how = set(Message.objects.filter(ticket=ticket).values_list("thread_how", flat=True))
    assert {"address", "our_message_id", "subject"} <= how, "all three ways were needed"


def _solved_without_words(world: World, desk: Browser, ticket: Ticket) -> None:
    """Solving without an answer sends the notice."""
    desk.post(f"/t/{ticket.pk}/", "/solve/")
    with translation.override("ru"):
        first_line = letters.solved_notice(ticket).split("\n\n")[1].splitlines()[0]
    notice = world.client.mail(first_line[:40])
    assert notice["Auto-Submitted"].startswith("auto-")
    ticket.refresh_from_db()
    assert ticket.status == Status.SOLVED
    assert Message.objects.filter(ticket=ticket, purpose="solved").count() == 1
