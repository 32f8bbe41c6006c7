"""What a client writes on the mailbox page, as the mail program he chose would send it."""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.utils import timezone

from zabota.lib import clock
from zabota.ops.demo import quoting
from zabota.ops.demo.places import HOST
from zabota.ops.demo.reading import Shown

PROGRAMS = {
    "gmail": "",
    "outlook": "Microsoft Outlook 16.0",
    "apple": "Apple Mail (2.3826.200.121)",
    "yandex": "Yamail [ http://yandex.ru ] 5.0",
    "mailru": "Mail.Ru Mailer 1.0",
    "bat": "The Bat! (v11.1) Professional",
}


@dataclass(frozen=True)
class Draft:
    """What the form says."""

    name: str
    address: str
    to: str
    subject: str
    text: str
    form: str
    language: str
    files: Sequence[tuple[str, str, bytes]] = ()


def build(draft: Draft, answered: Shown | None) -> EmailMessage:
    """The complete mail; an answer carries In-Reply-To, References and the quoted text."""
    now = timezone.localtime(clock.now())
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(draft.name, addr_spec=draft.address)
    mail["To"] = Address(addr_spec=draft.to)
    mail["Subject"] = " ".join(draft.subject.split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{uuid.uuid4()}@{draft.address.partition('@')[2]}>"
    if PROGRAMS[draft.form]:
        mail["X-Mailer"] = PROGRAMS[draft.form]
    body = quoting.plain(draft.text)
    if answered is not None:
        mail["In-Reply-To"] = f"<{answered.message_id}>"
        mail["References"] = " ".join(f"<{i}>" for i in (*answered.references, answered.message_id))
        body = quoting.answer(draft.form, draft.language, draft.text, _quoted(answered, draft))
    mail.set_content(body.text, cte="base64")
    if body.html and draft.form != "bat":
        mail.add_alternative(body.html, subtype="html", cte="base64")
    for name, kind, content in draft.files:
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub or "octet-stream", filename=name)
    return mail


def send(mail: EmailMessage, sender: str, to: str, port: int) -> None:
    """Hand the mail to the demonstration's server; raises OSError or SMTPException."""
    with smtplib.SMTP(HOST, port, timeout=20) as server:
        server.sendmail(sender, [to], mail.as_bytes())


def _quoted(answered: Shown, draft: Draft) -> quoting.Quoted:
    return quoting.Quoted(
        name=answered.name,
        address=answered.answer_to,
        at=timezone.localtime(answered.at),
        to=draft.address,
        subject=answered.subject,
        text=answered.text.strip(),
    )
