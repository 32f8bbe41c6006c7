"""Hosts as network namespaces of this machine, each with a cable of its own to a third one; nothing
of it touches the machine's own network. Needs root and a kernel that permits it."""

from __future__ import annotations

import ctypes
import http.client
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from tests.ops.visitor import ADDRESS, Browser

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
CENTRE = "10.199.0.1"


def refused() -> str:
    """Why there can be no namespaces here; empty when there can."""
    if os.getuid() != 0:
        return "only root makes network namespaces"
    if shutil.which("ip") is None:
        return "the command ip (iproute2) is missing"
    try:
        with Wires(1, "try"):
            return ""
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not permitted: {error.stderr.strip()}"


class Wires:
    """A centre and `count` hosts around it. `hosts` and `centre` are the names of namespaces."""

    def __init__(self, count: int, mark: str = "") -> None:
        stem = f"z{os.getpid()}{mark}"
        self.centre = f"{stem}c"
        self.hosts = [f"{stem}h{number}" for number in range(1, count + 1)]

    def __enter__(self) -> Self:
        try:
            self._lay()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for name in [*self.hosts, self.centre]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _lay(self) -> None:
        for name in [self.centre, *self.hosts]:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self.centre, "link", "add", "middle", "type", "bridge")
        _ip("-n", self.centre, "addr", "add", f"{CENTRE}/24", "dev", "middle")
        _ip("-n", self.centre, "link", "set", "middle", "up")
        for number, name in enumerate(self.hosts):
            end = ("peer", "name", "far", "netns", name)
            _ip("-n", self.centre, "link", "add", f"to{number}", "type", "veth", *end)
            _ip("-n", self.centre, "link", "set", f"to{number}", "master", "middle", "up")
            _ip("-n", name, "addr", "add", f"10.199.0.{number + 2}/24", "dev", "far")
            _ip("-n", name, "link", "set", "far", "up")

    def pull(self, host: str) -> None:
        """Pull the cable of this host: what is sent is lost, and nobody is told."""
        self._set(host, "down")

    def plug(self, host: str) -> None:
        """Plug it in again."""
        self._set(host, "up")

    def _set(self, host: str, state: str) -> None:
        _ip("-n", self.centre, "link", "set", f"to{self.hosts.index(host)}", state)


def words(name: str) -> list[str]:
    """What stands before a command that is to run in the namespace (`ip` becomes the command)."""
    return ["ip", "netns", "exec", name]


def within(name: str, call: Callable[[], T]) -> T:
    """Run `call` in the namespace; sockets made there stay there, whoever uses them."""
    made: list[T] = []
    failed: list[BaseException] = []

    def go() -> None:
        try:
            descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(descriptor)
            made.append(call())
        except BaseException as error:
            failed.append(error)

    # The namespace belongs to the thread.
    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


class _Line(http.client.HTTPConnection):
    def __init__(self, space: str, port: int, timeout: float) -> None:
        super().__init__("localhost", port, timeout=timeout, source_address=(ADDRESS, 0))
        self.space = space

    def connect(self) -> None:
        within(self.space, super().connect)


class BrowserAt(Browser):
    """A browser that sits at the host itself."""

    def __init__(self, space: str, port: int) -> None:
        super().__init__(port)
        self.space = space

    def open(self, timeout: float = 30) -> http.client.HTTPConnection:
        """A connection."""
        return _Line(self.space, self.port, timeout)

    def status(self, path: str) -> int:
        """Of one page; 0 when nothing answers within some seconds."""
        line = self.open(timeout=5)
        try:
            line.request("GET", path, headers=self.headers())
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()


def listening(name: str, port: int = 0) -> socket.socket:
    """A socket that listens in the namespace on the centre's address."""
    return within(name, lambda: socket.create_server((CENTRE, port)))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
