"""A line between browser and server that may be cut and mended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.site import Site


class Cable:
    """Passes bytes on from its own port; while it is cut, nothing gets through."""

    def __init__(self, target: Site) -> None:
        self._target = target.port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.site = Site(self._door.getsockname()[1])
        self._lines: set[socket.socket] = set()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """All connections break, new ones are closed at once."""
        self._is_cut = True
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """From now on everything gets through again."""
        self._is_cut = False

    def lead_to(self, target: Site) -> None:
        """New connections go to another server."""
        self._target = target.port

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._lines |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for line in (one, other):
            self._lines.discard(line)
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def cable(target: Site) -> Iterator[Cable]:
    """A whole line to the site, for a block."""
    made = Cable(target)
    try:
        yield made
    finally:
        made.close()
