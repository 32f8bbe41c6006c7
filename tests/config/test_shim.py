"""What stands between the server and Django's threads, against a real server process."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Iterator

import pytest

from tests.site import Site, serving
from zabota.config import shim
from zabota.config.shim import BODY, Message, Receive, Scope, Send, Shim, cleaned

MIB = 1024 * 1024

# The processes need the test database, which is made only when some test asks for it.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving(ZABOTA_WEB_THREADS="4", ZABOTA_MAX_UPLOAD_MB="1") as running:
        yield running


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving(ZABOTA_PROXIES="127.0.0.1", ZABOTA_URL="https://desk.example") as running:
        yield running


def test_a_post_arrives_whole(site: Site) -> None:
    body = os.urandom(3 * MIB)
    seen = site.json("POST", "/test/echo", body=body)
    assert seen["size"] == len(body)
    assert seen["sha256"] == hashlib.sha256(body).hexdigest()
    assert seen["length"] == str(len(body))


def test_a_chunked_post_arrives_whole_with_its_true_length(site: Site) -> None:
    parts = [b"a" * 70_000, b"b" * 5, b"c" * 200_000]
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}
    seen = site.json("POST", "/test/echo", body=iter(parts), headers=headers)
    assert seen["size"] == 270_005
    assert seen["length"] == "270005"
    assert seen["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()


def test_an_empty_post_and_a_get(site: Site) -> None:
    assert site.json("POST", "/test/echo")["size"] == 0
    assert site.json("GET", "/test/echo")["size"] == 0


def test_too_large_a_body_is_told_so(site: Site) -> None:
    status, headers, body = site.request("POST", "/test/echo", body=b"x" * (5 * MIB + 1))
    assert (status, headers["content-type"]) == (413, "text/plain; charset=utf-8")
    assert body == b"The request is too large.\n"


def test_too_large_a_chunked_body_is_told_so(site: Site) -> None:
    parts = (b"x" * MIB for _ in range(7))
    headers = {"Transfer-Encoding": "chunked"}
    assert site.request("POST", "/test/echo", body=parts, headers=headers)[0] == 413


def test_a_cut_upload_never_reaches_a_view(site: Site) -> None:
    before = requests(site)
    head = b"POST /test/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    line = site.raw(head + b"x" * 5000)
    line.close()
    time.sleep(0.3)
    # The first question itself was counted after its answer.
    assert requests(site) == before + 1


def requests(site: Site) -> int:
    _, _, body = site.request("GET", "/metrics")
    rows = [row for row in body.decode().splitlines() if row.startswith("zabota_requests_total{")]
    return sum(int(row.split()[-1]) for row in rows)


def test_slow_uploads_do_not_stop_the_site(site: Site) -> None:
    head = (
        b"POST /test/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 50
    )
    slow = [site.raw(head) for _ in range(12)]
    try:
        start = time.monotonic()
        assert site.json("GET", "/test/echo")["method"] == "GET"
        assert time.monotonic() - start < 1
    finally:
        for line in slow:
            line.close()


def test_slow_downloads_do_not_stop_the_site(site: Site) -> None:
    slow: list[socket.socket] = []
    try:
        for _ in range(12):
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", site.port))
            line.sendall(b"GET /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3)
            slow.append(line)
        start = time.monotonic()
        assert site.json("GET", "/test/echo")["method"] == "GET"
        assert time.monotonic() - start < 2
    finally:
        for line in slow:
            line.close()


def test_two_cookie_headers_are_both_seen(site: Site) -> None:
    line = site.raw(
        b"GET /test/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=1\r\nCookie: sessionid=zz\r\n"
        b"Connection: close\r\n\r\n"
    )
    answer = b""
    while part := line.recv(65536):
        answer += part
    assert b'"cookies": {"a": "1", "sessionid": "zz"}' in answer


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Proto", "X_Forwarded_Proto", "X-Forwarded_Proto", "x_forwarded_proto"]
)
def test_nobody_can_say_that_he_came_by_https(site: Site, name: str) -> None:
    seen = site.json("GET", "/test/echo", headers={name: "https"})
    assert seen["secure"] is False
    assert "x-forwarded-proto" not in seen["headers"]


def test_nobody_can_choose_his_address(site: Site) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7", "Forwarded": "for=1"}
    seen = site.json("GET", "/test/echo", headers=headers)
    assert seen["address"] == "127.0.0.1"
    assert not seen["headers"].keys() & {"x-forwarded-for", "x-real-ip", "forwarded"}


def test_a_named_proxy_is_believed_and_only_its_own_word(behind_proxy: Site) -> None:
    headers = {
        "Host": "desk.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "10.9.9.9, 203.0.113.7",
        "X_Forwarded_For": "10.1.1.1",
        "X-Forwarded-Host": "evil.example",
    }
    seen = behind_proxy.json("GET", "/test/echo", headers=headers)
    assert seen["secure"] is True
    assert seen["address"] == "203.0.113.7"
    assert "x-forwarded-host" not in seen["headers"]


def test_a_body_that_stops_coming_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "DRAIN_SECONDS", 0.05)
    answer, calls = run(Shim(_record, most_bytes=100, idle_seconds=0.05), [b"half"], hangs=True)
    assert answer[0]["status"] == 408
    assert calls == []


def test_a_client_that_leaves_is_dropped() -> None:
    answer, calls = run(Shim(_record, most_bytes=100), [b"half", None])
    assert (answer, calls) == ([], [])


@pytest.mark.parametrize("lengths", [[b"5", b"6"], [b"five"], [b"-1"], [b"+5"]])
def test_a_doubtful_length_is_refused(lengths: list[bytes]) -> None:
    answer, calls = run(Shim(_record, most_bytes=100), [b"12345"], lengths=lengths)
    assert answer[0]["status"] == 400
    assert calls == []


def test_cleaning_keeps_what_is_honest() -> None:
    scope: Scope = {
        "client": ("127.0.0.1", 5),
        "headers": [(b"cookie", b"a=1"), (b"accept", b"*/*"), (b"x_e", b"1"), (b"cookie", b"b=2")],
    }
    assert cleaned(scope, frozenset())["headers"] == [(b"accept", b"*/*"), (b"cookie", b"a=1; b=2")]


_calls: list[bytes] = []


async def _record(scope: Scope, receive: Receive, send: Send) -> None:
    _calls.append(scope[BODY].read())


def run(
    tried: Shim,
    parts: list[bytes | None],
    *,
    lengths: list[bytes] | None = None,
    hangs: bool = False,
) -> tuple[list[Message], list[bytes]]:
    """What the shim answered by itself, and the bodies it let through. None: the client leaves."""
    _calls.clear()
    answered: list[Message] = []
    left = list(parts)

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(3600 if hangs else 0)
            return {"type": "http.disconnect"}
        part = left.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(left) or hangs}

    async def send(message: Message) -> None:
        answered.append(message)

    headers = [(b"content-length", length) for length in lengths or [b"50"]]
    scope = {"type": "http", "method": "POST", "http_version": "1.1", "headers": headers}

    asyncio.run(tried(scope, receive, send))
    return answered, list(_calls)
