"""Rules of the house that import-linter cannot see. Each failure names file and line."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "zabota"
DOORS = {"config", "ops", "desk", "portal", "api"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
FORBIDDEN_NAMES = {"utils", "helpers", "base", "services", "managers", "signals"}
OTHERS = {"vendor", "samples", "migrations"}  # written by others or by a program
CLOCK = HOUSE / "lib" / "clock.py"
# The job library keeps its own times (heartbeats, queue ages) by the database's clock; these read
# them by the same clock. No business time is among them.
MACHINE_TIME = {"ops/doctor.py", "events/jobs.py", "events/rescue.py", "events/undelivered.py"}
SQL_NOW = re.compile(r"\bnow\(\)|current_timestamp|(clock|statement|transaction)_timestamp", re.I)
READS_CLOCK = {
    ("timezone", "now"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}


def sources(*, migrations: bool = False) -> Iterator[Path]:
    for path in sorted(HOUSE.rglob("*.py")):
        if migrations or "migrations" not in path.parts:
            yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0]


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def imported(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every imported module, and every name imported from one, as a dotted path."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def for_types(path: Path) -> set[int]:
    """Imports under `if TYPE_CHECKING:`, which do nothing at run time (by id of the node)."""
    return {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }


@cache
def floors() -> dict[str, int]:
    """Room → height, from the layers that import-linter checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(rule["layers"] for rule in contracts["contracts"] if rule["type"] == "layers")
    return {
        name.strip(" ()"): len(layers) - number
        for number, layer in enumerate(layers)
        for name in layer.split("|")
    }


def test_business_time_has_one_source() -> None:
    found = []
    for path in sources(migrations=True):
        if path == CLOCK:
            continue
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Attribute):
                continue
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if (name, node.attr) in READS_CLOCK:
                found.append(f"{place(path, node)} {name}.{node.attr}")
        found += [
            f"{place(path, node)} {name}"
            for name, node in imported(path)
            if name in {"django.utils.timezone.now", "django.db.models.functions.Now", "time.time"}
        ]
    assert found == []


def test_sql_asks_no_clock() -> None:
    found = []
    for path in sources():
        if str(path.relative_to(HOUSE)) in MACHINE_TIME:
            continue
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Constant) or id(node) in docstrings:
                continue
            if isinstance(node.value, str) and SQL_NOW.search(node.value):
                found.append(place(path, node))
    assert found == []


def test_only_events_knows_the_job_library() -> None:
    found = [
        place(path, node)
        for path in sources()
        for name, node in imported(path)
        if name.split(".")[0] == "procrastinate" and room(path) != "events"
    ]
    assert found == []


def test_no_http_below_the_doors() -> None:
    found = [
        f"{place(path, node)} {name}"
        for path in sources()
        for name, node in imported(path)
        if room(path) not in DOORS
        and id(node) not in for_types(path)
        and name.startswith(("django.http", "django.shortcuts"))
    ]
    assert found == []


def test_files_are_short() -> None:
    found = []
    for folder in (HOUSE, ROOT / "tests", ROOT / "bench"):
        for path in sorted(folder.rglob("*")):
            if path.suffix not in {".py", ".js", ".css", ".html"} or OTHERS & set(path.parts):
                continue
            lines = path.read_text(encoding="utf-8").count("\n")
            if lines > LONGEST_FILE:
                found.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert found == []


def test_functions_are_short() -> None:
    found = []
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    found.append(f"{place(path, node)} {node.name}: {lines} lines")
    assert found == []


def test_file_names_say_something() -> None:
    found = [str(path) for path in sources() if path.stem in FORBIDDEN_NAMES]
    found += [
        str(path) for path in HOUSE.rglob("*") if path.is_dir() and path.name in FORBIDDEN_NAMES
    ]
    assert found == []


def test_foreign_keys_point_down() -> None:
    heights = floors()
    fields = {"ForeignKey", "OneToOneField", "ManyToManyField"}
    found = []
    for path in sources():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            target = node.args[0]
            if name not in fields or not isinstance(target, ast.Constant):
                continue
            model = str(target.value)
            owner, dot, _name = model.partition(".")
            own = room(path)
            if dot and owner in heights and owner != own and heights[owner] >= heights[own]:
                found.append(f"{place(path, node)} {own} → {model}")
    assert found == []


def test_nothing_happens_by_magic() -> None:
    """No `save()` or `delete()` of models of our own, no Django signals (law 2 of the house)."""
    found = []
    for path in sources():
        found += [
            f"{place(path, node)} {name}"
            for name, node in imported(path)
            if ".signals" in name or name.startswith("django.dispatch")
        ]
        if path.stem not in {"models"} and "models" not in path.parts:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name in {"save", "delete"}:
                found.append(f"{place(path, node)} def {node.name}")
    assert found == []


def test_the_map_names_every_room() -> None:
    text = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    assert {name for name in rooms if not re.search(rf"`(zabota/)?{name}/?`", text)} == set()
    assert rooms <= set(floors())


def test_every_file_the_map_names_exists() -> None:
    missing = []
    for line in (ROOT / "docs" / "map.md").read_text(encoding="utf-8").splitlines():
        names = re.findall(r"`([\w./]+\.(?:py|md)|[\w./]+/)`", line)
        room = re.match(r"\| `(zabota/[\w/]+)` \|", line)
        places = [ROOT, HOUSE, *([ROOT / room[1]] if room else [])]
        missing += [
            name
            for name in names
            if name != "consumers.py" and not any((place / name).exists() for place in places)
        ]
    assert missing == []


def test_the_changelog_exists() -> None:
    assert "# " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_lock_files_pin_hashes_and_name_no_index() -> None:
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert len(locks) == 3
    for lock in locks:
        text = lock.read_text()
        assert not re.search(r"://|^--|\.whl", text, re.M), lock
        for entry in re.split(r"\n(?=[a-z])", text.strip()):
            assert "==" in entry.split("\n")[0], entry
            assert "--hash=sha256:" in entry, entry


def test_the_run_lock_is_a_part_of_the_dev_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text()
        return set(re.findall(r"^([a-z0-9.\-]+==[^\s;]+)", text, re.M))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")
    assert pins("requirements-build.lock") <= pins("requirements-dev.lock")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
