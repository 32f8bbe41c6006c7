from __future__ import annotations

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from zabota.lib.questions import Question, ask_at_once, known
from zabota.lib.rows import ask

pytestmark = pytest.mark.django_db


def number(value: int) -> Question[int]:
    return Question("SELECT %s::int", [value], lambda rows: int(rows[0][0]))


def test_each_gets_its_own_answer() -> None:
    texts = Question("SELECT %(a)s || 'б'", {"a": "а"}, list)
    assert ask_at_once(number(1), texts, number(3)) == (1, [("аб",)], 3)
    assert ask_at_once(number(4), number(5)) == (4, 5)
    assert number(6).answer() == 6


def test_what_is_known_is_not_asked() -> None:
    with CaptureQueriesContext(connection) as caught:
        assert ask_at_once(known("a"), number(2)) == ("a", 2)
        assert known("b").answer() == "b"
    assert len(caught) == 1


def test_they_are_asked_in_order_in_one_transaction() -> None:
    with transaction.atomic():
        write = Question("SELECT set_config('zabota.said', 'yes', true)", [], list)
        said = Question("SELECT current_setting('zabota.said')", [], lambda rows: rows[0][0])
        assert ask_at_once(write, said)[1] == "yes"


def test_an_error_is_djangos_and_the_line_lives_on() -> None:
    bad = Question("SELECT no_such_column", [], list)
    with pytest.raises(ProgrammingError), transaction.atomic():
        ask_at_once(number(1), bad)
    assert ask_at_once(number(1), number(2)) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_line_that_was_cut_is_opened_anew() -> None:
    assert ask_at_once(number(1), number(2)) == (1, 2)
    own = ask("SELECT pg_backend_pid()", [])[0]
    with pytest.raises(DatabaseError):
        ask_at_once(number(1), Question("SELECT pg_terminate_backend(%s)", [own], list), number(2))
    connection.close()
    assert ask_at_once(number(1), number(2)) == (1, 2)
