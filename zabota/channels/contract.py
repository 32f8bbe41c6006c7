"""What every kind of channel speaks: parsed messages in, envelopes out, classified errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Robot(StrEnum):
    """Signs that no person waits for an answer; the first that applies."""

    NONE = ""
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    LIST = "list"
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
class ParsedMessage:
    """A message understood; text is free of NUL, lone surrogates and control characters."""

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


class ParseError(Exception):
    """The bytes cannot be understood; the message says why, for the quarantine."""


class TemporaryError(Exception):
    """The other side may take it later: back off and try again."""


class PermanentError(Exception):
    """The other side will never take it as it is: a person must act."""


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
    """One message to hand to a channel, complete and final. `message_id` is minted before, without < >."""

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


class InboxSettings(Protocol):
    """What a kind may read of an inbox (`channels.models.Inbox`)."""

    address: str
    config: dict[str, str | int | bool]

    def secret(self) -> str:
        """The password or token in clear."""
        ...


class Kind(Protocol):
    """A channel: one object per kind in the registry."""

    name: str

    def parse(self, raw: bytes) -> ParsedMessage:
        """Understand raw bytes; raises ParseError only when nothing can be read."""
        ...

    def send(self, inbox: InboxSettings, envelope: Envelope) -> None:
        """Hand over one message; raises TemporaryError, UncertainError or PermanentError."""
        ...

    def keep_copy(self, inbox: InboxSettings, envelope: Envelope) -> None:
        """Put a copy of a sent message where the provider keeps sent ones; errors as in `send`."""
        ...
