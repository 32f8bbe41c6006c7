"""A dump into a database, in one transaction, also on servers older than our own programs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from zabota.ops import backup
from zabota.ops.binaries import bin_dir
from zabota.ops.processes import die_with_parent

WHAT = ("--no-owner", "--no-privileges", "--schema=public")
# pg_restore sets it first of all, and a server that does not know it refuses the whole.
UNKNOWN, KNOWN_FROM = b"SET transaction_timeout = 0;\n", 17_00_00


def fill(dump: Path, values: dict[str, str]) -> None:
    """All tables of the dump, or none; raises BackupFailed with the words of the program."""
    with backup.connect(values) as found:
        is_old = found.info.server_version < KNOWN_FROM
    if is_old:
        _as_script(dump, values)
    else:
        alone = ("--single-transaction", "--exit-on-error", str(dump))
        backup.run("pg_restore", *WHAT, *alone, values=values)


def _as_script(dump: Path, values: dict[str, str]) -> None:
    in_english = {**os.environ, "LC_ALL": "C"}
    reading = [str(bin_dir() / "pg_restore"), "-f", "-", *WHAT, str(dump)]
    dying = die_with_parent(signal.SIGKILL)
    with backup.invocation("psql", values) as (writing, env), tempfile.TemporaryFile() as said:
        writing += ["-X", "-q", "-o", os.devnull, "--single-transaction", "-f", "-"]
        reader = subprocess.Popen(
            reading, stdout=subprocess.PIPE, stderr=said, env=in_english, preexec_fn=dying
        )
        writer = subprocess.Popen(
            [*writing, "-v", "ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE, stderr=said, env=env | {"LC_ALL": "C"}, preexec_fn=dying,
        )  # fmt: skip
        assert reader.stdout is not None
        assert writer.stdin is not None
        # Whichever ends early breaks the pipe of the other; its own words say why.
        with suppress(BrokenPipeError), reader.stdout, writer.stdin:
            _copy(reader.stdout, writer.stdin)
        ends = {"psql": writer.wait(), "pg_restore": reader.wait()}
        said.seek(0)
        why = said.read().decode(errors="replace").strip()[-500:]
    # When psql refuses something, pg_restore only finds its pipe broken.
    for program, status in ends.items():
        if status:
            raise backup.BackupFailed("program", program=program, why=why)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    for line in source:
        if line == UNKNOWN:
            break
        target.write(line)
    while block := source.read(1 << 20):
        target.write(block)
