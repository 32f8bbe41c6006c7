"""`make screens`: a picture of every screen × 1440 and 390 × light and dark × Russian and English,
each judged on the way. The last line is the verdict."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.test.utils import setup_databases, teardown_databases

from tests.browser import judge, windows, world
from tests.browser.pictures import tour
from tests.browser.windows import Window
from tests.conftest import BROWSERS
from tests.site import serving
from zabota.ops.postgres import UNSAFE, Server

FOLDER = Path("build/screens")
SETS = tuple(itertools.product(("ru", "en"), ("light", "dark"), (1440, 390)))


@contextmanager
def house() -> Iterator[None]:
    """A throw-away database with all tables."""
    server = Server(Path(os.environ["ZABOTA_TEST_DATA"]), options=UNSAFE)
    server.start()
    try:
        made = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(made, verbosity=0)
    finally:
        server.stop()


def shoot(window: Window, names: set[str] | None) -> tuple[int, list[str]]:
    """Take and judge all pictures; returns their number and what is wrong on them."""
    count, wrong = 0, []
    for language, looks in itertools.groupby(SETS, key=lambda one: one[0]):
        call_command("flush", interactive=False, verbosity=0)
        made = world.build(language)
        for _language, theme, width in looks:
            look = f"{language}-{theme}-{width}"
            for screen, page in tour(
                window, made, width=width, theme=theme, names=names, bypass_csp=True
            ):
                page.screenshot(path=FOLDER / f"{screen.name}-{look}.png")
                count += 1
                wrong += [f"{look} {screen.name}: {one['id']}" for one in judge.violations(page)]
                wrong += [f"{look} {screen.name}: sticks out {one}" for one in judge.overflow(page)]
            window.close()
            print(f"{look}: {count} pictures so far", flush=True)
    return count, wrong + window.wrong()


def main(names: list[str]) -> int:
    """Run; names of screens limit the work. Returns the exit status."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        print("screens: no Chromium found, nothing was looked at")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png") if not names else ():
        old.unlink()
    with house(), serving() as site, windows.chromium(path) as browser:
        count, wrong = shoot(Window(browser, site), set(names) or None)
    print(*wrong, sep="\n")
    print(
        f"screens: {count} pictures in {FOLDER}, {len(wrong)} faults: {'BAD' if wrong else 'good'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
