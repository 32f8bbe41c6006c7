"""Keeps the child processes alive and passes on what they say. One thread, one loop."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from zabota.ops.postgres import PostgresError, Server
from zabota.ops.processes import die_with_parent
from zabota.ops.words import gettext as _
from zabota.ops.words import say

BACK_OFF = (1.0, 2.0, 5.0, 10.0)  # seconds before a died child starts again
HEALTHY = 60.0  # seconds of life after which the count of deaths begins anew
TICK = 0.5
LONGEST_LINE = 1024 * 1024


@dataclass
class Child:
    """One process to keep alive. `stop_limit`: seconds it gets after SIGTERM before SIGKILL."""

    name: str
    command: Sequence[str]
    stop_limit: float = 30.0
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    began: float = 0.0
    start_at: float = 0.0
    rest: bytes = field(default=b"", repr=False)

    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts `children` in order, restarts the dead, stops them in the same order on a signal.

    `on_line(name, line)` gets every line a child prints; `each_tick()` runs twice a second;
    `before_stop()` runs once, before the first child is told to stop; `on_change(child)` when one
    was started or has died.
    """

    def __init__(
        self,
        children: Sequence[Child],
        on_line: Callable[[str, str], None],
        *,
        postgres: Server | None = None,
        back_off: Sequence[float] = BACK_OFF,
        healthy: float = HEALTHY,
        each_tick: Callable[[], None] = lambda: None,
        before_stop: Callable[[], None] = lambda: None,
        on_change: Callable[[Child], None] = lambda child: None,
    ) -> None:
        self.children = list(children)
        self.on_line = on_line
        self.postgres = postgres
        self.back_off = tuple(back_off)
        self.healthy = healthy
        self.each_tick = each_tick
        self.before_stop = before_stop
        self.on_change = on_change
        self.signals = 0
        self._selector = selectors.DefaultSelector()
        self._database_deaths = 0
        self._database_start_at = 0.0

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; a second signal ends the children at once."""
        self._watch_signals()
        for child in self.children:
            self._start(child)
        try:
            while not self.signals:
                self._listen(TICK)
                self._tend_database()
                for child in self.children:
                    self._tend(child)
                self.each_tick()
        finally:
            self._stop()

    def _watch_signals(self) -> None:
        read, write = socket.socketpair()
        read.setblocking(False)
        write.setblocking(False)
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        self._pair = (read, write)
        self._selector.register(read, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:
                signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Its own session: Ctrl-C reaches the supervisor only, which stops in the right order.
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        child.began = time.monotonic()
        child.rest = b""
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self.on_change(child)

    def _tend(self, child: Child) -> None:
        """Note a death, and start the child again when its time has come."""
        now = time.monotonic()
        if child.process is not None:
            if child.alive():
                if now - child.began > self.healthy:
                    child.deaths = 0
                return
            code = self._bury(child)
            wait = self.back_off[min(child.deaths, len(self.back_off) - 1)]
            child.deaths += 1
            child.start_at = now + wait
            self.on_change(child)
            say(
                _("%(name)s ended unexpectedly (%(how)s); it starts again in %(seconds)g s.")
                % {"name": child.name, "how": how_ended(code), "seconds": wait}
            )
        elif now >= child.start_at:
            self._start(child)

    def _bury(self, child: Child) -> int:
        """Read its last lines, end what is left of its process group; gives its exit status."""
        process = child.process
        assert process is not None
        assert process.stdout is not None
        code = process.wait()
        kill_group(process.pid)
        self._read(child)
        self._selector.unregister(process.stdout)
        process.stdout.close()
        child.process = None
        return code

    def _tend_database(self) -> None:
        """Start the embedded database again when it died; the children reconnect by themselves."""
        if self.postgres is None or self.postgres.alive():
            return
        now = time.monotonic()
        if now < self._database_start_at:
            return
        wait = self.back_off[min(self._database_deaths, len(self.back_off) - 1)]
        self._database_deaths += 1
        self._database_start_at = now + wait
        say(_("The database ended unexpectedly; it starts again."))
        try:
            self.postgres.restart()
            self._database_deaths = 0
        except PostgresError as error:
            say(str(error))

    def _listen(self, limit: float) -> None:
        for key, _mask in self._selector.select(limit):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._pair[0].recv(4096)
            else:
                self._read(key.data)

    def _read(self, child: Child) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        while True:
            try:
                chunk = os.read(child.process.stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not chunk:
                break
            *lines, child.rest = (child.rest + chunk).split(b"\n")
            child.rest = child.rest[-LONGEST_LINE:]
            for line in lines:
                self.on_line(child.name, line.decode(errors="replace"))

    def _stop(self) -> None:
        self.before_stop()
        for child in self.children:
            self._stop_child(child)
        signal.set_wakeup_fd(-1)
        for end in self._pair:
            end.close()
        self._selector.close()

    def _stop_child(self, child: Child) -> None:
        if child.process is None:
            return
        process = child.process
        deadline = time.monotonic() + child.stop_limit
        if child.alive():
            process.terminate()
        while child.alive() and time.monotonic() < deadline and self.signals < 2:
            self._listen(0.02)
        if child.alive():
            say(_("%(name)s does not end in time and is killed.") % {"name": child.name})
            kill_group(process.pid)
        self._bury(child)


def how_ended(code: int) -> str:
    """ "exit status 1" or "signal SIGKILL"."""
    if code >= 0:
        return _("exit status %(code)d") % {"code": code}
    return _("signal %(name)s") % {"name": signal.Signals(-code).name}


def kill_group(group: int) -> None:
    """SIGKILL to every process left in the group; nothing when it is empty."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
