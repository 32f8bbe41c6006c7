"""Taking in the past of a mailbox: how many mails that is, the order, the progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from zabota.channels import importing
from zabota.channels.contract import PermanentError, TemporaryError
from zabota.channels.kinds.mail.check import list_folders
from zabota.channels.models import ImportRun, Inbox
from zabota.desk.settings import connection, history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.inboxes import ImportForm
from zabota.desk.settings.views.inboxes import offered_folders
from zabota.desk.settings.views.page import show
from zabota.lib import clock
from zabota.lib.crypto import WrongKey

SHOWN = 10


@dataclass(frozen=True)
class Run:
    """One import in words."""

    title: str
    text: str
    done: int
    total: int
    trouble: str
    is_finished: bool


@administrators
@require_http_methods(["GET", "POST"])
def past(request: HttpRequest, pk: int) -> HttpResponse:
    """GET with folder and day counts the mails; POST orders the import."""
    inbox = get_object_or_404(Inbox, pk=pk)
    report = list_folders(inbox)
    bad = [line for line in connection.lines(report, inbox) if line.tone == "late"]
    if not inbox.is_active:
        bad = [connection.Line("late", _("This inbox is switched off. Switch it on first."))]
    data = request.POST if request.method == "POST" else request.GET
    form = ImportForm(data or None, offered=offered_folders(inbox, report))
    number: int | None = None
    if not bad and form.is_valid():
        folder, since = form.cleaned_data["folder"], form.cleaned_data["since"]
        if since > clock.now().date():
            form.add_error("since", _("This day has not come yet."))
        elif _is_running(inbox, folder):
            form.add_error("folder", _("An import of this folder is still running."))
        else:
            try:
                if request.method == "POST":
                    importing.order(inbox, folder, since, by=viewer(request).actor)
                    messages.success(request, _("The import begins within a minute."))
                    return redirect("desk:settings:import", pk)
                number = importing.count(inbox, folder, since)
            except (TemporaryError, PermanentError, WrongKey) as error:
                bad = [connection.Line("late", connection.plain(str(error)), str(error))]
    return show(
        request,
        "import",
        pages.INBOXES,
        status=422 if form.errors else 200,
        inbox=inbox,
        form=form,
        trouble=bad[0] if bad else None,
        number=number,
        promise=_counted(number, form.cleaned_data["since"]) if number is not None else "",
        runs=_runs(inbox),
        lines=history.of("inbox", [pk]),
    )


@administrators
@require_safe
def runs(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress alone, for polling."""
    inbox = get_object_or_404(Inbox, pk=pk)
    return render(request, "desk/settings/runs.html", {"inbox": inbox, "runs": _runs(inbox)})


def _is_running(inbox: Inbox, folder: str) -> bool:
    return ImportRun.objects.filter(inbox=inbox, folder=folder, finished_at=None).exists()


def _counted(number: int, since: date) -> str:
    text = ngettext("%(count)s mail since %(day)s", "%(count)s mails since %(day)s", number)
    return text % {
        "num": number,
        "count": number_format(number, use_l10n=True, force_grouping=True),
        "day": _day(since),
    }


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _runs(inbox: Inbox) -> list[Run]:
    return [_worded(run) for run in ImportRun.objects.filter(inbox=inbox).order_by("-id")[:SHOWN]]


def _worded(run: ImportRun) -> Run:
    done, total = (number_format(n, force_grouping=True) for n in (run.done, run.total))
    trouble = ""
    if run.error.startswith("The mailbox was renumbered"):
        trouble = _("The mail server has renumbered the folder meanwhile. Order the import again.")
    elif run.error:
        trouble = connection.plain(run.error)
    return Run(
        title=_("%(folder)s, since %(day)s") % {"folder": run.folder, "day": _day(run.since)},
        text=_("%(done)s of %(total)s") % {"done": done, "total": total},
        done=run.done,
        total=max(run.total, 1),
        trouble=trouble,
        is_finished=run.finished_at is not None,
    )
