"""The page "a client's mailbox": be a client, read what came, write and answer. It knows the
demonstration's mail server only."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from django.utils.translation import gettext_lazy as _
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from zabota.ops.demo import forms, quoting, reading, writing
from zabota.ops.demo.places import HOST, Places
from zabota.ops.demo.reading import Shown
from zabota.ops.demo.store import Store, box_of

HERE = Path(__file__).parent
SHOWN = 200
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FRAME_POLICY = (
    "sandbox allow-same-origin allow-popups; default-src 'none'; img-src 'self'; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Person:
    """Somebody the visitor may be."""

    address: str
    name: str
    company: str = ""


class Mailbox:
    """The page's application over the store; `inboxes` are the company's names by address."""

    def __init__(
        self, store: Store, where: Places, inboxes: dict[str, str], people: list[Person]
    ) -> None:
        self.store, self.where, self.inboxes, self.known = store, where, inboxes, people
        self.templates = _environment()

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/", self.home),
            Route("/list", self.fragment),
            Route("/letter/{id:int}", self.letter),
            Route("/letter/{id:int}/body", self.body),
            Route("/letter/{id:int}/part/{number:int}", self.part),
            Route("/write", self.write, methods=["GET"]),
            Route("/write", self.send, methods=["POST"]),
            Route("/be", self.be, methods=["POST"]),
            Route("/language", self.language, methods=["POST"]),
            Mount("/static", StaticFiles(directory=settings.PACKAGE / "static")),
            Mount("/own", StaticFiles(directory=HERE / "own")),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
        return Starlette(routes=routes, middleware=[hosts, Middleware(Guard)])

    async def home(self, request: Request) -> Response:
        """The list; the reading pane says what to do."""
        return self._page(request, "mailbox/home.html")

    async def fragment(self, request: Request) -> Response:
        """The list alone, for the script that looks for news."""
        chosen = request.query_params.get("letter", "")
        current = int(chosen) if chosen.isdigit() else 0
        return self._page(request, "mailbox/list.html", current=current)

    async def letter(self, request: Request) -> Response:
        """One letter."""
        shown = self._letter(request)
        if shown is None:
            return RedirectResponse("/", 303)
        self.store.mark_seen(shown.id)
        return self._page(request, "mailbox/letter.html", letter=shown, current=shown.id)

    async def body(self, request: Request) -> Response:
        """A letter's HTML for the sandboxed frame."""
        shown = self._letter(request)
        if shown is None or not shown.html:
            return PlainTextResponse("", 404)
        html = reading.document(shown, f"/letter/{shown.id}/part")
        return Response(
            html, media_type="text/html", headers={"Content-Security-Policy": FRAME_POLICY}
        )

    async def part(self, request: Request) -> Response:
        """A file of a letter: pictures are shown, all other is downloaded."""
        shown, number = self._letter(request), request.path_params["number"]
        if shown is None or number >= len(shown.files):
            return PlainTextResponse("", 404)
        file = shown.files[number]
        picture = file.content_type in {"image/png", "image/jpeg", "image/gif", "image/webp"}
        way = "inline" if picture and file.content_id else "attachment"
        return Response(
            file.content,
            media_type=file.content_type if picture else "application/octet-stream",
            headers={"Content-Disposition": f"{way}; filename*=UTF-8''{quote(file.name)}"},
        )

    async def write(self, request: Request) -> Response:
        """The form for a new letter or an answer."""
        reply = request.query_params.get("reply", "")
        answered = self._letter(request, int(reply)) if reply.isdigit() else None
        values = {"to": "", "subject": "", "text": "", "form": "gmail"}
        if answered is not None:
            values["subject"] = _re(answered.subject)
            values["to"] = answered.answer_to
        return self._form(request, answered, values)

    async def send(self, request: Request) -> Response:
        """Send what was written; errors stand above the form, which keeps its words."""
        error: Any = ""
        try:
            form = await forms.read(request)
        except forms.TooLarge:
            form, error = forms.Form(), _("The files are too large: 10 MB at most.")
        values = {name: form.get(name) for name in ("to", "subject", "text", "form")}
        reply = form.get("reply")
        answered = self._letter(request, int(reply)) if reply.isdigit() else None
        me = self._me(request)
        if error:
            values["form"] = "gmail"
        elif values["form"] not in quoting.FORMS or "@" not in values["to"]:
            error = _("Write to whom the letter goes.")
        elif not values["text"]:
            error = _("The letter is empty.")
        if error:
            return self._form(request, answered, values, error, 400)
        draft = writing.Draft(
            me.name, me.address, values["to"], values["subject"], values["text"], values["form"],
            _language(request), form.files,
        )  # fmt: skip
        try:
            mail = writing.build(draft, answered)
            await asyncio.to_thread(writing.send, mail, me.address, values["to"], self.where.smtp)
        except (OSError, smtplib.SMTPException, ValueError, IndexError):
            error = _("The letter could not be sent. Check the address and try again.")
            return self._form(request, answered, values, error, 400)
        self.store.put(me.address, "sent", mail.as_bytes())
        return RedirectResponse("/?sent=1", 303)

    async def be(self, request: Request) -> Response:
        """Become another client."""
        form = await forms.read(request)
        address = (form.get("address") or form.get("known")).lower()
        name = " ".join(form.get("name").split())
        answer = RedirectResponse("/", 303)
        if address.count("@") == 1 and not any(letter.isspace() for letter in address):
            if form.get("address"):
                self.store.know(address, name or address.partition("@")[0])
            answer.set_cookie("client", quote(address), httponly=True, samesite="lax")
        return answer

    async def language(self, request: Request) -> Response:
        """Another language of the page."""
        form = await forms.read(request)
        answer = RedirectResponse("/", 303)
        wanted = "ru" if form.get("language") == "ru" else "en"
        answer.set_cookie("language", wanted, httponly=True, samesite="lax", max_age=31_536_000)
        return answer

    def people(self) -> list[Person]:
        """Everybody the visitor may be, typed ones last."""
        typed = [Person(address, name) for address, name in self.store.people()]
        known = {person.address for person in typed}
        return [person for person in self.known if person.address not in known] + typed

    def _me(self, request: Request) -> Person:
        address = unquote(request.cookies.get("client", ""))
        people = self.people()
        fallback = people[0] if people else Person("client@post.example", "Client")
        return next((person for person in people if person.address == address), fallback)

    def _letter(self, request: Request, number: int | None = None) -> Shown | None:
        wanted = number if number is not None else request.path_params["id"]
        found = self.store.get(wanted, self._me(request).address)
        return reading.read(found) if found else None

    def _form(
        self, request: Request, answered: Shown | None, values: dict[str, str], error: Any = "",
        status: int = 200,
    ) -> Response:  # fmt: skip
        return self._page(
            request, "mailbox/write.html", status, answered=answered, values=values, error=error,
            forms=[(form, quoting.NAMES[form]) for form in quoting.FORMS], inboxes=self.inboxes,
        )  # fmt: skip

    def _page(self, request: Request, template: str, status: int = 200, **more: Any) -> Response:
        me, language = self._me(request), _language(request)
        letters = [
            reading.read(row) for row in reversed(self.store.letters(me.address, limit=SHOWN))
        ]
        context = {
            "me": me, "people": self.people(), "letters": letters, "language": language,
            "current": 0,
            "sent": "sent" in request.query_params, "desk_url": settings.ZABOTA_URL,
        }  # fmt: skip
        with translation.override(language):
            html = self.templates.get_template(template).render(context | more)
        return Response(html, status, media_type="text/html")


class Guard:
    """Headers on every answer; a POST from another site is refused."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
        origin = headers.get("origin")
        if scope["method"] == "POST" and origin not in (None, f"http://{headers.get('host')}"):
            await PlainTextResponse("", 403)(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {key.lower() for key, _ in message["headers"]}
                added = [
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
                if b"content-security-policy" not in names:
                    added.append((b"content-security-policy", POLICY.encode()))
                if scope["path"].startswith(("/static", "/own")):
                    added.append((b"cache-control", b"max-age=60"))
                else:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, guarded)


def _language(request: Request) -> str:
    chosen = request.cookies.get("language")
    if chosen in {"ru", "en"}:
        return chosen
    wanted = request.headers.get("accept-language", "").lower()
    return "ru" if wanted.startswith("ru") else "en"


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "jinja2"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.policies["ext.i18n.trimmed"] = True
    install = cast(Callable[..., None], cast(Any, made).install_gettext_callables)
    install(gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext)
    made.filters["clock"] = lambda moment: timezone.localtime(moment).strftime("%d.%m %H:%M")
    made.filters["plain"] = box_of
    made.filters["kilobytes"] = lambda size: max(1, round(size / 1024))
    return made
