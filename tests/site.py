"""A real web server and a real worker, each a process of its own over the test database."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
WEB = "import django; django.setup(); from zabota.ops import web; web.run()"
WORKER = (
    "import django; django.setup(); import tests.events.slow_consumers; "
    "from zabota.events import worker; worker.run()"
)


def environment(**extra: str) -> dict[str, str]:
    """The environment of a process over the present test database."""
    now = connection.settings_dict
    kept = {name: value for name, value in os.environ.items() if name != "ZABOTA_TEST_DATA"}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "tests.site_settings",
        "DATABASE_URL": f"postgresql://postgres@/{now['NAME']}?host={now['HOST']}",
        "ZABOTA_DATA": os.environ["ZABOTA_TEST_DATA"],
        "ZABOTA_LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        **extra,
    }


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(code: str, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """Python running `code`; ended with the block."""
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment(**extra))
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Site:
    """A running web server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower-case names) and body of one answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            line.request(method, path, body, headers or {}, encode_chunked=_is_chunked(headers))
            answer = line.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            line.close()

    def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The JSON of an answer; fails unless it is a 200."""
        status, _, body = self.request(method, path, **options)
        assert status == 200, (status, body[:300])
        found: dict[str, Any] = json.loads(body)
        return found

    def raw(self, data: bytes, timeout: float = 10) -> socket.socket:
        """A connection over which exactly these bytes were sent."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        line.sendall(data)
        return line


def _is_chunked(headers: dict[str, str] | None) -> bool:
    return any(name.lower() == "transfer-encoding" for name in headers or {})


@contextmanager
def serving(code: str = WEB, **extra: str) -> Iterator[Site]:
    """A web server that answers."""
    port = free_port()
    with process(code, ZABOTA_LISTEN=f"127.0.0.1:{port}", **extra) as child:
        site = Site(port)
        end = time.monotonic() + 20
        while True:
            try:
                site.request("GET", "/healthz", timeout=2)
                break
            except OSError:
                assert child.poll() is None, "the web server ended"
                assert time.monotonic() < end, "the web server does not answer"
                time.sleep(0.05)
        yield site


class Stream:
    """An open live stream, read in a thread."""

    def __init__(self, site: Site, session: str, query: str, last: int | None = None) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        self.line.connect()
        self.socket = self.line.sock
        headers = {"Cookie": f"sessionid={session}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.line.request("GET", f"/live/stream?{query}", headers=headers)
        self.answer = self.line.getresponse()
        self.status = self.answer.status
        self.events: Queue[tuple[str, dict[str, Any]]] = Queue()
        self.last = -1
        self.ended = threading.Event()
        self.opened = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if self.status == 200:
            assert self.opened.wait(5), "the stream does not begin"

    def _read(self) -> None:
        name, data = "", ""
        try:
            for raw in self.answer:
                word, _, value = raw.decode().rstrip("\n").partition(": ")
                if word == "event":
                    name = value
                elif word == "data":
                    data = value
                elif word == "id":
                    self.last = int(value)
                elif not word:
                    if name and name != "here":
                        self.events.put((name, json.loads(data)))
                    if self.last >= 0:
                        self.opened.set()
                    name, data = "", ""
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            self.answer.close()
            self.ended.set()

    def next(self, seconds: float = 5) -> tuple[str, dict[str, Any]]:
        """The next event; fails when none comes."""
        try:
            return self.events.get(timeout=seconds)
        except Empty:
            raise AssertionError("no live event came") from None

    def silent(self, seconds: float = 0.4) -> bool:
        """Whether nothing comes for so long."""
        try:
            self.events.get(timeout=seconds)
        except Empty:
            return True
        return False

    def close(self) -> None:
        """Leave. Closing would wait for the reading thread; a shut-down wakes it."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.ended.wait(2)
