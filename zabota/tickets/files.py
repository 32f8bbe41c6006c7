"""What may be done with a file, by its name and the scanner's word."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.conf import settings

from zabota.channels.scan import Verdict
from zabota.tickets.models import AttachmentState

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def judge(name: str, verdict: Verdict) -> AttachmentState:
    """The state of a stored file."""
    if verdict == Verdict.INFECTED:
        return AttachmentState.INFECTED
    ending = PurePosixPath(name.strip().lower().rstrip(". ")).suffix.lstrip(".")
    if ending in settings.BLOCKED_FILE_TYPES:
        return AttachmentState.BLOCKED
    return AttachmentState.UNSCANNED if verdict == Verdict.UNKNOWN else AttachmentState.OK
