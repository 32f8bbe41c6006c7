"""Files that wait for their message, and files of messages that are given out."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from zabota.api.models import KEPT, SPARE, Waiting
from zabota.api.problems import wrong
from zabota.channels import scan
from zabota.channels.blobs import path_of
from zabota.lib import clock
from zabota.staff.models import Token
from zabota.tickets import files
from zabota.tickets.actions.answer import Upload
from zabota.tickets.models import Attachment, AttachmentState


def wait(token: Token, upload: Upload) -> Waiting:
    """Keep a stored file for the token's next message."""
    return Waiting.objects.create(
        token=token,
        name=upload.name,
        content_type=upload.content_type,
        size=upload.size,
        sha256=upload.sha256,
        is_scanned=upload.is_scanned,
    )


def refused(token: Token, upload: Upload) -> None:
    """Nobody was told the number of a stored file, so nothing will name it: it goes with those
    whose wait is over."""
    row = wait(token, upload)
    Waiting.objects.filter(pk=row.pk).update(at=clock.now() - KEPT - SPARE)


def taken(token: Token, numbers: Sequence[int]) -> list[Upload]:
    """The token's waiting files, which wait no longer; within the caller's transaction.

    Raises Problem for a number that is not one of them, or whose wait is over.
    """
    if not numbers:
        return []
    wanted = list(dict.fromkeys(numbers))
    waiting = Waiting.objects.filter(token=token, at__gt=clock.now() - KEPT)
    rows = waiting.select_for_update().in_bulk(wanted)
    if missing := [number for number in wanted if number not in rows]:
        told = _("There is no upload %(number)d.") % {"number": missing[0]}
        raise wrong("attachments", told)
    Waiting.objects.filter(pk__in=wanted).delete()
    return [
        Upload(row.name, row.content_type, row.size, row.sha256, row.is_scanned)
        for row in (rows[number] for number in wanted)
    ]


def is_given(file: Attachment) -> bool:
    """Whether the file is handed out; one not scanned yet is scanned now."""
    state = AttachmentState(file.state)
    if state == AttachmentState.UNSCANNED:
        state = files.judge(file.name, scan.scan(file.sha256))
    return state == AttachmentState.OK and bool(file.sha256) and path_of(file.sha256).is_file()
