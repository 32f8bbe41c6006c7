"""A program with a token, as tests of the programs' door use it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.test import Client

from tests import make
from zabota.staff.models import Agent, Level, Queue, Role, Scope
from zabota.staff.tokens import make_token

ALL = tuple(Scope.values)
OLEG = {"address": "p.lebedev@romashka.example", "name": "Пётр Лебедев"}


def integration(*queues: Queue, level: Level = Level.CLOSE) -> Agent:
    """The agent as whom programs work."""
    found = make.agent("Тимур Хабибуллин", *queues, level=level, role=Role.INTEGRATION)
    make.inbox()
    return found


class Program:
    """Sends requests with a token; `language` is its Accept-Language."""

    def __init__(
        self, agent: Agent, scopes: Iterable[str] = ALL, *, language: str = "en", **fields: Any
    ) -> None:
        given: dict[str, Any] = {"name": "CRM", "scopes": scopes, "by": make.BY} | fields
        self.token, self.secret = make_token(agent, **given)
        self.headers = {"Authorization": f"Bearer {self.secret}", "Accept-Language": language}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to one request; `headers` with `_` for `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        content = "" if body is None else json.dumps(body)
        return Client().generic(
            method.upper(), f"/api/v1{path}", content, "application/json",
            headers=self.headers | more,
        )  # fmt: skip

    def get(self, path: str, **headers: str) -> Any:
        """The answer to a GET."""
        return self.ask("get", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """The answer to a POST."""
        return self.ask("post", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """The answer to a PATCH."""
        return self.ask("patch", path, body, **headers)

    def upload(self, name: str, content: bytes, **headers: str) -> Any:
        """The answer to an upload."""
        from django.core.files.uploadedfile import SimpleUploadedFile

        file = SimpleUploadedFile(name, content, "text/plain")
        more = {key.replace("_", "-"): value for key, value in headers.items()}
        return Client().post("/api/v1/attachments", {"file": file}, headers=self.headers | more)


def new_ticket(**more: Any) -> dict[str, Any]:
    """The body of a new ticket."""
    given = {
        "on_behalf_of": OLEG,
        "subject": "Не приходит код",
        "text": "Здравствуйте! Не приходит код для входа.",
        "queue": make.queue().pk,
    }
    return given | more
