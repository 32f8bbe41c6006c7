"""The access table: what every operation answers to whom.

An operation without a row fails. The clients' pages open by secret links alone, whoever asks: what
the link of one ticket gives of another, `tests/portal` asserts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from tests import make
from tests.api import rows as programs
from tests.operations import ROUTES, address
from tests.portal import rows
from zabota.config.asgi import in_loop
from zabota.desk.counting import counting
from zabota.desk.feed import Change, Listener
from zabota.desk.viewers import Viewer
from zabota.lib.signing import BadLink, read_file_link
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets import actions, queries
from zabota.tickets.models import Ticket
from zabota.tickets.quarantine import quarantine_queue

pytestmark = pytest.mark.django_db

WHO = ("anonymous", "another queue", "see", "reply", "close", "administrator")
STRANGER = "203.0.113.9"  # an address that is not the server's own machine
N = "<int:number>/"

# L: to the sign-in page. Otherwise the status, in the order of WHO.
GET = {
    "": "L 302 302 302 302 302",
    "inbox/counts/": "L 200 200 200 200 200",
    "inbox/search/": "L 200 200 200 200 200",
    "inbox/search/rows/": "L 302 302 302 302 302",
    "inbox/<slug:view>/": "L 200 200 200 200 200",
    "inbox/<slug:view>/rows/": "L 302 302 302 302 302",
    f"t/{N}": "L 404 200 200 200 200",
    f"t/{N}pane/": "L 404 302 302 302 302",
    f"t/{N}row/": "L 404 200 200 200 200",
    f"t/{N}context/": "L 404 200 200 200 200",
    f"t/{N}message/<int:message>/body/": "L 404 200 200 200 200",
    f"t/{N}message/<int:message>/original/": "L 404 302 302 302 302",
    f"t/{N}file/<int:file>/": "L 404 302 302 302 302",
    "burning/count/": "L 200 200 200 200 200",
    "undelivered/": "L 403 403 403 403 200",
    "undelivered/count/": "L 403 403 403 403 200",
    "profile/": "L 200 200 200 200 200",
    "styleguide/": "L 200 200 200 200 200",
    **rows.GET,
    **programs.GET,
    "metrics": "404 404 404 404 404 200",
    "invitation/<str:token>/": "410 410 410 410 410 410",
    "account/login/": "200 302 302 302 302 302",
    "account/logout/": "L 200 200 200 200 200",
    "account/inactive/": "200 200 200 200 200 200",
    "account/reauthenticate/": "L 200 200 200 200 200",
    "account/password/change/": "L 200 200 200 200 200",
    "account/password/reset/": "200 200 200 200 200 200",
    "account/password/reset/done/": "200 200 200 200 200 200",
    "account/password/reset/key/": "200 200 200 200 200 200",
    "account/password/reset/key/done/": "200 200 200 200 200 200",
    "account/2fa/": "L 200 200 200 200 200",
    "account/2fa/authenticate/": "L 302 302 302 302 302",
    "account/2fa/reauthenticate/": "L 302 302 302 302 302",
    "account/2fa/totp/activate/": "L 302 302 302 302 302",
    "account/2fa/totp/deactivate/": "L 404 404 404 404 404",
    "account/2fa/recovery-codes/": "L 404 404 404 404 404",
    "account/2fa/recovery-codes/generate/": "L 302 302 302 302 302",
    "account/2fa/recovery-codes/download/": "L 404 404 404 404 404",
    "account/sessions/": "L 200 200 200 200 200",
}
REPLY = "L 404 403 302 302 302"
CLOSE = "L 404 403 403 302 302"
POST = {
    f"t/{N}reply/": REPLY,
    f"t/{N}note/": REPLY,
    f"t/{N}call/": REPLY,
    f"t/{N}retry/<int:message>/": REPLY,
    f"t/{N}take/": REPLY,
    f"t/{N}status/": REPLY,
    f"t/{N}urgency/": REPLY,
    f"t/{N}topic/": REPLY,
    f"t/{N}type/": REPLY,
    f"t/{N}tags/": REPLY,
    f"t/{N}subject/": REPLY,
    f"t/{N}reopen/": REPLY,
    f"t/{N}assign/": CLOSE,
    f"t/{N}queue/": CLOSE,
    f"t/{N}undo-move/": CLOSE,
    f"t/{N}solve/": CLOSE,
    f"t/{N}close/": CLOSE,
    f"t/{N}quarantine/retry/": "L 404 403 403 422 422",
    f"t/{N}quarantine/make-ticket/": CLOSE,
    f"t/{N}quarantine/discard/": CLOSE,
    f"t/{N}link/<int:link>/revoke/": "L 404 403 422 422 422",
    f"t/{N}manager/": "L 404 403 403 403 422",
    f"t/{N}held/<int:held>/undo/": "L 404 422 422 422 422",
    f"t/{N}draft/": "L 404 403 422 422 422",
    f"t/{N}read/": "L 404 422 422 422 422",
    f"t/{N}unread/": "L 404 302 302 302 302",
    f"t/{N}address/": REPLY,
    f"t/{N}preferred/": "L 404 403 422 422 422",
    f"t/{N}wishes/": REPLY,
    f"t/{N}recovery/": "L 404 403 403 422 422",
    **rows.POST,
    **programs.POST,
    f"t/{N}account/": "L 404 403 403 403 302",
    "undelivered/job/retry/": "L 403 403 403 403 302",
    "undelivered/mail/retry/": "L 403 403 403 403 302",
    "undelivered/job/<int:job>/retry/": "L 403 403 403 403 302",
    "undelivered/mail/<int:letter>/retry/": "L 403 403 403 403 302",
    "profile/": "L 302 302 302 302 302",
}
# Settings are for administrators, each of them by the same rule; nobody else learns what is there.
SETTINGS = "L 404 404 404 404 {200,204,302,405,422}"
# allauth's own forms: they act on the session or the account of who sends them, nothing else.
OWN = frozenset(route for route in GET if route.startswith("account/")) | {
    "invitation/<str:token>/",
    "styleguide/",
}


@dataclass
class World:
    """One ticket with everything a route may name, and the six who ask."""

    ticket: Ticket
    quarantine: Ticket
    numbers: dict[str, int]
    people: dict[str, Agent | None] = field(default_factory=dict)


@pytest.fixture
def world() -> World:
    """Ticket, file, mail in HTML, failed mail and job in the default queue, seen by five."""
    queue = make.queue()
    message = make.incoming(
        html="<p>Текст со <b>словом</b></p>", files=(make.file("счёт.txt"),), to=make.inbox(queue)
    )
    ticket = Ticket.objects.get(pk=message.ticket_id)
    quarantine = make.quarantined()
    levels = {"see": Level.SEE, "reply": Level.REPLY, "close": Level.CLOSE}
    names = {"see": "Вера Зорина", "reply": "Алексей Орлов", "close": "Алексей Ёлкин"}
    people: dict[str, Agent | None] = {
        who: make.agent(names[who], queue, quarantine_queue(), level=level)
        for who, level in levels.items()
    }
    people["anonymous"] = None
    people["another queue"] = make.agent("Sara Lindqvist", make.billing(), level=Level.CLOSE)
    people["administrator"] = make.administrator()
    numbers = {"number": ticket.pk, "message": message.pk, "job": failed_job()}
    numbers |= {
        "file": message.attachments.get().pk,
        "pk": 1,
        "letter": 0,
        "link": 0,
        "held": 0,
        "topic": 0,
        "mark": 4,
    }
    return World(ticket, quarantine, numbers, people)


def failed_job() -> int:
    """One of the jobs that wait gives up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = "
            "(SELECT min(id) FROM procrastinate_jobs) RETURNING id"
        )
        return int(cursor.fetchone()[0])


def failed_mail(world: World) -> None:
    """An answer whose delivery failed stands in the ticket."""
    agent = world.people["administrator"]
    assert agent
    message = actions.reply(world.ticket, "Ответ", agent=agent, by=agent.actor)
    from zabota.channels.models import Outgoing

    row = Outgoing.objects.create(
        key="k", message_id="m@zabota.example", envelope={}, state="failed", recipient="a@b.example"
    )
    message.outgoing = row
    message.save()
    world.numbers |= {"message": message.pk, "letter": row.pk}


def prepare(route: str, world: World) -> dict[str, Any]:
    """Bring the ticket into the state the action needs; returns the form."""
    by = make.BY
    if "retry/<int:message>" in route or "<int:letter>" in route:
        failed_mail(world)
    if "quarantine/" in route:
        world.numbers["number"] = world.quarantine.pk
    if route.endswith("undo-move/"):
        actions.move_to_queue(world.ticket, queue=make.billing(), reason="", by=by)
        actions.move_to_queue(world.ticket, queue=make.queue(), reason="", by=by)
    if route.endswith("reopen/"):
        actions.solve(world.ticket, by=by)
    agent = world.people["close"]
    assert agent
    return {
        "body": "Здравствуйте!",
        "summary": "Поговорили",
        "owner": agent.pk,
        "status": "waiting_internal",
        "urgency": "2",
        "topic": make.topic().pk,
        "type": "incident",
        "tags": "вход, почта",
        "subject": "Другая тема",
        "queue": make.billing().pk,
        "reason": "spam",
        "address": "someone@client.example",
        "name": "ООО «Ромашка»",
        "surname": "Зорина",
        "first_name": "Вера",
        "language": "ru",
        "time_zone": "Europe/Moscow",
        "theme": "dark",
        "density": "compact",
        "undo_seconds": "5",
    }


def asked(world: World, who: str, method: str, path: str, form: dict[str, Any]) -> HttpResponse:
    client = Client(REMOTE_ADDR=STRANGER)
    person = world.people[who]
    if person is not None:
        client.force_login(person)
    if method in {"POST", "PUT", "PATCH"}:
        return getattr(client, method.lower())(path, form if method == "POST" else "{}")  # type: ignore[no-any-return]
    return getattr(client, method.lower())(path)  # type: ignore[no-any-return]


def verdict(response: Any) -> str:
    """L for the way to the sign-in page, else the status."""
    if response.status_code == 302 and "/account/login/" in response["Location"]:
        return "L"
    return str(response.status_code)


def answers(route: str, method: str, world: World) -> list[str]:
    """What each of the six gets; each in a world of his own."""
    found = []
    for who in WHO:
        with transaction.atomic():
            numbers = dict(world.numbers)
            form = prepare(route, world) if method == "POST" else {}
            response = asked(world, who, method, address(route, world.numbers), form)
            found.append(verdict(response))
            world.numbers = numbers
            transaction.set_rollback(True)
    return found


def agrees(found: list[str], expected: str) -> bool:
    """`expected` as in the table; braces hold alternatives."""
    return all(
        one in wanted.strip("{}").split(",")
        for one, wanted in zip(found, expected.split(), strict=True)
    )


def family(route: str) -> str:
    return SETTINGS if route.startswith("settings/") else ""


def test_every_operation_has_a_row() -> None:
    known = {*GET, *POST}
    missing = [route for route in ROUTES if route not in known and not family(route)]
    assert not missing, "say in tests/test_access.py who may do that"
    gone = [route for route in known if route not in ROUTES]
    assert not gone, "the table names operations that do not exist"


@pytest.mark.parametrize("route", ROUTES)
def test_get(route: str, world: World) -> None:
    expected = GET.get(route) or family(route) or "L 405 405 405 405 405"
    found = answers(route, "GET", world)
    assert agrees(found, expected), f"{found} instead of {expected}"


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OWN])
def test_post(route: str, world: World) -> None:
    if route == "metrics":
        expected = "404 404 404 404 404 {200,405}"
    else:
        expected = POST.get(route) or family(route) or "L 405 405 405 405 405"
    found = answers(route, "POST", world)
    assert agrees(found, expected), f"{found} instead of {expected}"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_method_does_anything(method: str, world: World) -> None:
    for route in ROUTES:
        if route in OWN or route == "metrics" or family(route) or route in programs.GET:
            continue
        found = answers(route, method, world)
        first = "405" if route in rows.GET else "L"
        assert agrees(found, f"{first} 405 405 405 405 405"), f"{method} {route}: {found}"


def test_a_foreign_ticket_answers_like_a_number_that_does_not_exist(world: World) -> None:
    client = make.browser(world.people["another queue"])

    def said(number: int, rest: str, method: str) -> tuple[int, bytes, set[str]]:
        fragment = {"HX-Request": "true"}
        response = getattr(client, method)(f"/t/{number}/{rest}", headers=fragment)
        number_of_request = response["X-Request-ID"].encode()
        text = response.content.replace(number_of_request, b"R")
        return response.status_code, text, set(response.headers)

    file, message = world.numbers["file"], world.numbers["message"]
    for rest in ("", "pane/", "row/", "context/", f"file/{file}/", f"message/{message}/original/"):
        assert said(world.ticket.pk, rest, "get") == said(987654321, rest, "get")
    for rest in ("reply/", "solve/", "take/", f"retry/{message}/", "quarantine/discard/"):
        assert said(world.ticket.pk, rest, "post") == said(987654321, rest, "post")


def test_a_foreign_ticket_is_not_counted_and_not_listed(world: World) -> None:
    stranger = world.people["another queue"]
    assert stranger
    assert counting.asked(stranger).answer() == dict.fromkeys(queries.VIEWS, 0)
    client = make.browser(stranger)
    for view in queries.VIEWS:
        page = client.get(f"/inbox/{view}/rows/", headers={"HX-Request": "true"})
        assert b"row-link" not in page.content
        assert world.ticket.subject not in page.content.decode()


def test_a_part_of_another_ticket_is_not_given_out_by_mine(world: World) -> None:
    """A file and a mail of a foreign ticket under the number of one's own."""
    stranger = world.people["another queue"]
    own = make.ticket("Мой", queue=make.billing(), who=make.JOHN)
    client = make.browser(stranger)
    file, message = world.numbers["file"], world.numbers["message"]
    for rest in (f"file/{file}/", f"message/{message}/body/", f"message/{message}/original/"):
        assert client.get(f"/t/{own.pk}/{rest}").status_code == 404
    assert client.post(f"/t/{own.pk}/retry/{message}/").status_code == 404


def test_a_file_link_belongs_to_the_session_that_asked(world: World) -> None:
    client = make.browser(world.people["see"])
    response = client.get(f"/t/{world.ticket.pk}/file/{world.numbers['file']}/")
    token = response["Location"].removeprefix("/files/")
    assert read_file_link(token, client.session.session_key or "").name == "счёт.txt"
    with pytest.raises(BadLink):
        read_file_link(token, make.browser(world.people["administrator"]).session.session_key or "")
    with pytest.raises(BadLink):
        read_file_link(token, "")


def test_live_streams_say_nothing_of_foreign_tickets(world: World) -> None:
    ticket = world.ticket
    change = Change(1, ticket.pk, 2, ticket.queue_id, None, "tickets.replied")
    for who, person in world.people.items():
        if person is None:
            continue
        viewer = Viewer(person.pk, frozenset(policy.queues_at(person)))
        asks_for_it = Listener(viewer, "s", frozenset({ticket.queue_id}), frozenset({ticket.pk}))
        heard = asks_for_it.note_of(change)
        assert (heard is None) == (who == "another queue"), who


def test_what_is_served_before_django_has_a_row() -> None:
    """Streams, presence and files check the session themselves: tests/desk/test_live.py and
    test_presence.py, and above."""
    paths = {getattr(route, "path", "") for route in in_loop.routes}
    assert paths == {"/live/stream", "/live/here", "/files/{token}", "/healthz"}


def test_solving_with_an_answer_needs_the_right_to_solve(world: World) -> None:
    client = make.browser(world.people["reply"])
    form = {"body": "Готово", "then": "solve"}
    assert client.post(f"/t/{world.ticket.pk}/reply/", form).status_code == 403
    world.ticket.refresh_from_db()
    assert world.ticket.status == "new"
    assert (
        make.browser(world.people["close"]).post(f"/t/{world.ticket.pk}/reply/", form).status_code
        == 302
    )


def test_a_switched_off_account_sees_nothing(world: World) -> None:
    person = world.people["close"]
    assert person
    client = make.browser(person)
    Agent.objects.filter(pk=person.pk).update(is_active=False)
    assert verdict(client.get(f"/t/{world.ticket.pk}/")) == "L"
