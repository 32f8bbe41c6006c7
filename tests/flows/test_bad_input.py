"""Bad mail through the whole house: what the agent sees, what the sender gets, and that the next
good mail is handled."""

from __future__ import annotations

import asyncio
import base64
import io
import time
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.drain import drain
from tests.mailserver import PASSWORD, ImapServer
from zabota.channels import registry
from zabota.channels.folders import take_new
from zabota.channels.models import Inbox, Outgoing, RawMessage, RawState
from zabota.config.asgi import in_loop
from zabota.lib import clock
from zabota.staff.models import Agent
from zabota.tickets.models import Attachment, Direction, Message, Ticket

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "mail"
HEAD = (
    b"From: =?utf-8?B?0J/RkdGC0YA=?= <p.lebedev@romashka.example>\r\n"
    b"To: support@zabota.example\r\nSubject: Trouble\r\nMessage-ID: <bad@romashka.example>\r\n"
    b"Date: Sun, 22 Nov 2026 10:00:00 +0300\r\nMIME-Version: 1.0\r\n"
)


@pytest.fixture
def box() -> Inbox:
    return make.inbox()


@pytest.fixture
def admin() -> Agent:
    return make.administrator(language="en")


@pytest.fixture
def desk(admin: Agent) -> Client:
    return make.browser(admin)


@pytest.fixture(autouse=True)
def the_next_good_mail_is_handled(box: Inbox, desk: Client) -> Iterator[None]:
    """After every test: a good mail stands on the open list and its sender is told."""
    yield
    told = Outgoing.objects.filter(recipient=make.MARIA[0]).count()
    make.received(box, make.mail("Хорошее письмо", subject="Всё хорошо", who=make.MARIA))
    drain()
    assert "Всё хорошо" in desk.get("/inbox/open/").content.decode()
    assert Outgoing.objects.filter(recipient=make.MARIA[0]).count() == told + 1


def take(box: Inbox, raw: bytes) -> Ticket:
    """The ticket that comes of a mail."""
    make.received(box, raw)
    drain()
    return Ticket.objects.latest("id")


def page(desk: Client, ticket: Ticket) -> str:
    """The ticket as an agent sees it, frames of HTML mails included."""
    answer = desk.get(f"/t/{ticket.pk}/")
    assert answer.status_code == 200
    shown = answer.content.decode()
    for message in ticket.messages.all():
        frame = f"/t/{ticket.pk}/message/{message.pk}/body/"
        if f'"{frame}"' in shown:
            shown += desk.get(frame).content.decode()
    return shown


def saved(desk: Client, address: str) -> tuple[dict[str, str], bytes]:
    """Headers and bytes of a file: the page leads to a signed link, the event loop serves it."""
    answer = desk.get(address)
    assert answer.status_code == 302, answer.status_code
    cookie = f"sessionid={desk.cookies['sessionid'].value}".encode()
    path = answer.headers["Location"]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path}
    scope |= {"query_string": b"", "headers": [(b"cookie", cookie)], "extensions": {}}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()  # the browser stays
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(in_loop(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 200, sent[0]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:])


def told(address: str = make.PETR[0]) -> int:
    """How many mails of ours wait for or went to this address."""
    return Outgoing.objects.filter(recipient=address).count()


def with_file(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = make.PETR[0], "support@zabota.example"
    mail["Subject"], mail["Message-ID"] = "Trouble", "<bad@romashka.example>"
    mail["Date"] = clock.now()
    mail.set_content("Смотрите вложение.")
    main, _, sub = kind.partition("/")
    mail.add_attachment(content, main, sub, filename=name)
    return mail.as_bytes()


@pytest.mark.parametrize("missing", ["Message-ID", "Date", "Subject", "To", "MIME-Version"])
def test_a_mail_without_a_usual_header(box: Inbox, desk: Client, missing: str) -> None:
    lines = (HEAD + b"\r\nNo code comes.\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.startswith(missing.encode() + b":")]
    ticket = take(box, b"\r\n".join(kept))
    assert "No code comes." in page(desk, ticket)
    assert told() == 1


def test_two_mails_without_message_id_are_two(box: Inbox) -> None:
    head = HEAD.replace(b"Message-ID: <bad@romashka.example>\r\n", b"")
    take(box, head + b"\r\nFirst\r\n")
    take(box, head + b"\r\nSecond\r\n")
    take(box, head + b"\r\nSecond\r\n")
    assert Message.objects.filter(direction=Direction.IN).count() == 2


def test_a_mail_without_from_waits_in_quarantine_with_its_original(
    box: Inbox, desk: Client
) -> None:
    raw = b"Subject: nobody\r\nMessage-ID: <bad@x>\r\n\r\nWho am I?\r\n"
    ticket = take(box, raw)
    shown = page(desk, ticket)
    assert "Нет отправителя" in shown, "in the language of the inbox"
    for way in ("retry", "make-ticket", "discard"):
        assert f"/t/{ticket.pk}/quarantine/{way}/" in shown
    assert Outgoing.objects.count() == 0
    headers, body = saved(desk, f"/t/{ticket.pk}/file/{Attachment.objects.get().pk}/")
    assert body == raw
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n  \r\n"])
def test_a_mail_without_a_body(box: Inbox, desk: Client, body: bytes) -> None:
    ticket = take(box, HEAD + body)
    assert "Trouble" in page(desk, ticket)
    assert told() == 1


@pytest.mark.parametrize("declared", ["us-ascii", "utf-8", "koi8-r", "no-such-charset", "rot13"])
def test_a_lying_charset_is_read_all_the_same(box: Inbox, desk: Client, declared: str) -> None:
    words = "Здравствуйте! Со вчерашнего вечера не приходит код для входа в кабинет."
    head = HEAD + f"Content-Type: text/plain; charset={declared}\r\n\r\n".encode()
    shown = page(desk, take(box, head + words.encode("cp1251")))
    if declared != "koi8-r":  # any bytes are koi8-r: nobody can know
        assert words in shown
    assert told() == 1


def test_a_thousand_nested_parts(box: Inbox, desk: Client) -> None:
    lines = [HEAD]
    for depth in range(1000):
        lines.append(f'Content-Type: multipart/mixed; boundary="b{depth}"\r\n\r\n'.encode())
        lines.append(f"--b{depth}\r\n".encode())
    lines.append(b"Content-Type: text/plain\r\n\r\nDeep inside\r\n")
    lines += [f"--b{depth}--\r\n".encode() for depth in reversed(range(1000))]
    began = time.monotonic()
    shown = page(desk, take(box, b"".join(lines)))
    assert time.monotonic() - began < 10
    assert "Trouble" in shown
    assert told() == 1


def test_a_thousand_parts_side_by_side(box: Inbox, desk: Client) -> None:
    part = b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n"
    head = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    ticket = take(box, head + part * 1000 + b"--b--\r\n")
    assert "a.txt" in page(desk, ticket)
    assert told() == 1


def test_sixty_megabytes_are_named_and_left_in_the_mailbox(box: Inbox, desk: Client) -> None:
    mail = with_file("видео.mp4", b"\0" * (45 * 1024 * 1024), "video/mp4")
    assert len(mail) > 60 * 1024 * 1024
    with ImapServer() as server:
        box.config = {**server.config()}
        box.set_secret(PASSWORD)
        box.save()
        server.append(mail)
        server.append(make.mail("Следом", subject="Следующее", who=make.JOHN))
        mailbox = registry.kind("mail").open(box)
        assert take_new(box, mailbox, "INBOX") == 2
        mailbox.close()
        assert len(server.messages()) == 2, "nothing is taken out of the mailbox"
    drain()
    shown = page(desk, Message.objects.get(message_id="bad@romashka.example").ticket)
    assert "Смотрите вложение." in shown
    assert "too large, not taken" in shown
    assert RawMessage.objects.get(is_cut=True).size == len(mail.replace(b"\n", b"\r\n"))
    assert "Следующее" in desk.get("/inbox/open/").content.decode()
    assert told() == 1


def test_a_zip_bomb_is_a_file_and_nobody_opens_it(box: Inbox, desk: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (100 * 1024 * 1024))
    began = time.monotonic()
    ticket = take(box, with_file("отчёт.zip", packed.getvalue(), "application/zip"))
    assert "отчёт.zip" in page(desk, ticket)
    assert time.monotonic() - began < 5
    assert Attachment.objects.get().size == len(packed.getvalue())


def test_winmail_dat_is_kept(box: Inbox, desk: Client) -> None:
    shown = page(desk, take(box, (SAMPLES / "winmail-dat.eml").read_bytes()))
    assert "Смотрите вложение." in shown
    assert "winmail.dat" in shown


def test_the_same_mail_in_two_inboxes_is_one_ticket_and_one_answer(
    box: Inbox, desk: Client
) -> None:
    second = make.inbox(make.billing())
    raw = HEAD + b"\r\nTo both of you\r\n"
    make.received(box, b"Received: by a; Sun, 22 Nov 2026 10:00:00 +0300\r\n" + raw)
    make.received(second, b"Received: by b; Sun, 22 Nov 2026 10:00:07 +0300\r\n" + raw)
    drain()
    assert Ticket.objects.count() == 1
    assert desk.get("/inbox/open/").content.decode().count("/t/") >= 1
    assert sorted(RawMessage.objects.values_list("state", flat=True)) == [
        RawState.DONE,
        RawState.DOUBLE,
    ]
    assert "To both of you" in page(desk, Ticket.objects.get())


def test_a_mail_from_our_own_address_is_kept_and_not_answered(box: Inbox, desk: Client) -> None:
    ticket = take(box, make.mail("Сами себе", who=(box.address, "Мы")))
    assert "Сами себе" in page(desk, ticket)
    assert Outgoing.objects.count() == 0


def test_two_robots_stop_answering_each_other(box: Inbox, desk: Client) -> None:
    """The other robot gives no sign, makes a new subject and answers whatever comes."""
    for number in range(12):
        make.received(box, make.mail(f"Ваш запрос {number} принят", subject=f"Автомат {number}"))
        drain()
    assert Message.objects.filter(direction=Direction.IN).count() == 12, "nothing is thrown away"
    assert told() <= 3, "we fell silent"
    assert "Ваш запрос 11 принят" in page(desk, Ticket.objects.latest("id"))


@pytest.mark.parametrize(
    "sign",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.romashka.example>"},
        {"X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>", "Auto_Submitted": "auto-generated"},
    ],
    ids=lambda sign: next(iter(sign)),
)
def test_a_robot_is_kept_and_not_answered(box: Inbox, desk: Client, sign: dict[str, str]) -> None:
    mail = make.mail("Я робот", **sign)  # type: ignore[arg-type]
    ticket = take(box, mail)
    assert "Я робот" in page(desk, ticket)
    assert Outgoing.objects.count() == 0


def test_html_with_everything_bad_shows_its_words_alone(box: Inbox, desk: Client) -> None:
    ticket = take(box, (SAMPLES / "html-with-everything-bad.eml").read_bytes())
    message = ticket.messages.get(direction=Direction.IN)
    answer = desk.get(f"/t/{ticket.pk}/message/{message.pk}/body/")
    body = answer.content.decode()
    assert "Добрый день" in body
    for bad in (
        *("<script", "alert(1)", "<form", "<input", "<style", "<iframe", "<svg", "onload"),
        *("onclick", "javascript:", "data:", "position:fixed", "url(", ' src="http'),
    ):
        assert bad not in body, bad
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "http:" not in policy, "remote pictures wait until they are asked for"
    assert "alert(1)" not in page(desk, ticket)


@pytest.mark.parametrize(
    ("name", "shown_as", "not_shown"),
    [
        ("../../etc/passwd", "passwd", "../"),
        ("C:\\Users\\x\\report.pdf", "report.pdf", "Users"),
        ("invoice\u202egnp.txt", "invoicegnp.txt", "\u202e"),
        ("д" * 300 + ".txt", "ддд.txt", "д" * 200),
        ('a"b\r\nX-Evil: 1.txt', "X-Evil", "\r\nX-Evil"),
        ("CON.txt", "CON_.txt", ">CON.txt"),
    ],
    ids=["path", "backslashes", "right-to-left", "300 letters", "header", "device"],
)
def test_file_names_are_made_harmless(
    box: Inbox, desk: Client, name: str, shown_as: str, not_shown: str
) -> None:
    head = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nLook\r\n--b\r\n'
    coded = base64.b64encode(name.encode()).decode()
    file = f'Content-Disposition: attachment; filename="=?utf-8?B?{coded}?="\r\n\r\nx\r\n--b--\r\n'
    ticket = take(box, head + file.encode())
    shown = page(desk, ticket)
    assert shown_as in shown
    assert not_shown not in shown
    headers, body = saved(desk, f"/t/{ticket.pk}/file/{Attachment.objects.get().pk}/")
    assert body == b"x"
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert "x-evil" not in headers


def test_a_million_lines_are_taken_and_the_page_stays_quick(box: Inbox, desk: Client) -> None:
    raw = HEAD + b"\r\n" + b"A line of a log\r\n" * 1_000_000
    ticket = take(box, raw)
    began = time.monotonic()
    answer = desk.get(f"/t/{ticket.pk}/")
    assert answer.status_code == 200
    assert "A line of a log" in answer.content.decode()
    assert time.monotonic() - began < 3
    assert len(answer.content) < 5_000_000, "the page does not carry all of it"
    message = ticket.messages.get(direction=Direction.IN)
    _, original = saved(desk, f"/t/{ticket.pk}/message/{message.pk}/original/")
    assert original == raw, "all of it is one click away"
    assert told() == 1
