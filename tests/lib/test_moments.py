from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

from zabota.lib import clock
from zabota.lib.moments import MomentLoader
from zabota.lib.rows import ask

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    ["2026-11-30 08:00:00+00", "2026-11-30 08:00:00.5+00", "0001-01-01 00:00:00.000001+00"],
)
def test_a_moment_comes_as_django_would_bring_it(text: str) -> None:
    found = ask("SELECT %s::timestamptz", [text])[0]
    assert found == datetime.fromisoformat(text)
    assert found.tzinfo is UTC


def test_the_connections_load_moments_by_it() -> None:
    connection.ensure_connection()
    oid = ask("SELECT 'timestamptz'::regtype::oid::int", [])[0]
    assert connection.connection.adapters.get_loader(oid, 0) is MomentLoader
    now = clock.now()
    assert ask("SELECT %s", [now])[0] == now


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 00:00:00+00 BC"])
def test_what_python_cannot_hold_is_refused_as_ever(text: str) -> None:
    with pytest.raises(DataError):
        ask("SELECT %s::timestamptz", [text])
