from __future__ import annotations

import email
import email.policy
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zabota.channels.contract import Address, Envelope, OutgoingFile, PermanentError, Robot
from zabota.channels.kinds.mail.compose import MAX_REFERENCES, compose
from zabota.channels.kinds.mail.mime import parse

PICTURE, REPORT = b"\x89PNG picture", b"%PDF report"
BLOBS = {hashlib.sha256(data).hexdigest(): data for data in (PICTURE, REPORT)}
PICTURE_KEY, REPORT_KEY = BLOBS
ENVELOPE = Envelope(
    message_id="m.1@company.example",
    mail_from="help@company.example",
    sender=Address("help@company.example", "Иванова Мария, служба «Забота»"),
    to=(Address("olga@client.example", "Ольга Петрова"),),
    cc=(Address("boss@client.example", 'Boss "B", Ltd.'),),
    subject="Re: Не работает интернет в переговорной на третьем этаже уже второй день [#1234]",
    text="Здравствуйте, Ольга!\n\nПерезагрузите роутер.\n.\nFrom here on all is well.",
    html="<p>Здравствуйте, Ольга!</p><p>Перезагрузите роутер.</p>",
    reply_to=(Address("help+t1.abc@company.example"),),
    in_reply_to="c1@client.example",
    references=("c0@client.example",),
    date=datetime(2026, 11, 22, 7, tzinfo=UTC),
)


def composed(**changes: Any) -> bytes:
    return compose(replace(ENVELOPE, **changes), BLOBS.__getitem__)


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_what_was_written_is_read_again() -> None:
    message = parse(composed())
    assert message.sender == ENVELOPE.sender
    assert message.to == ENVELOPE.to
    assert message.cc == ENVELOPE.cc
    assert message.reply_to == ENVELOPE.reply_to
    assert message.subject == ENVELOPE.subject
    assert message.message_id == ENVELOPE.message_id
    assert message.in_reply_to == ("c1@client.example",)
    assert message.references == ("c0@client.example", "c1@client.example")
    assert message.date == ENVELOPE.date
    assert message.text == ENVELOPE.text
    assert not message.repairs


def test_another_parser_reads_the_same() -> None:
    message = read(composed())
    assert message["Subject"] == ENVELOPE.subject
    name = message["From"].addresses[0].display_name
    # The parser of Python 3.11 puts a blank between two encoded words of a name.
    assert name.replace(" ", "") == ENVELOPE.sender.name.replace(" ", "")
    assert message["Cc"].addresses[0].display_name == ENVELOPE.cc[0].name
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Перезагрузите" in plain.get_content()
    assert 'data-zabota="message"' in html.get_content()


def test_lines_are_short_and_plain_ascii() -> None:
    for line in composed(text="ы" * 5000 + "\n" + "x" * 5000).split(b"\r\n"):
        assert len(line) <= 998
        assert b"\n" not in line
        assert line.isascii()


def test_the_same_envelope_gives_the_same_bytes() -> None:
    files = (OutgoingFile("отчёт.pdf", "application/pdf", REPORT_KEY),)
    assert composed(files=files) == composed(files=files)


def test_only_automatic_messages_say_so() -> None:
    assert b"Auto-Submitted" not in composed()
    assert parse(composed()).robot is Robot.NONE
    raw = composed(automatic=True)
    assert b"Auto-Submitted: auto-replied\r\n" in raw
    assert b"X-Auto-Response-Suppress: All\r\n" in raw
    assert parse(raw).robot is Robot.AUTO_REPLY


def test_nothing_can_be_injected() -> None:
    evil = "x\r\nBcc: spy@evil.example\r\n\r\nbody"
    raw = composed(
        subject=evil,
        sender=Address("help@company.example", evil),
        to=(Address("olga@client.example", evil),),
        message_id="a\r\nBcc: spy@evil.example",
        in_reply_to=evil,
        headers={"X-Ticket": evil, "X-Bad\r\nBcc": "spy@evil.example", "Bcc": "spy@evil.example"},
    )
    message = read(raw)
    assert message["Bcc"] is None
    assert "Bcc" not in [key for key in message if key.lower() == "bcc"]
    assert message["X-Ticket"].startswith("x Bcc:")
    with pytest.raises(PermanentError):
        composed(to=(Address("a@b.example\r\nBcc: spy@evil.example"),))


@pytest.mark.parametrize(
    "address", ["", "olga", "@client.example", "olga@", "a b@c@d", f"a@{'п' * 100}.рф"]
)
def test_impossible_address(address: str) -> None:
    with pytest.raises(PermanentError):
        composed(to=(Address(address),))


def test_long_references_are_capped_and_never_encoded() -> None:
    ids = tuple(f"{'x' * 120}.{number}@client.example" for number in range(60))
    raw = composed(references=ids, in_reply_to=ids[-1])
    message = parse(raw)
    assert message.references == (ids[0], *ids[-MAX_REFERENCES:])
    assert b"=?" not in raw.split(b"References:")[1].split(b"MIME-Version")[0]


def test_ids_beyond_ascii_are_left_out_and_the_answer_goes() -> None:
    mail = email.message_from_bytes(
        composed(in_reply_to="письмо@почта.рф", references=("первое@почта.рф", "c0@client.example"))
    )
    assert mail["In-Reply-To"] is None
    assert mail["References"] == "<c0@client.example>"


def test_files_and_pictures() -> None:
    name = "Отчёт за ноябрь " + "д" * 120 + ".pdf"
    files = (
        OutgoingFile(name, "application/pdf", REPORT_KEY),
        OutgoingFile("снимок.png", "image/png", PICTURE_KEY, inline=True, content_id="p1@x"),
        OutgoingFile("mail.eml", "message/rfc822", REPORT_KEY),
    )
    raw = composed(html='<p>См. <img src="cid:p1@x"></p>', files=files)
    message = parse(raw)
    found = {file.name: file for file in message.files}
    assert found[name].content == REPORT
    assert found["снимок.png"].content_id == "p1@x"
    assert found["снимок.png"].inline
    assert found["снимок.png"].content == PICTURE
    assert found["mail.eml"].content_type == "application/octet-stream"
    assert message.text == ENVELOPE.text
    assert {part.get_filename() for part in read(raw).walk()} >= set(found)


def test_foreign_domain_is_written_in_ascii() -> None:
    raw = composed(to=(Address("olga@почта.рф"),))
    assert b"olga@xn--" in raw


def test_text_alone_gets_an_html_part() -> None:
    message = parse(composed(html=""))
    assert "<p>Перезагрузите роутер." in message.html


def test_reply_to_our_mail_is_split_at_our_mark() -> None:
    html = read(composed()).get_body(("html",))
    assert html is not None
    answer = b"From: o@client.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    message = parse(answer + ("<div>Помогло</div>" + html.get_content()).encode())
    assert message.reply == "Помогло"
    assert "Перезагрузите" in message.quoted


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=150)


@settings(max_examples=150, deadline=None)
@given(subject=WORDS, name=WORDS)
def test_any_subject_and_name_survive(subject: str, name: str) -> None:
    message = parse(composed(subject=subject, sender=Address("help@company.example", name)))
    assert message.message_id == ENVELOPE.message_id
    assert message.sender.email == "help@company.example"
    assert message.to == ENVELOPE.to
    if subject.isalnum():
        assert message.subject == subject
