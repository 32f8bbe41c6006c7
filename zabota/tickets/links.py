"""Addresses that carry a signed token: reply addresses of tickets, and every link of a mail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from django.conf import settings
from django.urls import reverse

# 60 bits: a guesser needs 10^18 mails, and the local part stays short enough (RFC 5321: 64 octets).
TOKEN_LETTERS = 12
NOTICE = "notice:"
_TOKEN = re.compile(r"\+([tn])(\d{1,12})-([a-z2-7]{12})@")
SUBJECT = re.compile(r"\[#(\d{1,12})\]")


def reply_address(inbox_address: str, ticket_id: int) -> str:
    """`support+t42-abcdefghijkl@example.org`: an answer to it belongs to ticket 42."""
    return _tagged(inbox_address, "t", ticket_id)


def note_address(inbox_address: str, ticket_id: int) -> str:
    """The reply address of a notification to an agent: an answer becomes an internal note."""
    return _tagged(inbox_address, "n", ticket_id)


def notice_key(ticket_id: int, event_id: int, agent_id: int) -> str:
    """The outbox key of a notification; an answer to its Message-ID finds the ticket by it."""
    return f"{NOTICE}{ticket_id}:{event_id}:{agent_id}"


def ticket_of_notice(key: str) -> int:
    """The ticket that a notification's outbox key names."""
    return int(key.removeprefix(NOTICE).split(":")[0])


def ticket_of_address(address: str) -> tuple[str, int] | None:
    """('t' or 'n', ticket id) when the address carries a token of ours with a right signature."""
    found = _TOKEN.search(address.lower())
    if not found:
        return None
    kind, number, token = found.groups()
    if not hmac.compare_digest(token, _sign(kind, int(number))):
        return None
    return kind, int(number)


def plain_address(address: str) -> str:
    """The address without our token, lower-cased."""
    return _TOKEN.sub("@", address.lower())


def ticket_url(ticket_id: int) -> str:
    """The ticket's page on the desk, for mail to agents."""
    return f"{settings.ZABOTA_URL}{reverse('desk:ticket', args=[ticket_id])}"


def _tagged(address: str, kind: str, ticket_id: int) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}+{kind}{ticket_id}-{_sign(kind, ticket_id)}@{domain}"


def _sign(kind: str, ticket_id: int) -> str:
    key = settings.SECRET_KEY.encode()
    digest = hmac.new(key, f"reply:{kind}:{ticket_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:TOKEN_LETTERS]
