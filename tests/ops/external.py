"""A PostgreSQL beside the embedded one, by TCP and with passwords, as an administrator makes it."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from tests.mailserver import free_port
from tests.ops.visitor import ROOT, wait_for
from zabota.lib import embedded
from zabota.ops import binaries

SUPERUSER = "of the superuser"
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SASL = struct.pack("!i", 10)
TLS_WANTED, GSS_WANTED = (struct.pack("!ii", 8, code) for code in (80877103, 80877104))


def statements(newest: bool = True) -> str:
    """What the how-to says to make role and database; `newest`: for PostgreSQL 17 and later."""
    text = (ROOT / "docs" / "how-to" / "postgresql.md").read_text()
    block = re.search(r"```sql\n(.*?)```", text, re.DOTALL)
    assert block
    if newest:
        return block[1]
    older, count = re.subn(r"LOCALE_PROVIDER.*", "LOCALE 'C.UTF-8';", block[1])
    assert count == 1
    assert "`C.UTF-8`" in text
    return older


@contextmanager
def server(
    folder: Path, *, major: int = binaries.MAJOR, within: Sequence[str] = (), host: str = ""
) -> Iterator[str]:
    """The URL of the role `zabota` on a running server. `within`: words before the server's
    command; `host`: where it is to listen besides loopback."""
    account = embedded.root_account() if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    install = binaries.install_of(major)
    assert install
    programs = binaries.bin_dir_for(account.pw_uid, account.pw_gid, install)
    place, port = folder / "external", free_port()
    place.mkdir(mode=0o700)
    (folder / "password").write_text(SUPERUSER)
    words: list[str] = []
    if os.getuid() == 0:
        words = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
        words += ["--clear-groups", "--pdeathsig=INT"]
        os.chown(place, account.pw_uid, account.pw_gid)
        os.chown(folder / "password", account.pw_uid, account.pw_gid)
    made = [*words, str(programs / "initdb"), "-D", str(place), "-U", "postgres"]
    made += ["-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-E", "UTF8"]
    subprocess.run([*made, "--locale=C"], check=True, cwd="/", **QUIET)
    if host:
        with (place / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
    command = [*within, *words, str(programs / "postgres"), "-D", str(place), "-k", str(place)]
    command += ["-p", str(port), "-h", ",".join(["127.0.0.1", *([host] if host else [])])]
    command += ["-c", "fsync=off", "-c", "max_connections=80"]
    process = subprocess.Popen(command, cwd="/", **QUIET)
    try:
        psql = [str(programs / "psql"), "-h", str(place), "-p", str(port), "-U", "postgres"]
        psql += ["-d", "postgres", "-v", "ON_ERROR_STOP=1", "-q"]
        env = os.environ | {"PGPASSWORD": SUPERUSER}

        def answers() -> bool:
            return subprocess.run([*psql, "-c", "SELECT 1"], env=env, **QUIET).returncode == 0

        assert wait_for(answers, 20)
        script = statements(major >= 17)
        subprocess.run(psql, input=script, text=True, check=True, env=env)
        yield f"postgresql://zabota:PASSWORD@{host or '127.0.0.1'}:{port}/zabota"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


class Door:
    """Leads whoever comes to `listening` on to a port of loopback; its own thread."""

    def __init__(self, target: int, listening: socket.socket | None = None) -> None:
        self.target = target
        self.listening = listening or socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        self._tasks = set[asyncio.Task[None]]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._opened, sock=self.listening)
        asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.listening.close()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _opened(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(self._loop.create_task(self._pass(reader, writer)))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self.greet(reader, writer):
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(_carry(reader, far_writer), self.answer(far_reader, writer))

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the caller may pass."""
        return True

    async def answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """What the caller hears."""
        await _carry(source, target)


class TlsDoor(Door):
    """Before a server without TLS (the wheel's has none): who wants TLS is let in, nobody else."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        super().__init__(target)
        self.context = context
        self.let_in, self.turned_away = 0, 0

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """The beginning of PostgreSQL's protocol, and TLS."""
        asked = await reader.readexactly(8)
        if asked == GSS_WANTED:
            writer.write(b"N")
            asked = await reader.readexactly(8)
        if asked != TLS_WANTED:
            self.turned_away += 1
            return False
        writer.write(b"S")
        await writer.drain()
        try:
            await writer.start_tls(self.context)
        except (OSError, ssl.SSLError):
            return False
        self.let_in += 1
        return True

    async def answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """As servers with TLS do, it offers to bind the password to the connection as well."""
        head = await source.readexactly(5)
        body = await source.readexactly(struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] == b"R" and body.startswith(SASL):
            body = SASL + b"SCRAM-SHA-256-PLUS\0" + body[len(SASL) :]
        target.write(head[:1] + struct.pack("!i", len(body) + 4) + body)
        await _carry(source, target)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await source.read(65536):
            target.write(block)
            await target.drain()
    target.close()
