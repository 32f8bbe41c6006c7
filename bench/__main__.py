"""`python -m bench`: the table of speed and scale; the last line is the verdict."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.house import House
from bench.table import results, verdict

RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    """Measure everything; 0 when no target is missed by more than 1.5 times."""
    given = _arguments()
    began = time.monotonic()
    house = House(given.folder)
    os.environ.update(house.environment())
    for name in ("DATABASE_URL", "ZABOTA_SECRET_KEY"):
        os.environ.pop(name, None)
    say(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    say(f"load average at the start: {os.getloadavg()[0]:.2f}")
    try:
        first = house.start()
        import django

        django.setup()
        from bench.plan import Plan

        size = Plan(given.tickets, given.grow, given.samples, given.mails)
        if given.quick:
            size = Plan.quick()
        lines = size.run(house, first, say)
        text, status = verdict(lines)
        say(f"load average at the end: {os.getloadavg()[0]:.2f}")
        say("")
        for line in lines:
            say(str(line))
        if not given.quick:
            given.results.write_text(
                json.dumps(results(lines), indent=1, ensure_ascii=False) + "\n"
            )
        say("")
        say(f"{text}; {time.monotonic() - began:.0f} s")
        return status
    finally:
        house.stop()
        if not given.keep:
            house.remove()


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 tickets, 200 samples")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=1000, help="of each page")
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--grow", type=int, default=200_000, help="measured again so large; 0: not")
    parser.add_argument("--folder", type=Path, help="data folder (made in the temp folder else)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="not with --quick")
    parser.add_argument("--keep", action="store_true", help="do not delete the data folder")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
