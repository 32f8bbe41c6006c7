"""The demonstration's mail server and its page, through their doors: HTTP, SMTP, IMAP."""

from __future__ import annotations

import asyncio
import re
import smtplib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from imap_tools import MailBoxUnencrypted

from zabota.channels import registry
from zabota.ops.demo import mailserver, places, quoting
from zabota.ops.demo.mailbox import Person
from zabota.ops.demo.store import FIRST_UID, Store, box_of

COMPANY = {"support@nordhost.example": ("Поддержка", "secret")}
ANNA = Person("anna@lesdvor.example", "Анна Ершова", "ООО «Лесной двор»")
TOKEN = "support+t5-abcdefghijkl@nordhost.example"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(places, "WANTED", {"web": 0, "smtp": 0, "imap": 0})


def served(story: Callable[[places.Places, Browser], None], where: places.Places) -> None:
    """Run `story` while the servers run."""

    async def run() -> None:
        async with mailserver.serving(where, COMPANY, [ANNA]):
            await asyncio.to_thread(lambda: story(where, Browser(where)))

    asyncio.run(run())


class Browser:
    """A visitor of the mailbox page."""

    def __init__(self, where: places.Places, language: str = "ru") -> None:
        self.base = where.mailbox_url
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.opener.addheaders = [("Accept-Language", language)]

    def get(self, path: str) -> str:
        deadline = time.monotonic() + 10
        while True:
            try:
                return str(self.opener.open(self.base + path).read().decode())
            except urllib.error.HTTPError:
                raise
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def post(self, path: str, **fields: str) -> str:
        return str(self.opener.open(self.base + path, urlencode(fields).encode()).read().decode())


def answer(where: places.Places, to: str = ANNA.address) -> None:
    """What Zabota would send."""
    mail = EmailMessage()
    mail["From"] = "Алексей Воронцов <support@nordhost.example>"
    mail["To"], mail["Reply-To"] = to, TOKEN
    mail["Subject"], mail["Message-ID"] = "Re: Вход [#5]", "<1.5@nordhost.example>"
    mail.set_content("Проверяю.\n\nАлексей Воронцов")
    mail.add_alternative("<p>Проверяю.</p><script>alert(1)</script>", subtype="html")
    with smtplib.SMTP(places.HOST, where.smtp) as server:
        server.sendmail("support@nordhost.example", [to], mail.as_bytes())


def fetched(where: places.Places) -> tuple[int, dict[int, bytes]]:
    """UIDVALIDITY and the company's letters by UID."""
    with MailBoxUnencrypted(places.HOST, where.imap).login(*_login()) as box:
        status = box.folder.status("INBOX")
        return status["UIDVALIDITY"], {
            int(str(one.uid)): one.obj.as_bytes() for one in box.fetch(mark_seen=False)
        }


def _login() -> tuple[str, str]:
    address, (_, secret) = next(iter(COMPANY.items()))
    return address, secret


def multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    """A posted form with one file, and its content type."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
    parts.append(f"{head}Content-Type: image/png\r\n\r\n".encode() + content)
    return b"".join(parts) + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def test_a_client_writes_and_the_company_finds_it_under_the_same_number_after_a_restart() -> None:
    where = places.settle()
    seen: list[tuple[int, dict[int, bytes]]] = []

    def write(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        browser.post("/write", to="support@nordhost.example", subject="Вход", text="Не пускает",
                     form="gmail")  # fmt: skip
        seen.append(fetched(where))

    def look(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        seen.append(fetched(where))

    served(write, where)
    served(look, places.settle())
    assert seen[0] == seen[1]
    assert list(seen[0][1]) == [FIRST_UID]
    parsed = registry.kind("mail").parse(seen[0][1][FIRST_UID])
    assert (parsed.sender.email, parsed.sender.name) == (ANNA.address, ANNA.name)
    assert parsed.text.strip() == "Не пускает"


@pytest.mark.parametrize("form", quoting.FORMS)
def test_an_answer_is_read_and_replied_to_in_every_form(form: str) -> None:
    def story(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        answer(where)
        page = browser.get("/")
        assert "is-new" in page
        number = re.findall(r"/letter/(\d+)", page)[0]
        assert "Алексей Воронцов" in browser.get(f"/letter/{number}")
        assert "<script" not in browser.get(f"/letter/{number}/body")
        assert "is-new" not in browser.get("/list")
        assert f'value="{TOKEN}"' in browser.get(f"/write?reply={number}")
        browser.post("/write", reply=number, to=TOKEN, subject="Re: Вход [#5]", text="Спасибо!",
                     form=form)  # fmt: skip
        parsed = registry.kind("mail").parse(fetched(where)[1][FIRST_UID])
        assert parsed.in_reply_to == ("1.5@nordhost.example",)
        assert parsed.reply.strip() == "Спасибо!"
        assert "Проверяю." in parsed.quoted
        assert TOKEN in parsed.delivered_to

    served(story, places.settle())


def test_another_client_does_not_see_the_letter() -> None:
    def story(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        answer(where)
        number = re.findall(r"/letter/(\d+)", browser.get("/"))[0]
        browser.post("/be", address="bob@post.example", name="Bob Ray")
        page = browser.get("/")
        assert "Bob Ray" in page
        assert "/letter/" not in page
        assert "Проверяю" not in browser.get(f"/letter/{number}")

    served(story, places.settle())


def test_a_file_goes_with_the_letter() -> None:
    def story(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        fields = {"to": "support@nordhost.example", "subject": "Файл", "text": "Вот", "form": "bat"}
        body, kind = multipart(fields, "снимок.png", b"\x89PNG\r\n\x1a\n\x00\xff\r\r\n")
        request = urllib.request.Request(f"{browser.base}/write", body, {"Content-Type": kind})
        browser.opener.open(request)
        parsed = registry.kind("mail").parse(fetched(where)[1][FIRST_UID])
        assert [(file.name, file.content) for file in parsed.files] == [
            ("снимок.png", b"\x89PNG\r\n\x1a\n\x00\xff\r\r\n")
        ]

    served(story, places.settle())


def test_a_foreign_page_cannot_post_and_an_empty_letter_is_not_sent() -> None:
    def story(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        data = urlencode({"to": "support@nordhost.example", "text": "x", "form": "bat"}).encode()
        foreign = urllib.request.Request(
            f"{browser.base}/write", data, {"Origin": "http://evil.example"}
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            browser.opener.open(foreign)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            browser.post("/write", to="support@nordhost.example", text=" ", form="bat")
        assert fetched(where)[1] == {}

    served(story, places.settle())


def test_every_page_forbids_foreign_code() -> None:
    def story(where: places.Places, browser: Browser) -> None:
        browser.get("/")
        policy = browser.opener.open(f"{browser.base}/").headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy

    served(story, places.settle())


def test_boxes_and_ports_are_remembered(tmp_path: Path) -> None:
    assert box_of("Support+t42-abc@Nordhost.example") == "support@nordhost.example"
    first = places.settle()
    assert places.settle() == first
    store = Store(tmp_path / "mail.sqlite")
    assert store.put("a@b.example", "in", b"1").uid == FIRST_UID
    assert store.put("a@b.example", "in", b"2").uid == FIRST_UID + 1
    number = store.uid_validity()
    store.close()
    assert Store(tmp_path / "mail.sqlite").uid_validity() == number
