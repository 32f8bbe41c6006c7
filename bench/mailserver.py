"""The mail servers of the measurement, in processes of their own: IMAP by pymap, and an SMTP server
that takes everything and keeps nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.house import Failed, free_port

GREETING = b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 99999999\r\n"


class MailServers:
    """Both servers; `stop` ends them."""

    def __init__(self) -> None:
        self.imap_port, self.smtp_port = free_port(), free_port()
        pymap = Path(sys.executable).with_name("pymap")
        self._processes = [
            subprocess.Popen(
                [str(pymap), *f"--host 127.0.0.1 --port {self.imap_port} --no-tls dict".split()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ),
            subprocess.Popen([sys.executable, "-m", "bench.mailserver", str(self.smtp_port)]),
        ]
        for port in (self.imap_port, self.smtp_port):
            _wait(port)

    def stop(self) -> None:
        """End both."""
        for process in self._processes:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Failed(f"the mail server on port {port} did not start")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                writer.write(GREETING)
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=2**24)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1])))
