"""Fault points of the crash tests: a named step at which the process kills itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

POINTS = (
    "fetch.listed",
    "receive.stored",
    "receive.committed",
    "intake.parsed",
    "intake.appended",
    "intake.committed",
    "triage.taken",
    "reply.committed",
    "deliver.queued",
    "outbox.before_send",
    "outbox.after_send",
    "outbox.noted",
)


def reach(point: str) -> None:
    """Kill this process with SIGKILL when ZABOTA_FAULT names this point.

    The form is `point` or `point:file`; with a file the process dies only while the file exists and
    removes it first, so that one hit is one death.
    """
    wanted = os.environ.get("ZABOTA_FAULT", "")
    if not wanted:
        return
    for entry in wanted.split(","):
        name, _, marker = entry.partition(":")
        if name != point:
            continue
        if marker:
            try:
                Path(marker).unlink()
            except FileNotFoundError:
                continue
        os.kill(os.getpid(), signal.SIGKILL)
