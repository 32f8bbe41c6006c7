"""Plain text made safe: control characters, folding for search, snippets, file names."""

from __future__ import annotations

import re
import unicodedata

# Everything below a space except tab and line feed, DEL, the C1 block, lone surrogates and
# non-characters: PostgreSQL refuses NUL and surrogates, screens and logs suffer from the rest.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Marks that change the direction or are invisible: "photo\u202egnp.exe" is read "photoexe.png".
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_FORBIDDEN_IN_NAMES = re.compile(r'[<>:"|?*]')
_SPACE = re.compile(r"\s+")
_FOLD = str.maketrans("ёЁ", "еЕ")
_DEVICE = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)")
MAX_FILE_NAME = 150
MAX_ENDING = 20


def clean(text: str) -> str:
    """`text` without NUL, lone surrogates and control characters; line ends become line feeds."""
    if "\r" in text or not text.isprintable():
        text = _CONTROL.sub("", _LINE_END.sub("\n", text))
    return text


def one_line(text: str) -> str:
    """`text` cleaned, every run of white space made one space."""
    return _SPACE.sub(" ", clean(text)).strip()


def fold(text: str) -> str:
    """Lower case with ё as е: for comparing and searching, not for showing."""
    return text.translate(_FOLD).lower()


def shorten(text: str, length: int) -> str:
    """The beginning of `text` on one line, at most `length` characters, cut between words."""
    line = one_line(text[: length * 8 + 200])
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > length // 2 else cut).rstrip() + "…"


def safe_filename(name: str, fallback: str = "file") -> str:
    """A name for a download: no path, no control or direction marks, 1 to 150 characters.

    The ending stays when the name is cut. `fallback` is used when nothing is left.
    """
    name = unicodedata.normalize("NFC", _INVISIBLE.sub("", clean(name).replace("\n", " ")))
    name = re.split(r"[/\\]", name.rstrip("/\\ "))[-1]
    name = _SPACE.sub(" ", _FORBIDDEN_IN_NAMES.sub("_", name)).strip(" .")
    name = _DEVICE.sub(r"\1_", name)
    if len(name) > MAX_FILE_NAME:
        stem, dot, ending = name.rpartition(".")
        if not dot or len(ending) > MAX_ENDING:
            stem, dot, ending = name, "", ""
        name = stem[: MAX_FILE_NAME - len(dot) - len(ending)].rstrip(" .") + dot + ending
    return name or fallback
