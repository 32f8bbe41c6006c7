"""The page of the programs' door: what `/api/v1` takes and answers, for people. It stands between
two rooms, so it is put together here."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_GET

from zabota.api.document import PREFIX
from zabota.api.fields import marked
from zabota.api.models import KEPT
from zabota.api.reference import reference
from zabota.desk.settings import pages
from zabota.desk.settings.access import administrators
from zabota.desk.settings.views.page import show
from zabota.tickets.uploading import MOST_FILES


@administrators
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Every operation with its fields, an example and what may go wrong."""
    return show(
        request,
        "reference",
        pages.PROGRAMS,
        base=settings.ZABOTA_URL,
        prefix=PREFIX,
        marked=marked,
        found=reference(translation.get_language() or "en"),
        per_minute=settings.API_PER_MINUTE,
        most_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        most_file=settings.MAX_UPLOAD_MB * 1024 * 1024,
        most_files=MOST_FILES,
        days=KEPT.days,
    )
