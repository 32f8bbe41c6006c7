"""Backup and restore by their commands, over real databases of their own."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from tests.ops.test_cli import zabota
from tests.prepared import FILL, python
from zabota.lib import embedded
from zabota.ops import archive
from zabota.ops.postgres import Server

Env = dict[str, str]

COUNT = """
from zabota.ops.command import database
with database(migrated=False):
    from zabota.channels import standstill
    from zabota.channels.models import Inbox, Outgoing
    from zabota.tickets.models import Attachment, Ticket
    from zabota.channels.blobs import get
    kept = [len(get(sha)) for sha in Attachment.objects.values_list("sha256", flat=True)]
    print(Ticket.objects.count(), sum(kept), standstill.is_on())
"""
# Commands one after another, as the command line runs them.
RESUME = """
from zabota.ops.cli import main
print(main(["resume"]))
"""
DAMAGED = """
import os, sys
from pathlib import Path
from zabota.ops.cli import main
for name in sys.argv[1:]:
    status = main(["restore", name, "--replace"])
    print(status, (Path(os.environ["ZABOTA_DATA"]) / "restoring").exists())
"""
# Tickets come until the reader has heard enough.
LOAD = """
import signal, sys
from zabota.ops.command import database
# Not SIGINT, which a command in the background inherits as ignored.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with database(migrated=False):
    from tests import make
    number = 0
    while True:
        make.ticket(f"Под нагрузкой {number}", files=(make.file(f"{number}.txt"),))
        number += 1
        print(number, flush=True)
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


@pytest.fixture
def other(folder: Path) -> Iterator[Path]:
    """A second place, on the same terms as `folder`."""
    path = folder.with_name(folder.name + "-b")
    path.mkdir(mode=0o711)
    yield path
    shutil.rmtree(embedded.socket_dir(embedded.cluster_dir(path)), ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def saved(env: Env, folder: Path, *words: str) -> Path:
    status, text = zabota(env, folder, "backup", *words)
    assert status == 0, text
    return Path(text.strip().splitlines()[0])


def test_what_was_saved_comes_back_elsewhere_and_stands_still(
    env: Env, folder: Path, other: Path
) -> None:
    prepared.with_a_ticket(folder)
    path = saved(env, folder)
    assert path.stat().st_mode & 0o777 == 0o600
    status, text = zabota(env, folder, "verify-backup", str(path))
    assert (status, "is good" in text) == (0, True), text

    status, text = zabota(env, other, "restore", str(path))
    assert (status, "zabota resume" in text) == (0, True), text
    assert (other / "keys/secret").read_bytes() == (folder / "keys/secret").read_bytes()

    status, text = zabota(env, other, "restore", str(path))
    assert (status, "--replace" in text) == (1, True), text
    before, after = python(env, other, COUNT + FILL + COUNT).splitlines()
    assert before == "1 100000 True"
    assert after.startswith("2 ")
    again = saved(env, other)
    status, text = zabota(env, other, "restore", str(path), "--replace")
    assert status == 0, text
    assert python(env, other, COUNT).startswith("1 ")
    status, text = zabota(env, other, "restore", str(again), "--replace")
    assert status == 0, text
    assert python(env, other, COUNT).startswith("2 ")

    first, stands, second = python(env, other, RESUME + COUNT + RESUME).splitlines()
    assert first == "0"
    assert stands.endswith("False")
    assert second == "1"


def test_a_damaged_backup_changes_nothing(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    good = saved(env, folder)
    whole = good.read_bytes()
    damaged = (
        whole[: len(whole) // 2],
        whole[:-200_000] + b"\0" * 200_000,
        flipped(whole, len(whole) // 2),
        b"",
        b"no tar at all" * 1000,
        foreign("../../escaped"),
        foreign("blobs/aa/../../x"),
        edited(good, version=2, format=99),
        edited(good, migrations=["tickets.9999_from_the_future"]),
    )
    files = [folder / f"bad-{number}.tar" for number in range(len(damaged))]
    for path, text in zip(files, damaged, strict=True):
        path.write_bytes(text)
    *each, kept = python(env, folder, DAMAGED + COUNT, *map(str, files)).splitlines()
    assert each == ["1 False"] * len(damaged)
    assert not (folder.parent / "escaped").exists()
    assert kept == "1 100000 False"
    status, words = zabota(env, folder, "restore", str(folder / "none.tar"))
    assert (status, "Traceback" in words) == (1, False)


def flipped(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def foreign(name: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for entry, text in ((archive.MANIFEST, b"{}"), (name, b"x")):
            info = tarfile.TarInfo(entry)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return made.getvalue()


def edited(path: Path, **changes: object) -> bytes:
    """The backup with other words in its manifest."""
    made = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=made, mode="w") as new:
        for entry in old:
            part = old.extractfile(entry)
            assert part is not None
            text = part.read()
            if entry.name == archive.MANIFEST:
                text = json.dumps(json.loads(text) | changes).encode()
            entry.size = len(text)
            new.addfile(entry, io.BytesIO(text))
    return made.getvalue()


def test_a_backup_under_load_is_whole(env: Env, folder: Path) -> None:
    """Attachments come while it is made: none that the dump names may be missing."""
    prepared.with_a_ticket(folder)
    # The writer owns the server; the backup uses it meanwhile.
    writer = subprocess.Popen(
        [sys.executable, "-c", LOAD],
        env={**env, "ZABOTA_DATA": str(folder), "PYTHONPATH": "."},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    try:
        for _ in range(100):
            assert writer.stdout.readline(), "the load ended before the backup began"
        path = saved(env, folder)
        assert writer.poll() is None, "the load ended before the backup did"
    finally:
        writer.terminate()
        said = writer.communicate(timeout=120)[0]
    assert len(said.splitlines()) > 10, "much came while it was made"
    status, text = zabota(env, folder, "verify-backup", str(path))
    assert (status, "is good" in text) == (0, True), text


BROKEN = """
import sys
from pathlib import Path
from zabota.ops import restore
from zabota.ops.command import database

def fail(scratch):
    raise OSError("the disk is full")

restore._take_key = fail
with database(migrated=False):
    try:
        restore.restore(Path(sys.argv[1]), replace=True)
    except OSError as error:
        print(error)
"""


def test_what_fails_at_the_very_end_puts_the_former_data_back(
    env: Env, folder: Path, other: Path
) -> None:
    prepared.with_a_ticket(folder)
    path = saved(env, folder)
    prepared.with_a_ticket(other)
    python(env, other, FILL)
    key = (other / "keys/secret").read_bytes()
    told = python(env, other, BROKEN + COUNT, str(path)).splitlines()
    assert told == ["the disk is full", "2 200000 False"]
    assert (other / "keys/secret").read_bytes() == key
    assert not (other / "restoring").exists()
    assert zabota(env, other, "restore", str(path), "--replace")[0] == 0
    assert (other / "keys/secret.before-restore").read_bytes() == key


def test_a_restore_that_was_cut_off_keeps_everything_from_starting(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    path = saved(env, folder)
    (folder / "restoring").touch()
    status, text = zabota(env, folder, "up", ZABOTA_LISTEN="127.0.0.1:1")
    assert (status, "--replace" in text) == (1, True), text
    status, text = zabota(env, folder, "restore", str(path), "--replace")
    assert status == 0, text
    assert not (folder / "restoring").exists()


def test_no_key_is_said_and_no_room_leaves_nothing(env: Env, folder: Path) -> None:
    prepared.with_a_ticket(folder)
    status, text = zabota(env, folder, "backup", "--without-key")
    assert (status, "The key is not in it" in text) == (0, True)
    place = folder / "file"
    place.touch()
    status, text = zabota(env, folder, "backup", "--to", str(place))
    assert status == 1
    assert "could not be made" in text


def test_the_same_over_a_server_of_ones_own(env: Env, folder: Path, other: Path) -> None:
    prepared.with_a_ticket(folder, files=other)
    server = Server(folder, purpose="test")
    server.start()
    try:
        url = f"postgresql://postgres@/zabota?host={server.socket_dir}&application_name=care"
        own = env | {"DATABASE_URL": url}
        path = saved(own, other)
        python(own, other, FILL)
        with server.connect():
            status, text = zabota(own, other, "restore", str(path), "--replace")
            assert (status, "in use" in text) == (1, True), text
        status, text = zabota(own, other, "restore", str(path), "--replace")
        assert status == 0, text
        assert python(own, other, COUNT) == "1 100000 True"
    finally:
        server.stop()
