"""Soft line breaks of format=flowed (RFC 3676) made paragraphs again."""

from __future__ import annotations


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(">"))


def unflow(text: str, delsp: bool) -> str:
    """`text` with flowed lines joined; a line flows on when it ends with a space.

    `delsp`: the space itself is not part of the text (DelSp=yes).
    """
    result: list[str] = []
    open_depth = -1  # quote depth of the paragraph that flows on, -1: none
    for line in text.split("\n"):
        depth = _depth(line)
        body = line[depth:]
        body = body[1:] if body.startswith(" ") else body
        if open_depth == depth:
            result[-1] += body
        else:
            result.append(">" * depth + (" " if depth and body else "") + body)
        flows = body.endswith(" ") and body != "-- " and bool(body.strip())
        if flows and delsp:
            result[-1] = result[-1][:-1]
        open_depth = depth if flows else -1
    return "\n".join(result)
