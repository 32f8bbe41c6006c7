"""What every kind of channel speaks: parsed messages in, envelopes out, classified errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class Robot(StrEnum):
    """Signs that no person waits for an answer; the first that applies."""

    NONE = ""
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    LIST = "list"
    FEEDBACK = "feedback_report"
    LOOP = "loop"


@dataclass(frozen=True)
class Address:
    """A mail address as written: `email` lower-cased and stripped, '' when there is none."""

    email: str
    name: str = ""


@dataclass(frozen=True)
class ParsedFile:
    """One attachment. `content` is None when it was over the size limit (then `too_large`)."""

    name: str
    content_type: str
    size: int
    content: bytes | None
    inline: bool = False
    content_id: str = ""
    too_large: bool = False


@dataclass(frozen=True)
class Bounce:
    """What a server tells of a mail it could not deliver: `recipient`, `status` (RFC 3463; 4.x.x is
    only delayed) and the Message-ID of that mail; '' for what it does not tell."""

    recipient: str
    status: str
    message_id: str = ""


@dataclass(frozen=True)
class ParsedMessage:
    """A message understood; text is free of NUL, lone surrogates and control characters.

    `html`, `html_reply` and `html_quoted` are sanitised ('' when the message has no HTML); remote
    pictures wait in `data-remote-src`. `reply` and `quoted` hold all the text; `said` is the reply
    without `signature`. `headers` has lower-case names; `repairs` and `robot_sign` are technical
    English. `forwarded_from` is the original sender of a forwarded mail.
    """

    sender: Address
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    text: str
    html: str
    reply: str
    quoted: str
    delivered_to: tuple[str, ...] = ()
    return_path: str | None = None
    robot: Robot = Robot.NONE
    robot_sign: str = ""
    language: str = ""
    timezone: str = ""
    files: tuple[ParsedFile, ...] = ()
    repairs: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    html_reply: str = ""
    html_quoted: str = ""
    said: str = ""
    signature: str = ""
    forwarded_from: Address | None = None
    bounce: Bounce | None = None


class ParseError(Exception):
    """The bytes cannot be understood; the message says why, for the quarantine."""


class TemporaryError(Exception):
    """The other side may take it later: back off and try again."""


class PermanentError(Exception):
    """The other side will never take it as it is: a person must act."""


class NoPermission(TemporaryError):
    """The provider of the mailbox lets nobody in until an administrator connects it (anew)."""


class Unreachable(TemporaryError):
    """Nobody was there to hand it to, which says nothing of the message."""


class UncertainError(TemporaryError):
    """The connection broke after the whole message was handed over: it may have been taken."""


@dataclass(frozen=True)
class OutgoingFile:
    """A file to send; `sha256` names the stored blob."""

    name: str
    content_type: str
    sha256: str
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True)
class Envelope:
    """One message to hand to a channel, complete and final; `message_id` has no < >."""

    message_id: str
    mail_from: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    text: str
    html: str
    reply_to: tuple[Address, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: bool = False
    date: datetime | None = None
    files: tuple[OutgoingFile, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """The message was taken; `refused` holds (address, the server's words) of those left out."""

    refused: tuple[tuple[str, str], ...] = ()


# `auth` of an inbox that signs in by name and password; other values name a provider.
PASSWORD = "password"  # noqa: S105 (a name)


class InboxSettings(Protocol):
    """What a kind may read of an inbox (`channels.models.Inbox`)."""

    address: str
    config: dict[str, str | int | bool]

    def secret(self) -> str:
        """The password in clear."""
        ...

    def token(self) -> str:
        """An access token that is good now, where `config["auth"]` names a provider; raises
        NoPermission or TemporaryError."""
        ...

    def token_refused(self) -> None:
        """The mail server did not take the token."""
        ...


class Kind(Protocol):
    """A channel: one object per kind in the registry."""

    name: str

    def parse(self, raw: bytes) -> ParsedMessage:
        """Understand raw bytes; raises ParseError only when nothing can be read."""
        ...

    def send(self, inbox: InboxSettings, envelope: Envelope) -> Receipt:
        """Hand over one message; raises TemporaryError, UncertainError or PermanentError."""
        ...

    def open(self, inbox: InboxSettings) -> Mailbox:
        """Connect and log in; raises TemporaryError or PermanentError (a wrong password)."""
        ...

    def keep_copy(self, inbox: InboxSettings, envelope: Envelope) -> None:
        """Put a copy of a sent message where the provider keeps sent ones; errors as in `send`."""
        ...


@dataclass(frozen=True)
class FolderState:
    """What a server says of a selected folder."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True)
class Fetched:
    """One message of the server; `is_cut`: over the limit, only the head came. `size`: whole."""

    raw: bytes
    arrived_at: datetime
    size: int
    is_cut: bool = False


class Mailbox(Protocol):
    """An open connection to a mailbox. Every method raises TemporaryError or PermanentError."""

    @property
    def is_lost(self) -> bool:
        """The connection is gone; a new one is needed."""
        ...

    def folders(self) -> list[str]:
        """Names of all folders that hold messages."""
        ...

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading."""
        ...

    def uids_after(self, uid: int) -> list[int]:
        """UIDs above `uid` in the selected folder."""
        ...

    def last_uids(self, count: int) -> list[int]:
        """The highest `count` UIDs in the selected folder."""
        ...

    def uids_since(self, day: date) -> list[int]:
        """UIDs that arrived on or after `day` (the server's zone)."""
        ...

    def arrivals(self, uids: Sequence[int]) -> dict[int, datetime]:
        """INTERNALDATE (aware) by UID, for those that still exist."""
        ...

    def fetch(self, uid: int, limit: int) -> Fetched | None:
        """One message, its head only when larger than `limit` bytes; None when it is gone."""
        ...

    def idle(self, seconds: float) -> bool:
        """Wait for news in the selected folder; True when there may be some."""
        ...

    def close(self) -> None:
        """Log out; never raises."""
        ...
