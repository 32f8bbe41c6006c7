"""Drawn parts are kept for equal arguments, and only for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from markupsafe import Markup, escape

from zabota.lib import clock, drawing


@dataclass(frozen=True)
class Card:
    text: str


class Pen:
    """A macro that counts how often it draws."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *given: Any, **named: Any) -> Markup:
        self.times += 1
        words = [*given, *named.values(), translation.get_language()]
        return Markup(" ").join(
            escape(str(word) if isinstance(word, Card) else word) for word in words
        )


@pytest.fixture(autouse=True)
def empty() -> None:
    drawing._store.clear()


def test_equal_arguments_are_drawn_once() -> None:
    pen = Pen()
    part = drawing.kept("card", pen)
    assert part(Card("да"), attributes={"a": 1}) == part(Card("да"), attributes={"a": 1})
    assert pen.times == 1
    part(Card("нет"), attributes={"a": 1})
    part(Card("да"), attributes={"a": 2})
    assert pen.times == 3


def test_each_language_has_its_own() -> None:
    part = drawing.kept("card", Pen())
    with translation.override("ru"):
        assert part("x").endswith("ru")
    with translation.override("en"):
        assert part("x").endswith("en")


def test_a_text_never_becomes_the_markup_that_looks_the_same() -> None:
    part = drawing.kept("card", Pen())
    assert part(Markup("<b>")).startswith("<b>")
    assert part("<b>").startswith("&lt;b&gt;")


def test_true_is_not_one() -> None:
    part = drawing.kept("card", Pen())
    assert part(1).startswith("1")
    assert part(True).startswith("True")


def test_what_speaks_of_today_is_drawn_anew_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    pen = Pen()
    part = drawing.kept("line", pen, dated=True)
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    part("x")
    part("x")
    assert pen.times == 1
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    part("x")
    assert pen.times == 2


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST", 100)
    part = drawing.kept("card", Pen())
    for number in range(100):
        part(number)
        kept = drawing._store.parts.values()
        assert 0 < sum(map(len, kept)) == drawing._store.size <= 100
    drawing._store.clear()
    part("x" * drawing.LARGEST)
    assert not drawing._store.parts, "one that is too large to keep"


def test_what_is_asked_for_outlives_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST", 200)
    pen = Pen()
    part = drawing.kept("card", pen)
    for number in range(200):
        part("menu")
        part(number)
    assert pen.times == 201
    part(0)
    assert pen.times == 202


def test_places_take_escaped_values_and_others_stay() -> None:
    part = drawing.kept("form", Pen())(drawing.place("number"), drawing.place("secret"))
    found = drawing.filled(part, number="<1> <!--secret-->", other="x")
    assert found.startswith("&lt;1&gt; &lt;!--secret--&gt; <!--secret--> ")


def test_options_are_told_apart_by_being_the_same() -> None:
    pen = Pen()
    part = drawing.kept("menu", pen)
    one, other = drawing.Options(["a"]), drawing.Options(["a"])
    part(one)
    part(one)
    assert pen.times == 1
    part(other)
    assert pen.times == 2
    assert list(one) == list(other) == ["a"]
