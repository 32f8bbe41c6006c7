"""Small backups of what earlier versions left behind, which every later one must be able to take.

`python -m tests.archives NAME` writes tests/samples/archives/NAME.tar.xz from the present code
(`make release-archive VERSION=v1.2.0` at a release), and notes the fields of facts that are new in
it. Without a name it only says which tags lack one.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import MISSING, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "samples" / "archives"
FACTS = ROOT / "tests" / "samples" / "facts.json"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
LARGEST = 200_000  # bytes; they stay in the repository for ever
# One of everything that is easily had: what is not here is not tried.
FILL = """
import sys
from pathlib import Path
from zabota.ops.command import database
with database():
    from django.conf import settings
    from tests import make
    from tests.drain import drain
    from zabota.calendars.actions import give_calendar
    from zabota.lib import backups
    from zabota.ops import backup
    from zabota.tickets import actions

    chief = make.administrator()
    by = {"agent": chief, "by": chief.actor}
    box = make.inbox(address="help@zabota.example")
    box.set_secret("a password")
    box.save()
    make.account(domain="romashka.example")
    give_calendar(make.queue(), make.calendar(), by=chief.actor)
    answered = make.ticket("Не приходит код", files=(make.file("журнал.txt", b"log " * 50),))
    drain()
    actions.take(answered, **by)
    actions.set_topic(answered, make.topic(), by=chief.actor)
    actions.set_tags(answered, ["возврат"], by=chief.actor)
    actions.add_note(answered, "Проверить почту.", **by)
    actions.reply(answered, "Проверяем.", then="waiting_client", **by)
    drain(quiet=True)
    solved = make.ticket("Счёт за май", who=make.MARIA)
    drain(quiet=True)
    actions.reply(solved, "Отправили счёт.", solve=True, **by)
    drain(quiet=True)
    make.quarantined()
    # Its jobs wait: the later version does them.
    make.ticket("Order", who=make.JOHN, language="en")
    backup.COMPRESSION = "0"  # xz makes the whole smaller than that
    print(backup.make(Path(sys.argv[1])))
"""


def names() -> list[str]:
    """The archives that are there."""
    return sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz"))


def recorded() -> dict[str, list[str]]:
    """The fields with which each kind of fact was recorded first."""
    found: dict[str, list[str]] = json.loads(FACTS.read_text())
    return found


def with_new_facts(kept: dict[str, list[str]]) -> dict[str, list[str]]:
    """`kept`, and the fields without a default of all kinds that are not in it."""
    from zabota.events.facts import known_facts

    now = {
        kind: [one.name for one in fields(fact) if MISSING is one.default is one.default_factory]
        for kind, fact in known_facts().items()
        if not kind.startswith("test.")
    }
    return dict(sorted((now | kept).items()))


def unpack(name: str, folder: Path) -> Path:
    """The backup of this name, unpacked into the folder."""
    target = folder / f"{name}.tar"
    target.write_bytes(lzma.decompress((FOLDER / f"{name}.tar.xz").read_bytes()))
    return target


def lacking(tags: list[str], there: list[str]) -> list[str]:
    """The release tags that have no archive."""
    return [tag for tag in tags if re.fullmatch(r"v\d.*", tag) and tag not in there]


def tags() -> list[str]:
    """All tags of this checkout; none outside one."""
    asked = ["git", "-C", str(ROOT), "tag", "--list", "v*"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.split()


def write(name: str) -> Path:
    """Make a throw-away installation of the present code and pack its backup; raises SystemExit
    when the name is none or the archive grew too large."""
    if not NAME.fullmatch(name):
        raise SystemExit(f"An archive cannot be called {name!r}: use the tag, for example v1.2.0")
    own = ("ZABOTA_", "DATABASE_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    with tempfile.TemporaryDirectory(prefix="zabota-archive-") as place:
        os.chmod(place, 0o711)
        done = subprocess.run(
            [sys.executable, "-c", FILL, f"{place}/made"],
            env=kept | {
                "ZABOTA_DATA": f"{place}/data",
                "DJANGO_SETTINGS_MODULE": "zabota.config.settings",
                "PYTHONPATH": str(ROOT),
            },
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )  # fmt: skip
        whole = Path(done.stdout.strip().splitlines()[-1]).read_bytes()
    packed = lzma.compress(whole, preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > LARGEST:
        raise SystemExit(f"{len(packed)} bytes are too many to keep for ever; put less in")
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / f"{name}.tar.xz"
    target.write_bytes(packed)
    write_facts()
    return target


def write_facts() -> None:
    """Note the facts that are new; those noted before stay as they are."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    lines = [f"{json.dumps(kind)}: {json.dumps(names)}"
             for kind, names in with_new_facts(recorded()).items()]  # fmt: skip
    FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        made = write(sys.argv[1])
        print(f"{made.relative_to(ROOT)}: {made.stat().st_size} bytes")
    else:
        missing = lacking(tags(), names())
        print("without an archive: " + (", ".join(missing) or "none"))
        sys.exit(bool(missing))
