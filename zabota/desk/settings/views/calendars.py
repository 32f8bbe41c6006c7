"""Working calendars: hours, days off, and the queues that work by them."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.calendars import known
from zabota.calendars.actions import clear_day, save_calendar, set_day
from zabota.calendars.models import Calendar, Day
from zabota.calendars.worktime import HORIZON
from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.calendars import CalendarForm, DayForm, in_words, locale
from zabota.desk.settings.views.page import sent, show
from zabota.lib import clock
from zabota.staff.models import Queue

BACK = timedelta(days=31)


@administrators
@require_GET
def calendars(request: HttpRequest) -> HttpResponse:
    """All calendars with their week and queues."""
    found = list(Calendar.objects.order_by("-is_default", "id"))
    queues = Queue.objects.filter(is_active=True, is_quarantine=False).order_by("id")
    used = {
        row.pk: [queue for queue in queues if known.of_queue(queue.pk).calendar == row.pk]
        for row in found
    }
    return show(
        request,
        "calendars",
        pages.CALENDARS,
        rows=found,
        weeks={row.pk: week_in_words(row) for row in found},
        queues=used,
        lines=history.of("calendar", [row.pk for row in found]),
    )


@administrators
@require_http_methods(["GET", "POST"])
def calendar(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form of a calendar; without `pk` of a new one."""
    row = get_object_or_404(Calendar, pk=pk) if pk else None
    form = CalendarForm(sent(request), instance=row)
    if request.method == "POST" and form.is_valid():
        save_calendar(form.instance, form.save_week(), by=viewer(request).actor)
        messages.success(request, _("Saved: %(name)s.") % {"name": form.instance})
        return redirect("desk:settings:calendar", form.instance.pk)
    return _show(request, row, form, DayForm())


@administrators
@require_POST
def day(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a day off or a worked day."""
    row = get_object_or_404(Calendar, pk=pk)
    form = DayForm(request.POST)
    if form.is_valid() and _is_near(form):
        given = form.cleaned_data
        set_day(
            row,
            given["day"],
            is_off=given["kind"] == "off",
            name=given["name"].strip(),
            by=viewer(request).actor,
        )
        return redirect("desk:settings:calendar", pk)
    return _show(request, row, CalendarForm(instance=row), form)


def _is_near(form: DayForm) -> bool:
    today = timezone.localtime(clock.now()).date()
    wanted: date = form.cleaned_data["day"]
    if abs((wanted - today).days) <= HORIZON:
        return True
    form.add_error("day", _("Choose a day within three years."))
    return False


@administrators
@require_POST
def undo_day(request: HttpRequest, pk: int) -> HttpResponse:
    """An own day goes, a public holiday is a holiday again."""
    row = get_object_or_404(Calendar, pk=pk)
    form = DayForm({**request.POST.dict(), "kind": "off"})
    if form.is_valid():
        clear_day(row, form.cleaned_data["day"], by=viewer(request).actor)
    return redirect("desk:settings:calendar", pk)


def _show(
    request: HttpRequest, row: Calendar | None, form: CalendarForm, day_form: DayForm
) -> HttpResponse:
    today = timezone.localtime(clock.now()).date()
    days = list(row.days.filter(day__gte=today - BACK).order_by("day")) if row else []
    return show(
        request,
        "calendar",
        pages.CALENDARS,
        status=422 if form.errors or day_form.errors else 200,
        row=row,
        form=form,
        day_form=day_form,
        days=[(one, _name(one)) for one in days],
        lines=history.of("calendar", [row.pk]) if row else [],
    )


def _name(day: Day) -> str:
    first, second = day.name_ru, day.name_en
    if (translation.get_language() or "").startswith("en"):
        first, second = second, first
    return first or second


def week_in_words(row: Calendar) -> str:
    """`Mon–Fri 9:00–18:00; Sat 10:00–14:00`: neighbours with the same hours together."""
    names = [locale().days["format"]["abbreviated"][number] for number in range(7)]
    parts: list[tuple[int, int, str]] = []
    for number, spans in enumerate(row.week):
        words = in_words(spans)
        if parts and parts[-1][1] == number - 1 and parts[-1][2] == words:
            parts[-1] = (parts[-1][0], number, words)
        elif words:
            parts.append((number, number, words))
    return "; ".join(
        f"{names[first]}{f'–{names[last]}' if last > first else ''} {words}"
        for first, last, words in parts
    )
