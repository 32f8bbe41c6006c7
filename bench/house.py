"""A throw-away installation: `zabota up` over a folder of its own, with the embedded database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench import processes

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 90.0  # seconds
ROLES = ("web", "worker", "fetch")


class Failed(Exception):
    """The installation did not do what the measurement needs."""


class House:
    """One installation. `start` may be called again after `stop`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="zabota-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        # The account that runs PostgreSQL for root must be able to pass through.
        self.folder.chmod(0o711)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._log = self.folder / "up.log"

    @property
    def address(self) -> str:
        """Where the site answers."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What `zabota` is told; the rest is default."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ZABOTA_") and name != "DATABASE_URL"
        }
        return kept | {
            "ZABOTA_DATA": str(self.folder),
            "ZABOTA_BACKUP_AT": "off",
            "ZABOTA_API_PER_MINUTE": "1000000",
            # The people of the bench have few domains.
            "ZABOTA_DOMAIN_PER_MINUTE": "0",
            "ZABOTA_LISTEN": f"127.0.0.1:{self.port}",
            "DJANGO_SETTINGS_MODULE": "zabota.config.settings",
        }

    def start(self) -> float:
        """Start and wait for the sign-in page; the seconds it took."""
        with self._log.open("ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zabota.ops.cli", "up"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )
        while time.monotonic() - began < START_LIMIT:
            if self.process.poll() is not None:
                break
            if self._shows_a_page():
                return time.monotonic() - began
            time.sleep(0.02)
        self.stop()
        raise Failed("zabota up did not show a page:\n" + self._log.read_text()[-3000:])

    def stop(self) -> None:
        """End everything as Ctrl-C does."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            for pid in processes.tree(process.pid):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Delete the folder."""
        from zabota.lib import embedded

        shutil.rmtree(embedded.socket_dir(embedded.cluster_dir(self.folder)), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def all_pids(self) -> list[int]:
        """Every process of the installation."""
        assert self.process is not None
        return processes.tree(self.process.pid)

    def pids(self, role: str) -> list[int]:
        """The processes of web, worker, fetch or postgres."""
        found: set[int] = set()
        for pid in self.all_pids():
            words = processes.command(pid).split()
            is_postgres = bool(words) and Path(words[0]).name == "postgres"
            is_child = role in ROLES and words[1:4] == ["-m", "zabota.ops.cli", role]
            if is_child or (role == "postgres" and is_postgres):
                found.update(processes.tree(pid))
        if not found:
            raise Failed(f"no process is called {role}")
        return sorted(found)

    def pause(self, role: str, on: bool) -> None:
        """Stop the clock of a role's processes, or let it run on."""
        for pid in self.pids(role):
            os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)

    def errors(self) -> int:
        """Error lines in the log so far."""
        count = 0
        for line in self._log.read_text(errors="replace").splitlines():
            try:
                count += json.loads(line).get("level") in {"error", "critical"}
            except (ValueError, AttributeError):
                continue
        return count

    def _shows_a_page(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/account/login/", timeout=5) as answer:
                return b"<form" in answer.read()
        except OSError:
            return False


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
