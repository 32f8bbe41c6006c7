from __future__ import annotations

import base64
import io
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zabota.channels.contract import Address, ParsedMessage, ParseError, Robot
from zabota.channels.kinds.mail.mime import parse

SAMPLES = Path(__file__).parents[1] / "samples" / "mail"
HEAD = b"From: olga@client.example\r\nSubject: x\r\nMessage-ID: <a@b>\r\n"
OLGA = Address("olga.petrova@client.example", "Ольга Петрова")
GOOD = SAMPLES / "reply-plain-gmail.eml"

Check = Callable[[ParsedMessage], bool]


def sample(name: str) -> ParsedMessage:
    return parse((SAMPLES / f"{name}.eml").read_bytes())


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.eml")), ids=lambda path: path.stem)
def test_every_sample_is_understood(path: Path) -> None:
    message = parse(path.read_bytes())
    assert message == parse(path.read_bytes())
    shown = [message.subject, message.text, message.html, message.reply, message.quoted]
    shown += [message.sender.name, *message.headers.values(), *(f.name for f in message.files)]
    for text in shown:
        assert "\x00" not in text
        text.encode("utf-8")
    assert message.reply or message.files or path.stem == "no-body"


# One row per sample: what the person at the screen must see.
EXPECTED: list[tuple[str, Check]] = [
    ("no-message-id", lambda m: m.message_id == "" and "no Message-ID" in m.repairs),
    ("no-message-id", lambda m: m.language == "en" and m.timezone == "UTC+03:00"),
    ("no-from", lambda m: m.sender.email == "bounce@client.example" and bool(m.repairs)),
    ("no-from-at-all", lambda m: m.sender == Address("") and "no sender address" in m.repairs),
    ("no-date", lambda m: m.date is None and "no Date" in m.repairs),
    ("absurd-date", lambda m: m.date is None and "absurd Date" in m.repairs[0]),
    ("no-body", lambda m: m.text == "" and m.subject == "Only a subject" and m.sender == OLGA),
    ("lying-charset", lambda m: m.text.startswith("Здравствуйте! Не работает")),
    ("lying-charset", lambda m: "'utf-8' is wrong: read as cp1251" in m.repairs[0]),
    ("koi8-without-charset", lambda m: m.text.startswith("Добрый день! Второй день")),
    ("koi8-without-charset", lambda m: m.subject == "Пропал интернет" and m.language == "ru"),
    ("unknown-charset", lambda m: m.text == "Привет из ниоткуда" and "klingon" in m.repairs[0]),
    ("charset-is-a-codec", lambda m: m.text == "plain words"),
    ("alias-gb2312", lambda m: m.text == "镕基" and not m.repairs),
    ("alias-windows-874", lambda m: m.text == "สวัสดี" and not m.repairs),
    ("nul-and-surrogates", lambda m: m.text == "onetwothree"),
    ("split-encoded-word", lambda m: m.subject == "Привет"),
    ("raw-8bit-header", lambda m: m.subject == "Счёт за ноябрь не пришёл"),
    ("unquoted-comma-in-name", lambda m: m.sender.name == "Иванов, Ivan"),
    ("unquoted-comma-in-name", lambda m: m.to[0] == Address("a@x.example", "A, B")),
    ("unquoted-comma-in-name", lambda m: [a.email[0] for a in m.to] == ["a", "b", "c"]),
    ("headers-broken-by-text", lambda m: m.text.startswith("this is not a header")),
    ("mbox-line-first", lambda m: m.sender.email == "a@client.example" and m.text == "rest"),
    ("carriage-returns-only", lambda m: m.subject == "old mac" and m.text == "line one\nline two"),
    ("file-name-with-path", lambda m: [f.name for f in m.files] == ["passwd", "report.pdf"]),
    ("file-name-right-to-left", lambda m: m.files[0].name == "invoicegnp.exe"),
    ("file-name-300-characters", lambda m: m.files[0].name == "д" * 146 + ".pdf"),
    ("file-name-continued", lambda m: m.files[0].name == "отчет.pdf"),
    ("file-without-name", lambda m: m.files[0].name == "image-2.png"),
    ("winmail-dat", lambda m: m.files[0].name == "winmail.dat" and m.files[0].content is not None),
    ("calendar-invite", lambda m: m.files[0].name == "invite.ics" and bool(m.text)),
    ("forwarded-as-attachment", lambda m: m.files[0].name == "Inner_ a_b.eml"),
    ("forwarded-as-attachment", lambda m: b"inner body" in (m.files[0].content or b"")),
    ("forwarded-as-attachment", lambda m: "inner body" not in m.text),
    ("no-closing-boundary", lambda m: m.files[0].content == b"data" and bool(m.text)),
    ("boundary-missing", lambda m: m.text == "Just text" and "boundary" in m.repairs[0]),
    ("broken-base64", lambda m: m.files[0].content == b"hello"),
    ("inline-picture", lambda m: m.files[0].content_id == "pic1@client.example"),
    ("inline-picture", lambda m: m.files[0].inline and "cid:pic1@client.example" in m.html),
    ("apple-text-picture-text", lambda m: m.text == "Перед картинкой\n\nПосле картинки"),
    ("html-with-everything-bad", lambda m: "script" not in m.html and "data:" not in m.html),
    ("html-with-everything-bad", lambda m: "Добрый день" in m.text and "color:red" in m.html),
    ("html-with-everything-bad", lambda m: 'data-remote-src="http://t.example/pixel' in m.html),
    ("html-with-everything-bad", lambda m: ' src="http' not in m.html and "<form" not in m.html),
    ("html-only-in-cp1251", lambda m: m.text == "Кириллица без заголовка"),
    ("flowed", lambda m: m.text.split("\n")[0].endswith("которую программа разорвала.")),
    ("robot-bounce", lambda m: m.return_path == "" and len(m.files) == 2),
    ("reply-plain-gmail", lambda m: m.in_reply_to == ("our1@company.example",)),
    ("reply-plain-gmail", lambda m: m.references[0] == "our0@company.example"),
    ("reply-plain-gmail", lambda m: m.date == datetime(2026, 11, 22, 7, tzinfo=UTC)),
    ("reply-plain-gmail", lambda m: m.return_path is None and m.robot is Robot.NONE),
]


@pytest.mark.parametrize(("name", "check"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_trouble_is_handled(name: str, check: Check) -> None:
    message = sample(name)
    assert check(message), message


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"\0\0\0", bytes(range(256)) * 500, b"just a text\n\nmore", b"A: b"]
)
def test_what_is_no_mail_goes_to_quarantine(raw: bytes) -> None:
    with pytest.raises(ParseError):
        parse(raw)
    assert parse(GOOD.read_bytes()).reply


def test_thousand_nested_parts() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
    for depth in range(1000):
        kind = b"multipart/mixed; boundary=b%d" % (depth + 1)
        raw += b"--b%d\r\nContent-Type: %s\r\n\r\n" % (depth, kind)
    raw += b"--b1000\r\n\r\ninnermost\r\n"
    message = parse(raw)
    assert b"innermost" in (message.files[0].content or b"")
    assert any("nested" in repair for repair in message.repairs)


def test_thousands_of_parts_side_by_side() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000
    message = parse(raw)
    assert any("1000 parts" in repair for repair in message.repairs)


def with_file(content: bytes, name: bytes = b"big.bin") -> bytes:
    return (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee file\r\n"
        + b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        + b"Content-Disposition: attachment; filename=%s\r\n\r\n" % name
        + base64.encodebytes(content)
        + b"--b--\r\n"
    )


def test_attachment_of_60_mb_is_recorded_without_content() -> None:
    message = parse(with_file(b"\0" * 60_000_000), max_file=50_000_000)
    (file,) = message.files
    assert file.too_large
    assert file.content is None
    assert (file.name, file.size) == ("big.bin", 60_000_000)
    assert message.text == "see file"
    assert any("60000000 bytes" in repair for repair in message.repairs)


def test_attachment_at_the_limit_is_kept() -> None:
    (file,) = parse(with_file(b"x" * 1000), max_file=1000).files
    assert file.content == b"x" * 1000
    (file,) = parse(with_file(b"x" * 1001), max_file=1000).files
    assert file.content is None


def test_zip_bomb_is_never_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    start = time.process_time()
    (file,) = parse(with_file(packed.getvalue(), b"bomb.zip")).files
    assert file.content == packed.getvalue()
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "line", [b"a line\r\n", b"> a line\r\n", b"From: x\r\n", b"On 1.1.2026 a@b:\r\n"]
)
def test_million_lines(line: bytes) -> None:
    def spent(lines: int) -> tuple[float, ParsedMessage]:
        start = time.process_time()
        parsed = parse(HEAD + b"\r\n" + line * lines)
        return time.process_time() - start, parsed

    tenth, _ = spent(100_000)
    whole, message = spent(1_000_000)
    # Ten times the lines: whatever the machine, far from a hundred times the work.
    assert whole < 5 or whole < 20 * tenth
    assert 900_000 < len(message.text) <= 1_000_000
    assert len(message.reply) + len(message.quoted) >= len(message.text) - 10
    assert any("only in the original" in repair for repair in message.repairs)


def test_cut_body_keeps_its_charset() -> None:
    body = base64.encodebytes(("ы" * 70 + "\n").encode() * 60_000)
    head = (
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    )
    message = parse(head + b"\r\n" + body)
    assert set(message.text) == {"ы", "\n"}
    assert not any("charset" in repair for repair in message.repairs)


def test_headers_are_bounded() -> None:
    start = time.process_time()
    message = parse(b"Subject: a\r\n" * 50_000 + b"To: " + b"a@b, " * 500_000 + b"\r\n\r\nbody")
    assert time.process_time() - start < 3
    assert message.text == "body"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 2000))
def test_damaged_mail_never_raises_anything_but_parse_error(noise: bytes, at: int) -> None:
    raw = (SAMPLES / "inline-picture.eml").read_bytes()
    try:
        message = parse(raw[:at] + noise + raw[at:])
    except ParseError:
        return
    message.text.encode("utf-8")
    message.html.encode("utf-8")
