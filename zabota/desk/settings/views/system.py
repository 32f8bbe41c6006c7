"""How the installation is doing, who changed which setting, and whose work is in it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from zabota.desk.settings import history, licences, pages, system
from zabota.desk.settings.access import administrators
from zabota.desk.settings.views.page import show

LONGEST_CURSOR = 18  # digits of a bigint


@administrators
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """Processes, jobs, outbox, inboxes, storage and backups."""
    return show(
        request,
        "system",
        pages.SYSTEM,
        processes=system.processes(),
        server=system.server(),
        jobs=system.jobs(),
        letters=system.letters(),
        mailboxes=system.mailboxes(),
        disks=system.disks(),
        blobs=system.blobs(),
        backups=system.kept_backups(),
    )


@administrators
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """Who changed which setting, newest first; `?before=` leads to older pages."""
    given = request.GET.get("before", "")
    is_cursor = given.isascii() and given.isdigit() and len(given) <= LONGEST_CURSOR
    changes, older = history.everything(int(given) if is_cursor else history.NEWEST)
    return show(request, "log", pages.LOG, changes=changes, older=older, is_first=not is_cursor)


@administrators
@require_GET
def parts(request: HttpRequest) -> HttpResponse:
    """The licences of everything that is installed."""
    return show(
        request,
        "licences",
        pages.LICENCES,
        installed=licences.installed(),
        browser=licences.browser(),
    )
