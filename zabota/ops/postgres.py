"""The embedded PostgreSQL: started and stopped by exactly one owner, never running as root."""

from __future__ import annotations

import fcntl
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from zabota.lib import embedded
from zabota.ops import binaries
from zabota.ops.cluster import CLEAN_ENV, identity, make_cluster
from zabota.ops.cluster import PostgresError as PostgresError
from zabota.ops.lock import Busy, FolderLock
from zabota.ops.processes import die_with_parent, keep_short, left_over_pid, serves
from zabota.ops.words import gettext as _

DATABASE = "zabota"
OLDEST_VERSION = 150000
START_LIMIT = 900.0  # seconds; replaying a crashed server's log may take minutes
STOP_LIMIT = 60.0  # seconds
# Seconds. A server that is asked to stop while it repairs itself after a backend's death may wait
# for ever (PostgreSQL 18.4); cut off, it replays its log at the next start.
LEFT_OVER_LIMIT = 15.0
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log never holds what clients wrote: no statements, no values of violated keys.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server:
    """One embedded server. `start()` and `stop()` belong to the main thread of its owner.

    `data` is the data folder, `options` overrides `OPTIONS`, `say` receives lines for a person.
    """

    def __init__(
        self,
        data: Path,
        *,
        options: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
        purpose: str = "zabota",
    ) -> None:
        self.data = data
        self.cluster = embedded.cluster_dir(data)
        self.socket_dir = embedded.socket_dir(self.cluster)
        self.options = {**OPTIONS, **(options or {})}
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self.cluster.with_name("postgres.lock"), purpose)

    def start(self) -> None:
        """Take the lock, make the cluster if missing, start, wait for an answer, make the database.

        Raises Busy when another process owns the server, PostgresError in plain words otherwise.
        """
        if threading.current_thread() is not threading.main_thread():
            # The parent-death signal follows the thread that forked, not the process.
            raise RuntimeError("the embedded server must be started from the main thread")
        try:
            self._make_place()
            self._lock.take()
            self._run()
            self._make_database()
        except (OSError, binaries.BinariesError) as error:
            self.stop()
            raise PostgresError(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def restart(self) -> None:
        """Start again after the server's process died; the lock is still ours."""
        try:
            self._run()
        except (OSError, binaries.BinariesError) as error:
            raise PostgresError(str(error)) from error

    def _run(self) -> None:
        account = self._account()
        programs = binaries.bin_dir_for(account.pw_uid, account.pw_gid)
        self._end_left_over()
        from zabota.ops import major

        major.put_back(self.cluster)
        if not (self.cluster / "PG_VERSION").exists():
            self.make(programs, account)
        major.fit(self, programs, account)
        self.run_with(programs, account)

    def make(self, programs: Path, account: pwd.struct_passwd) -> None:
        """Make an empty cluster."""
        make_cluster(self.cluster, programs, account, sync=self.options.get("fsync") != "off")

    def run_with(self, programs: Path, account: pwd.struct_passwd) -> None:
        """Start the server by these programs and wait until it answers."""
        self._make_socket_dir(account)
        self._spawn(programs, account)
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server, then release the lock."""
        self.halt()
        self._lock.release()

    def halt(self) -> None:
        """Fast stop (SIGINT: sessions are cut, data is flushed); the lock stays."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()

    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self) -> Path:
        """The server's own log."""
        return self.cluster.with_name("postgres.log")

    def _make_place(self) -> None:
        """Create the folders above the cluster; say so when they are not below the data folder."""
        self.data.mkdir(parents=True, exist_ok=True)
        if self.cluster.parent == self.data:
            return
        if os.geteuid() == 0 and embedded.ROOT_HOME in self.cluster.parents:
            binaries.make_root_home()
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        pointer = self.data / embedded.POINTER
        if not pointer.exists():
            self.cluster.parent.chmod(0o711)
            pointer.write_text(f"{self.cluster}\n")
            self.say(
                _(
                    "%(data)s is closed to the account that runs PostgreSQL for root: "
                    "the database stands in %(cluster)s."
                )
                % {"data": self.data, "cluster": self.cluster}
            )

    def _account(self) -> pwd.struct_passwd:
        uid = embedded.cluster_uid(self.cluster)
        if uid == 0:
            raise PostgresError(
                _(
                    "PostgreSQL refuses to run as root and there is no account named %(names)s. "
                    "Create one or set DATABASE_URL."
                )
                % {"names": " / ".join(embedded.ROOT_ACCOUNTS)}
            )
        if os.geteuid() not in (0, uid):
            raise PostgresError(
                _(
                    "The database in %(cluster)s belongs to another user (id %(uid)d). "
                    "Run zabota as that user or name another folder in ZABOTA_DATA."
                )
                % {"cluster": self.cluster, "uid": uid}
            )
        try:
            return pwd.getpwuid(uid)
        except KeyError:
            raise PostgresError(
                _(
                    "User id %(uid)d has no entry in /etc/passwd and PostgreSQL needs one. "
                    "Add it, run as a known user or set DATABASE_URL."
                )
                % {"uid": uid}
            ) from None

    def _end_left_over(self) -> None:
        """Look at `postmaster.pid`: a stale one goes, a server whose owner was killed is ended."""
        path = self.cluster / "postmaster.pid"
        pid = left_over_pid(path)
        began = time.monotonic()
        ways = [(0.0, signal.SIGINT), (LEFT_OVER_LIMIT, signal.SIGQUIT)]
        while pid is not None and serves(pid, self.cluster):
            waited = time.monotonic() - began
            if ways and waited >= ways[0][0]:
                with suppress(ProcessLookupError):
                    os.kill(pid, ways.pop(0)[1])
            if waited > STOP_LIMIT:
                raise PostgresError(
                    _("PostgreSQL of an earlier run (process %(pid)d) does not end.") % {"pid": pid}
                )
            time.sleep(0.05)
        path.unlink(missing_ok=True)

    def _make_socket_dir(self, account: pwd.struct_passwd) -> None:
        if self.socket_dir == self.cluster:
            return
        try:
            self.socket_dir.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self.socket_dir, account.pw_uid, account.pw_gid)
        except FileExistsError:
            found = self.socket_dir.lstat()
            if self.socket_dir.is_symlink() or found.st_uid != account.pw_uid:
                raise PostgresError(
                    _(
                        "%(folder)s is needed for the database's socket "
                        "but belongs to somebody else. Remove it."
                    )
                    % {"folder": self.socket_dir}
                ) from None
            self.socket_dir.chmod(0o700)

    def _spawn(self, programs: Path, account: pwd.struct_passwd) -> None:
        command = [str(programs / "postgres"), "-D", str(self.cluster)]
        command += ["-k", str(self.socket_dir)]
        for name, value in self.options.items():
            command += ["-c", f"{name}={value}"]
        keep_short(self.log_path)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                **identity(account),
                env=CLEAN_ENV,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
            )

    def _wait_until_ready(self) -> None:
        """Our process must live *and* answer: an answer alone could come from an older server."""
        began = time.monotonic()
        told = False
        while True:
            if not self.alive():
                raise PostgresError(
                    _("PostgreSQL did not start: %(why)s") % {"why": self._last_words()}
                )
            try:
                with self.connect("postgres"):
                    return
            except psycopg.OperationalError:
                waited = time.monotonic() - began
            if waited > START_LIMIT:
                raise PostgresError(
                    _("PostgreSQL does not answer: %(why)s") % {"why": self._last_words()}
                )
            if waited > 5 and not told:
                self.say(_("PostgreSQL is repairing itself after a crash, please wait."))
                told = True
            time.sleep(0.02)

    def _last_words(self) -> str:
        try:
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{' / '.join(lines[-3:])} ({self.log_path})"

    def _make_database(self) -> None:
        with self.connect("postgres") as connection:
            complaint = check_server(connection)
            if complaint:
                raise PostgresError(complaint)
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if row.fetchone() is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def connect(self, database: str = DATABASE) -> psycopg.Connection[tuple[object, ...]]:
        """A new autocommit connection of the superuser; raises psycopg.OperationalError."""
        return psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname=database, autocommit=True
        )


@contextmanager
def running(server: Server) -> Iterator[bool]:
    """Run the server for the block unless somebody else owns it; yields whether it is ours.

    For commands beside `zabota up`: they start the server only if they get the lock, stop only
    what they started, and before that wait for the commands that use it too.
    """
    try:
        server.start()
        is_ours = True
    except Busy:
        wait_for_other(server)
        is_ours = False
    users = os.open(server.cluster.with_name("postgres.users"), os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        if not is_ours:
            fcntl.flock(users, fcntl.LOCK_SH)
        yield is_ours
    finally:
        if is_ours:
            fcntl.flock(users, fcntl.LOCK_EX)
            server.stop()
        os.close(users)


def wait_for_other(server: Server, limit: float = 30.0) -> None:
    """Wait until another owner's server answers; raises PostgresError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        try:
            with server.connect():
                return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise PostgresError(
                    _("The database does not answer: %(why)s") % {"why": error}
                ) from None
            time.sleep(0.1)


def check_server(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """What is wrong with this server for Zabota, in plain words; empty when nothing is."""
    found = connection.info.server_version
    if found < OLDEST_VERSION:
        return _("PostgreSQL %(version)d is too old: Zabota needs version 15 or newer.") % {
            "version": found // 10000
        }
    # Asked first: another encoding could not even be sent the question about Ж.
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        return _(
            "This database stores its texts as %(encoding)s; Zabota needs UTF-8. Create it anew, "
            "for example: "
            "CREATE DATABASE zabota TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'."
        ) % {"encoding": encoding}
    row = connection.execute("SELECT lower('Ж') = 'ж'").fetchone()
    if row is None or row[0] is not True:
        return _(
            "This database does not know Russian letters (lower('Ж') is not 'ж'): search would "
            "fail. Create it with a UTF-8 locale, for example: "
            "CREATE DATABASE zabota TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'."
        )
    return ""
