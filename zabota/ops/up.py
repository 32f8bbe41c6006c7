"""`zabota up`: checks, database, preparation, then web, worker and fetch under one supervisor."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from django.conf import settings

from zabota import __version__
from zabota.lib import running
from zabota.ops.lock import Busy, FolderLock
from zabota.ops.nightly import Nightly
from zabota.ops.postgres import PostgresError, Server
from zabota.ops.processes import die_with_parent
from zabota.ops.restore import interrupted
from zabota.ops.supervisor import Child, Supervisor
from zabota.ops.web import listen_address
from zabota.ops.words import gettext as _
from zabota.ops.words import say

ASK_AGAIN = 0.5  # seconds between looks whether the site answers
BYE_LIMIT = 5.0
WEB_STOP = 15.0  # Granian kills its own processes after 10
JOB_STOP = 60.0  # a running job may finish; what is cut is taken up again at the next start
MARKS = {"warning": "! ", "error": "!! ", "critical": "!! "}


class CannotStart(Exception):
    """Zabota cannot start; the text is for a person."""


def up() -> int:
    """Run everything until Ctrl-C or SIGTERM; the exit status. Raises CannotStart."""
    # A SIGTERM before the supervisor listens must unwind as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lock = take_folder()
    server: Server | None = None
    try:
        if interrupted(settings.DATA_DIR):
            raise CannotStart(
                _("A restore was cut off here. Run it again: zabota restore FILE --replace")
            )
        check_port()
        if not settings.DATABASE_URL:
            server = start_database()
        greeting, nightly = Greeting(prepare()), Nightly(own_command("nightly-backup"))

        def each_tick() -> None:
            greeting()
            nightly()

        def before_stop() -> None:
            say_bye()
            nightly.stop()

        Supervisor(
            children(),
            print_line,
            postgres=server,
            healthy=settings.HEALTHY_SECONDS,
            each_tick=each_tick,
            before_stop=before_stop,
            on_change=Register(),
        ).run()
        say(_("Zabota has stopped."))
    except KeyboardInterrupt:
        return 130
    finally:
        if server is not None:
            server.stop()
        lock.release()
    return 0


def take_folder() -> FolderLock:
    """The lock of the data folder: one `zabota up` per folder."""
    lock = FolderLock(settings.DATA_DIR / "zabota.lock", "zabota up")
    try:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        lock.take()
    except Busy as busy:
        raise CannotStart(
            _("Another Zabota already runs over %(folder)s: %(holder)s. Stop it first.")
            % {"folder": settings.DATA_DIR, "holder": busy}
        ) from None
    except OSError as error:
        raise CannotStart(
            _(
                "The data folder %(folder)s cannot be written (%(why)s). Make it writable for this "
                "user or name another one in ZABOTA_DATA."
            )
            % {"folder": settings.DATA_DIR, "why": error.strerror}
        ) from None
    return lock


def check_port() -> None:
    """Raise CannotStart when the address cannot be listened on, saying how to choose another."""
    try:
        host, port = listen_address(settings.LISTEN)
    except ValueError:
        raise CannotStart(
            _("ZABOTA_LISTEN must look like 127.0.0.1:8100, not %(given)s.")
            % {"given": settings.LISTEN}
        ) from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                _(
                    "Port %(port)d on %(host)s cannot be used (%(why)s). Stop the other program or "
                    "choose another port, for example ZABOTA_LISTEN=%(host)s:%(other)d."
                )
                % {"port": port, "host": host, "why": error.strerror, "other": another_port(port)}
            ) from None


def another_port(port: int) -> int:
    """A port to propose; those below 1024 are for root."""
    return port + 1 if 1024 <= port < 65535 else 8100


def start_database() -> Server:
    """The embedded PostgreSQL, running."""
    server = Server(settings.DATA_DIR, say=say, purpose="zabota up")
    try:
        server.start()
    except Busy as busy:
        raise CannotStart(
            _("The database of %(folder)s is in use by %(holder)s. Wait until it has finished.")
            % {"folder": settings.DATA_DIR, "holder": busy}
        ) from None
    except PostgresError as error:
        raise CannotStart(str(error)) from None
    return server


def prepare() -> list[str]:
    """Run `prepare` in a process of its own (it loads all rooms; the supervisor stays small)."""
    made = subprocess.run(
        own_command("prepare"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(signal.SIGKILL),
        check=False,
    )
    if made.returncode:
        raise CannotStart(_("Zabota was not started."))
    answer = json.loads(made.stdout.decode().strip().splitlines()[-1])
    lines: list[str] = answer["lines"]
    return lines


def own_command(name: str) -> list[str]:
    """The command line of our own child `name`."""
    return [sys.executable, "-m", "zabota.ops.cli", name]


def children() -> list[Child]:
    """The processes of this installation, in the order in which they stop."""
    workers = ["worker", *(f"worker-{n}" for n in range(2, settings.WORKER_PROCESSES + 1))]
    found = [
        Child("web", own_command("web"), WEB_STOP),
        *(Child(name, own_command("worker"), JOB_STOP) for name in workers),
        Child("fetch", own_command("fetch")),
    ]
    if settings.DEMO:
        found.append(Child("demo-mail", own_command("demo-mail"), 5.0))
    return found


def say_bye() -> None:
    """Ask every live stream to end, so that the web server can stop at once."""
    say(_("Stopping."))
    try:
        done = subprocess.run(
            own_command("say-bye"),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=BYE_LIMIT,
            check=False,
        )
        told = done.returncode == 0
    except subprocess.TimeoutExpired:
        told = False
    if not told:
        say(_("The live streams could not be told; the web server stops in a few seconds."))


def print_line(name: str, line: str) -> None:
    """Pass a child's line on: as it is to a file or journal, short and readable on a terminal."""
    if not sys.stdout.isatty():
        print(line, flush=True)
        return
    text = readable(name, line)
    if text:
        print(text, flush=True)


def readable(name: str, line: str) -> str:
    """A log line for a person: time, child, text; what is no JSON stays as it is."""
    try:
        told = json.loads(line)
        text = f"{told['at'][11:19]} {name:9} {MARKS.get(told['level'], '')}{told['text']}"
    except (ValueError, KeyError, TypeError):
        return f"{name}: {line}" if line.strip() else ""
    if "error" in told:
        text += f" [{told['error']['type']}]"
    return text


class Register:
    """Called with each child that was started or has died: the screen "System" shows them."""

    def __init__(self) -> None:
        self.noted: dict[str, running.Noted] = {}

    def __call__(self, child: Child) -> None:
        pid = child.process.pid if child.process else 0
        before = self.noted.get(child.name)
        deaths = (before.deaths if before else 0) + (not pid)
        self.noted[child.name] = running.noted(child.name, pid, deaths, __version__)
        running.write(settings.DATA_DIR, self.noted.values())


class Greeting:
    """Called each tick: prints the addresses once, when the site answers for the first time."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.done = False
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if self.done or now < self._next:
            return
        self._next = now + ASK_AGAIN
        if not answers():
            return
        self.done = True
        say(_("Zabota is ready: %(url)s (stop with Ctrl-C)") % {"url": settings.ZABOTA_URL})
        for line in self.lines:
            say(line)


def answers() -> bool:
    """Whether the web server answers on its own address."""
    host, port = listen_address(settings.LISTEN)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"http://{shown}:{port}/healthz", headers={"Host": "127.0.0.1"}
    )
    try:
        with urllib.request.urlopen(request, timeout=1):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False
