"""PostgreSQL's programs in the wheel are built without TLS. To a server that is reached by TLS a
socket of this process leads them, in a folder closed to others.

Whether it is, and where the server stands, is told by psycopg, whose own library knows TLS; the
certificate is checked here as the settings of that connection demand.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

PORT = 5432  # a part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
TLS_WANTED = struct.pack("!ii", 8, 80877103)  # SSLRequest of PostgreSQL's protocol
SASL, BOUND = struct.pack("!i", 10), b"SCRAM-SHA-256-PLUS\0"  # a way to sign in, and its offer
CONNECT_LIMIT = 10.0  # seconds
BLOCK = 1 << 18


@contextmanager
def reached(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Connection values with which the programs reach the same database, while the block lasts.
    Raises psycopg.OperationalError when nobody does."""
    if values.get("host", "").startswith("/"):
        yield dict(values)
        return
    with psycopg.connect(make_conninfo(**values)) as found:
        is_plain = not found.pgconn.ssl_in_use
        known = {one.keyword.decode(): one.val.decode() for one in found.pgconn.info if one.val}
        name, server = found.info.host, (found.info.hostaddr or found.info.host, found.info.port)
        # Wherever it was found: a file of passwords goes by the name of the host.
        secret = {"password": found.info.password} if found.info.password else {}
    if is_plain:
        yield {**values, **secret}
        return
    who = {one: value for one, value in known.items() if one in {"user", "dbname"}}
    with (
        tempfile.TemporaryDirectory(prefix="zabota-") as folder,
        _Bridge(Path(folder) / SOCKET, server, name, context_for(known)),
    ):
        yield {**who, **secret, "host": folder, "port": str(PORT)}


def context_for(known: Mapping[str, str]) -> ssl.SSLContext:
    """As libpq's `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `sslpassword`, `sslcrl` say."""
    home = Path.home() / ".postgresql"
    mode, root = known.get("sslmode", "prefer"), known.get("sslrootcert", "")
    if not root and (home / "root.crt").exists():
        root = str(home / "root.crt")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = mode == "verify-full" or root == "system"
    # With a root certificate at hand `require` checks as well.
    is_checked = mode.startswith("verify") or (mode == "require" and bool(root))
    made.verify_mode = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
    if root == "system":
        made.load_default_certs()
    elif is_checked:
        made.load_verify_locations(root)
    if crl := known.get("sslcrl"):
        made.load_verify_locations(crl)
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    certificate = Path(known.get("sslcert") or home / "postgresql.crt")
    if certificate.exists():
        key = known.get("sslkey") or home / "postgresql.key"
        made.load_cert_chain(certificate, key, known.get("sslpassword"))
    return made


class _Bridge:
    """A listening socket whose connections go on to the server, encrypted; its own thread."""

    def __init__(
        self, path: Path, server: tuple[str, int], name: str, context: ssl.SSLContext
    ) -> None:
        self.path, self.server, self.name, self.context = path, server, name, context
        self._tasks = set[asyncio.Task[None]]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> _Bridge:
        self._thread.start()
        opening = asyncio.start_unix_server(self._opened, self.path)
        self._listening = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _opened(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(self._loop.create_task(self._pass(reader, writer)))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._cross()
        except OSError as error:
            writer.write(_refusal(f"no encrypted connection to {self.name}: {error}"))
            writer.close()
            return
        await asyncio.gather(_carry(reader, far_writer), _answer(far_reader, writer))

    async def _cross(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        line = await asyncio.to_thread(self._ask)
        return await asyncio.open_connection(
            sock=line, ssl=self.context, server_hostname=self.name, limit=BLOCK
        )

    def _ask(self) -> socket.socket:
        line = socket.create_connection(self.server, CONNECT_LIMIT)
        line.sendall(TLS_WANTED)
        if line.recv(1) != b"S":
            line.close()
            raise ConnectionError("the server does not offer TLS")
        line.setblocking(False)
        return line


async def _answer(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """What the server says, without its offer to bind the password to the TLS connection: at the
    program's end there is none, and it would take the offer for an attack."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        kind = b""
        while kind not in {b"R", b"E"}:
            head = await source.readexactly(5)
            kind, size = head[:1], struct.unpack("!i", head[1:])[0] - 4
            body = await source.readexactly(size)
            if kind == b"R" and body.startswith(SASL):
                body = body.replace(BOUND, b"")
            target.write(kind + struct.pack("!i", len(body) + 4) + body)
    await _carry(source, target)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await source.read(BLOCK):
            target.write(block)
            await target.drain()
    target.close()


def _refusal(text: str) -> bytes:
    """An ErrorResponse of PostgreSQL's protocol: the program says it in its own words."""
    said = b"SFATAL\0C08006\0M" + text.encode() + b"\0\0"
    return b"E" + struct.pack("!i", len(said) + 4) + said
