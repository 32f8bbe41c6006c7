"""The one client for addresses that users gave: it looks where they lead before it connects, and
connects there and nowhere else (docs/adr/0013).

Proxies of the environment and redirects are not followed: both would lead past the check.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings

from zabota import __version__
from zabota.lib.networks import Reach

Resolve = Callable[[str, int, float], list[str]]

SECONDS = 10.0  # for everything: name, connection, request, answer
MOST = 64 * 1024  # bytes of an answer that are read
MOST_ADDRESSES = 3
LONGEST = 2000
_UNWANTED = frozenset(chr(code) for code in range(33)) | {"\x7f", "\\"}


class Failed(Exception):
    """No answer came. `code`: address, network, plain, unknown-host, connect, certificate, tls,
    too-slow or broken; `detail`: what the system said."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail[:300]


@dataclass(frozen=True)
class Target:
    """An address taken apart; `host` in ASCII, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The host as a header says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in lower case, the body no longer than MOST."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def reach() -> Reach:
    """How far this installation may call; a demonstration calls only its own machine."""
    named: Reach = settings.FETCH_REACH
    return named


def target_of(url: str) -> Target:
    """Raises Failed("address") for what is no complete http or https address, or names a user."""
    if len(url) > LONGEST or _UNWANTED & set(url):
        raise Failed("address")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise Failed("address") from None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or port == 0:
        raise Failed("address")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name; raises Failed. The system's own look-up knows no time limit, so it
    runs beside us and may be left behind."""
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except Exception as error:
            found.put(error)

    threading.Thread(target=look, name="resolver", daemon=True).start()
    try:
        got = found.get(timeout=max(seconds, 0.01))
    except queue.Empty:
        raise Failed("too-slow") from None
    if isinstance(got, Exception):
        said = got.strerror if isinstance(got, OSError) else None
        raise Failed("unknown-host", said or type(got).__name__)
    return got


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    within: Reach | None = None,
    seconds: float = SECONDS,
    resolve: Resolve = resolve,
) -> Answer:
    """One request and its answer, whatever its status; raises Failed. Never inside a transaction:
    it may take `seconds`."""
    deadline = time.monotonic() + seconds
    target = target_of(url)
    addresses = _checked(target, within or reach(), resolve(target.host, target.port, seconds))
    given = {"Host": target.named, "User-Agent": f"Zabota/{__version__}", "Connection": "close"}
    line = _connected(addresses, target.port, deadline)
    with line, _cut_off(line, deadline) as is_over:
        try:
            if target.scheme == "https":
                with _encrypted(line, target.host) as safe:
                    return _exchanged(safe, method, target, given | dict(headers), body, is_over)
            return _exchanged(line, method, target, given | dict(headers), body, is_over)
        except Failed:
            raise
        except ssl.SSLCertVerificationError as error:
            raise Failed("certificate", error.verify_message) from None
        except ssl.SSLError as error:
            raise Failed("too-slow" if is_over() else "tls", error.reason or "") from None
        except TimeoutError:
            raise Failed("too-slow") from None
        except OSError as error:
            raise Failed("too-slow" if is_over() else "connect", error.strerror or "") from None
        except (http.client.HTTPException, ValueError) as error:
            raise Failed("too-slow" if is_over() else "broken", type(error).__name__) from None


def _checked(target: Target, within: Reach, addresses: list[str]) -> list[str]:
    """One closed address among open ones refuses them all: such names are made to get past."""
    if not addresses:
        raise Failed("unknown-host")
    for address in addresses:
        if not within.allows(address):
            raise Failed("network", address)
        if target.scheme == "http" and not within.names(address):
            raise Failed("plain", address)
    return addresses[:MOST_ADDRESSES]


def _connected(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """A connection to the first of the checked addresses that takes it: the name is not asked for
    again, so what was checked is what is called."""
    last = Failed("connect")
    for number, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failed("too-slow")
        try:
            return socket.create_connection((address, port), left / (len(addresses) - number))
        except TimeoutError:
            last = Failed("too-slow")
        except OSError as error:
            last = Failed("connect", error.strerror or "")
    raise last


def _encrypted(line: socket.socket, host: str) -> ssl.SSLSocket:
    """Name and certificate are checked against the host of the address, not its number."""
    return ssl.create_default_context().wrap_socket(line, server_hostname=host)


@contextmanager
def _cut_off(line: socket.socket, deadline: float) -> Iterator[Callable[[], bool]]:
    """Shut the connection down at the deadline: a time-out of each single read would never end an
    answer that trickles."""
    over = threading.Event()
    # A copy: wrapping with TLS takes the descriptor away from `line`.
    copy = line.dup()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - time.monotonic(), 0.01), cut)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
        copy.close()


def _exchanged(
    line: socket.socket,
    method: str,
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    is_over: Callable[[], bool],
) -> Answer:
    door = http.client.HTTPConnection(target.host, target.port)
    door.sock = line
    door.request(method, target.path, body, dict(headers))
    answer = door.getresponse()
    if is_over():
        # Headers that are cut off look whole to the library.
        raise Failed("too-slow")
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, found, _read(answer))


def _read(answer: http.client.HTTPResponse) -> bytes:
    """As much as came and may be kept: with the status known, a cut body is no failure."""
    parts, room = [], MOST
    with suppress(OSError, http.client.HTTPException, ValueError):
        while room and (part := answer.read1(room)):
            parts.append(part)
            room -= len(part)
    return b"".join(parts)
