"""One signed-in agent over HTTP: a kept-open connection, cookies, the time of each answer."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.fill import PASSWORD
from bench.house import Failed
from zabota.staff.models import Agent

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """Status, text and the milliseconds until its last byte."""

    status: int
    text: str
    ms: float


class Browser:
    """Signs in as a person does; raises Failed when that does not work."""

    def __init__(self, port: int, agent: Agent) -> None:
        self.agent = agent
        self.cookies: dict[str, str] = {}
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        found = CSRF.search(self.get("/account/login/").text)
        if found is None:
            raise Failed("the sign-in page has no form")
        self.token = found[1]
        self.post("/account/login/", {"login": agent.email, "password": PASSWORD})
        if "sessionid" not in self.cookies:
            raise Failed(f"{agent.email} cannot sign in")
        # Signing in changed the secret.
        self.token = self.cookies["csrftoken"]

    def get(self, path: str, *, part: bool = False) -> Answer:
        """GET; `part`: as the page's scripts ask for a part of the screen."""
        return self._ask("GET", path, None, part)

    def post(self, path: str, fields: dict[str, str], *, part: bool = False) -> Answer:
        """POST of a form."""
        data = {"csrfmiddlewaretoken": self.token} | fields
        return self._ask("POST", path, urlencode(data), part)

    @property
    def cookie(self) -> str:
        """The Cookie header."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _ask(self, method: str, path: str, body: str | None, part: bool) -> Answer:
        headers = {"Cookie": self.cookie} if self.cookies else {}
        if part:
            headers["HX-Request"] = "true"
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        try:
            self._line.request(method, path, body, headers)
            response = self._line.getresponse()
        except http.client.RemoteDisconnected:
            # The site closes lines that were idle for long, as while the data grew.
            if body is not None:
                raise
            self._line.close()
            self._line.request(method, path, body, headers)
            response = self._line.getresponse()
        text = response.read()
        ms = (time.perf_counter() - began) * 1000
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(response.status, text.decode(errors="replace"), ms)
