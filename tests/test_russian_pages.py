"""A Russian page, letter or command speaks Russian: a Latin word is a name or a quotation."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail as post
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse

from tests import make
from tests.drain import drain
from tests.notify.program import webhook
from zabota.channels.contract import ParsedFile, Robot
from zabota.channels.models import Outgoing, OutgoingState
from zabota.channels.outbox import load
from zabota.desk.settings import calls
from zabota.lib import clock
from zabota.notify import hearing
from zabota.notify.models import DeliveryState, Webhook, WebhookDelivery
from zabota.notify.webhooks import switch_off
from zabota.staff import invitations
from zabota.staff.models import Agent
from zabota.tickets import actions
from zabota.tickets.models import Attachment, AttachmentState, Message, Ticket

pytestmark = pytest.mark.django_db

RUSSIAN = {"Accept-Language": "ru"}
# Product and protocol names, keys, header names, and the self-name of the other language.
NAMES = frozenset(
    "Aegis Authenticator Coyhaique Ctrl DATABASE_URL DKIM DMARC DNS Enter English Esc FreeOTP "
    "Gmail Google IMAP INBOX Mail Microsoft NTP OAuth Outlook PostgreSQL SMTP SPF STARTTLS TLS UTC "
    "Zabota ZABOTA_FETCH_NETWORKS fetch utf Auto-Submitted From Message-ID Reply-To Return-Path "
    "Sender".split()
)
COMMANDS = frozenset(
    "zabota up migrate demo load remove admin create link reset doctor docs psql help mail explain "
    "JSON backup restore verify-backup resume web worker".split()
)
WORD = re.compile(r"[A-Za-z][A-Za-z_-]*[A-Za-z]|[A-Za-z]")
# Addresses, domains, file names and message ids are quotations.
QUOTED = re.compile(r"\S+@\S+|https?://\S+|\b[\w-]+(?:\.[\w-]+)+\b|#\w+|<[^<>\s]+>|'[^']+'")
READ_ALOUD = ("title", "aria-label", "placeholder", "alt")
# What stands in a textarea was written by people: signal words are in the clients' languages.
UNSEEN = {"script", "style", "code", "kbd", "textarea"}
VOID = {"input", "br", "meta", "link", "img", "hr", "use", "source"}


class Reader(HTMLParser):
    """Collects what a person sees or hears, without code and text marked as another language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = tag in UNSEEN or given.get("lang") not in (None, "ru")
        if tag not in VOID:
            self.open.append(hidden)
        if not hidden and not any(self.open):
            self.texts += [value for name in READ_ALOUD if (value := given.get(name))]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open):
            self.texts.append(data)


def latin(text: str) -> set[str]:
    """Latin words of three letters and more that are neither names nor quotations."""
    found = {word for word in WORD.findall(QUOTED.sub(" ", text)) if len(word) > 2}
    return found - NAMES


def read(html: str) -> str:
    """Everything a person is told by a page."""
    reader = Reader()
    reader.feed(html.replace("<wbr>", ""))
    return "\n".join(reader.texts)


def assert_russian(client: Client, *addresses: str, least: int = 200) -> None:
    wrong = {}
    for address in addresses:
        answer = client.get(address, headers=RUSSIAN, follow=True)
        text = read(answer.content.decode())
        assert answer.status_code < 500, address
        assert len(re.findall("[а-яё]", text.lower())) > 20, f"{address} says nothing"
        if words := latin(text):
            wrong[address] = sorted(words)
    assert wrong == {}


@pytest.fixture
def chief() -> Agent:
    return make.administrator(patronymic="Павловна")


@pytest.fixture
def office(chief: Agent) -> Client:
    """The administrator's browser."""
    return make.browser(chief)


@pytest.fixture
def ticket(chief: Agent) -> Ticket:
    """A ticket with every kind of message and every kind of change."""
    make.account(domain="romashka.example")
    files = tuple(make.file(name) for name in ("журнал.txt", "пакет.exe", "вирус.doc", "фильм.avi"))
    files += (ParsedFile("снимок.png", "image/png", 4, b"\x89PNG"),)
    repairs = ("no Message-ID", "charset 'x-none' is unknown: read as cp1251 by its statistics")
    first = make.incoming(files=files, html="<p>Здравствуйте</p>", quoted="> Ранее", repairs=())
    Message.objects.filter(pk=first.pk).update(repairs=repairs)
    states = (AttachmentState.BLOCKED, AttachmentState.INFECTED, AttachmentState.TOO_LARGE)
    for file, state in zip(Attachment.objects.order_by("id")[1:], states, strict=False):
        Attachment.objects.filter(pk=file.pk).update(state=state)
    drain()
    found = Ticket.objects.get()
    by: dict[str, Any] = {"agent": chief, "by": chief.actor}
    actions.take(found, **by)
    actions.set_urgency(found, 1, by=chief.actor)
    actions.set_type(found, "incident", by=chief.actor)
    actions.set_topic(found, make.topic(), by=chief.actor)
    actions.set_tags(found, ["возврат"], by=chief.actor)
    actions.rename(found, "Код не приходит", by=chief.actor)
    actions.move_to_queue(found, queue=make.billing(), reason="спор о счёте", by=chief.actor)
    actions.undo_move(found, by=chief.actor)
    actions.add_note(found, "Проверить почту.", **by)
    actions.log_call(
        found, "Клиент спешит.", topic="Вход", advice="Подождать", came_in=True, minutes=3, **by
    )
    actions.reply(found, "Проверяем.", solve=True, **by)
    drain()
    make.incoming("Всё равно не приходит.", joins=found)
    drain()
    actions.reply(found, "Смотрим ещё раз.", then="waiting_client", **by)
    return Ticket.objects.get(pk=found.pk)


def test_the_desk_speaks_russian(office: Client, ticket: Ticket) -> None:
    make.ticket("Рассылка", robot=Robot.LIST, who=("news@shop.example", "Магазин"))
    Message.objects.filter(robot=Robot.LIST).update(robot_sign="List-Unsubscribe is present")
    Message.objects.filter(robot=Robot.LIST).update(robot_sign="From is a no-reply address")
    broken = make.quarantined("There are no mail headers: this is not a mail.")
    robot = Ticket.objects.get(is_robot=True, quarantined=None)
    views = ("mine", "unassigned", "open", "burning", "solved", "robots", "quarantine")
    assert_russian(office, *(f"/inbox/{view}/" for view in views))
    assert_russian(office, *(f"/t/{one.pk}/" for one in (ticket, robot, broken)))
    assert_russian(office, *(f"/t/{one.pk}/context/" for one in (ticket, robot, broken)))
    assert_russian(office, "/profile/", "/undelivered/", "/t/999999/", "/nothing/")


def test_the_desk_renders_in_english_too(office: Client, chief: Agent, ticket: Ticket) -> None:
    Agent.objects.filter(pk=chief.pk).update(language="en")
    numbers = (f"/t/{ticket.pk}/", f"/t/{ticket.pk}/context/")
    kinds = ("agents", "departments", "queues", "topics", "inboxes", "clients")
    settings = [f"/settings/{kind}/{page}" for kind in kinds for page in ("", "new/")]
    for address in (
        "/inbox/open/",
        "/profile/",
        "/undelivered/",
        "/settings/",
        *numbers,
        *settings,
    ):
        answer = office.get(address, follow=True)
        assert answer.status_code == 200, address
        assert "None" not in read(answer.content.decode()).split(), address


def test_what_was_not_delivered_is_told_in_russian(office: Client, ticket: Ticket) -> None:
    errors = (
        "The SMTP server refused the recipient: 550",
        "There is no inbox to send from. Add one under Settings, Inboxes.",
        "The connection broke after the message was handed over; it may have been taken.",
    )
    for row, error in zip(Outgoing.objects.order_by("id"), errors, strict=False):
        row.state, row.last_error, row.attempts = OutgoingState.FAILED, error, 3
        row.save()
    assert_russian(office, "/undelivered/", f"/t/{ticket.pk}/")


def test_the_settings_speak_russian(office: Client, chief: Agent) -> None:
    box, company = make.inbox(), make.account(domain="romashka.example")
    make.topic()
    line = make.agent()
    kinds = ("agents", "departments", "queues", "topics", "inboxes", "clients")
    assert_russian(office, "/settings/", *(f"/settings/{kind}/" for kind in kinds))
    assert_russian(office, *(f"/settings/{kind}/new/" for kind in kinds))
    one = {"agents": line.pk, "queues": make.queue().pk, "inboxes": box.pk, "clients": company.pk}
    assert_russian(office, *(f"/settings/{kind}/{pk}/" for kind, pk in one.items()))
    assert_russian(office, f"/settings/inboxes/{box.pk}/import/")
    box.config = {"auth": "microsoft"}
    box.save()
    given = {"client_id": "17", "client_secret": "x"}
    office.post(f"/settings/inboxes/{box.pk}/permission/", given)
    assert_russian(office, f"/settings/inboxes/{box.pk}/permission/")
    assert_russian(office, "/settings/inboxes/permission/")


def test_programs_speak_russian(office: Client) -> None:
    assert_russian(office, "/settings/programs/", "/settings/programs/reference/")
    page = office.get("/settings/programs/reference/", headers=RUSSIAN).content.decode()
    assert len(read(page)) > 10_000, "the words between the codes"


def test_webhooks_speak_russian(office: Client) -> None:
    hook, _secret = webhook("https://hooks.example/", *hearing.KNOWN, name="Склад")
    pages = [f"/settings/webhooks/{rest}" for rest in ("", "new/", f"{hook.pk}/")]
    assert_russian(office, *pages)
    states = list(DeliveryState.values)
    for number, error in enumerate(calls.ERRORS):
        state = states[number % len(states)]
        row = WebhookDelivery.objects.create(
            webhook=hook, event=number + 1, kind="tickets.made", ticket=1, state=state, error=error,
            detail="10.0.0.1", attempts=2, tried_at=clock.now(), next_try=clock.now(), status=500,
        )  # fmt: skip
        told = {"last_error": error, "failing_since": clock.now(), "last_detail": "10.0.0.1"}
        reason = ("", "gone", "week", "hand")[number % 4]
        Webhook.objects.update(is_active=not reason, off_reason=reason, **told)
        assert_russian(office, *pages, f"/settings/webhook-deliveries/{row.pk}/", "/undelivered/")
    assert_russian(office, f"/settings/webhooks/{hook.pk}/deliveries/")
    made = office.post(f"/settings/webhooks/{hook.pk}/secret/", {"hours": 168}, headers=RUSSIAN)
    assert "Секрет" in made.content.decode()
    assert latin(read(made.content.decode())) <= {"standardwebhooks"}


def test_the_alarm_of_a_webhook_speaks_russian(chief: Agent) -> None:
    make.inbox()
    for reason in ("gone", "week"):
        hook, _secret = webhook("https://hooks.example/", "tickets.made", name="Склад")
        with transaction.atomic():
            switch_off(Webhook.objects.select_for_update().get(pk=hook.pk), reason, by=make.BY)
    drain()
    letters = [load(row.envelope) for row in Outgoing.objects.filter(key__startswith="webhook:")]
    assert len(letters) == 2
    for letter in letters:
        assert latin(f"{letter.subject} {letter.text}") == set()


def test_sign_in_speaks_russian(office: Client) -> None:
    stranger = Client()
    names = ("login", "reset_password", "reset_password_done", "inactive")
    assert_russian(stranger, *(reverse(f"account_{name}") for name in names))
    assert_russian(stranger, reverse("account_reset_password_from_key_done"))
    assert_russian(
        stranger, reverse("invitation", args=["lost"]), "/account/password/reset/key/a-b/"
    )
    names = ("account_change_password", "account_logout", "mfa_index", "usersessions_list")
    assert_russian(office, *(reverse(name) for name in names))


def test_refusals_of_the_sign_in_speak_russian(office: Client) -> None:
    answers = [
        Client().post(reverse("account_login"), {"login": "a@b.example", "password": "x"}),
        Client().post(reverse("account_login"), {"login": "нет", "password": ""}),
        office.post(
            reverse("account_change_password"),
            {"oldpassword": "x", "password1": "1", "password2": "2"},
        ),
        office.post("/settings/agents/new/", {"email": "anna@zabota.example", "surname": "1"}),
        office.post("/settings/inboxes/new/", {"address": "x", "name": ""}),
    ]
    for answer in answers:
        text = read(answer.content.decode())
        assert latin(text) == set(), answer.request["PATH_INFO"]


def test_letters_to_clients_speak_their_language(ticket: Ticket, chief: Agent) -> None:
    make.ticket("Заказ", who=make.MARIA)
    make.ticket("Order", who=make.JOHN, language="en")
    drain()
    for one in Ticket.objects.exclude(pk=ticket.pk):
        actions.solve(one, by=chief.actor)
    drain()
    letters = [load(row.envelope) for row in Outgoing.objects.all()]
    assert len(letters) >= 6
    for letter in letters:
        text = f"{letter.subject}\n{letter.text}".removeprefix("Re: ")
        if letter.to[0].email == make.JOHN[0]:
            assert not re.search("[а-яё]", letter.text.replace("Первая линия", ""))
        else:
            assert latin(text) == set(), letter.text


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_letters_to_agents_speak_russian(chief: Agent) -> None:
    invitations.invite(make.agent("Ольга Щербакова"), by=chief.actor)
    Client().post(reverse("account_reset_password"), {"email": chief.email}, headers=RUSSIAN)
    assert post.outbox
    for letter in post.outbox:
        assert latin(f"{letter.subject}\n{letter.body}") == set(), letter.body


@pytest.mark.parametrize("words", ["--help", "demo --help", "admin --help", "admin create", "demo"])
def test_commands_speak_russian(words: str, tmp_path: object) -> None:
    command = [sys.executable, "-m", "zabota.ops.cli", *words.split()]
    environment = {"LANG": "ru_RU.UTF-8", "ZABOTA_DATA": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    text = done.stdout + done.stderr
    assert re.search("[а-яё]", text)
    assert latin(text) - COMMANDS == set(), text


def test_the_reader_sees_what_a_person_sees() -> None:
    html = '<p title="Hidden tip">Да <code>raw</code><i lang="en">quote</i><br>open word</p>'
    assert latin(read(html)) == {"Hidden", "tip", "open", "word"}
