from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    own = ("ZABOTA_", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
