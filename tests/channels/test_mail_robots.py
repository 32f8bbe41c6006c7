from __future__ import annotations

from pathlib import Path

import pytest

from zabota.channels.contract import Robot
from zabota.channels.kinds.mail.language import guess_language, guess_timezone
from zabota.channels.kinds.mail.mime import parse

SAMPLES = Path(__file__).parents[1] / "samples" / "mail"


@pytest.mark.parametrize(
    ("name", "robot"),
    [
        ("robot-bounce", Robot.BOUNCE),
        ("robot-out-of-office", Robot.AUTO_REPLY),
        ("robot-outlook-away", Robot.AUTO_REPLY),
        ("robot-monitoring", Robot.AUTO_GENERATED),
        ("robot-noreply", Robot.AUTO_GENERATED),
        ("robot-newsletter", Robot.LIST),
        ("robot-loop", Robot.LOOP),
        ("reply-plain-gmail", Robot.NONE),
    ],
)
def test_sample(name: str, robot: Robot) -> None:
    message = parse((SAMPLES / f"{name}.eml").read_bytes())
    assert message.robot is robot
    assert bool(message.robot_sign) == (robot is not Robot.NONE)


def robot_of(header: str, sender: str = "olga@client.example", subject: str = "x") -> Robot:
    block = f"From: {sender}\r\nSubject: {subject}\r\n{header}\r\n\r\nbody"
    return parse(block.encode()).robot


@pytest.mark.parametrize(
    ("header", "robot"),
    [
        ("Auto-Submitted: auto-replied; owner-email=x", Robot.AUTO_REPLY),
        ("Auto-Submitted: auto-generated (rejected)", Robot.AUTO_GENERATED),
        ("Auto-Submitted: auto-notified", Robot.AUTO_GENERATED),
        ("Auto-Submitted: no", Robot.NONE),
        ("Precedence: bulk", Robot.AUTO_GENERATED),
        ("Precedence: junk", Robot.AUTO_GENERATED),
        ("Precedence: list", Robot.LIST),
        ("Precedence: auto_reply", Robot.AUTO_REPLY),
        ("Precedence: first-class", Robot.NONE),
        ("List-Id: <a.b>", Robot.LIST),
        ("List-Unsubscribe: <mailto:x@y>", Robot.LIST),
        ("X-Auto-Response-Suppress: OOF, AutoReply", Robot.AUTO_GENERATED),
        ("X-Auto-Response-Suppress: None", Robot.NONE),
        ("X-Autoreply: yes", Robot.AUTO_REPLY),
        ("X-Autorespond:", Robot.AUTO_REPLY),
        ("X-Autoreply: no", Robot.NONE),
        ("Return-Path: <>", Robot.AUTO_GENERATED),
        ("Return-Path: <olga@client.example>", Robot.NONE),
        ("X-Failed-Recipients: a@b", Robot.BOUNCE),
        ("X-Loop: a@b", Robot.LOOP),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", Robot.BOUNCE),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            Robot.AUTO_REPLY,
        ),
        (
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
            Robot.FEEDBACK,
        ),
        ("X-Mailer: The Bat!", Robot.NONE),
    ],
)
def test_headers(header: str, robot: Robot) -> None:
    assert robot_of(header) is robot


@pytest.mark.parametrize(
    ("sender", "robot"),
    [
        ("MAILER-DAEMON@mx.example", Robot.BOUNCE),
        ("<MAILER-DAEMON>", Robot.BOUNCE),
        ("MAILER-DAEMON <>", Robot.BOUNCE),
        ("postmaster@mx.example", Robot.BOUNCE),
        ("noreply@shop.example", Robot.AUTO_GENERATED),
        ("do-not-reply@shop.example", Robot.AUTO_GENERATED),
        ("no.reply+5@shop.example", Robot.AUTO_GENERATED),
        ("norman@client.example", Robot.NONE),
        ("nora.replin@client.example", Robot.NONE),
    ],
)
def test_senders(sender: str, robot: Robot) -> None:
    assert robot_of("X-Mailer: x", sender) is robot


@pytest.mark.parametrize(
    ("subject", "robot"),
    [
        ("Автоответ: Re: счёт", Robot.AUTO_REPLY),
        ("Automatic reply: hello", Robot.AUTO_REPLY),
        ("Out of Office: hello", Robot.AUTO_REPLY),
        ("Я в отпуске до 30 ноября", Robot.AUTO_REPLY),
        ("Автоответ не включается", Robot.NONE),
        ("Re: Автоответ: не включается", Robot.NONE),
        ("Как настроить автоматический ответ?", Robot.NONE),
        ("Не удалось доставить заказ", Robot.NONE),
    ],
)
def test_subjects(subject: str, robot: Robot) -> None:
    assert robot_of("X-Mailer: x", subject=subject) is robot


def test_subject_of_a_bounce_counts_with_a_null_sender_only() -> None:
    subject = "Не удалось доставить: заказ"
    assert robot_of("Return-Path: <>", subject=subject) is Robot.BOUNCE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Не работает Microsoft Exchange Server 2019", "ru"),
        ("спс", "ru"),
        ("The printer does not work, please help", "en"),
        ("Ich habe ein Problem mit meinem Drucker", ""),
        ("ne rabotaet internet, pomogite", ""),
        ("Менің интернетім жұмыс істемейді, көмектесіңіз", ""),
        ("Не працює інтернет, допоможіть", ""),
        ("", ""),
        ("12345 :-)", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(
    ("date", "zone"),
    [
        ("Sun, 22 Nov 2026 10:00:00 +0300", "UTC+03:00"),
        ("Sun, 22 Nov 2026 10:00:00 +0300 (MSK)", "Europe/Moscow"),
        ("Sun, 22 Nov 2026 10:00:00 +0500 (Asia/Yekaterinburg)", "Asia/Yekaterinburg"),
        ("Sun, 22 Nov 2026 10:00:00 -0330", "UTC-03:30"),
        ("Sun, 22 Nov 2026 10:00:00 +0000", ""),
        ("Sun, 22 Nov 2026 10:00:00 GMT", ""),
        ("Sun, 22 Nov 2026 10:00:00 +9917", ""),
        ("", ""),
    ],
)
def test_timezone(date: str, zone: str) -> None:
    assert guess_timezone(date) == zone
