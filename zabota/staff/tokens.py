"""Tokens of programs: made, shown once, found by their secret, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from zabota.events.actor import Actor
from zabota.events.kept import asked_with
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.questions import Question
from zabota.lib.rows import Joined, Rows, tell
from zabota.staff.events import TokenMade, TokenRevoked
from zabota.staff.models import Agent, Role, Scope, Token

START = "zbt_"
HINT = len(START) + 4
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_token(
    agent: Agent,
    *,
    name: str,
    scopes: Iterable[str],
    by: Actor,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A new token and its secret, which is not kept.

    Raises ValidationError for an agent of another role, unknown scopes, or none.
    """
    if agent.role != Role.INTEGRATION:
        raise ValidationError(_("Tokens are for agents of the role integration."))
    secret = START + secrets.token_urlsafe(32)
    row = Token(
        agent=agent,
        name=name.strip(),
        hint=secret[:HINT],
        secret_hash=_hash(secret),
        scopes=[scope for scope in Scope.values if scope in set(scopes)],
        expires_at=expires_at,
    )
    row.full_clean(exclude=["expires_at", "last_used_at", "revoked_at"])
    row.save(force_insert=True)
    fact = TokenMade(token=row.pk, agent=agent.pk, scopes=list(row.scopes))
    record(fact, stream=f"token:{row.pk}", by=by)
    return row, secret


@transaction.atomic
def revoke_token(token: Token, *, by: Actor) -> None:
    """The token lets nobody in any more; revoking twice changes nothing."""
    row = Token.objects.select_for_update().get(pk=token.pk)
    if row.revoked_at is not None:
        return
    row.revoked_at = clock.now()
    row.save(update_fields=["revoked_at"])
    record(TokenRevoked(token=row.pk, agent=row.agent_id), stream=f"token:{row.pk}", by=by)


_FIND = Joined([Rows(Token, "t")], "FROM staff_token t WHERE t.secret_hash = %s")
_NOTE = "UPDATE staff_token SET last_used_at = %s WHERE id = %s"


def token_of(secret: str) -> Token | None:
    """The valid token with this secret; its use is noted, once a minute."""
    rows = asked_with(Question(_FIND.sql, [_hash(secret)], list))
    token: Token | None = _FIND.made(rows[0])[0] if rows else None
    if token is None or not token.is_valid:
        return None
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at >= NOTED_EVERY:
        tell(_NOTE, [now, token.pk])
    return token


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
