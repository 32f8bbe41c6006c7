"""A PostgreSQL beside the embedded one, by TCP and with passwords, as an administrator makes it."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import signal
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.mailserver import free_port
from tests.ops.visitor import ROOT, wait_for
from zabota.lib import embedded
from zabota.ops import binaries

SUPERUSER = "of the superuser"
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
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


class TlsDoor:
    """Before a server without TLS (the wheel's has none): who wants TLS is let in, nobody else."""

    def __init__(self, server_port: int, context: ssl.SSLContext) -> None:
        self.server_port, self.context = server_port, context
        self.port, self.let_in, self.turned_away = free_port(), 0, 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._door, "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(8)
        if asked == GSS_WANTED:
            writer.write(b"N")
            asked = await reader.readexactly(8)
        if asked != TLS_WANTED:
            self.turned_away += 1
            writer.close()
            return
        writer.write(b"S")
        await writer.drain()
        try:
            await writer.start_tls(self.context)
        except (OSError, ssl.SSLError):
            return
        self.let_in += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer, is_offer=True))


async def _carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_offer: bool = False
) -> None:
    """`is_offer`: as servers with TLS do, offer to bind the password to the connection as well."""
    try:
        while block := await source.read(65536):
            if is_offer and block[:1] == b"R" and block[5:9] == struct.pack("!i", 10):
                body = block[5:9] + b"SCRAM-SHA-256-PLUS\0" + block[9:]
                block = b"R" + struct.pack("!i", len(body) + 4) + body
            is_offer = False
            target.write(block)
            await target.drain()
    except OSError:
        pass
    target.close()
