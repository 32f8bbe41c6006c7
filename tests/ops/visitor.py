"""A whole Zabota as processes, and a browser that speaks to it from an address of its own."""

from __future__ import annotations

import http.client
import json
import re
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import make

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 90.0
# Not 127.0.0.1, where proxy and Zabota are: the log must tell them apart.
ADDRESS = "127.0.0.2"
FILL = """
import django; django.setup()
import json
from django.db import transaction
from tests import make
person = make.administrator(language="en", undo_seconds=0)
with transaction.atomic():
    ticket = make.ticket()
print(json.dumps({"email": person.email, "ticket": ticket.pk}))
"""


def wait_for(question: Callable[[], object], limit: float = 30.0) -> object:
    """The first true answer; the last one when the time is over."""
    deadline = time.monotonic() + limit
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


@contextmanager
def started(
    *words: str, env: dict[str, str], log: Path, within: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """`zabota …` until the block ends; what it says stands in `log`. `within`: words before the
    command, which stay one process with it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*within, sys.executable, "-m", "zabota.ops.cli", *words],
            env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def python(code: str, env: dict[str, str], within: Sequence[str] = ()) -> Any:
    """The JSON that `code` prints, run over the installation of `env`."""
    whole = env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*within, sys.executable, "-c", code],
        env=whole, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def lines(log: Path) -> list[dict[str, Any]]:
    """The JSON lines of a log."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


def free_of(env: dict[str, str], **more: str) -> dict[str, str]:
    """An environment without settings of this test run."""
    own = ("ZABOTA_", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTEST_")
    return {name: value for name, value in env.items() if not name.startswith(own)} | more


def is_healthy(port: int) -> bool:
    """Whether the web server on loopback is ready to work."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        line.request("GET", "/healthz", headers={"Host": "127.0.0.1"})
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


class Browser:
    """Keeps cookies; every request comes from ADDRESS."""

    def __init__(self, port: int, roots: Path | None = None) -> None:
        self.port, self.cookies = port, dict[str, str]()
        self.set_cookies: list[str] = []
        self.tls = ssl.create_default_context(cafile=str(roots)) if roots else None
        self.origin = f"{'https' if roots else 'http'}://localhost:{port}"

    def open(self, timeout: float = 30) -> http.client.HTTPConnection:
        """A connection."""
        if self.tls is None:
            return http.client.HTTPConnection(
                "localhost", self.port, timeout=timeout, source_address=(ADDRESS, 0)
            )
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=timeout, source_address=(ADDRESS, 0), context=self.tls
        )

    def headers(self) -> dict[str, str]:
        """As a browser sends them, and what somebody sends who wants to pass for another."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "Cookie": cookie,
            "Referer": f"{self.origin}/",
            "X-Forwarded-For": "6.6.6.6",
            "X_Forwarded_For": "6.6.6.7",
        }

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer."""
        line = self.open()
        try:
            more = {"Content-Type": kind} if kind else {}
            if "csrftoken" in self.cookies and method == "POST":
                more["X-CSRFToken"] = self.cookies["csrftoken"]
            line.request(method, path, body, self.headers() | more)
            answer = line.getresponse()
            for value in answer.headers.get_all("Set-Cookie") or []:
                self.set_cookies.append(value)
                name, _, rest = value.partition("=")
                self.cookies[name] = rest.partition(";")[0]
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            line.close()

    def send(self, path: str, fields: dict[str, str], file: bytes = b"") -> int:
        """A form with a file; the status."""
        mark = uuid.uuid4().hex
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        if file:
            head = 'Content-Disposition: form-data; name="files"; filename="big.bin"'
            kind = "Content-Type: application/octet-stream"
            parts += [f"--{mark}\r\n{head}\r\n{kind}\r\n\r\n".encode(), file, b"\r\n"]
        parts.append(f"--{mark}--\r\n".encode())
        return self.ask("POST", path, b"".join(parts), f"multipart/form-data; boundary={mark}")[0]

    def sign_in(self, email: str) -> None:
        """By the page, as a person does."""
        _, _, page = self.ask("GET", "/account/login/")
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page[:300]
        fields = {"login": email, "password": make.PASSWORD}
        status = self.send("/account/login/", fields | {"csrfmiddlewaretoken": token[1].decode()})
        assert status == 302, "signed in"
        assert "sessionid" in self.cookies
