"""The MIME tree of one mail as a flat list of leaves, without recursion and within bounds.

The parser of the standard library recurses per nested part, keeps several copies of a large
attachment and tests every line against every open boundary; mail from outside may not do that.
"""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass

from zabota.channels.kinds.mail.headers import (
    Headers,
    decode_base64,
    parameter,
    split_headers,
)

MAX_DEPTH = 100
MAX_PARTS = 1_000
_TYPE = re.compile(r"^[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}$")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part without children. `body` is still transfer-encoded."""

    headers: Headers
    content_type: str
    body: bytes
    alternative: int = 0  # number of the outermost multipart/alternative around it, 0: none
    related: bool = False  # belongs to another part of a multipart/related, e.g. a picture
    alone: bool = False  # the whole message is this part


@dataclass(frozen=True, slots=True)
class _Pending:
    start: int
    end: int
    depth: int
    alternative: int
    related: bool
    default: str


def content_type(headers: Headers, default: str = "text/plain") -> str:
    """Lower-case media type; `default` when absent, application/octet-stream when senseless."""
    value = headers.raw("content-type").partition(";")[0].strip().lower()
    if not value:
        return default
    if value in {"text", "plain", "html"}:
        return "text/html" if value == "html" else "text/plain"
    return value if _TYPE.match(value) else "application/octet-stream"


def _cut(raw: bytes, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    """Begin and end of each part between the delimiter lines of `boundary`."""
    delimiter = b"--" + boundary
    found: list[tuple[int, int]] = []
    begin, position = -1, start
    while (position := raw.find(delimiter, position, end)) >= 0:
        after = position + len(delimiter)
        line_end = raw.find(b"\n", after, end)
        line_end = end if line_end < 0 else line_end
        rest = raw[after : min(line_end, after + 80)].strip()
        if (position != start and raw[position - 1] != 10) or rest not in (b"", b"--"):
            position = after
            continue
        if begin >= 0:
            found.append((begin, _before_line(raw, position, begin)))
        begin = -1 if rest else min(line_end + 1, end)
        position = line_end
        if rest or len(found) > MAX_PARTS:
            break
    if begin >= 0:
        found.append((begin, end))
    return found


def _before_line(raw: bytes, position: int, floor: int) -> int:
    """`position` moved before the line end in front of it, which belongs to the delimiter."""
    if position > floor and raw[position - 1] == 10:
        position -= 1
        if position > floor and raw[position - 1] == 13:
            position -= 1
    return position


def leaves(raw: bytes, repairs: list[str]) -> tuple[Headers, list[Leaf]]:
    """The headers of the message and its leaves in order; what was cut is noted in `repairs`."""
    top, _ = split_headers(raw)
    found: list[Leaf] = []
    alternatives = 0
    stack = [_Pending(0, len(raw), 0, 0, False, "text/plain")]
    while stack:
        if len(found) >= MAX_PARTS:
            repairs.append(f"more than {MAX_PARTS} parts: the rest is only in the original")
            break
        item = stack.pop()
        headers, offset = (
            (top, split_headers(raw)[1])
            if item.depth == 0
            else split_headers(raw[item.start : min(item.end, item.start + 1_000_000)])
        )
        start = item.start + offset
        kind = content_type(headers, item.default)
        children: list[tuple[int, int]] = []
        if kind.startswith("multipart/"):
            boundary = parameter(headers, "content-type", "boundary").encode("utf-8", "replace")
            children = _cut(raw, start, item.end, boundary) if boundary else []
            if not children:
                repairs.append(f"{kind} without usable boundary: read as text")
                kind = "text/plain"
            elif item.depth >= MAX_DEPTH:
                repairs.append(f"more than {MAX_DEPTH} nested parts: the inner ones are one file")
                children, kind, start = [], "message/rfc822", item.start
        if not children:
            body = raw[start : item.end]
            alone = item.depth == 0
            found.append(Leaf(headers, kind, body, item.alternative, item.related, alone))
            continue
        alternative = item.alternative
        if kind == "multipart/alternative" and not alternative:
            alternatives += 1
            alternative = alternatives
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        for index, (begin, end) in reversed(list(enumerate(children))):
            related = item.related or (kind == "multipart/related" and index > 0)
            stack.append(_Pending(begin, end, item.depth + 1, alternative, related, default))
    return top, found


def encoded_size(leaf: Leaf) -> int:
    """Size in bytes of the decoded body, found without decoding base64."""
    if leaf.headers.raw("content-transfer-encoding").strip().lower() != "base64":
        return len(leaf.body)
    letters = len(leaf.body) - sum(leaf.body.count(char) for char in (b"\r", b"\n", b" ", b"\t"))
    return letters * 3 // 4 - leaf.body[-8:].count(b"=")


def decoded(leaf: Leaf, repairs: list[str], limit: int | None = None) -> bytes:
    """The body without its transfer encoding; at most `limit` encoded bytes are read."""
    body = leaf.body if limit is None else leaf.body[:limit]
    encoding = leaf.headers.raw("content-transfer-encoding").strip(" \t;.\"'").lower()
    if encoding == "base64":
        return decode_base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecode(body)
    if encoding not in {"", "7bit", "8bit", "binary", "7-bit", "8-bit"}:
        repairs.append(f"unknown transfer encoding {encoding[:40]!r}: taken as it is")
    return body


def _uudecode(body: bytes) -> bytes:
    lines = body.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    decoded_lines = []
    for line in lines[first + 1 :]:
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            decoded_lines.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders pad the line; the first character tells the true length.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                decoded_lines.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                continue
    return b"".join(decoded_lines)
