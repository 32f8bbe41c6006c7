"""`zabota mail explain`: one line of JSON per file, without database and settings."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from zabota.channels.contract import Address
from zabota.channels.kinds.mail import tnef
from zabota.channels.kinds.mail.forwards import forwarded_from
from zabota.channels.kinds.mail.mime import parse
from zabota.channels.kinds.mail.signatures import split_signature

KEYS = (
    "from from_name to cc subject date message_id references kind bounce forwarded_from text reply "
    "quoted signature html attachments repairs errors"
).split()
MAIL = """From: =?utf-8?b?0J7Qu9GM0LPQsA==?= <olga@client.example>
To: help@company.example, boss@client.example
Subject: Re: вопрос
Date: Fri, 27 Nov 2026 10:00:00 +0300
Message-ID: <a@client.example>
References: <b@company.example>
Content-Type: text/plain; charset=utf-8

Спасибо, помогло!

--
Ольга Петрова
тел. +7 495 123-45-67

27.11.2026, 09:00, "Забота" <help@company.example>:
> Попробуйте ещё раз.
"""


def explain(*files: Path) -> tuple[list[dict[str, Any]], int]:
    """What the command prints from an empty environment, and its status."""
    command = [sys.executable, "-m", "zabota.ops.cli", "mail", "explain", *map(str, files)]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, env=env, cwd="/", check=False, timeout=60)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.decode().splitlines()], done.returncode


def test_one_line_for_each_file_in_order(tmp_path: Path) -> None:
    good, empty, odd = tmp_path / "good.eml", tmp_path / "empty.eml", tmp_path / "odd.eml"
    good.write_text(MAIL)
    empty.write_bytes(b"")
    odd.write_bytes(b"\xff\xfe\0\0" * 100)
    lines, status = explain(good, tmp_path / "missing.eml", empty, odd, good)
    assert status == 1
    assert [list(line) for line in lines] == [KEYS] * 5
    assert [bool(line["errors"]) for line in lines] == [False, True, True, True, False]
    told = lines[0]
    assert (told["from"], told["from_name"]) == ("olga@client.example", "Ольга")
    assert told["to"] == ["help@company.example", "boss@client.example"]
    assert (told["subject"], told["kind"]) == ("Re: вопрос", "ordinary")
    assert told["reply"] == "Спасибо, помогло!"
    assert "Ольга Петрова" in told["signature"]
    assert "Попробуйте" in told["quoted"]
    assert "Попробуйте" in told["text"]
    assert told["references"] == ["b@company.example"]
    assert told["date"] == "2026-11-27T07:00:00+00:00"
    assert explain(good)[1] == 0


SHORT = ("Здравствуйте", "Спасибо!", "Не работает", "Счёт не пришёл", "Ок, жду", "Добрый день")


@pytest.mark.parametrize("charset", ["koi8-r", "cp1251", "cp866", "iso-8859-5", "mac-cyrillic"])
@pytest.mark.parametrize("declared", [True, False])
def test_short_russian_texts_in_any_charset(charset: str, declared: bool) -> None:
    if charset == "mac-cyrillic" and not declared:
        pytest.skip("differs from Windows-1251 in capital letters only: nobody can tell")
    for text in SHORT:
        head = "From: a@b.example\nSubject: x\nContent-Type: text/plain"
        head += f"; charset={charset}" if declared else ""
        raw = f"{head}\n\n".encode() + text.encode(charset) + b"\n"
        assert parse(raw).text == text, (charset, text)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-7"])
def test_short_russian_texts_in_unicode(charset: str) -> None:
    for text in SHORT:
        head = f"From: a@b.example\nContent-Type: text/plain; charset={charset}\n"
        body = base64.encodebytes(text.encode(charset))
        raw = (head + "Content-Transfer-Encoding: base64\n\n").encode() + body
        assert parse(raw).text == text, (charset, text)


FORWARDS = {
    "gmail": "---------- Forwarded message ---------\nОт: Иван Петров <ivan@client.example>\n"
    "Date: пт, 27 нояб. 2026 г. в 10:00\nSubject: счёт\nTo: <help@company.example>\n\nГде счёт?",
    "yandex": "-------- Пересылаемое сообщение --------\n27.11.2026, 10:00, \"Иван\" "
    "<ivan@client.example>:\n\nГде счёт?",
    "mail.ru": "-------- Пересылаемое сообщение --------\nОт кого: Иван <ivan@client.example>\n"
    "Кому: help@company.example\nДата: Пятница, 27 ноября 2026, 10:00 +03:00\nТема: счёт\n\nГде?",
    "apple": "Посмотри.\n\nНачало переадресованного сообщения:\n\n"
    "> От: Иван <ivan@client.example>\n"
    "> Тема: счёт\n> Дата: 27 ноября 2026 г.\n> Кому: help@company.example\n>\n> Где счёт?",
    "outlook": "From: Ivan Petrov [mailto:ivan@client.example]\nSent: Friday, November 27, 2026\n"
    "To: Help\nSubject: invoice\n\nWhere is it?",
    "thunderbird": "-------- Перенаправленное сообщение --------\n"
    "Тема: \tсчёт\nДата: \tFri, 27 Nov\n"
    "От: \tИван <ivan@client.example>\nКому: \thelp@company.example\n\nГде счёт?",
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARDS)
def test_the_original_sender_of_a_forward(name: str) -> None:
    found = forwarded_from(FORWARDS[name], "Fwd: счёт")
    assert found is not None
    assert found.email == "ivan@client.example"


def test_an_answer_and_an_ordinary_mail_forward_nothing() -> None:
    assert forwarded_from(FORWARDS["outlook"], "RE: invoice") is None
    assert forwarded_from("Добрый день!\nОт: кого ждать ответа?\nДата: завтра", "вопрос") is None
    assert forwarded_from("Пересланное сообщение я удалил.\nЧто делать?", "Fwd:") is None
    assert forwarded_from(FORWARDS["gmail"], "счёт") == Address(
        "ivan@client.example", "Иван Петров"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Помогло!\n\n-- \nИван", "Помогло!"),
        ("Помогло!\n\nОтправлено с iPhone", "Помогло!"),
        ("Помогло!\n\nОтправлено из мобильной Почты Mail.ru", "Помогло!"),
        ("Помогло!\n\nSent from my Galaxy", "Помогло!"),
        ("Помогло!\n\nС уважением,\nИван Петров\nтел. +7 495 123-45-67", "Помогло!"),
        ("Помогло!\n\nBest regards,\nIvan\nACME Ltd\nwww.acme.example", "Помогло!"),
        ("С уважением отношусь к вашей работе.\nПозвоните: +7 495 123-45-67", ""),
        ("Счёт отправлено с ошибкой, пришлите новый.", ""),
        ("Варианты:\n\n--\n\n" + "\n".join(f"{n}. пункт" for n in range(30)), ""),
        ("-- \nИван", ""),
    ],
)
def test_signature(text: str, said: str) -> None:
    found, signature = split_signature(text)
    assert found == (said or text)
    assert bool(signature) == bool(said)


def tnef_of(*files: tuple[str, bytes]) -> bytes:
    """winmail.dat with these files, their long names among the properties."""

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("<BHHI", 2, kind, 6, len(value)) + value + struct.pack("<H", 0)

    data = struct.pack("<IH", tnef.SIGNATURE, 1)
    for name, content in files:
        long = name.encode("utf-16-le") + b"\0\0"
        padded = long + b"\0" * (-len(long) % 4)
        properties = struct.pack("<IHHIHHII", 2, 0x03, 0x3705, 1, 0x1F, 0x3707, 1, len(long))
        data += attribute(0x9002, b"\0" * 14) + attribute(0x8010, b"SHORT~1.DOC\0")
        data += attribute(0x800F, content) + attribute(0x9005, properties + padded)
    return data


def test_files_are_taken_out_of_winmail_dat() -> None:
    inside = tnef_of(("Договор на ноябрь.docx", b"PK word"), ("снимок.png", b"\x89PNG"))
    for data, wanted in (
        (inside, ["Договор на ноябрь.docx", "снимок.png"]),
        (inside[:-30], ["Договор на ноябрь.docx", "SHORT~1.DOC"]),
        (b"nothing of the kind", ["winmail.dat"]),
    ):
        mail = EmailMessage()
        mail["From"] = "a@b.example"
        mail.set_content("Во вложении.")
        mail.add_attachment(data, "application", "ms-tnef", filename="winmail.dat")
        assert [file.name for file in parse(bytes(mail)).files] == wanted


def test_a_mail_forwarded_as_an_attachment_tells_its_sender() -> None:
    inner = EmailMessage()
    inner["From"] = "Ivan <ivan@client.example>"
    inner["Subject"] = "invoice"
    inner.set_content("Where is it?")
    mail = EmailMessage()
    mail["From"] = "agent@company.example"
    mail["Subject"] = "Fwd: invoice"
    mail.set_content("See below.")
    mail.add_attachment(inner)
    found = parse(bytes(mail)).forwarded_from
    assert found == Address("ivan@client.example", "Ivan")


@pytest.mark.parametrize("declared", ["", "; charset=us-ascii", "; charset=windows-1251"])
def test_a_byte_order_mark_is_believed(declared: str) -> None:
    for text in (*SHORT, "Да"):
        head = f"From: a@b.example\nContent-Type: text/plain{declared}\n"
        body = base64.encodebytes(text.encode("utf-16"))
        raw = (head + "Content-Transfer-Encoding: base64\n\n").encode() + body
        assert parse(raw).text == text, (declared, text)
