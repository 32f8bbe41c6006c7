"""Inboxes: health, settings, trying the connection, and the folders that are read."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.channels import outbox, pace, permission, registry
from zabota.channels.contract import PASSWORD, PermanentError, TemporaryError
from zabota.channels.folders import folder_names, start_from_now
from zabota.channels.kinds.mail.check import Report, check, list_folders
from zabota.channels.models import Inbox
from zabota.desk.settings import connection, health, history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.inboxes import LIMITS, FoldersForm, InboxForm
from zabota.desk.settings.presets import PRESETS
from zabota.desk.settings.views.page import sent, show
from zabota.lib.crypto import WrongKey
from zabota.staff.actions import save_setting
from zabota.tickets import balance


@administrators
@require_GET
def inboxes(request: HttpRequest) -> HttpResponse:
    """All inboxes and how they are."""
    rows = list(Inbox.objects.select_related("queue").order_by("-is_active", "name", "pk"))
    lines = history.of("inbox", [row.pk for row in rows])
    return show(request, "inboxes", pages.INBOXES, rows=health.of(rows), lines=lines)


@administrators
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def inbox(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form of an inbox; without `pk` of a new one, which is tried as soon as it is saved."""
    row = get_object_or_404(Inbox, pk=pk) if pk else None
    if request.method == "POST" and "fill" in request.POST:
        return _filled(request, row)
    form = InboxForm(sent(request), instance=row)
    if request.method == "POST" and form.is_valid():
        saved = _save(request, form)
        is_connected = saved.config["auth"] == PASSWORD or permission.of(saved)
        page = "inbox" if is_connected else "permission"
        return redirect(f"desk:settings:{page}", saved.pk)
    return _show(request, row, form, status=422 if form.errors else 200)


@administrators
@sensitive_post_parameters("password")
@require_POST
def try_connection(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Try what is typed, or the stored password; nothing is saved."""
    row = get_object_or_404(Inbox, pk=pk) if pk else None
    form = InboxForm(request.POST, instance=row)
    form.is_valid()
    probe = form.probe()
    result = connection.lines(check(probe), probe) if probe else []
    if request.headers.get("HX-Request") == "true" and probe:
        return render(request, "desk/settings/check.html", {"result": result})
    for name in list(form.errors) if probe else []:
        # The person only asked whether the servers answer.
        del form.errors[name]
    return _show(request, row, form, status=200 if probe else 422, result=result)


@administrators
@require_http_methods(["GET", "POST"])
def folders(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the folders to read among those the server has."""
    row = get_object_or_404(Inbox, pk=pk)
    report = list_folders(row)
    offered = offered_folders(row, report)
    form = FoldersForm(sent(request), offered=offered, initial={"folders": folder_names(row)})
    if request.method == "POST" and report.is_good and form.is_valid():
        chosen = [name for name in offered if name in form.cleaned_data["folders"]]
        if _choose_folders(request, row, chosen):
            return redirect("desk:settings:inbox", pk)
    return show(
        request,
        "folders",
        pages.INBOXES,
        status=422 if form.errors else 200,
        inbox=row,
        form=form,
        trouble=_trouble(report, row),
    )


def offered_folders(row: Inbox, report: Report) -> list[str]:
    """The folders of the server and those chosen before, INBOX first."""
    names = {*report.folders, *folder_names(row)}
    return sorted(names, key=lambda name: (name.upper() != "INBOX", pages.fold(name)))


def _trouble(report: Report, row: Inbox) -> connection.Line | None:
    bad = [line for line in connection.lines(report, row) if line.tone == "late"]
    return bad[0] if bad else None


def _filled(request: HttpRequest, row: Inbox | None) -> HttpResponse:
    """The form with the servers of the chosen provider; nothing is saved."""
    data = request.POST.copy()
    preset = PRESETS.get(data.get("preset", ""))
    if preset:
        data.pop("sent_copy", None)
        data.update(preset.values(data.get("address", "").strip()))
        messages.info(request, str(preset.advice))
    form = InboxForm(_once(data), instance=row)
    form.errors.clear()
    return _show(request, row, form)


def _once(data: QueryDict) -> QueryDict:
    """The last value of each field: `update` of a QueryDict appends."""
    plain = QueryDict(mutable=True)
    for name, value in data.dict().items():
        plain[name] = str(value)
    return plain


def _save(request: HttpRequest, form: InboxForm) -> Inbox:
    by, is_new = viewer(request).actor, form.instance.pk is None
    changed, columns = form.fill()
    row: Inbox = form.instance
    if is_new:
        row.is_active = False
    save_setting(row, changed, by=by, columns=columns)
    if set(changed) & set(LIMITS):
        outbox.release(row.pk, by=by)
    if is_new and row.config["auth"] == PASSWORD:
        begin(request, row)
    else:
        messages.success(request, _("Saved: %(name)s.") % {"name": row.name})
    return row


def begin(request: HttpRequest, row: Inbox) -> None:
    """Try a new inbox; when all is well, everything that lies there now is the past, and it is
    switched on."""
    report = check(row)
    trouble = [line for line in connection.lines(report, row) if line.tone == "late"]
    if not trouble and _start(request, row):
        row.is_active = True
        save_setting(row, ["is_active"], by=viewer(request).actor)
        messages.success(
            request,
            _("The inbox works. Mail that comes from now on becomes tickets."),
        )
        return
    for line in trouble:
        messages.error(request, line.text)
    messages.warning(
        request,
        _("The inbox is saved but still switched off. Correct it, check it, and switch it on."),
    )


def _start(request: HttpRequest, row: Inbox) -> bool:
    """Set the cursors of folders not read before; says in words what went wrong."""
    try:
        mailbox = registry.kind(row.kind).open(row)
        try:
            start_from_now(row, mailbox)
        finally:
            mailbox.close()
    except (TemporaryError, PermanentError, WrongKey) as error:
        messages.error(request, connection.plain(str(error)))
        return False
    return True


def _choose_folders(request: HttpRequest, row: Inbox, chosen: list[str]) -> bool:
    before = folder_names(row)
    row.folders = chosen
    # A folder chosen again later starts anew, and with the cursor set before the choice is
    # stored, the fetch process never sees a new folder as unread.
    row.cursors.exclude(name__in=[*before, *chosen]).delete()
    if not _start(request, row):
        return False
    if before != chosen:
        save_setting(row, ["folders"], by=viewer(request).actor)
    row.cursors.exclude(name__in=chosen).delete()
    messages.success(request, _("Folders that are read: %(names)s.") % {"names": ", ".join(chosen)})
    return True


def _show(
    request: HttpRequest,
    row: Inbox | None,
    form: InboxForm,
    *,
    status: int = 200,
    result: list[connection.Line] | None = None,
) -> HttpResponse:
    # A form may have half-filled its instance: names and health come from the stored row.
    stored = Inbox.objects.get(pk=row.pk) if row else None
    return show(
        request,
        "inbox",
        pages.INBOXES,
        status=status,
        inbox=stored,
        health=health.of([stored])[0] if stored else None,
        folders=folder_names(stored) if stored else [],
        days=balance.days_of([stored]) if stored else [],
        paced=pace.waiting(stored) if stored else (0, None),
        form=form,
        result=result or [],
        lines=history.of("inbox", [stored.pk]) if stored else [],
    )
