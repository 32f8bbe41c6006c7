from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from zabota.config.threads import PART_BYTES, Threads

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "http_version": "1.1",
    "headers": [(b"host", b"zabota.example")],
}


class Body:
    """A streamed body that remembers whether it was closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def close(self) -> None:
        self.closed += 1


def page(body: Iterable[bytes]) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        assert environ["HTTP_HOST"] == "zabota.example"
        start("201 Created", [("Content-Type", "text/plain"), ("X-Name", "é")])
        return body

    return answer


def ask(body: Iterable[bytes], send: Callable[[Any], Any] | None = None) -> list[Any]:
    sent: list[Any] = []

    async def take(message: Any) -> None:
        sent.append(message)
        if send:
            send(message)

    threads = Threads(page(body), workers=2)
    asyncio.run(threads(dict(SCOPE), None, take))  # type: ignore[arg-type]
    return sent


def test_a_whole_answer_goes_in_one_step() -> None:
    body = Body([b"first ", b"second"])
    start, only = ask(body)
    assert (start["status"], start["type"]) == (201, "http.response.start")
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"x-name", b"\xe9")]
    assert only == {"type": "http.response.body", "body": b"first second"}
    assert body.closed == 1


def test_an_empty_answer_ends_too() -> None:
    assert ask(Body([]))[-1] == {"type": "http.response.body", "body": b""}


def test_a_long_answer_is_read_as_it_is_taken() -> None:
    taken: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield bytes([number]) * (PART_BYTES // 2)

    ahead: list[int] = []
    body = Body(parts())
    sent = ask(body, lambda message: ahead.append(len(taken)))
    whole = b"".join(message.get("body", b"") for message in sent)
    assert whole == b"".join(bytes([number]) * (PART_BYTES // 2) for number in range(10))
    assert ahead[:4] == [2, 2, 4, 6]
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * 5 + [False]
    assert body.closed == 1


def test_what_fails_on_the_way_is_closed_and_told() -> None:
    def parts() -> Iterator[bytes]:
        yield b"x" * PART_BYTES
        raise OSError("the disk is gone")

    body = Body(parts())
    with pytest.raises(OSError, match="the disk is gone"):
        ask(body)
    assert body.closed == 1


def test_a_client_that_leaves_closes_the_answer() -> None:
    class Gone(Exception):
        pass

    def leave(message: Any) -> None:
        if message.get("more_body"):
            raise Gone

    body = Body([b"x" * PART_BYTES] * 3)
    with pytest.raises(Gone):
        ask(body, leave)
    assert body.closed == 1
