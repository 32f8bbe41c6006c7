"""`python -m tests.crash`: kill processes at every step under a stream of mail, then count."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run one plan; 0 when nothing was lost or doubled."""
    given = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="zabota-crash-"))
    # The account that runs PostgreSQL for root must be able to pass through.
    folder.chmod(0o711)
    for name in [name for name in os.environ if name.startswith("ZABOTA_")]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    os.environ["ZABOTA_DATA"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "zabota.config.settings"
    if given.over:
        from tests import prepared

        prepared.copy(given.over, folder, folder)
    import django

    django.setup()
    from tests.crash import plan
    from tests.crash.run import Run

    chosen = plan.SHORT if given.short else plan.FULL
    try:
        return Run(folder, chosen, given.seed).whole()
    finally:
        if given.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            _remove(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ten kills, under a minute")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="the same kills again"
    )
    parser.add_argument(
        "--over", type=Path, metavar="FOLDER", help="begin with a copy of this stopped installation"
    )
    parser.add_argument("--keep", action="store_true", help="keep the data folder and its logs")
    return parser.parse_args()


def _remove(folder: Path) -> None:
    from zabota.lib import embedded

    shutil.rmtree(embedded.socket_dir(embedded.cluster_dir(folder)), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
