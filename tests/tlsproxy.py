"""Listeners that real mail servers have and the test servers have not: TLS from the first byte, and
servers that follow a script."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class Listener:
    """A port on loopback; each connection is handled in a thread."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=[line], daemon=True).start()

    def _guarded(self, line: socket.socket) -> None:
        # The client hanging up is part of many tests.
        with suppress(OSError), line:
            line.settimeout(10)
            self.handle(line)

    def handle(self, line: socket.socket) -> None:
        """One connection."""
        raise NotImplementedError


class TlsProxy(Listener):
    """TLS from the first byte before a server that speaks plainly at `target`."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        super().__init__()
        self.target, self.context = target, context

    def handle(self, line: socket.socket) -> None:
        with (
            self.context.wrap_socket(line, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", self.target), timeout=10) as inner,
        ):
            back = threading.Thread(target=_pump, args=[inner, outer], daemon=True)
            back.start()
            _pump(outer, inner)
            back.join(5)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Scripted(Listener):
    """Greets, answers every line by `answer` ("" hangs up), and remembers all that came."""

    def __init__(self, greeting: str, answer: Callable[[str], str]) -> None:
        super().__init__()
        self.greeting, self.answer = greeting, answer
        self.heard = b""

    def handle(self, line: socket.socket) -> None:
        line.sendall(self.greeting.encode())
        with line.makefile("rb") as lines:
            for raw in lines:
                self.heard += raw
                said = self.answer(raw.decode("latin-1").strip())
                if not said:
                    return
                line.sendall(said.encode())
