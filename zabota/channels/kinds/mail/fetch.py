"""An IMAP mailbox, read without leaving a trace: EXAMINE and BODY.PEEK, never the Seen flag."""

from __future__ import annotations

import imaplib
import re
import selectors
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, ParamSpec, TypeVar

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError
from imap_tools.utils import encode_folder

from zabota.channels.contract import (
    Fetched,
    FolderState,
    InboxSettings,
    PermanentError,
    TemporaryError,
)
from zabota.channels.kinds.mail import xoauth2
from zabota.channels.kinds.mail.headers import parse_date
from zabota.lib import clock

TIMEOUT = 60.0  # seconds for each answer
IDLE_LIMIT = 28 * 60.0  # RFC 2177: an IDLE must be renewed before 29 minutes
HEAD_BYTES = 256 * 1024  # of a message over the limit
CHUNK = 400  # UIDs in one command: servers refuse lines of more than 8 KiB
_UID = re.compile(rb"\bUID (\d+)")
_ARRIVED = re.compile(rb'\bINTERNALDATE "([^"]+)"')
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SENT_NAMES = {
    *("sent", "sent items", "sent messages", "sent mail", "отправленные", "отправленное"),
    *("отправленные элементы",),
}
# Answers of a login that will be different later (RFC 5530).
_LATER = re.compile(r"UNAVAILABLE|INUSE|LIMIT|SERVERBUG|too many|try again|temporar", re.IGNORECASE)
P = ParamSpec("P")
R = TypeVar("R")


class ImapMailbox:
    """An open connection; implements `contract.Mailbox`. The caller keeps all cursors."""

    def __init__(self, inbox: InboxSettings, timeout: float = TIMEOUT) -> None:
        self._box = _connected(inbox, timeout)
        self.is_lost = False
        # Many servers name IDLE only after the login.
        _, offered = self._do(self._box.client.capability)
        self._idles = b"IDLE" in b" ".join(offered).upper().split()
        self._exists = 0

    def _do(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one exchange; raises TemporaryError, PermanentError when the server says NO."""
        try:
            return work(*args, **kwargs)
        except (imaplib.IMAP4.abort, OSError, EOFError) as error:
            self.is_lost = True
            raise TemporaryError(f"The IMAP connection broke: {error}") from error
        except (imaplib.IMAP4.error, ImapToolsError) as error:
            text = " ".join(str(error).split())[:300]
            kind = TemporaryError if _LATER.search(text) else PermanentError
            raise kind(f"The IMAP server refused a command: {text}") from error

    def folders(self) -> list[str]:
        """Names of all folders that hold messages."""
        found = self._do(self._box.folder.list)
        return [info.name for info in found if "\\noselect" not in _lower(info.flags)]

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading only; raises PermanentError when it does not exist."""
        _, data = self._do(self._box.folder.set, folder, True)
        self._exists = int(data[0]) if data and data[0] else 0
        numbers = {}
        for name in ("UIDVALIDITY", "UIDNEXT"):
            _, answer = self._box.client.response(name)
            numbers[name] = int(answer[-1]) if answer and answer[-1] else 0
        if not all(numbers.values()):
            numbers |= self._do(self._box.folder.status, folder, ("UIDVALIDITY", "UIDNEXT"))
        return FolderState(uidvalidity=numbers["UIDVALIDITY"], uidnext=numbers["UIDNEXT"])

    def uids_after(self, uid: int) -> list[int]:
        """UIDs above `uid` in the selected folder, ascending."""
        # "n:*" always names the last message, even one below n (RFC 9051 §9, sequence-set).
        return [found for found in self._search(f"UID {uid + 1}:*") if found > uid]

    def last_uids(self, count: int) -> list[int]:
        """The highest `count` UIDs in the selected folder, ascending."""
        self._refresh()
        if not self._exists:
            return []
        first = max(1, self._exists - count + 1)
        typ, data = self._do(self._box.client.fetch, f"{first}:*", "(UID)")
        self._expect(typ, data)
        return sorted({int(match[1]) for row in _rows(data) if (match := _UID.search(row))})

    def uids_since(self, day: date) -> list[int]:
        """UIDs that arrived on or after `day` (in the server's zone), ascending."""
        return self._search(f"SINCE {day.day:02d}-{_MONTHS[day.month - 1]}-{day.year}")

    def arrivals(self, uids: Sequence[int]) -> dict[int, datetime]:
        """INTERNALDATE (aware) by UID, for those that still exist."""
        found: dict[int, datetime] = {}
        for row in self._fetch_rows(uids, "(UID INTERNALDATE)"):
            if match := _UID.search(row):
                found[int(match[1])] = _internal_date(row)
        return found

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Size in bytes by UID, for those that still exist."""
        found: dict[int, int] = {}
        for row in self._fetch_rows(uids, "(UID RFC822.SIZE)"):
            uid, size = _UID.search(row), _SIZE.search(row)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    def fetch(self, uid: int, limit: int) -> Fetched | None:
        """One message, its head only when larger than `limit` bytes; None when it is gone."""
        size = self.sizes([uid]).get(uid)
        if size is None:
            return None
        is_cut = size > limit
        part = f"BODY.PEEK[]<0.{min(HEAD_BYTES, limit)}>" if is_cut else "BODY.PEEK[]"
        typ, data = self._do(self._box.client.uid, "FETCH", str(uid), f"(UID INTERNALDATE {part})")
        self._expect(typ, data)
        for item in data:
            if isinstance(item, tuple) and len(item) > 1:
                rows = b" ".join(_rows(data))
                return Fetched(bytes(item[1]), _internal_date(rows), size, is_cut)
        return None

    def idle(self, seconds: float) -> bool:
        """Wait for news in the selected folder; True when there may be some.

        A server without IDLE is asked by NOOP after the wait. The folder must be selected.
        """
        seconds = min(seconds, IDLE_LIMIT)
        # A mail that came since the folder was listed was told along with the answer to something
        # else, or waits for a command: IDLE itself would tell of the next one only.
        if self._do(self._noop):
            return True
        if not self._idles:
            time.sleep(seconds)
            return self._do(self._noop)
        answers = self._do(self._idle, seconds)
        if any(b"BYE" in answer for answer in answers):
            self.is_lost = True
            raise TemporaryError("The IMAP server closed the connection.")
        return any(b"EXISTS" in row or b"RECENT" in row or b"EXPUNGE" in row for row in answers)

    def _idle(self, seconds: float) -> list[bytes]:
        """What the server said during one IDLE.

        Lines are read only after DONE: imap-tools reads without blocking, and a line that comes
        in two packets breaks its connection.
        """
        client = self._box.client
        idle: Any = self._box.idle  # its methods have no types
        idle._idle_tag = tag = client._command("IDLE")
        # News may stand before the server's "+", which alone gives None; `idle.start` raises there.
        while client._get_response() is not None:
            if client.tagged_commands.get(tag):
                raise TemporaryError("The IMAP server refused IDLE.")
        if not (client.untagged_responses.get("EXISTS") or _is_buffered(client)):
            with selectors.DefaultSelector() as selector:
                selector.register(client.sock, selectors.EVENT_READ)
                selector.select(seconds)
        _, answers = idle.stop()
        return [answer for answer in answers if isinstance(answer, bytes)]

    def append(self, folder: str, mail: bytes, moment: datetime) -> None:
        """Put `mail` into `folder` as read, dated `moment` (aware)."""
        stamp = imaplib.Time2Internaldate(moment)
        typ, data = self._do(self._box.client.append, _bytes(folder), "(\\Seen)", stamp, mail)
        self._expect(typ, data)

    def sent_folder(self) -> str:
        """The folder marked \\Sent (RFC 6154), else one of a usual name; '' when there is none."""
        folders = self._do(self._box.folder.list)
        for info in folders:
            if "\\sent" in _lower(info.flags):
                return str(info.name)
        for info in folders:
            if info.name.split(info.delim or "/")[-1].lower() in _SENT_NAMES:
                return str(info.name)
        return ""

    def close(self) -> None:
        """Log out; never raises."""
        with suppress(Exception):
            self._box.logout()
        with suppress(Exception):
            self._box.client.shutdown()

    def _noop(self) -> bool:
        before = self._exists
        self._refresh()
        return self._exists != before

    def _refresh(self) -> None:
        """Learn how many messages the folder has now."""
        self._expect(*self._do(self._box.client.noop))
        _, answer = self._box.client.response("EXISTS")
        counts = [int(number) for number in answer if number]
        if counts:
            self._exists = counts[-1]

    def _search(self, criteria: str) -> list[int]:
        found = self._do(self._box.uids, criteria, None)
        return sorted({int(uid) for uid in found})

    def _fetch_rows(self, uids: Sequence[int], items: str) -> Iterable[bytes]:
        for start in range(0, len(uids), CHUNK):
            named = ",".join(str(uid) for uid in uids[start : start + CHUNK])
            typ, data = self._do(self._box.client.uid, "FETCH", named, items)
            self._expect(typ, data)
            yield from _rows(data)

    def _expect(self, typ: str, data: Sequence[object]) -> None:
        if typ != "OK":
            raise TemporaryError(f"The IMAP server answered {typ}: {data!r:.200}")


def _connected(inbox: InboxSettings, timeout: float) -> BaseMailBox:
    """A logged-in connection; raises PermanentError for a wrong password or certificate."""
    config = inbox.config
    host, port = str(config.get("imap_host") or ""), int(config.get("imap_port") or 0)
    mode, user = str(config.get("imap_tls") or "none"), str(config.get("imap_user") or "")
    if not host:
        raise PermanentError("No IMAP server is set for this inbox.")
    token = inbox.token() if xoauth2.is_used(inbox) else ""
    box: BaseMailBox | None = None
    try:
        if mode == "tls":
            box = MailBox(host, port, timeout, ssl_context=ssl.create_default_context())
        elif mode == "starttls":
            box = MailBoxStartTls(host, port, timeout, ssl_context=ssl.create_default_context())
        else:
            box = MailBoxUnencrypted(host, port, timeout)
        _sign_in(box, user, inbox, token)
        return box
    except ssl.SSLCertVerificationError as error:
        _drop(box)
        reason = f"The certificate of {host} is not valid: {error.verify_message}"
        raise PermanentError(reason) from error
    except (imaplib.IMAP4.abort, OSError, EOFError) as error:
        _drop(box)
        raise TemporaryError(f"No connection to {host}:{port}: {error}") from error
    except (MailboxLoginError, imaplib.IMAP4.error, ImapToolsError) as error:
        _drop(box)
        text = " ".join(str(error).split())[:300]
        if _LATER.search(text):
            raise TemporaryError(f"{host} does not let us in now: {text}") from error
        if token:
            inbox.token_refused()
            raise PermanentError(f"{host} refused the access token of {user}: {text}") from error
        raise PermanentError(f"{host} refused the name or password of {user}: {text}") from error


def _sign_in(box: BaseMailBox, user: str, inbox: InboxSettings, token: str) -> None:
    if token:
        box.client.authenticate("XOAUTH2", xoauth2.Answers(user, token).imap)
        return
    secret = inbox.secret()
    login = box.login if (user + secret).isascii() else box.login_utf8
    login(user, secret, initial_folder=None)


def _is_buffered(client: imaplib.IMAP4) -> bool:
    """Whether bytes of the server were read already, so that the socket stays silent."""
    file: Any = client.file  # a BufferedReader
    before = client.sock.gettimeout()
    client.sock.settimeout(0)
    try:
        return bool(file.peek(1))
    except OSError:
        return False
    finally:
        client.sock.settimeout(before)


def _drop(box: BaseMailBox | None) -> None:
    if box is not None:
        with suppress(Exception):
            box.client.shutdown()


def _lower(flags: Iterable[str]) -> set[str]:
    return {flag.lower() for flag in flags}


def _bytes(folder: str) -> str:
    return bytes(encode_folder(folder)).decode("ascii")


def _rows(data: Sequence[object]) -> Iterable[bytes]:
    """The lines of a FETCH answer, literals left out."""
    for item in data:
        if isinstance(item, tuple):
            yield bytes(item[0])
        elif isinstance(item, bytes):
            yield item


def _internal_date(row: bytes) -> datetime:
    """INTERNALDATE of a FETCH line; the present moment when the server gave none or one to come:
    an imported mail of the year 2099 would stand on top of every list."""
    match = _ARRIVED.search(row)
    parsed = parse_date(match[1].decode("ascii", "replace"))[0] if match else None
    return min(parsed or clock.now(), clock.now())
