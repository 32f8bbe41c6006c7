"""The last error of a job, told without anything a client may have written."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from django.db import Error as DatabaseError

from zabota.lib import clock
from zabota.lib.log import mask

log = logging.getLogger(__name__)

HOUSE = str(Path(__file__).parents[1])


def keep(job: int, error: BaseException) -> None:
    """Store the error of a job on its own; the consumer's transaction is rolled back already."""
    from zabota.events.models import JobError

    told = {"at": clock.now(), "error": type(error).__name__[:120]}
    told |= {"text": text_of(error)[:300], "where": place_of(error)[:200]}
    try:
        JobError.objects.update_or_create(job=job, defaults=told)
    except DatabaseError:
        # The database is away: the job's own error is what matters, the caller raises it.
        log.warning("the error of a job could not be stored", extra={"job": job})


def text_of(error: BaseException) -> str:
    """The error's words where they are ours or the system's; '' where they may quote a client."""
    cause = error.__cause__
    if isinstance(error, DatabaseError) and cause is not None:
        told = getattr(cause, "diag", None)
        primary = getattr(told, "message_primary", None) or ""
        constraint = getattr(told, "constraint_name", None) or ""
        return mask(" ".join(part for part in (primary, constraint) if part))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__module__.startswith("zabota."):
        return mask(" ".join(str(error).split()))
    return ""


def place_of(error: BaseException) -> str:
    """The last of our own lines that the error passed: room/file.py:line function."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(HOUSE)] or frames
    if not own:
        return ""
    last = own[-1]
    return f"{'/'.join(last.filename.split('/')[-2:])}:{last.lineno} {last.name}"
