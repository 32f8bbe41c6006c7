"""Pages by keyset: the next begins behind the last row of this one, whatever came meanwhile."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from zabota.api import problems
from zabota.api.problems import Problem
from zabota.tickets.models.ticket import micros, moment

M = TypeVar("M", bound=Model)
PAGE = 50
MOST = 200
MOST_ID = 2**63


def page(
    rows: QuerySet[M], order: str, cursor: str, limit: int, *, by_time: str = ""
) -> tuple[Sequence[M], str | None]:
    """At most `limit` rows behind the cursor, and the cursor of the next page if there is one.

    `order` is "id" or "-id"; with `by_time`, newest first by that column. Raises Problem for a
    cursor that is none, or of another order.
    """
    name = by_time or order
    if cursor:
        rows = rows.filter(_behind(name, cursor, by_time))
    rows = rows.order_by(f"-{by_time}", "-id") if by_time else rows.order_by(order)
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    place = [micros(getattr(last, by_time))] if by_time else []
    return found[:limit], _pack([name, *place, last.pk])


def _behind(name: str, cursor: str, by_time: str) -> Q:
    said, *numbers = _unpack(cursor)
    wanted = 2 if by_time else 1
    fits = said == name and len(numbers) == wanted and all(type(one) is int for one in numbers)
    if not fits or not 0 <= numbers[-1] < MOST_ID:
        raise _bad()
    if not by_time:
        return Q(id__lt=numbers[0]) if name.startswith("-") else Q(id__gt=numbers[0])
    try:
        at = moment(numbers[0])
    except (OverflowError, ValueError):
        raise _bad() from None
    return Q(**{f"{by_time}__lt": at}) | Q(**{by_time: at, "id__lt": numbers[1]})


def _pack(values: list[Any]) -> str:
    text = json.dumps(values, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(cursor: str) -> list[Any]:
    try:
        values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise _bad() from None
    if not isinstance(values, list) or not values:
        raise _bad()
    return values


def _bad() -> Problem:
    words = _("The cursor is not one of this list.")
    error = {"in": "query", "field": "cursor", "code": "cursor", "message": words}
    return Problem(problems.INVALID, words, [error])
