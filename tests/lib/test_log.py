from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zabota.lib import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    root.handlers[:] = kept
    root.setLevel(level)


def told(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_one_json_object_per_line(lines: io.StringIO) -> None:
    token = log.request_id.set("r-1")
    logging.getLogger("zabota.x").warning("two\nlines of %s", "Анна", extra={"inbox": 7})
    log.request_id.reset(token)
    assert lines.getvalue().count("\n") == 1
    line = told(lines)
    assert line["text"] == "two\nlines of Анна"
    assert (line["level"], line["room"], line["request"], line["inbox"]) == (
        "warning",
        "zabota.x",
        "r-1",
        7,
    )
    logging.getLogger("zabota.x").info("later")
    assert "request" not in told(lines)


@pytest.mark.parametrize(
    ("said", "kept", "gone"),
    [
        ("to Петр <petr.ivanov@example.org>, refused", "refused", "example.org"),
        ("recipient=анна@почта.рф", "recipient=", "почта"),
        ("GET /invitation/e0qbONfeVoDdZdbEHqCnJIe9UPW8sKy1YduDG7NGpzQ/", "/invitation/", "e0qbO"),
    ],
)
def test_addresses_and_tokens_are_blotted_out(
    lines: io.StringIO, said: str, kept: str, gone: str
) -> None:
    logging.getLogger("x").error(said, extra={"more": said})
    assert kept in told(lines)["text"]
    assert gone not in lines.getvalue()


def test_an_error_keeps_its_place_and_not_its_words(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("what the client wrote")
        except KeyError as cause:
            raise ValueError("my letter: hello") from cause
    except ValueError:
        logging.getLogger("x").exception("parsing failed")
    error = told(lines)["error"]
    assert error["type"] == "ValueError"
    assert error["cause"] == "KeyError"
    assert "test_log.py" in error["where"][0]
    assert "hello" not in lines.getvalue()
    assert "client wrote" not in lines.getvalue()


def test_the_systems_own_words_stay(lines: io.StringIO) -> None:
    try:
        Path("/nowhere/at/all").read_text()
    except OSError:
        logging.getLogger("x").exception("no file")
    assert told(lines)["error"]["system"] == "No such file or directory"


def test_chatty_libraries_are_quiet(lines: io.StringIO) -> None:
    logging.getLogger("procrastinate.worker").info("a job ended")
    logging.getLogger("x").debug("detail")
    assert lines.getvalue() == ""
