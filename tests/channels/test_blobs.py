"""Removing stored bytes, while others store the same."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zabota.channels import blobs
from zabota.lib import clock

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> Path:
    settings.BLOB_DIR = tmp_path / "blobs"
    return tmp_path / "blobs"


def old(content: bytes) -> str:
    """Bytes that were stored a week ago."""
    sha256, _size = blobs.put([content])
    week_ago = (clock.now() - 7 * DAY).timestamp()
    os.utime(blobs.path_of(sha256), (week_ago, week_ago))
    return sha256


def removed(sha256: str) -> bool:
    return blobs.remove(sha256, stored_before=clock.now() - DAY)


def test_old_bytes_go_young_ones_stay() -> None:
    sha256 = old(b"12 400")
    assert removed(sha256)
    assert not blobs.path_of(sha256).exists()
    assert removed(sha256), "gone is gone"
    young, _size = blobs.put([b"13 400"])
    assert not removed(young)
    assert blobs.get(young) == b"13 400"


def test_what_is_stored_again_is_young() -> None:
    sha256 = old(b"12 400")
    blobs.put([b"12 400"])
    assert not removed(sha256)
    assert blobs.get(sha256) == b"12 400"


def test_nothing_goes_while_the_store_is_copied() -> None:
    sha256 = old(b"12 400")
    with blobs.kept():
        assert not removed(sha256)
        # What comes in meanwhile does not wait.
        blobs.put([b"13 400"])
    assert removed(sha256)


def test_who_stores_the_same_waits_for_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = old(b"12 400")
    storing = threading.Thread(target=lambda: blobs.put([b"12 400"]))
    unlink = Path.unlink

    def slow(path: Path, missing_ok: bool = False) -> None:
        if path.name == sha256:
            storing.start()
            storing.join(0.5)
            assert storing.is_alive(), "it would have been stored only to be removed"
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", slow)
    assert removed(sha256)
    storing.join(10)
    assert blobs.get(sha256) == b"12 400"


def test_without_locks_all_is_stored_and_nothing_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    sha256 = old(b"12 400")
    assert not removed(sha256)
    assert blobs.get(sha256) == b"12 400"
