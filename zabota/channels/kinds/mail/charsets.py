"""Bytes to text when the declared character set lies, is unknown or is missing."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import chardet

from zabota.channels.kinds.mail import cyrillic
from zabota.lib.text import clean

# Names seen in mail that Python does not know, and names under which senders mean the superset.
ALIASES = {
    "windows-874": "cp874",
    "cp-874": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "unicode": "utf-8",
    "utf": "utf-8",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ascii": "us-ascii",
    "ansi_x3.4-1968": "us-ascii",
    "x-cp1251": "cp1251",
    "win-1251": "cp1251",
    "windows1251": "cp1251",
    "cp-1251": "cp1251",
    "win1251": "cp1251",
    "cp-866": "cp866",
    "x-cp866": "cp866",
    "dos-866": "cp866",
    "koi8": "koi8-r",
    "koi8r": "koi8-r",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "iso-2022-jp": "iso2022_jp_2",
    "x-euc": "euc_jp",
}
# Codecs of Python that are no character sets: "zip" or "rot13" as a charset must not run.
_NOT_TEXT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_NO_UTF8 = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]|\0")  # surrogates encoded one by one, NUL
_SAMPLE = 64 * 1024
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8"}


@lru_cache(maxsize=256)
def known(charset: str) -> str:
    """Python's name for a declared character set, '' when there is none."""
    name = charset.strip().strip("\"'").lower().partition("*")[0]
    name = ALIASES.get(name, ALIASES.get(name.replace("_", "-"), name))
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and info.name not in _NOT_TEXT else ""


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError, LookupError):
        return None


def _guess(data: bytes) -> tuple[str, str]:
    """Text and character set found by statistics, ('', '') when unsure."""
    found = chardet.detect(data[:_SAMPLE])
    name = known(found["encoding"] or "")
    # Without a byte order mark, UTF-16 is what a few NULs look like.
    if not name or name in {"ascii", "utf-7"} or name.startswith(("utf-16", "utf-32")):
        return "", ""
    text = _strict(data, name)
    return (text, name) if text is not None else ("", "")


def _nearly_utf8(data: bytes) -> str | None:
    """Text of UTF-8 with a few broken bytes, None when it is something else."""
    text = _NO_UTF8.sub(b"", data).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    letters = sum(not char.isascii() for char in text[:20_000]) - broken
    return text if broken == 0 or letters > broken * 4 else None


def decode(data: bytes, charset: str = "", *, russian: bool = True) -> tuple[str, str]:
    """Text of `data`, free of control characters, and the repair made ('' when none).

    Order: a byte order mark, the declared set if it decodes strictly, UTF-8, a Cyrillic set in
    which it reads like Russian (`russian`), chardet, then Windows-1251 (`russian`) or
    Windows-1252 with replacement.
    """
    declared = known(charset) if charset else ""
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "")
    if marked and not declared.startswith("utf"):
        # The mark at the beginning is never letters: the same bytes in other sets are rubbish.
        text = _strict(data, marked)
        if text is not None:
            return clean(text.removeprefix("\ufeff")), f"byte order mark: read as {marked}"
    if declared:
        text = _strict(data, declared)
        # Escape-based sets decode any ASCII; a BOM in front is no text.
        if text is not None:
            return clean(text.removeprefix("\ufeff")), ""
    text = _strict(data, "utf-8")
    note = f"charset {charset!r} is " + ("wrong" if declared else "unknown") if charset else ""
    if text is not None:
        repair = f"{note}: read as utf-8" if note else ""
        return clean(text.removeprefix("\ufeff")), repair
    note = note or "no charset declared"
    if (nearly := _nearly_utf8(data)) is not None:
        return clean(nearly), f"{note}: read as utf-8 with replacements"
    name = cyrillic.guess(data) if russian else ""
    text = data.decode(name, "replace") if name else ""
    if not name:
        text, name = _guess(data)
    if name:
        return clean(text), f"{note}: read as {name} by its statistics"
    name = declared or ("cp1251" if russian else "cp1252")
    return clean(data.decode(name, "replace")), f"{note}: read as {name} with replacements"
