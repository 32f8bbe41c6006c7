"""winmail.dat: the files and the text that Outlook hides in one part. Source: [MS-OXTNEF]."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = 0x223E9F78
MAX_FILES = 200
_BODY, _TITLE, _DATA, _NEW, _PROPERTIES = 0x800C, 0x8010, 0x800F, 0x9002, 0x9005
_LONG_NAME, _SHORT_NAME = 0x3707, 0x3704
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x0A: 4, 0x0B: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x14: 8, 0x40: 8}
_GUID = 0x48


@dataclass
class Content:
    """The files (name, bytes) and the text of a part, as far as they can be read."""

    text: bytes = b""
    files: list[tuple[str, bytes]] = field(default_factory=list)


def read(data: bytes) -> Content | None:
    """None for what is no TNEF; a broken end gives what stands before it."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        return None
    found, name, body = Content(), "", b""
    is_open = False
    for kind, value in _attributes(data):
        if kind == _NEW:
            if is_open:
                found.files.append((name, body))
            name, body, is_open = "", b"", True
        elif kind == _TITLE:
            name = name or _text(value)
        elif kind == _DATA:
            body = value
        elif kind == _PROPERTIES:
            name = _name(value) or name
        elif kind == _BODY:
            found.text = value.rstrip(b"\0")
        if len(found.files) >= MAX_FILES:
            break
    if is_open:
        found.files.append((name, body))
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 6
    while place + 9 <= len(data):
        kind, _type, size = struct.unpack_from("<HHI", data, place + 1)
        start = place + 9
        if size > len(data) - start:
            return
        yield kind, data[start : start + size]
        place = start + size + 2


def _text(value: bytes) -> str:
    bare = value.split(b"\0", 1)[0]
    try:
        return bare.decode("utf-8")
    except UnicodeDecodeError:
        return bare.decode("cp1251", "replace")


def _name(data: bytes) -> str:
    """The long file name among the properties of an attachment."""
    names: dict[int, str] = {}
    try:
        for number, value in _properties(data):
            if number in {_LONG_NAME, _SHORT_NAME} and value:
                names[number] = value
    except (struct.error, IndexError):
        pass
    return names.get(_LONG_NAME) or names.get(_SHORT_NAME) or ""


def _properties(data: bytes) -> Iterator[tuple[int, str]]:
    count = struct.unpack_from("<I", data)[0]
    place = 4
    for _ in range(min(count, 2_000)):
        kind, number = struct.unpack_from("<HH", data, place)
        place += 4
        if number >= 0x8000:
            place = _named(data, place)
        many = bool(kind & 0x1000)
        base = kind & 0x0FFF
        if base in {_STRING8, _UNICODE, _BINARY, _OBJECT}:
            values = struct.unpack_from("<I", data, place)[0]
            place += 4
            for _value in range(min(values, 1_000)):
                size = struct.unpack_from("<I", data, place)[0]
                text = data[place + 4 : place + 4 + size]
                place += 4 + size + (-size % 4)
                yield number, _string(base, text)
        else:
            times = 1
            if many:
                times = struct.unpack_from("<I", data, place)[0]
                place += 4
            place += (
                (16 if base == _GUID else _SIZES[base]) * times if base in _SIZES else 4 * times
            )


def _named(data: bytes, place: int) -> int:
    """The place behind the name of a named property."""
    kind = struct.unpack_from("<I", data, place + 16)[0]
    place += 20
    if kind == 0:
        return place + 4
    size = struct.unpack_from("<I", data, place)[0]
    return int(place + 4 + size + (-size % 4))


def _string(kind: int, text: bytes) -> str:
    if kind == _UNICODE:
        return text.decode("utf-16-le", "replace").rstrip("\0")
    return _text(text) if kind == _STRING8 else ""
