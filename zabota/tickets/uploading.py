"""Files that a page of ours takes: judged, stored, ready to hang on a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from zabota.channels import blobs, scan
from zabota.lib.text import clean, safe_filename
from zabota.tickets import files
from zabota.tickets.actions.answer import Upload
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import AttachmentState

MOST_FILES = 20


def uploads(given: Sequence[UploadedFile[Any]]) -> list[Upload]:
    """Store the files of an answer; raises NotPossible naming the first that is refused."""
    if len(given) > MOST_FILES:
        raise NotPossible(_("At most %(count)d files go with one message.") % {"count": MOST_FILES})
    limit = settings.MAX_UPLOAD_MB * 1024 * 1024
    for file in given:
        if (file.size or 0) > limit:
            raise NotPossible(
                _("“%(name)s” is larger than %(limit)d MB.")
                % {"name": safe_filename(file.name or ""), "limit": settings.MAX_UPLOAD_MB}
            )
        if files.judge(file.name or "", scan.Verdict.CLEAN) == AttachmentState.BLOCKED:
            raise NotPossible(
                _("“%(name)s”: files of this type are not sent.")
                % {"name": safe_filename(file.name or "")}
            )
    return [_stored(file) for file in given]


def _stored(file: UploadedFile[Any]) -> Upload:
    name = safe_filename(file.name or "")
    try:
        sha256, size = blobs.put(file.chunks())
    except OSError:
        raise NotPossible(
            _("There is no room on the disk for “%(name)s”.") % {"name": name}
        ) from None
    verdict = scan.scan(sha256)
    if verdict == scan.Verdict.INFECTED:
        raise NotPossible(_("“%(name)s” is infected and was not taken.") % {"name": name})
    kind = clean(file.content_type or "")[:120]
    return Upload(name, kind, size, sha256, verdict != scan.Verdict.UNKNOWN)
