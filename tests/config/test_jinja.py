"""The template environment: strictness, escaping, translation, times and sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone, translation
from jinja2 import UndefinedError

from zabota.config import jinja
from zabota.config.static import HashedStatic
from zabota.lib import clock

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def render(source: str, **context: Any) -> str:
    """A template written in place, in English and in Moscow time, at noon UTC."""
    with translation.override("en"), timezone.override(ZoneInfo("Europe/Moscow")), clock.at(NOON):
        return str(engines["jinja2"].from_string(source).render(context))


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("{{ nobody }}")


def test_text_is_escaped() -> None:
    assert render("{{ x }}", x="<b>") == "&lt;b&gt;"


def test_gettext_formats_and_escapes_its_parameters() -> None:
    assert render('{{ _("To: %(name)s", name=n) }}', n="<i>") == "To: &lt;i&gt;"


def test_plurals() -> None:
    source = '{{ ngettext("%(num)d change", "%(num)d changes", n) }}'
    assert (render(source, n=1), render(source, n=3)) == ("1 change", "3 changes")


def test_icon_is_silent_or_labelled() -> None:
    assert 'aria-hidden="true"' in render('{{ icon("inbox") }}')
    labelled = render('{{ icon("inbox", "A <b>") }}')
    assert 'aria-label="A &lt;b&gt;"' in labelled
    assert "vendor/icons.svg#inbox" in labelled


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "15:00"),
        (NOON - timedelta(days=2), "Nov 20, 15:00"),
        (NOON - timedelta(days=400), "Oct 18, 2025, 15:00"),
    ],
)
def test_when_in_the_viewers_zone(moment: datetime, text: str) -> None:
    assert render("{{ m|when }}", m=moment) == text


@pytest.mark.parametrize(
    ("back", "text"),
    [
        (timedelta(seconds=30), "now"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(minutes=119), "1 hr"),
        (timedelta(days=2, hours=3), "2 days"),
    ],
)
def test_ago(back: timedelta, text: str) -> None:
    assert render("{{ m|ago }}", m=NOON - back) == text


def test_day_names() -> None:
    # 21:30 UTC is already tomorrow in Moscow.
    assert render("{{ m|day }}", m=NOON) == "Today"
    assert render("{{ m|day }}", m=NOON - timedelta(days=1, hours=14)) == "Yesterday"
    assert render("{{ m|day }}", m=NOON - timedelta(days=2)) == "November 20, 2026"


def test_iso_is_utc() -> None:
    moment = NOON.astimezone(ZoneInfo("Europe/Moscow"))
    assert render("{{ m|iso }}", m=moment) == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Пётр Лебедев", "ПЛ"), ("ООО «Ромашка»", "ОР"), ("Cher", "C"), ("  ", "?"), ("(—)", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert jinja.initials(name) == letters


@pytest.mark.parametrize(
    ("size", "text"), [(900, "900 B"), (1536, "1.5 KB"), (25 * 1024**2, "25 MB")]
)
def test_file_size(size: int, text: str) -> None:
    assert render("{{ n|file_size }}", n=size) == text


def test_file_size_has_the_decimal_mark_of_the_language() -> None:
    with translation.override("ru"):
        assert jinja.file_size(1536).startswith("1,5")


def test_lines_makes_paragraphs_and_escapes() -> None:
    assert jinja.lines("a\nb\r\n\r\n<c>") == "<p>a<br>b</p><p>&lt;c&gt;</p>"


def test_a_missing_static_file_is_an_error() -> None:
    with pytest.raises(ValueError, match="no/such"):
        HashedStatic().stored_name("no/such.css")


def test_an_unpublished_static_file_keeps_its_name() -> None:
    assert HashedStatic().stored_name("css/base.css") == "css/base.css"


@pytest.mark.parametrize(
    ("cookies", "theme"),
    [
        ({}, "system"),
        ({"zabota_theme": "dark"}, "dark"),
        ({"zabota_theme": '"><script>'}, "system"),
    ],
)
def test_theme_comes_from_the_cookie(cookies: dict[str, str], theme: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    request.user = AnonymousUser()
    context = jinja.page_context(request)
    assert (context["theme"], context["agent"], context["live_url"]) == (theme, None, "")


def test_collected_names_are_hashed_in_modules_and_sheets_too(tmp_path: Path) -> None:
    storage = HashedStatic(location=str(tmp_path), base_url="/static/")
    found = {
        name: (source, name)
        for finder in finders.get_finders()
        for name, source in finder.list([])
        if name.startswith(("js/", "css/", "vendor/"))
    }
    for name, (source, _same) in found.items():
        with source.open(name) as file:
            storage.save(name, file)
    list(storage.post_process({name: (storage, name) for name in found}))
    assert storage.stored_name("js/keys.js") != "js/keys.js"
    app = (tmp_path / storage.stored_name("js/app.js")).read_text()
    assert Path(storage.stored_name("js/keys.js")).name in app
    sheet = (tmp_path / storage.stored_name("css/tokens.css")).read_text()
    assert Path(storage.stored_name("vendor/fonts/inter-latin.woff2")).name in sheet
