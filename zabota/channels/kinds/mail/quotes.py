"""The reply apart from what it quotes. Nothing is deleted: reply and quote hold all the text.

Losing a word of the client is worse than showing a quote, so every doubt ends with no split.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabota.channels.kinds.mail.attribution import (
    QUOTE,
    UNDERLINE,
    header_block,
    is_attribution,
    is_separator,
    label_of,
    opens_attribution,
)
from zabota.channels.kinds.mail.quotes_html import split_html
from zabota.lib.html import clean_html, html_to_text

MAX_LINES = 5_000  # quotes are looked for in the first lines only
MAX_JOINED = 4  # an attribution is wrapped over at most so many lines


@dataclass(frozen=True)
class Split:
    """A body in two halves; HTML is cleaned, '' when there is none."""

    reply: str
    quoted: str
    html: str = ""
    html_reply: str = ""
    html_quoted: str = ""


def split_body(text: str, html: str) -> Split:
    """Split a body given as plain text and raw HTML ('' when absent); structure goes first."""
    halves = split_html(html) if html else None
    if halves:
        reply = html_to_text(halves[0])
        if reply.strip():
            cleaned = clean_html(halves[0]), clean_html(halves[1])
            return Split(reply, html_to_text(halves[1]), clean_html(html), *cleaned)
    reply, quoted = split_text(text)
    whole = clean_html(html) if html else ""
    return Split(reply, quoted, whole, whole, "")


def split_text(text: str) -> tuple[str, str]:
    """Reply and quoted text of a plain body; the quote is '' when none was found for sure."""
    lines = text.split("\n")
    start, length = _start(lines[:MAX_LINES])
    if start < 0:
        return text, ""
    end = _block_end(lines, start + length) if length >= 0 else len(lines)
    before, quote, after = lines[:start], lines[start:end], lines[end:]
    if _has_text(after) and any(QUOTE.match(line) for line in after):
        return text, ""
    reply = "\n".join(before).rstrip() + ("\n" + "\n".join(after) if _has_text(after) else "")
    if not reply.strip():
        return text, ""
    return reply.strip("\n").rstrip(), "\n".join(quote).strip("\n").rstrip()


def _has_text(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)


def _start(lines: list[str]) -> tuple[int, int]:
    """Line where the quote begins and the length of its announcement; (-1, 0) when none.

    A length of -1 means that everything from there on is quoted.
    """
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if QUOTE.match(line):
            return index, 0
        if is_separator(line) or (":" in line and label_of(line) and header_block(lines, index)):
            return index, -1
        if UNDERLINE.match(line):
            following = _next_text(lines, index + 1)
            if following < len(lines) and header_block(lines, following):
                return index, -1
        count = _announcement(lines, index)
        if count:
            following = _next_text(lines, index + count)
            quoted = following < len(lines) and QUOTE.match(lines[following])
            return index, (following - index if quoted else -1)
    return -1, 0


def _next_text(lines: list[str], start: int) -> int:
    while start < len(lines) and not lines[start].strip():
        start += 1
    return start


def _announcement(lines: list[str], index: int) -> int:
    """How many lines from `index` on are one attribution; 0 when none."""
    for count in range(1, MAX_JOINED + 1):
        piece = lines[index : index + count]
        if len(piece) < count or not piece[-1].strip():
            return 0
        if is_attribution(" ".join(piece)):
            # The last line of the reply must not be swallowed: take the shortest that matches.
            later = any(is_attribution(" ".join(piece[skip:])) for skip in range(1, count))
            return 0 if later and not opens_attribution(piece[0]) else count
    return 0


def _block_end(lines: list[str], start: int) -> int:
    """End of a block of ">" lines; a line that a mailer wrapped out of the quote belongs to it."""
    end = index = start
    while index < len(lines):
        line = lines[index]
        if QUOTE.match(line):
            end = index + 1
        elif line.strip() and not (
            index == end and index + 1 < len(lines) and QUOTE.match(lines[index + 1])
        ):
            break
        elif line.strip():
            end = index + 1
        index += 1
    return end
