"""Public holidays of the world, by the package `holidays`. It takes 16 MB of memory, so it is
loaded only while a calendar's list is filled, never to reckon with time."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class PublicHoliday(NamedTuple):
    """One day, with its name in both languages as far as they are known."""

    day: date
    name_ru: str
    name_en: str


def countries() -> dict[str, list[str]]:
    """Codes (ISO 3166-1, two letters) of the countries known, with their regions."""
    import holidays

    known = holidays.list_supported_countries(include_aliases=False)
    return {code: list(regions) for code, regions in known.items() if len(code) == 2}


def holidays_of(country: str, region: str, year: int) -> list[PublicHoliday]:
    """The public holidays of a year, transferred days off included; raises LookupError for a
    country or region that is not known."""
    import holidays

    if region not in ["", *countries().get(country, [])] or country not in countries():
        raise LookupError(f"no public holidays are known for {country} {region}")
    spoken = holidays.list_localized_countries().get(country, [])

    def named(language: str) -> dict[date, str]:
        known = language if language in spoken else None
        found = holidays.country_holidays(country, region or None, years=year, language=known)
        return dict(found.items())

    russian, english = named("ru"), named("en_US")
    return [PublicHoliday(day, russian[day], english[day]) for day in sorted(russian)]
