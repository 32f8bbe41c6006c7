from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from zabota.lib import embedded


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the account of PostgreSQL may enter (pytest's own is closed to it)."""
    path = Path(tempfile.mkdtemp(prefix="zabota-ops-"))
    path.chmod(0o711)
    yield path
    sockets = embedded.socket_dir(embedded.cluster_dir(path))
    shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture
def clean_env() -> dict[str, str]:
    """The environment without this test run's own settings."""
    return prepared.clean_env()
