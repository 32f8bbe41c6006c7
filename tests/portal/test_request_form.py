"""The request form: what it asks, what it refuses, and the ticket it makes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import make
from tests.drain import drain
from tests.portal import visitor
from zabota.channels import blobs
from zabota.channels.models import Inbox, RawMessage
from zabota.events.models import Event
from zabota.lib import clock
from zabota.portal import limits, requesting, typos
from zabota.portal.models import Attempt
from zabota.staff import asking
from zabota.staff.models import RequestForm, Topic
from zabota.tickets import actions
from zabota.tickets.balance import days_of
from zabota.tickets.models import Message, Rating, Ticket, Urgency

pytestmark = pytest.mark.django_db
PETR = make.PETR[0]
MARK = re.compile(r'name="mark" value="([^"]+)"')


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests fill the form faster than people."""
    monkeypatch.setattr(requesting, "QUICKEST", -1)


@pytest.fixture
def topic() -> Topic:
    make.inbox()
    return public("Вход", "Sign-in")


def public(ru: str, en: str, *fields: asking.Field, preset: str = "", **more: Any) -> Topic:
    found = make.topic(ru, en)
    found.fields = [one.as_json() for one in fields] or asking.preset(preset)
    found.is_public = True
    for name, value in more.items():
        setattr(found, name, value)
    found.save()
    return found


def drawn(topic: Topic, client: Client) -> dict[str, str]:
    """The hidden fields of a form that was just opened."""
    page = client.get(f"/request/{topic.pk}/").content.decode()
    found = MARK.search(page)
    assert found
    version = re.search(r'name="consent_version" value="(\d+)"', page)
    return {"mark": found[1], "consent_version": version[1] if version else ""}


def filled(**more: Any) -> dict[str, Any]:
    return {
        "name": "Пётр Лебедев",
        "address": PETR,
        "subject": "Не приходит код",
        "text": "С утра не приходит код.",
        "loses_money": "no",
    } | more


def sent(topic: Topic, client: Client | None = None, **more: Any) -> Any:
    browser = client or visitor.browser()
    return browser.post(f"/request/{topic.pk}/", drawn(topic, browser) | filled(**more))


def test_a_request_becomes_a_ticket_with_number_time_and_page(topic: Topic) -> None:
    client = visitor.browser()
    answer = sent(topic, client, files=SimpleUploadedFile("снимок.txt", b"x"))
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    page = client.get(answer["Location"]).content.decode()
    ticket = Ticket.objects.get()
    assert f"Request #{ticket.pk}" in page
    assert "Expect our answer by: " in page
    assert ticket.topic == topic
    assert ticket.queue == topic.queue
    assert ticket.language == "en"
    message = Message.objects.get(direction="in")
    assert message.text == "С утра не приходит код."
    assert message.thread_how == "form"
    assert message.attachments.get().name == "снимок.txt"
    drain()
    (mail,) = visitor.mails(PETR)
    assert f"#{ticket.pk}" in mail
    assert visitor.page_of(PETR) != answer["Location"]


def test_who_sent_the_form_reads_nothing_until_he_proves_the_address(topic: Topic) -> None:
    """He may have typed the address of somebody else."""
    client = visitor.browser()
    receipt = sent(topic, client)["Location"]
    ticket = Ticket.objects.get()
    vera = make.agent()
    actions.reply(ticket, "Код отправлен на ваш телефон.", agent=vera, by=vera.actor, solve=True)
    drain()
    page = client.get(receipt).content.decode()
    assert "Solved" in page
    for secret in ("Не приходит код", "С утра", "Код отправлен", PETR, "message/", "rate/"):
        assert secret not in page
    token = receipt.split("/")[2]
    for path in ("solved/", "message/"):
        assert client.post(f"/r/{token}/{path}", {"text": "Чужое"}).status_code == 410
    for path in ("rate/1/", "file/1/"):
        assert client.get(f"/r/{token}/{path}").status_code == 410
    assert client.post(f"/r/{token}/rate/1/", {"mark": "1"}).status_code == 410
    assert not Rating.objects.exists()

    known = visitor.browser()
    mine = visitor.page_of(PETR)
    known.post("/my/", {"address": PETR})
    drain()
    known.post(visitor.links(visitor.mails(PETR)[-1])[0])
    assert known.get(receipt)["Location"] == mine


def test_a_second_request_says_its_time_though_no_second_letter_goes(topic: Topic) -> None:
    client = visitor.browser()
    for number in range(2):
        answer = sent(topic, client, subject=f"Вопрос {number}")
        page = client.get(answer["Location"]).content.decode()
        assert "Expect our answer by: " in page
    drain()
    assert len(visitor.mails(PETR)) == 1


def test_what_was_typed_is_kept_raw(topic: Topic) -> None:
    sent(topic)
    raw = RawMessage.objects.get()
    kept = json.loads(blobs.get(raw.sha256))
    assert kept["text"] == "С утра не приходит код."
    assert kept["more"]["topic"] == topic.pk
    agent = make.agent()
    message = Message.objects.get(direction="in")
    path = f"/t/{message.ticket_id}/message/{message.pk}/original/"
    assert make.browser(agent).get(path).status_code == 302


def test_what_was_typed_is_no_mail_of_the_balance(topic: Topic) -> None:
    sent(topic)
    assert RawMessage.objects.filter(inbox=make.inbox()).count() == 1
    assert days_of([make.inbox()]) == []


def test_double_submit_and_back_button_make_one_ticket(topic: Topic) -> None:
    client = visitor.browser()
    form = drawn(topic, client) | filled()
    first = client.post(f"/request/{topic.pk}/", form)
    again = client.post(f"/request/{topic.pk}/", form)
    assert first["Location"] == again["Location"]
    assert Ticket.objects.count() == 1
    other = client.post(f"/request/{topic.pk}/", form | {"text": "Другой вопрос"})
    assert other["Location"] != first["Location"]
    assert Ticket.objects.count() == 2


def test_losing_money_goes_first(topic: Topic) -> None:
    sent(topic, loses_money="yes")
    ticket = Ticket.objects.get()
    assert ticket.urgency == Urgency.LOSES_MONEY
    agent = make.agent(language="en")
    pane = make.browser(agent).get(f"/t/{ticket.pk}/").content.decode()
    assert "The client says so in the form." in pane
    sent(topic, loses_money="no", text="Просто вопрос")
    assert Ticket.objects.latest("id").urgency == Urgency.NORMAL


def test_consent_is_asked_with_its_version_and_kept(topic: Topic) -> None:
    asking.set_consent("Согласен на обработку", "I agree to processing", by=make.BY)
    client = visitor.browser()
    assert "I agree to processing" in client.get(f"/request/{topic.pk}/").content.decode()
    refused = sent(topic, client)
    assert refused.status_code == 422
    assert "Without your consent" in refused.content.decode()
    form = drawn(topic, client)
    asking.set_consent("Новый текст", "New text", by=make.BY)
    stale = client.post(f"/request/{topic.pk}/", form | filled(consent="on"))
    assert stale.status_code == 422
    assert "Please read it again" in stale.content.decode()
    assert not Ticket.objects.exists()
    shown = stale.content.decode()
    assert 'name="consent_version" value="2"' in shown
    assert sent(topic, client, consent="on").status_code == 302
    fact = Event.objects.get(kind="tickets.consent_given")
    assert fact.facts["version"] == 2
    assert asking.set_consent("Новый текст", "New text", by=make.BY) is None


FIELDS = (
    asking.Field("text", "Заказ", "Order", required=True, pattern=r"\d{4}"),
    asking.Field("money", "Сумма", "Sum", required=True),
    asking.Field("date", "День", "Day"),
    asking.Field("choice", "Как", "How", choices=[("картой", "by card"), ("иначе", "otherwise")]),
    asking.Field("mail", "Почта", "Mail"),
    asking.Field("phone", "Телефон", "Phone"),
    asking.Field("number", "Число", "Number"),
    asking.Field("long", "Подробно", "Details"),
)
GOOD: dict[str, Any] = {
    "q0": "4471", "q1": "1 234,56 ₽", "q2": "2026-11-20", "q3": "by card", "q4": "a@b.example",
    "q5": "+7 (900) 123-45-67", "q6": "3,5", "q7": "Много\nстрок",
}  # fmt: skip


def test_answers_of_a_topic_stand_in_the_message() -> None:
    make.inbox()
    topic = public("Оплата", "Payment", *FIELDS)
    answer = sent(topic, **GOOD)
    assert answer.status_code == 302, answer.content.decode()
    text = Message.objects.get(direction="in").text
    for line in ("Order: 4471", "Sum: 1234.56", "Day: 2026-11-20", "How: by card", "Number: 3.5"):
        assert line in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"q0": ""}, {"q0": "447"}, {"q0": "4471\n"}, {"q0": "44711"}, {"q1": ""}, {"q1": "много"},
        {"q1": "-5"}, {"q1": "NaN"}, {"q1": "1e999"}, {"q2": "31.02.2026"}, {"q3": "натурой"},
        {"q4": "a@"}, {"q5": "позвоните"}, {"q6": "∞"}, {"q7": "я" * 5001},
    ],
)  # fmt: skip
def test_wrong_or_missing_answers_come_back(wrong: dict[str, Any]) -> None:
    make.inbox()
    topic = public("Оплата", "Payment", *FIELDS)
    answer = sent(topic, **(GOOD | wrong))
    if wrong.get("q0") == "4471\n":
        # A line break at the end is no other answer.
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert "С утра не приходит код." in answer.content.decode()
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "нет"}, {"address": ""}, {"subject": " "}, {"text": "\n"}, {"loses_money": "x"},
        {"loses_money": ""}, {"mark": ""}, {"mark": "forged"}, {"website": "http://spam.example"},
        {"address": "support@zabota.example"},
    ],
)  # fmt: skip
def test_wrong_forms_are_refused_in_words(topic: Topic, wrong: dict[str, Any]) -> None:
    make.inbox(address="support@zabota.example")
    client = visitor.browser()
    form = drawn(topic, client) | filled() | wrong
    answer = client.post(f"/request/{topic.pk}/", form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Ticket.objects.exists()


def test_a_name_in_emoji_is_a_name(topic: Topic) -> None:
    assert sent(topic, name="🙂 🦊\n👩‍👩‍👧").status_code == 302
    assert "🦊" in str(Ticket.objects.get().contact)


def test_a_form_that_comes_back_at_once_waits_for_a_second_press(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "QUICKEST", 3)
    client = visitor.browser()
    form = drawn(topic, client) | filled()
    answer = client.post(f"/request/{topic.pk}/", form)
    assert answer.status_code == 422
    assert "That was very quick" in answer.content.decode()
    monkeypatch.setattr(requesting, "QUICKEST", -1)
    assert client.post(f"/request/{topic.pk}/", form).status_code == 302


def test_a_robot_without_our_form_gets_nothing(topic: Topic) -> None:
    robot = Client(enforce_csrf_checks=True)
    assert robot.post(f"/request/{topic.pk}/", filled()).status_code == 403
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("petr@gmial.com", "petr@gmail.com"), ("petr@gmail.co", "petr@gmail.com"),
        ("petr@yandex.tu", "petr@yandex.ru"), ("petr@maul.ru", "petr@mail.ru"),
        ("petr@gmail.com", ""), ("petr@mail.ru", ""), ("petr@romashka.example", ""),
        ("petr@email.com", ""), ("petr@ya.ru", ""),
    ],
)  # fmt: skip
def test_slips_in_addresses(typed: str, meant: str) -> None:
    assert typos.meant(typed) == meant


def test_a_slip_is_asked_about_once(topic: Topic) -> None:
    client = visitor.browser()
    asked = sent(topic, client, address="petr@gmial.com")
    assert asked.status_code == 422
    assert "Did you mean petr@gmail.com?" in asked.content.decode()
    assert sent(topic, client, address="petr@gmial.com", address_is_right="on").status_code == 302


def test_a_hundred_files_and_blocked_ones_are_refused(topic: Topic) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(100)]
    assert sent(topic, files=files).status_code == 422
    assert sent(topic, files=SimpleUploadedFile("вирус.exe", b"MZ")).status_code == 422
    assert not Ticket.objects.exists()


def test_requests_are_limited_by_address_and_network(topic: Topic) -> None:
    most = limits.REQUESTS_OF_ADDRESS.most
    found = [sent(topic, text=f"Вопрос {n}").status_code for n in range(most + 1)]
    assert found == [302] * most + [429]
    assert sent(topic, address=make.MARIA[0]).status_code == 302
    assert PETR not in repr(list(Attempt.objects.values()))
    with clock.shifted(timedelta(hours=2)):
        assert sent(topic, text="Позже").status_code == 302


def test_the_tree_offers_public_topics_only(topic: Topic) -> None:
    payment = public("Оплата", "Payment")
    part = public("Счета", "Invoices", parent=payment)
    hidden = make.topic("Внутренняя", "Internal")
    page = visitor.browser().get("/request/").content.decode()
    assert f"/request/{topic.pk}/" in page
    assert f"/request/{part.pk}/" in page
    assert f"/request/{payment.pk}/" not in page
    assert "Internal" not in page
    for number in (payment.pk, hidden.pk, 987654):
        assert visitor.browser().get(f"/request/{number}/")["Location"] == "/request/"


def test_a_form_that_is_switched_off_says_where_to_write(topic: Topic) -> None:
    RequestForm.objects.create(is_on=False)
    for path in ("/request/", f"/request/{topic.pk}/"):
        answer = visitor.browser().get(path)
        assert answer.status_code == 404
        assert "mailto:" in answer.content.decode()


def test_without_a_mailbox_nothing_is_lost_silently(topic: Topic) -> None:
    client = visitor.browser()
    form = drawn(topic, client) | filled()
    Inbox.objects.update(is_active=False)
    answer = client.post(f"/request/{topic.pk}/", form)
    assert answer.status_code == 503
    assert "С утра не приходит код." in answer.content.decode()


def test_presets_ask_in_both_languages() -> None:
    make.inbox()
    topic = public("Оплата", "Payment", preset="payment")
    for language, words in (("ru", "Номер заказа или счёта"), ("en", "Number of the order")):
        assert words in visitor.browser(language).get(f"/request/{topic.pk}/").content.decode()
    assert len(asking.preset("access")) == 4
    assert asking.preset("none") == []
