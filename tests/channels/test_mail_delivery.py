"""Bounces of many servers: known as such, with recipient, status and the mail they tell of."""

from __future__ import annotations

import pytest

from zabota.channels.contract import Bounce, Robot
from zabota.channels.kinds.mail.mime import parse

ORIGINAL = """Received: from app by mx.company.example; Fri, 27 Nov 2026 10:00:00 +0000
From: Support <help@company.example>
To: Ivan <ivan@client.example>
Subject: Re: question [#12]
Message-ID: <out.12@company.example>

Hello!
"""
HEAD = "To: help@company.example\nDate: Fri, 27 Nov 2026 10:00:05 +0000\n"


def dsn(action: str, status: str, diagnostic: str, *, sender: str, subject: str, words: str) -> str:
    return f"""From: {sender}
Subject: {subject}
{HEAD}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8

{words}

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example

Final-Recipient: rfc822; Ivan@Client.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b1
Content-Type: message/rfc822

{ORIGINAL}
--b1--
"""


def plain(sender: str, subject: str, words: str, more: str = "") -> str:
    return f"From: {sender}\nSubject: {subject}\n{HEAD}{more}\n{words}\n"


QMAIL = """Hi. This is the qmail-send program at mx.client.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<ivan@client.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <help@company.example>
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. The following address(es) failed:

  ivan@client.example
    SMTP error from remote mail server after RCPT TO:<ivan@client.example>:
    550 No such user here

------ This is a copy of the message, including all the headers. ------

"""
SENDMAIL = """   ----- The following addresses had permanent fatal errors -----
<ivan@client.example>

   ----- Transcript of session follows -----
... while talking to mx.client.example.:
>>> RCPT To:<ivan@client.example>
<<< 552 Mailbox full
554 <ivan@client.example>... Service unavailable

   ----- Original message follows -----

"""
EXCHANGE = """Your message

  To:      ivan@client.example
  Subject: Re: question
  Sent:    Fri, 27 Nov 2026 10:00:00

did not reach the following recipient(s):

ivan@client.example on Fri, 27 Nov 2026 10:00:03
    The e-mail account does not exist at the organization this message was sent to.
"""
RUSSIAN = """Ваше письмо не было доставлено получателю ivan@client.example:
ящик переполнен.
"""
DELAYED = """The message has not yet been delivered to the following recipient. The server will be
trying again; you need not do anything.

  ivan@client.example

------ This is a copy of the message, including all the headers. ------

"""
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.client.example>"
WANTED = Bounce("ivan@client.example", "5.1.1", "out.12@company.example")
SAMPLES = {
    "postfix": (
        dsn("failed", "5.1.1", "550 5.1.1 <ivan@client.example>: user unknown", sender=DAEMON,
            subject="Undelivered Mail Returned to Sender", words="I'm sorry to inform you"),
        WANTED,
    ),
    "google, delayed": (
        dsn("delayed", "4.4.1", "451 4.4.1 no answer", words="will retry",
            subject="Delivery Status Notification (Delay)",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>"),
        Bounce("ivan@client.example", "4.4.1", "out.12@company.example"),
    ),
    "status without a number": (
        dsn("failed", "", "550 mailbox is full", sender=DAEMON, subject="failure", words="Failed"),
        Bounce("ivan@client.example", "5.2.2", "out.12@company.example"),
    ),
    "qmail": (
        plain("MAILER-DAEMON@mx.client.example", "failure notice", QMAIL + ORIGINAL),
        WANTED,
    ),
    "exim": (
        plain(DAEMON, "Mail delivery failed: returning message to sender", EXIM + ORIGINAL),
        WANTED,
    ),
    "sendmail": (
        plain("Mail Delivery Subsystem <MAILER-DAEMON@a.example>", "Returned mail: see transcript",
              SENDMAIL + ORIGINAL),
        Bounce("ivan@client.example", "5.2.2", "out.12@company.example"),
    ),
    "exchange": (
        plain("System Administrator <a@client.example>", "Undeliverable: Re: question", EXCHANGE),
        Bounce("ivan@client.example", "5.1.1"),
    ),
    "russian": (
        plain("postmaster@client.example", "Недоставленное сообщение", RUSSIAN),
        Bounce("ivan@client.example", "5.2.2"),
    ),
    "exim, delayed": (
        plain(DAEMON, "Warning: message 1abc delayed 24 hours", DELAYED + ORIGINAL),
        Bounce("ivan@client.example", "4.4.7", "out.12@company.example"),
    ),
    "names its recipient in a header": (
        plain("daemon@mx.client.example", "Problem", "550 nobody",
              "X-Failed-Recipients: ivan@client.example\n"),
        Bounce("ivan@client.example", "5.0.0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_bounce(name: str) -> None:
    raw, wanted = SAMPLES[name]
    mail = parse(raw.encode())
    assert mail.robot is Robot.BOUNCE, mail.robot_sign
    assert mail.bounce == wanted
    assert mail.forwarded_from is None


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Re: Undelivered Mail Returned to Sender", "Что это значит? 550 5.1.1 user unknown"),
        ("Delivery of order 4471", "Where is my order? It did not reach me."),
        ("Не удалось доставить заказ", "Курьер не приехал, позвоните мне."),
        ("Ошибка 550", "Ваш сервер отвечает 550 5.7.1, помогите настроить почту."),
        ("Mailbox full", "I cannot get mail: mailbox full. Please help."),
    ],
)
def test_a_person_who_writes_of_mail_troubles_is_a_person(subject: str, words: str) -> None:
    mail = parse(plain("Ivan <ivan@client.example>", subject, words).encode())
    assert mail.robot is Robot.NONE, mail.robot_sign
    assert mail.bounce is None


def test_a_complaint_is_a_feedback_report() -> None:
    raw = f"""From: staff@mail.example
Subject: complaint about message from 192.0.2.1
{HEAD}Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
--b--
"""
    assert parse(raw.encode()).robot is Robot.FEEDBACK
