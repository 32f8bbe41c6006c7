from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from zabota.desk import counting as module
from zabota.desk.counting import Counting
from zabota.staff import policy
from zabota.staff.models import Agent
from zabota.tickets import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def counting() -> Counting:
    found = Counting()
    found.listen(lambda: True)
    return found


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина")


def asked(counting: Counting, agent: Agent) -> tuple[dict[str, int], int]:
    """The counts, and the statements they took."""
    policy.remember(agent)
    question = counting.asked(agent)
    with CaptureQueriesContext(connection) as caught:
        return question.answer(), len(caught)


def test_what_was_counted_is_not_counted_again(counting: Counting, vera: Agent) -> None:
    ticket = make.ticket()
    counts, statements = asked(counting, vera)
    assert (counts["unassigned"], counts["open"], counts["mine"], statements) == (1, 1, 0, 1)
    assert asked(counting, vera) == (counts, 0)
    counting.changed({ticket.queue_id})
    actions.take(ticket, agent=vera, by=vera.actor)
    counts, statements = asked(counting, vera)
    assert (counts["unassigned"], counts["open"], counts["mine"], statements) == (0, 1, 1, 1)


def test_another_queue_changes_nothing(counting: Counting, vera: Agent) -> None:
    ticket = make.ticket()
    asked(counting, vera)
    counting.changed({ticket.queue_id + 1})
    assert asked(counting, vera)[1] == 0


def test_what_happens_while_it_is_counted_is_counted_again(counting: Counting, vera: Agent) -> None:
    ticket = make.ticket()
    question = counting.asked(vera)
    counting.changed({ticket.queue_id})
    question.answer()
    assert asked(counting, vera)[1] == 1
    question = counting.asked(vera)
    counting.forget()
    question.answer()
    assert asked(counting, vera)[1] == 1


def test_who_hears_nothing_remembers_nothing(counting: Counting, vera: Agent) -> None:
    make.ticket()
    hears = True
    counting.listen(lambda: hears)
    asked(counting, vera)
    assert asked(counting, vera)[1] == 0
    hears = False
    assert [asked(counting, vera)[1] for _ in range(2)] == [1, 1]
    counting.listen(None)
    assert [asked(counting, vera)[1] for _ in range(2)] == [1, 1]


def test_nothing_is_remembered_for_long(
    counting: Counting, vera: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.ticket()
    asked(counting, vera)
    monkeypatch.setattr(module, "MOST_AGE", 0.0)
    assert asked(counting, vera)[1] == 1


def test_each_sees_the_counts_of_his_own_queues(counting: Counting, vera: Agent) -> None:
    make.ticket()
    stranger = make.agent("Алексей Орлов", make.queue("Другая", "Other"))
    assert asked(counting, stranger)[0] == dict.fromkeys(asked(counting, stranger)[0], 0)
    assert asked(counting, vera)[0]["open"] == 1
    assert asked(counting, stranger)[0]["open"] == 0
