"""Working calendars: weekly hours in words, days off, which queue works by which calendar."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any

from babel import Locale
from babel.dates import get_day_names
from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from zabota.calendars.models import Calendar
from zabota.calendars.public import countries
from zabota.calendars.worktime import DAY, week
from zabota.desk import zones
from zabota.desk.settings.forms.structure import NamedForm

PART = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d{2}))?")
WEEKDAYS = tuple(f"day{number}" for number in range(7))


def locale() -> Locale:
    """Babel's locale of the viewer."""
    return Locale.parse(get_language() or "ru", sep="-")


class CalendarForm(NamedForm):
    """Name, zone, hours of each weekday, public holidays. Raises nothing; a week without a working
    minute is refused."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    country = forms.ChoiceField(label=gettext_lazy("Public holidays of"), required=False)

    class Meta:
        model = Calendar
        fields = ["name_ru", "name_en", "time_zone", "country", "region", "is_default"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._offer()
        names = get_day_names("wide", locale=locale())
        hours = self.instance.week
        for number, name in enumerate(WEEKDAYS):
            self.fields[name] = forms.CharField(
                label=names[number].capitalize(),
                required=False,
                max_length=100,
                initial=in_words(hours[number]),
                widget=forms.TextInput(
                    attrs={"placeholder": _("day off"), "autocomplete": "off", "inputmode": "text"}
                ),
            )
        self.fields[WEEKDAYS[0]].help_text = _(
            "For example 9:00–13:00, 14:00–18:00; over midnight: 22:00–6:00. Empty is a day off."
        )
        self.fields["region"].help_text = _(
            "Only where a part of the country has its own holidays."
        )
        if self.instance.is_default:
            # Another one becomes the default instead.
            del self.fields["is_default"]

    def _offer(self) -> None:
        zone, country = self.fields["time_zone"], self.fields["country"]
        assert isinstance(zone, forms.ChoiceField)
        assert isinstance(country, forms.ChoiceField)
        offered = dict(zones.choices())
        offered.setdefault(self.instance.time_zone, zones.label(self.instance.time_zone))
        zone.choices = list(offered.items())
        country.choices = [("", _("none")), *_countries(get_language() or "ru")]

    def clean(self) -> dict[str, Any]:
        """The week as the model keeps it, in `week`."""
        given = super().clean()
        region, country = given.get("region", "").strip(), given.get("country", "")
        known = countries().get(country, [])
        if region and region not in known:
            text = _("Regions known here: %(names)s.") % {"names": ", ".join(known) or "—"}
            self.add_error("region", text)
        given["week"] = [self._read(name) for name in WEEKDAYS]
        hours = week(given["week"])
        if not self.errors and not any(hours):
            self.add_error(
                None,
                _("This calendar has no working minute: nothing could ever be due. Write the hours "
                  "of at least one day."),
            )  # fmt: skip
        return given

    def _read(self, name: str) -> list[tuple[int, int]]:
        try:
            return read_hours(str(self.cleaned_data.get(name, "")))
        except ValueError as error:
            self.add_error(name, str(error))
            return []

    def save_week(self) -> list[str]:
        """Put the week into the row; the names of the changed columns."""
        row, given = self.instance, [list(map(list, day)) for day in self.cleaned_data["week"]]
        changed = [name for name in self.changed_data if name not in WEEKDAYS]
        row.time_zone, row.country = self.cleaned_data["time_zone"], self.cleaned_data["country"]
        if row.week != given:
            row.week = given
            changed.append("week")
        return changed


def read_hours(text: str) -> list[tuple[int, int]]:
    """`9:00–13:00, 14:00–18:00` as minutes after midnight; raises ValueError with words."""
    spans = []
    for part in filter(None, (one.strip() for one in re.split(r"[,;]", text))):
        found = PART.fullmatch(part)
        if found is None:
            raise ValueError(_("“%(text)s” is no span of time. Write 9:00–18:00.") % {"text": part})
        start, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
        if start == end or start >= DAY or end > DAY:
            raise ValueError(_("“%(text)s” is no span of time. Write 9:00–18:00.") % {"text": part})
        spans.append((start, end))
    spans.sort()
    for (begin, end), (start, _until) in pairwise(spans):
        if start < (end if end > begin else end + DAY):
            raise ValueError(_("These hours overlap."))
    return spans


def in_words(spans: list[list[int]]) -> str:
    """Minutes after midnight as `9:00–13:00, 14:00–18:00`."""
    return ", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _minutes(hours: str, minutes: str | None) -> int:
    if int(minutes or 0) > 59:
        return DAY + 1
    return int(hours) * 60 + int(minutes or 0)


@cache
def _countries(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language, sep="-").territories
    found = [(code, str(names.get(code, code))) for code in countries()]
    return sorted(found, key=lambda one: one[1].lower().replace("ё", "е"))


class DeadlinesForm(forms.Form):
    """By which calendar a queue works, and how soon it answers."""

    calendar = forms.ModelChoiceField(
        Calendar.objects.order_by("-is_default", "id"),
        label=gettext_lazy("Working calendar"),
        required=False,
        empty_label=gettext_lazy("by default"),
    )
    target = forms.IntegerField(
        label=gettext_lazy("First answer within, working minutes"),
        min_value=5,
        max_value=60 * 24 * 30,
        help_text=gettext_lazy(
            "Clients are told this time in the acknowledgement, or a later one when the queue "
            "really needs longer."
        ),
    )


class DayForm(forms.Form):
    """A day off, or one that is worked, beside week and public holidays."""

    day = forms.DateField(
        label=gettext_lazy("Day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    name = forms.CharField(label=gettext_lazy("What day it is"), max_length=200, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("We"),
        choices=[("off", gettext_lazy("do not work")), ("working", gettext_lazy("work"))],
    )
