from __future__ import annotations

from dataclasses import dataclass

from zabota.events.facts import Fact


@dataclass(frozen=True)
class RawReceived(Fact, kind="channels.raw_received"):
    raw: int
    inbox: int


@dataclass(frozen=True)
class Queued(Fact, kind="channels.queued"):
    """`first`: the answer of a person, sent before all that waits."""

    outgoing: int
    first: bool = False


@dataclass(frozen=True)
class RetryDue(Fact, kind="channels.retry_due"):
    """The back-off of an outgoing message is over."""

    outgoing: int


@dataclass(frozen=True)
class ServerDue(Fact, kind="channels.server_due"):
    """Letters wait for the mail server of the inbox (None: those of the house): ask for it."""

    inbox: int | None


@dataclass(frozen=True)
class Sent(Fact, kind="channels.sent"):
    outgoing: int
    attempts: int


@dataclass(frozen=True)
class CopyWanted(Fact, kind="channels.copy_wanted"):
    """A sent message must be put into the mailbox's Sent folder."""

    outgoing: int


@dataclass(frozen=True)
class SendDelayed(Fact, kind="channels.send_delayed"):
    outgoing: int
    attempts: int


@dataclass(frozen=True)
class SendFailed(Fact, kind="channels.send_failed"):
    outgoing: int
    attempts: int


@dataclass(frozen=True)
class CameBack(Fact, kind="channels.came_back"):
    """The receiver's server tells of a sent message, in state held (4.x.x) or returned (5.x.x)."""

    outgoing: int
    state: str
    status: str


@dataclass(frozen=True)
class ResendOrdered(Fact, kind="channels.resend_ordered"):
    """Mail that did not get out, up to the id `upto`, is to be sent again as far as `agent` may
    know of it; `mark`: only that with this reason, '' all."""

    agent: int
    mark: str
    upto: int


@dataclass(frozen=True)
class ImportOrdered(Fact, kind="channels.import_ordered"):
    run: int
    inbox: int
    total: int


@dataclass(frozen=True)
class BalanceBroken(Fact, kind="channels.balance_broken"):
    """A UTC day of an inbox does not come out even: messages `missing` here that lie on the server,
    `late` to be taken in, `lost` after that."""

    inbox: int
    day: str
    missing: int
    late: int
    lost: int


@dataclass(frozen=True)
class StandstillBegan(Fact, kind="channels.standstill_began"):
    """A backup of `made_at` was restored: nothing is fetched or sent until a person says so."""

    made_at: str


@dataclass(frozen=True)
class StandstillEnded(Fact, kind="channels.standstill_ended"):
    """`waiting` letters leave now."""

    waiting: int


@dataclass(frozen=True)
class MailboxConnected(Fact, kind="channels.mailbox_connected"):
    """The provider gave the permission to read and send for the mailbox."""

    inbox: int
    provider: str


@dataclass(frozen=True)
class MailboxDisconnected(Fact, kind="channels.mailbox_disconnected"):
    """A person ended the permission here."""

    inbox: int
    provider: str


@dataclass(frozen=True)
class PermissionLost(Fact, kind="channels.permission_lost"):
    """The provider gives no token any more: a person must connect the mailbox anew."""

    inbox: int
    provider: str
