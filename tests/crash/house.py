"""A real `zabota up` over a folder of its own, the ids of its processes, and their ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zabota.lib import embedded
from zabota.lib.faults import POINTS
from zabota.ops.processes import left_over_pid, serves

START_LIMIT = 60.0  # seconds
OWN = ("ZABOTA_", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTEST_")
CHILDREN = frozenset({"web", "worker", "fetch"})


@dataclass(frozen=True)
class Kill:
    """One death we caused: when (epoch seconds), who, and the step when it was a fault point."""

    at: float
    who: str
    step: str = ""


class House:
    """`folder` becomes ZABOTA_DATA; fault points are armed by files in `folder/faults`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.kills: list[Kill] = []
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._marks = folder / "faults"
        self._marks.mkdir()
        # One thread restarts; the others wait for its processes.
        self._lock = threading.Lock()

    def environment(self) -> dict[str, str]:
        """The environment of `zabota up`, without anything of the caller's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        return kept | {
            "ZABOTA_DATA": str(self.folder),
            "ZABOTA_BACKUP_AT": "off",
            "ZABOTA_LISTEN": f"127.0.0.1:{self.port}",
            "ZABOTA_FAULT": ",".join(f"{point}:{self._mark(point)}" for point in POINTS),
            "ZABOTA_LOG_LEVEL": "WARNING",
            "ZABOTA_HEALTHY_SECONDS": "1",
            "LANG": "C.UTF-8",
        }

    def start(self) -> None:
        """Run `zabota up` until it answers; raises RuntimeError with its last words."""
        with self._lock:
            for _attempt in range(20):
                self._spawn()
                if self._wait_until_ready():
                    return
                # What the killed one left (port, lock) may need a moment to go.
                time.sleep(0.3)
            raise RuntimeError(f"zabota up does not start:\n{self.last_words()}")

    def _spawn(self) -> None:
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zabota.ops.cli", "up"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                return False
            if self.answers():
                return True
            time.sleep(0.1)
        return False

    def answers(self) -> bool:
        """Whether the site answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def last_words(self, count: int = 15) -> str:
        """The end of its output."""
        lines = (self.folder / "output.log").read_text(errors="replace").splitlines()
        return "\n".join(line[:400] for line in lines[-count:])

    def stop(self) -> int:
        """Ask it to end; its exit status (-9 when it had to be killed)."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -9

    def find(self, who: str) -> int | None:
        """The process id of `who` now, None while it is away."""
        process = self.process
        if process is None or process.poll() is not None:
            return None
        if who == "zabota up":
            return process.pid
        if who in {"postmaster", "backend"}:
            return self._database(who)
        found = {_name(pid): pid for pid in _children(process.pid)}
        if who == "web process":
            return next(iter(_servers(found.get("web"))), None)
        return found.get(who)

    def _database(self, who: str) -> int | None:
        cluster = embedded.cluster_dir(self.folder)
        pid = left_over_pid(cluster / "postmaster.pid")
        if pid is None or not serves(pid, cluster):
            return None
        if who == "postmaster":
            return pid
        backends = [child for child in _children(pid) if b"zabota" in _command(child)]
        return backends[int(time.time() * 1000) % len(backends)] if backends else None

    def kill(self, who: str) -> bool:
        """SIGKILL to `who`; False when there is none now."""
        pid = self.find(who)
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills.append(Kill(time.time(), who))
            return True
        return False

    def bring_back(self) -> None:
        """Start `zabota up` again after its own death, as a service manager would."""
        if self.process is not None:
            self.process.wait()
        self.restarts += 1
        self.start()

    def hit(self, point: str, who: str, limit: float) -> bool:
        """Arm the fault point and wait until a process died there; False after `limit` seconds."""
        mark = self._mark(point)
        mark.touch()
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if not mark.exists():
                self.kills.append(Kill(time.time(), who, point))
                return True
            time.sleep(0.005)
        try:
            mark.unlink()
        except FileNotFoundError:
            self.kills.append(Kill(time.time(), who, point))
            return True
        return False

    def _mark(self, point: str) -> Path:
        return self._marks / point


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _name(pid: int) -> str:
    words = _command(pid).rstrip(b"\0").split(b"\0")
    return words[-1].decode(errors="replace") if b"zabota.ops.cli" in words else ""


def _servers(web: int | None) -> list[int]:
    """The processes of the web server that answer requests."""
    if web is None:
        return []
    return [pid for pid in _children(web) if b"resource_tracker" not in _command(pid)]
