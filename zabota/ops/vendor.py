"""Remake `zabota/static/vendor/` from unpacked packages: `python -m zabota.ops.vendor FOLDER`.

FOLDER holds htmx.org, lucide-static and @fontsource-variable/inter, each in a folder of its name
without the scope. Only a maintainer runs this; running Zabota needs none of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "static" / "vendor"

ICONS = """
archive arrow-down arrow-left arrow-right arrow-up-down at-sign ban bell book-open bot building-2
chart-column check check-check chevron-down chevron-left chevron-right chevron-up chevrons-up
circle circle-alert circle-check circle-dot circle-question-mark circle-x clock corner-up-left
download ellipsis external-link eye file file-text flag flame folder-input git-branch globe hash
heart-handshake history image image-off inbox info keyboard languages life-buoy link list-filter
loader-circle lock log-out mail menu message-square monitor moon panel-left panel-right paperclip
pause pencil phone plus refresh-cw reply rows-3 search send server settings shield-alert split
sticky-note sun tag timer trash-2 triangle-alert undo-2 user-check user-plus user-round users
wifi-off x zap
""".split()

# name in the package → name here; the licence of each goes to LICENSES/<package>.txt
FILES = {
    "htmx.org": {"dist/htmx.min.js": "htmx.min.js"},
    "inter": {
        "files/inter-latin-wght-normal.woff2": "fonts/inter-latin.woff2",
        "files/inter-cyrillic-wght-normal.woff2": "fonts/inter-cyrillic.woff2",
    },
    "lucide-static": {},
}


def sprite(folder: Path, names: list[str]) -> str:
    """One SVG of `<symbol>`s, raises FileNotFoundError for an unknown icon."""
    symbols = []
    for name in sorted(names):
        text = (folder / f"{name}.svg").read_text()
        inner = re.search(r"<svg[^>]*>(.*)</svg>", text, re.S)
        if inner is None:
            raise ValueError(f"{name}.svg is not an SVG")
        body = re.sub(r">\s+<", "><", inner.group(1).strip()).replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "\n".join(symbols) + "</svg>\n"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def notes(versions: dict[str, str]) -> str:
    """The text of VENDOR.md: versions and the hash of every vendored file."""
    lines = [
        "# Files made by others",
        "",
        "Made by `python -m zabota.ops.vendor FOLDER`; a test compares the hashes.",
        "Licences: `LICENSES/`.",
        "",
        *(f"- {name} {version}" for name, version in sorted(versions.items())),
        "",
        "| file | sha256 |",
        "|---|---|",
    ]
    for path in sorted(VENDOR.rglob("*")):
        if path.is_file() and path.name != "VENDOR.md":
            lines.append(f"| {path.relative_to(VENDOR).as_posix()} | {digest(path)} |")
    return "\n".join(lines) + "\n"


def make(source: Path) -> None:
    """Copy the files, draw the sprite and write VENDOR.md."""
    versions = {}
    for package, files in FILES.items():
        root = source / package
        versions[package] = json.loads((root / "package.json").read_text())["version"]
        licence = VENDOR / "LICENSES" / f"{package}.txt"
        licence.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / "LICENSE", licence)
        for name, target in files.items():
            (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, VENDOR / target)
    (VENDOR / "icons.svg").write_text(sprite(source / "lucide-static" / "icons", ICONS))
    (VENDOR / "VENDOR.md").write_text(notes(versions))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    make(Path(sys.argv[1]))
