"""Two hosts over one PostgreSQL, as docs/how-to/several-hosts.md has them: network namespaces, each
with a cable to the database that is pulled; one dies as in a power cut. Minutes: `make long`."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.mailserver import PASSWORD, USER, ImapServer, SmtpServer
from tests.ops import wires
from tests.ops.external import Door, server
from tests.ops.test_deploy import HOLD_INBOX
from tests.ops.visitor import FILL, START_LIMIT, free_of, python, started, wait_for

PORT = 8100  # on both: each host has ports of its own
LIMIT = 60.0  # seconds until the other host has taken over
BACK = 20.0  # seconds until a host works again whose cable is plugged in
KINDS = ("web", "worker", "fetch")
TAKEN_IN = """
import django; django.setup()
import json
from zabota.tickets.models import Message
print(json.dumps(list(Message.objects.filter(direction="in").values_list("ticket_id", "text"))))
"""
HELD = """
import django; django.setup()
import json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT host(a.client_addr) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                   "WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted")
    print(json.dumps([address for (address,) in cursor.fetchall()]))
"""


class Host:
    """One machine: its namespace, its data folder, its processes and a browser at it."""

    def __init__(self, cables: wires.Wires, number: int, folder: Path, url: str) -> None:
        self.cables, self.space = cables, cables.hosts[number]
        self.address = f"10.199.0.{number + 2}"
        self.folder = folder / f"host-{number}"
        self.folder.mkdir()
        (self.folder / "blobs").symlink_to(folder / "blobs")
        self.env = free_of(
            dict(os.environ),
            ZABOTA_DATA=str(self.folder),
            ZABOTA_LISTEN=f"127.0.0.1:{PORT}",
            ZABOTA_URL=f"http://localhost:{PORT}",
            ZABOTA_SECRET_KEY="the same on both hosts " * 3,
            DATABASE_URL=url,
            LANG="C",
        )
        self.browser = wires.BrowserAt(self.space, PORT)
        self.running = ExitStack()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def migrating(self) -> subprocess.Popen[bytes]:
        command = [*wires.words(self.space), sys.executable, "-m", "zabota.ops.cli", "migrate"]
        return subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL)

    def start(self, *kinds: str) -> None:
        for kind in kinds:
            log = self.folder / f"{kind}.log"
            one = started(kind, env=self.env, log=log, within=wires.words(self.space))
            self.processes[kind] = self.running.enter_context(one)

    def end(self, kind: str) -> None:
        """An orderly end."""
        self.processes[kind].send_signal(signal.SIGTERM)
        assert self.processes[kind].wait(60) == 0

    def die(self) -> None:
        """As in a power cut: nothing of it is heard any more, not even the end of a connection."""
        self.cables.pull(self.space)
        listed = subprocess.run(
            ["ip", "netns", "pids", self.space], capture_output=True, text=True, check=True
        )
        for pid in listed.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def ask(self, code: str) -> Any:
        """What `code` prints as JSON, run on this host."""
        return python(code, self.env, wires.words(self.space))

    def is_up(self) -> bool:
        return self.browser.status("/healthz") == 200


class Post:
    """The mail servers, at the centre; `letters` are those that were sent."""

    def __init__(self, stack: ExitStack, centre: str) -> None:
        self.imap = stack.enter_context(ImapServer())
        self.smtp = stack.enter_context(SmtpServer(user=USER, password=PASSWORD))
        self.config = self.imap.config() | self.smtp.config()
        for kind, port in (("imap", self.imap.port), ("smtp", self.smtp.port)):
            door = stack.enter_context(Door(port, wires.listening(centre)))
            self.config |= {f"{kind}_host": wires.CENTRE, f"{kind}_port": door.port}

    def write(self, mark: str) -> None:
        """A client's mail."""
        head = f"From: {mark}@client.example\r\nTo: help@company.example\r\nSubject: {mark}\r\n"
        self.imap.append(f"{head}Message-ID: <{mark}@client.example>\r\n\r\n{mark}\r\n".encode())

    def sent_to(self, mark: str) -> int:
        """How many letters that client got."""
        return sum(f"{mark}@client.example" in one.recipients for one in self.smtp.taken)


class Stream:
    """A live stream, read by a thread of its own."""

    def __init__(self, host: Host, ticket: int, last: str = "") -> None:
        self.heard: list[tuple[float, str, str]] = []
        self.is_over = threading.Event()
        self.line = host.browser.open(timeout=300)
        path = f"/live/stream?queues=all&ticket={ticket}"
        more = {"Last-Event-ID": last} if last else {}
        self.line.request("GET", path, headers=host.browser.headers() | more)
        self.end = self.line.sock
        self.answer = self.line.getresponse()
        assert self.answer.status == 200
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        number = ""
        with suppress(OSError, ValueError, http.client.HTTPException):
            for raw in self.answer:
                line = raw.decode().strip()
                if line.startswith("id: "):
                    number = line[4:]
                elif line.startswith("event: "):
                    self.heard.append((time.monotonic(), line[7:], number))
        self.is_over.set()

    def events(self, *kinds: str) -> list[tuple[float, str, str]]:
        return [one for one in self.heard if one[1] in kinds]

    def is_open(self) -> bool:
        return bool(self.events("here"))

    def last(self) -> str:
        return self.heard[-1][2]

    def close(self) -> None:
        with suppress(OSError):
            self.end.shutdown(socket.SHUT_RDWR)


@contextmanager
def machines(folder: Path) -> Iterator[tuple[Host, Host, Post]]:
    """Both hosts with their database and files, nothing running yet."""
    (folder / "blobs").mkdir(mode=0o700)
    with ExitStack() as stack:
        cables = stack.enter_context(wires.Wires(2))
        inside = wires.words(cables.centre)
        url = stack.enter_context(server(folder, within=inside, host=wires.CENTRE))
        post = Post(stack, cables.centre)
        hosts = [Host(cables, number, folder, url) for number in range(2)]
        for host in hosts:
            stack.enter_context(host.running)
        # Both migrate at once, as two services that start together do.
        both = [host.migrating() for host in hosts]
        assert [one.wait(START_LIMIT) for one in both] == [0, 0]
        yield hosts[0], hosts[1], post


@pytest.mark.long
def test_two_hosts_over_one_database(folder: Path) -> None:
    if why := wires.refused():
        pytest.skip(f"two hosts were NOT tried: {why}")
    with machines(folder) as (one, two, post):
        made = one.ask(FILL)
        one.ask(HOLD_INBOX.format(config=post.config, password=PASSWORD))
        # The second host reads the inbox, so that it can be lost with it.
        two.start("fetch")
        assert wait_for(lambda: one.ask(HELD) == [two.address], START_LIMIT)
        two.start("web", "worker")
        one.start(*KINDS)
        assert wait_for(lambda: one.is_up() and two.is_up(), START_LIMIT)
        one.browser.sign_in(made["email"])
        two.browser.cookies = dict(one.browser.cookies)
        ticket = int(made["ticket"])
        _heard_at_the_other(one, two, ticket)
        _heard_at_the_other(two, one, ticket)
        _file_crosses(one, two, ticket)
        _cable_pulled(one, two, post, ticket, seconds=8)
        _cable_pulled(one, two, post, ticket, seconds=45)
        _power_cut(one, two, post)


def _note(host: Host, ticket: int, file: bytes = b"") -> None:
    body = {"body": f"Заметка {time.monotonic()}"}
    assert host.browser.send(f"/t/{ticket}/note/", body, file) in {200, 302}


def _heard_at_the_other(here: Host, there: Host, ticket: int) -> None:
    with closing(Stream(there, ticket)) as stream:
        assert wait_for(stream.is_open)
        _note(here, ticket)
        written = time.monotonic()
        assert wait_for(lambda: stream.events("ticket"), 5)
        assert stream.events("ticket")[0][0] - written < 1.0


def _file_crosses(here: Host, there: Host, ticket: int) -> None:
    _note(here, ticket, os.urandom(300_000))
    _, _, page = there.browser.ask("GET", f"/t/{ticket}/")
    path = re.findall(rb'href="(/t/\d+/file/\d+/)"', page)[-1].decode()
    status, headers, body = there.browser.ask("GET", path)
    while status in {301, 302, 303}:
        status, headers, body = there.browser.ask("GET", headers["location"])
    assert (status, len(body)) == (200, 300_000)


def _cable_pulled(here: Host, there: Host, post: Post, ticket: int, *, seconds: float) -> None:
    """The other host works on meanwhile; this one goes on when the cable is plugged in, and a
    browser at it hears of all that was done."""
    mark = f"cable{seconds:.0f}"
    post.write(mark)
    assert wait_for(lambda: post.sent_to(mark) == 1, LIMIT), "acknowledged before anything is wrong"
    number = _ticket_of(here, mark)
    stream = Stream(there, ticket)
    assert wait_for(stream.is_open)
    last = stream.last()
    there.cables.pull(there.space)
    pulled = time.monotonic()
    for _ in range(3):
        _note(here, ticket)
    fields = {"body": "Ответ", "seen": "999999999"}
    assert here.browser.send(f"/t/{number}/reply/", fields) in {200, 302}
    post.write(f"{mark}later")
    assert wait_for(lambda: post.sent_to(mark) == 2, seconds - 1), "jobs go on at the other host"
    assert time.monotonic() - pulled < seconds
    assert there.browser.status("/inbox/mine/") != 200
    time.sleep(max(0.0, pulled + seconds - time.monotonic()))
    there.cables.plug(there.space)
    assert wait_for(lambda: there.browser.status("/inbox/mine/") == 200, BACK)
    assert {there.browser.status(f"/t/{ticket}/") for _ in range(20)} == {200}
    # A browser comes back by itself when its stream ends, with the last it has heard of.
    with closing(stream):
        if not wait_for(lambda: len(stream.events("ticket")) >= 3, BACK):
            stream.close()
            stream = Stream(there, ticket, last)
        assert wait_for(
            lambda: len(stream.events("ticket")) >= 3 or stream.events("reset"), BACK
        ), stream.heard
    assert wait_for(lambda: post.sent_to(f"{mark}later") == 1, LIMIT), "mail goes on"


def _power_cut(here: Host, there: Host, post: Post) -> None:
    """A job of the dead host is done by the other, once; its inbox is read by the other."""
    here.end("worker")
    began, may_go = threading.Event(), threading.Event()

    def hold(_address: str) -> str:
        began.set()
        may_go.wait(60)
        return "421 gone"

    post.smtp.data = hold
    post.write("power")
    assert began.wait(LIMIT), "the worker of the second host is sending"
    there.die()
    died = time.monotonic()
    post.smtp.data = lambda address: ""
    may_go.set()
    here.start("worker")
    assert wait_for(lambda: post.sent_to("power") == 1, LIMIT), "its job is taken over"
    print(f"job taken over after {time.monotonic() - died:.0f} s")
    post.write("after")
    assert wait_for(lambda: post.sent_to("after") == 1, LIMIT), "its inbox is read"
    print(f"inbox taken over after {time.monotonic() - died:.0f} s")
    assert here.browser.status("/inbox/mine/") == 200
    time.sleep(5)
    assert (post.sent_to("power"), post.sent_to("after")) == (1, 1)
    texts = [text for _number, text in here.ask(TAKEN_IN)]
    for mark in ("cable8", "cable8later", "cable45", "cable45later", "power", "after"):
        assert sum(mark == text.strip() for text in texts) == 1, mark


def _ticket_of(host: Host, mark: str) -> int:
    found = [n for n, text in host.ask(TAKEN_IN) if text.strip() == mark]
    assert len(found) == 1
    return int(found[0])
