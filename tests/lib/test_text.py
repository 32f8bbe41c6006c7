from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zabota.lib.text import MAX_FILE_NAME, clean, fold, one_line, safe_filename, shorten


def test_clean_removes_what_postgresql_refuses() -> None:
    assert clean("a\x00b\ud800c\x07\r\nd\re\tf\x85g") == "abc\nd\ne\tf\ng"


@given(st.text())
def test_clean_text_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    assert "\r" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


def test_fold_makes_yo_equal_to_ye() -> None:
    assert fold("Ёлка, ЕЩЁ") == fold("елка, еще")


def test_one_line_cannot_inject_a_header() -> None:
    assert one_line(" a\r\nBcc: b\u2028c ") == "a Bcc: b c"


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a\n\n b", 10, "a b"),
    ],
)
def test_shorten(text: str, length: int, expected: str) -> None:
    assert shorten(text, length) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\report.pdf", "report.pdf"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\x00b\nc.txt", "ab c.txt"),
        ("д" * 300 + ".pdf", "д" * 146 + ".pdf"),
        ("x" * 200 + "." + "y" * 60, "x" * 150),
        ("...", "file"),
        ("/", "file"),
        ("", "file"),
        ("con.txt", "con_.txt"),
        ("Отчёт: 5?.pdf", "Отчёт_ 5_.pdf"),
        ("и\u0306од.txt", "йод.txt"),
    ],
)
def test_safe_filename(name: str, expected: str) -> None:
    assert safe_filename(name) == expected


@given(st.text(max_size=400))
def test_safe_filename_is_always_safe(name: str) -> None:
    safe = safe_filename(name)
    assert 1 <= len(safe) <= MAX_FILE_NAME
    assert not set(safe) & set('/\\\x00\n\r"<>:|?*\u202e')
    assert safe.strip(". ")
