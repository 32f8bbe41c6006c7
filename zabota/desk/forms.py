from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.channels import blobs, scan
from zabota.desk import zones
from zabota.lib.text import clean, safe_filename
from zabota.staff.models import Agent
from zabota.tickets import files
from zabota.tickets.actions.answer import Upload
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import AttachmentState

MOST_FILES = 20


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an agent may change about himself."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))

    class Meta:
        model = Agent
        fields = (
            "surname first_name patronymic language time_zone theme density letter_keys "
            "mail_notices"
        ).split()
        labels = {
            "surname": gettext_lazy("Surname"),
            "first_name": gettext_lazy("First name"),
            "patronymic": gettext_lazy("Patronymic"),
            "language": gettext_lazy("Language"),
            "theme": gettext_lazy("Theme"),
            "density": gettext_lazy("List density"),
            "letter_keys": gettext_lazy("Single-letter keys"),
            "mail_notices": gettext_lazy("Mail me about my tickets"),
        }
        help_texts = {
            "first_name": gettext_lazy("Clients read your full name under your answers."),
            "letter_keys": gettext_lazy("R for a reply, J and K for the next ticket and so on."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        own = self.instance.time_zone
        offered = dict(zones.choices())
        offered.setdefault(own, zones.label(own))
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(offered.items())


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
    if scan.scan(sha256) == scan.Verdict.INFECTED:
        raise NotPossible(_("“%(name)s” is infected and was not taken.") % {"name": name})
    return Upload(name, clean(file.content_type or "")[:120], size, sha256)
