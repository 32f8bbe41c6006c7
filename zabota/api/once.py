"""Requests with an Idempotency-Key: done once, answered alike as often as they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.responses import Status
from pydantic_core import to_jsonable_python

from zabota.api import problems
from zabota.api.door import caller
from zabota.api.models import Answered
from zabota.api.problems import Problem
from zabota.lib.rows import ask, insert_unless

LONGEST = 200
# The answer is as old as the statement: one that was given between it and the lock is met by
# `insert_unless`.
_BEGIN = """
SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)), fingerprint, status, body::text
  FROM (VALUES (1)) one LEFT JOIN api_answered ON token_id = %s AND key = %s
"""


def once(
    request: HttpRequest, work: Callable[[], Any], *, status: int = 200, content: str = ""
) -> Any:
    """Do the work in one transaction and answer with what it returns; under a key that was used,
    tell the first answer again. Refusals are not kept: what was refused may be tried again.

    `content` stands for a body that is not read into memory. Raises Problem when the key had
    another request, or one that is being worked on.
    """
    key = request.headers.get("Idempotency-Key", "")
    with transaction.atomic():
        if not key:
            return Status(status, work())
        if len(key) > LONGEST or not key.isprintable():
            detail = _("An Idempotency-Key has 1 to %(most)d letters.") % {"most": LONGEST}
            raise Problem(problems.BAD_REQUEST, detail)
        token = caller(request).token
        is_ours, *before = ask(_BEGIN, [f"api:{token.pk}:{key}", token.pk, key])
        if not is_ours:
            raise _in_flight()
        mark = _fingerprint(request, content)
        if before[0] is not None:
            if before[0] != mark:
                raise Problem(problems.KEY_REUSED, _("Take a new key for a new request."))
            return Status(before[1], json.loads(before[2]))
        body = to_jsonable_python(work())
        answer = Answered(token=token, key=key, fingerprint=mark, status=status, body=body)
        if not insert_unless(answer):
            raise _in_flight()
        return Status(status, body)


def _in_flight() -> Problem:
    return Problem(problems.IN_FLIGHT, headers={"Retry-After": "1"})


def _fingerprint(request: HttpRequest, content: str) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(content.encode() if content else _same(request.body))
    return digest.hexdigest()


def _same(body: bytes) -> bytes:
    """The body without what makes no difference in JSON: the order of fields, spaces."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except ValueError:
        return body
