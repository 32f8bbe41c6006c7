"""The clients who write and read mail, and the agent who answers through the pages."""

from __future__ import annotations

import http.client
import imaplib
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from html.parser import HTMLParser
from http.cookiejar import CookieJar

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mailserver import ImapServer, SmtpServer

ADDRESS = "support@zabota.example"
NUMBER = re.compile(r"\[#(\d+)\]")
CLIENTS = 200
NEW_PER_CLIENT = 2  # below the flood guard: every new ticket must be acknowledged
PATIENCE = 60.0  # seconds in which one reply is repeated


@dataclass(frozen=True)
class Letter:
    """A mail in a client's mailbox."""

    at: float
    message_id: str
    recipients: tuple[str, ...]
    ticket: int
    answer_to: str
    text: str


class Post(SmtpServer):
    """The mail server of all clients; knows when each mail was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Letter] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail and note the moment."""
        before = len(self.taken)
        answer = await super().handle_DATA(server, session, envelope)
        for taken in self.taken[before:]:
            self.letters.append(_read(taken.raw, taken.recipients))
        return answer


def _read(raw: bytes, recipients: tuple[str, ...]) -> Letter:
    mail = message_from_bytes(raw, policy=policy.default)
    number = NUMBER.search(str(mail["Subject"] or ""))
    body = mail.get_body(("plain",))
    return Letter(
        at=time.time(),
        message_id=str(mail["Message-ID"] or "").strip().strip("<>"),
        recipients=recipients,
        ticket=int(number[1]) if number else 0,
        answer_to=str(mail["Reply-To"] or mail["From"] or ""),
        text=body.get_content() if body else "",
    )


@dataclass
class Clients:
    """Write new mails, and answers to what they got. `expected`: token → ticket number, 0 when a
    new ticket must come of it."""

    imap: ImapServer
    post: Post
    dice: random.Random
    expected: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    opened: dict[str, int] = field(default_factory=dict)
    _line: imaplib.IMAP4 | None = None

    def write(self) -> None:
        """One mail: an answer when somebody got mail, at most every second one."""
        token = f"mail-{uuid.uuid4().hex}"
        letter = self._unanswered() if self.dice.random() < 0.5 else None
        if letter is None and sum(self.opened.values()) >= CLIENTS * NEW_PER_CLIENT:
            letter = self._unanswered() or self.dice.choice(self._to_clients())
        if letter is None:
            self.expected[token] = 0
            mail = self._first(token)
        else:
            self.expected[token] = letter.ticket
            self.answered.add(letter.message_id)
            mail = self._answer(letter, token)
        # One connection for all: a login costs the server half a second of hashing.
        self._line = self._line or self.imap.client()
        typ, data = self._line.append("INBOX", "", "", mail.as_bytes())
        if typ != "OK":
            raise RuntimeError(f"the IMAP server refused a mail: {data!r}")

    def _first(self, token: str) -> EmailMessage:
        count = sum(self.opened.values())
        address = f"client{count % CLIENTS}@romashka.example"
        self.opened[address] = self.opened.get(address, 0) + 1
        mail = _mail(address, f"Не приходит код, случай {count}")
        mail.set_content(f"Здравствуйте!\n\nНе приходит код для входа.\n{token}\n")
        return mail

    def _answer(self, letter: Letter, token: str) -> EmailMessage:
        """Three forms: to the signed address, by In-Reply-To alone, by the subject alone."""
        how = self.dice.choice(("address", "header", "subject"))
        number = f"[#{letter.ticket}]" if how == "subject" else ""
        mail = _mail(letter.recipients[0], f"Re: Не приходит код {number}")
        if how == "address":
            mail.replace_header("To", letter.answer_to)
        if how != "subject":
            mail["In-Reply-To"] = f"<{letter.message_id}>"
        first = next(iter(letter.text.splitlines()), "")
        mail.set_content(
            f"Спасибо, получилось.\n{token}\n\n"
            f"вс, 22 нояб. 2026 г. в 10:00, Забота <{ADDRESS}>:\n> {first}\n"
        )
        return mail

    def _to_clients(self) -> list[Letter]:
        return [
            letter
            for letter in list(self.post.letters)
            if letter.ticket and letter.recipients[0].endswith("@romashka.example")
        ]

    def _unanswered(self) -> Letter | None:
        found = [one for one in self._to_clients() if one.message_id not in self.answered]
        return self.dice.choice(found) if found else None


def _mail(sender: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Клиент <{sender}>"
    mail["To"] = ADDRESS
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{uuid.uuid4()}@romashka.example>"
    mail["Date"] = format_datetime(datetime.now(UTC))
    return mail


class Refused(Exception):
    """The site answered something else than it should; `code` is the HTTP status, 0 for none."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class Form(HTMLParser):
    """The hidden fields and the text area of the form that posts to an address ending so."""

    def __init__(self, page: str, ending: str) -> None:
        super().__init__()
        self.ending = ending
        self.action = ""
        self.fields: dict[str, str] = {}
        self.area = ""
        self._inside = False
        self.feed(page)
        if not self.action:
            raise Refused(f"no form to …{ending} on the page")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what belongs to the wanted form."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = not self.action and given.get("action", "").endswith(self.ending)
            if self._inside:
                self.action = given["action"]
        elif self._inside and tag == "input" and given.get("type") == "hidden":
            self.fields[given.get("name", "")] = given.get("value", "")
        elif self._inside and tag == "textarea":
            self.area = given.get("name", "")

    def handle_endtag(self, tag: str) -> None:
        """The form ends."""
        if tag == "form":
            self._inside = False


class Browser:
    """An agent's browser without scripts: signs in, answers, repeats a broken POST as it was."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.repeated = 0
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()),
            urllib.request.ProxyHandler({}),
        )

    def sign_in(self, email: str, password: str) -> None:
        """Raises Refused when the site does not let us in."""
        form = Form(self.patiently("/"), "/login/")
        self.patiently(form.action, form.fields | {"login": email, "password": password})
        if 'name="password"' in self.patiently("/"):
            raise Refused("sign-in failed")

    def reply(self, ticket: int, text: str, **more: str) -> None:
        """Answer a ticket by the form of its page; read again what the client wrote meanwhile."""
        while True:
            form = Form(self.patiently(f"/t/{ticket}/"), "/reply/")
            try:
                self.patiently(form.action, form.fields | {form.area: text} | more)
                return
            except Refused as error:
                # 409 says that nothing was posted, also for a repeated POST.
                if error.code != http.client.CONFLICT:
                    raise

    def post(self, path: str, ending: str, **fields: str) -> str:
        """Press the button of the form on the page that leads to an address ending so."""
        form = Form(self.patiently(path), ending)
        return self.patiently(form.action, form.fields | fields)

    def patiently(self, path: str, fields: dict[str, str] | None = None) -> str:
        """GET or POST, the same again while the site is away; raises Refused for another no."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._once(path, fields)
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > deadline:
                    told = error.read()[:300].decode(errors="replace")
                    raise Refused(f"{path}: {error.code} {told}", error.code) from error
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise Refused(f"{path}: {error}") from error
            self.repeated += fields is not None
            time.sleep(0.2)

    def _once(self, path: str, fields: dict[str, str] | None) -> str:
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        request = urllib.request.Request(
            self.url + path, data, headers={"Referer": self.url + path}
        )
        with self.opener.open(request, timeout=15) as answer:
            page: bytes = answer.read()
            return page.decode()
