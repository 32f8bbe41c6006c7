"""Signing in with an access token: SASL XOAUTH2, as Google and Microsoft speak it.

https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

from zabota.channels.contract import PASSWORD, InboxSettings


def is_used(inbox: InboxSettings) -> bool:
    """Whether a provider's token, and no password, opens the mailbox."""
    return str(inbox.config.get("auth") or PASSWORD) != PASSWORD


class Answers:
    """What the client says: the token first; then, to the reason of a refusal, nothing, without
    which the server does not end the exchange."""

    def __init__(self, user: str, token: str) -> None:
        self._first = f"user={user}\1auth=Bearer {token}\1\1"
        self._is_said = False

    def imap(self, _challenge: bytes) -> bytes:
        """For imaplib's `authenticate`."""
        return self._next().encode()

    def smtp(self, _challenge: bytes | None = None) -> str:
        """For smtplib's `auth`."""
        return self._next()

    def _next(self) -> str:
        said, self._is_said = self._is_said, True
        return "" if said else self._first
