"""The log: one JSON object per line, with the request's id; never bodies, addresses or tokens."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

request_id: ContextVar[str] = ContextVar("request_id", default="")

_ADDRESS = re.compile(r"[^\s@<>\"'=,;:()]+@[^\s@<>\"',;()]+")
_TOKEN = re.compile(r"[A-Za-z0-9_\-]{24,}")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def mask(text: str) -> str:
    """`text` with everything that looks like a mail address or a token blotted out."""
    return _TOKEN.sub("<token>", _ADDRESS.sub("<address>", text))


class JsonLines(logging.Formatter):
    """One record as one JSON object: at, level, room, text, request, extra fields, error.

    Of an exception only its type and places are kept: its text may quote what a client wrote.
    The operating system's own words (OSError) are safe and stay.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "text": mask(record.getMessage()),
        }
        if request_id.get():
            line["request"] = request_id.get()
        for name, value in vars(record).items():
            if name not in _OWN and isinstance(value, str | int | float | bool):
                line[name] = mask(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def describe(error: BaseException) -> dict[str, Any]:
    """What an error was and where it happened (file:line function), without its text."""
    told: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, OSError) and error.strerror:
        told["system"] = error.strerror
    frames = traceback.extract_tb(error.__traceback__)
    told["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        told["cause"] = type(cause).__name__
    return told


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's records of at least `level` to `stream` (default: standard output)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Chatty libraries: every job and every pool check would be a line.
    for name in ("procrastinate", "psycopg", "asyncio", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
