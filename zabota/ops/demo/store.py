"""The mail server's letters: one SQLite file, synced before a sender hears OK."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from zabota.lib import clock

FIRST_UID = 101


@dataclass(frozen=True)
class Letter:
    """One letter in one box. `kind`: in or sent; `uid` counts within a company's box."""

    id: int
    box: str
    kind: str
    uid: int
    at: float
    content: bytes
    seen: bool


class Store:
    """Boxes by address. One connection; used from the server's event loop only."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path)
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.executescript(
            "CREATE TABLE IF NOT EXISTS letter (id INTEGER PRIMARY KEY, box TEXT NOT NULL,"
            " kind TEXT NOT NULL, uid INTEGER NOT NULL, at REAL NOT NULL, content BLOB NOT NULL,"
            " seen INTEGER NOT NULL DEFAULT 0, UNIQUE (box, kind, uid));"
            "CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS person (address TEXT PRIMARY KEY, name TEXT NOT NULL);"
        )

    def uid_validity(self) -> int:
        """The number that says "the UIDs are still the same"; made once per store."""
        self._base.execute(
            "INSERT OR IGNORE INTO number VALUES ('uidvalidity', ?)", [int(clock.now().timestamp())]
        )
        self._base.commit()
        row = self._base.execute("SELECT value FROM number WHERE name = 'uidvalidity'").fetchone()
        return int(row[0])

    def put(self, box: str, kind: str, content: bytes) -> Letter:
        """Keep a letter durably."""
        with self._base:
            row = self._base.execute(
                "INSERT INTO letter (box, kind, uid, at, content, seen) VALUES (?, ?, (SELECT"
                " coalesce(max(uid) + 1, ?) FROM letter WHERE box = ? AND kind = ?), ?, ?, ?)"
                " RETURNING *",
                [box, kind, FIRST_UID, box, kind, clock.now().timestamp(), content, kind == "sent"],
            ).fetchone()
        return _letter(row)

    def letters(self, box: str, kind: str = "", limit: int = -1) -> list[Letter]:
        """Letters of a box, oldest first (with `limit`: the newest ones)."""
        rows = self._base.execute(
            "SELECT * FROM letter WHERE box = ? AND (? = '' OR kind = ?) ORDER BY id DESC LIMIT ?",
            [box, kind, kind, limit],
        ).fetchall()
        return [_letter(row) for row in reversed(rows)]

    def get(self, number: int, box: str) -> Letter | None:
        """One letter of a box."""
        row = self._base.execute(
            "SELECT * FROM letter WHERE id = ? AND box = ?", [number, box]
        ).fetchone()
        return _letter(row) if row else None

    def mark_seen(self, number: int) -> None:
        """The letter was read."""
        with self._base:
            self._base.execute("UPDATE letter SET seen = 1 WHERE id = ?", [number])

    def know(self, address: str, name: str) -> None:
        """Remember a person for the chooser; a later name wins."""
        with self._base:
            self._base.execute("INSERT OR REPLACE INTO person VALUES (?, ?)", [address, name])

    def people(self) -> list[tuple[str, str]]:
        """(address, name) of the persons who were typed in."""
        return self._base.execute("SELECT address, name FROM person ORDER BY name").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def _letter(row: tuple[int, str, str, int, float, bytes, int]) -> Letter:
    return Letter(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]))


def box_of(recipient: str) -> str:
    """The box of an address: lower case, without what follows a plus sign."""
    local, _, domain = recipient.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
