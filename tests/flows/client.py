"""A client's mail program: a separate process with the standard library alone.

    client.py write  SUBJECT TEXT          write to the company
    client.py wait   WORDS [SECONDS]       print the mail that holds these words, as JSON
    client.py answer WORDS FORM TEXT       answer it as the mail program FORM does

The environment names the servers: SMTP and IMAP as host:port, LOGIN as user:password, and ADDRESS
(the client's), COMPANY (where he writes to).
"""

import html
import imaplib
import json
import os
import smtplib
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

ZONE = timezone(timedelta(hours=3))
NAME = "Пётр Лебедев"
WAIT = 20.0


def place(variable: str) -> tuple[str, int]:
    """Host and port that an environment variable names."""
    host, _, port = os.environ[variable].rpartition(":")
    return host, int(port)


def mailbox(imap: imaplib.IMAP4) -> list[EmailMessage]:
    """All mails of the client's mailbox, the newest first."""
    imap.select("INBOX", readonly=True)
    _, found = imap.search(None, "ALL")
    mails = []
    for number in reversed(found[0].split()):
        _, data = imap.fetch(number.decode(), "(BODY.PEEK[])")
        assert isinstance(data[0], tuple)
        mails.append(message_from_bytes(data[0][1], policy=policy.default))
    return mails


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    return part.get_content().replace("\r\n", "\n") if part else ""


def find(words: str, seconds: float = WAIT) -> EmailMessage:
    """The newest mail with these words in subject or text; ends the program when none comes."""
    deadline = time.monotonic() + seconds
    user, _, password = os.environ["LOGIN"].partition(":")
    with imaplib.IMAP4(*place("IMAP"), timeout=10) as imap:
        imap.login(user, password)
        while time.monotonic() < deadline:
            for mail in mailbox(imap):
                if words in f"{mail['Subject']}\n{text_of(mail)}":
                    return mail
            time.sleep(0.1)
    sys.exit(f"no mail with “{words}” came in {seconds:g} s")


def new_mail(subject: str, to: str) -> EmailMessage:
    """A mail of the client, without a body yet."""
    mail = EmailMessage()
    mail["From"] = f"{NAME} <{os.environ['ADDRESS']}>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(ZONE))
    mail["Message-ID"] = f"<{uuid.uuid4()}@romashka.example>"
    return mail


def send(mail: EmailMessage) -> None:
    """Hand the mail to the client's provider."""
    _, recipient = parseaddr(mail["To"])
    with smtplib.SMTP(*place("SMTP"), timeout=10) as smtp:
        smtp.send_message(mail, os.environ["ADDRESS"], [recipient])
    print(mail["Message-ID"])


def quoted(text: str, mark: str = "> ") -> str:
    """The lines of a mail as a quote."""
    return "\n".join(f"{mark}{line}" for line in text.rstrip().split("\n"))


def paragraphs(text: str) -> str:
    """Plain text as HTML."""
    return "".join(f"<p>{html.escape(line) or '&nbsp;'}</p>" for line in text.rstrip().split("\n"))


class Original:
    """What an answer takes from the mail it answers."""

    def __init__(self, mail: EmailMessage) -> None:
        self.text = text_of(mail)
        self.id = str(mail["Message-ID"]).strip()
        self.references = " ".join(str(mail["References"] or "").split())
        self.name, self.address = parseaddr(str(mail["From"]))
        self.reply_to = parseaddr(str(mail["Reply-To"] or mail["From"]))[1]
        self.subject = str(mail["Subject"])


Form = Callable[[Original, str], EmailMessage]
FORMS: dict[str, Form] = {}


def form(make: Form) -> Form:
    """Register a form under the name of its function."""
    FORMS[make.__name__.removeprefix("as_")] = make
    return make


def answer(
    to: Original,
    *,
    address: str = "",
    parent: bool = True,
    references: bool = True,
    prefix: str = "Re: ",
) -> EmailMessage:
    """The headers of an answer; what a program leaves out is said by the arguments."""
    mail = new_mail(prefix + to.subject.removeprefix("Re: "), address or to.reply_to)
    if parent:
        mail["In-Reply-To"] = to.id
    if references:
        mail["References"] = f"{to.references} {to.id}".strip()
    return mail


def with_html(mail: EmailMessage, plain: str, rich: str) -> EmailMessage:
    """Both bodies, as most programs send them; without `plain` the HTML alone."""
    if plain:
        mail.set_content(plain, cte="base64")
        mail.add_alternative(rich, subtype="html", cte="quoted-printable")
    else:
        mail.set_content(rich, subtype="html", cte="base64")
    return mail


@form
def as_gmail_plain(to: Original, text: str) -> EmailMessage:
    """Gmail without formatting: a line of who wrote when, wrapped, then the quote."""
    mail = answer(to)
    mail.set_content(
        f"{text}\n\nвс, 22 нояб. 2026 г. в 10:00, {to.name}\n<{to.address}>:\n\n{quoted(to.text)}\n"
    )
    return mail


@form
def as_gmail_html(to: Original, text: str) -> EmailMessage:
    """Gmail: both bodies, the quote in `gmail_quote`."""
    line = f"вс, 22 нояб. 2026 г. в 10:00, {to.name} &lt;{to.address}&gt;:"
    rich = (
        f'<div dir="ltr">{html.escape(text)}</div><br>'
        '<div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{line}<br></div><blockquote class="gmail_quote" '
        f'style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">'
        f"{paragraphs(to.text)}</blockquote></div>"
    )
    plain = f"{text}\n\n{html.unescape(line)}\n\n{quoted(to.text)}\n"
    return with_html(answer(to), plain, rich)


@form
def as_outlook_plain(to: Original, text: str) -> EmailMessage:
    """Outlook as text: a block of headers, no marks; References lost."""
    mail = answer(to, references=False, prefix="RE: ")
    mail["Thread-Index"] = "AdxQ0lO0sYw7d3nQSm2kU1cN5k2f3A=="
    mail.set_content(
        f"{text}\n\n-----Original Message-----\nFrom: {to.name} <{to.address}>\n"
        f"Sent: Sunday, November 22, 2026 10:00 AM\nTo: {NAME}\nSubject: {to.subject}\n\n"
        f"{to.text}\n"
    )
    return mail


@form
def as_outlook_html(to: Original, text: str) -> EmailMessage:
    """Outlook for the desk: its border above a block of Russian headers; the plus address lost."""
    block = (
        f"<b>От:</b> {to.name} &lt;{to.address}&gt;<br><b>Отправлено:</b> 22 ноября 2026 г. 10:00"
        f"<br><b>Кому:</b> {NAME}<br><b>Тема:</b> {html.escape(to.subject)}"
    )
    rich = (
        '<html><body lang=RU><div class="WordSection1">'
        f'<p class="MsoNormal">{html.escape(text)}<o:p></o:p></p><p class="MsoNormal">&nbsp;</p>'
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        f'<p class="MsoNormal">{block}</p></div>{paragraphs(to.text)}</div></body></html>'
    )
    mail = answer(to, address=to.address, prefix="RE: ")
    return with_html(mail, "", rich)


@form
def as_apple_plain(to: Original, text: str) -> EmailMessage:
    """Apple Mail as text: the line of who wrote is part of the quote."""
    mail = answer(to)
    line = f"22 нояб. 2026 г., в 10:00, {to.name} <{to.address}> написал(а):"
    mail.set_content(f"{text}\n\n> {line}\n> \n{quoted(to.text)}\n")
    return mail


@form
def as_apple_html(to: Original, text: str) -> EmailMessage:
    """An iPhone: `blockquote type=cite` and its signature line kept out of our way."""
    line = f"22 нояб. 2026 г., в 10:00, {to.name} &lt;{to.address}&gt; написал(а):"
    rich = (
        '<html><body dir="auto"><div dir="ltr">' + html.escape(text) + "</div>"
        f'<div dir="ltr"><br><blockquote type="cite">{line}<br><br></blockquote></div>'
        f'<blockquote type="cite"><div dir="ltr">{paragraphs(to.text)}</div></blockquote>'
        "</body></html>"
    )
    plain = f"{text}\n\n> {html.unescape(line)}\n> \n{quoted(to.text)}\n"
    return with_html(answer(to, address=to.address), plain, rich)


@form
def as_yandex_plain(to: Original, text: str) -> EmailMessage:
    """Yandex Mail as text; the name in quotes, the mark set close."""
    mail = answer(to, references=False)
    line = f'22.11.2026, 10:00, "{to.name}" <{to.address}>:'
    mail.set_content(f"{text}\n\n{line}\n\n{quoted(to.text, '> ')}\n")
    return mail


@form
def as_yandex_html(to: Original, text: str) -> EmailMessage:
    """Yandex Mail: HTML alone, a bare blockquote below the line; only References are left."""
    rich = (
        f"<div>{html.escape(text)}</div><div> </div><div> </div>"
        f'<div>22.11.2026, 10:00, "{to.name}" &lt;{to.address}&gt;:</div>'
        f"<blockquote>{paragraphs(to.text)}</blockquote>"
    )
    return with_html(answer(to, address=to.address, parent=False), "", rich)


@form
def as_mailru_plain(to: Original, text: str) -> EmailMessage:
    """Mail.ru as text: its line of who wrote, References lost, the plus address lost."""
    mail = answer(to, address=to.address, references=False)
    line = f"Воскресенье, 22 ноября 2026, 10:00 +03:00 от {to.name} <{to.address}>:"
    mail.set_content(f"{text}\n\n{line}\n\n{quoted(to.text, '>')}\n")
    return mail


@form
def as_mailru_html(to: Original, text: str) -> EmailMessage:
    """Mail.ru: its blue border; both bodies."""
    line = f"Воскресенье, 22 ноября 2026, 10:00 +03:00 от {to.name} &lt;{to.address}&gt;:"
    rich = (
        f"<HTML><BODY><div>{html.escape(text)}</div><div>&nbsp;</div><blockquote "
        'style="border-left:1px solid #0857A6;margin:10px;padding:0 0 0 10px;">'
        f"{line}<br>&nbsp;<div>{paragraphs(to.text)}</div></blockquote></BODY></HTML>"
    )
    plain = f"{text}\n\n{html.unescape(line)}\n\n{quoted(to.text)}\n"
    return with_html(answer(to), plain, rich)


@form
def as_the_bat_plain(to: Original, text: str) -> EmailMessage:
    """The Bat!: quotes with initials, both headers lost; the subject is all that is left."""
    mail = answer(to, address=to.address, parent=False, references=False)
    line = "Вы писали 22 ноября 2026 г., 10:00:00:"
    mail.set_content(f"{text}\n\n{line}\n\n{quoted(to.text)}\n")
    return mail


@form
def as_the_bat_html(to: Original, text: str) -> EmailMessage:
    """The Bat! with formatting; the subject changed by hand, the signed address is left."""
    rich = (
        f"<html><body><p>{html.escape(text)}</p><p>Вы писали 22 ноября 2026 г., 10:00:00:</p>"
        f'<table><tr><td width=2 bgcolor="#0000ff"></td><td>{paragraphs(to.text)}</td></tr></table>'
        "</body></html>"
    )
    mail = answer(to, parent=False, references=False)
    mail.replace_header("Subject", "Ещё раз о том же")
    plain = f"{text}\n\nВы писали 22 ноября 2026 г., 10:00:00:\n\n{quoted(to.text)}\n"
    return with_html(mail, plain, rich)


def show(mail: EmailMessage) -> None:
    """Print what a person and a mail program see of a mail."""
    rich = mail.get_body(("html",))
    names = ("From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Reply-To")
    seen = {name: str(mail[name] or "") for name in (*names, "Auto-Submitted")}
    print(json.dumps(seen | {"text": text_of(mail), "html": rich.get_content() if rich else ""}))


def main() -> None:
    """Do one command."""
    command, *words = sys.argv[1:]
    if command == "write":
        mail = new_mail(words[0], os.environ["COMPANY"])
        mail.set_content(words[1])
        send(mail)
    elif command == "wait":
        show(find(words[0], float(words[1]) if len(words) > 1 else WAIT))
    elif command == "answer":
        send(FORMS[words[1]](Original(find(words[0])), words[2]))
    else:
        sys.exit(f"unknown command {command}")


if __name__ == "__main__":
    main()
