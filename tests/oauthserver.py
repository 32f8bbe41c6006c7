"""A stand-in for Google and Microsoft on loopback (authorisation and token endpoints), and mail
servers that let in by its access tokens only."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from aiosmtpd.smtp import MISSING, SMTP, AuthResult

from tests.mailserver import PASSWORD, USER, ImapServer, SmtpServer
from tests.tlsproxy import Listener, _pump

CLIENT_ID, CLIENT_SECRET = "client-17", "a secret of the application"


class Provider:
    """Speaks RFC 6749 and 7636. What is asked stands in `asked`; `access` holds good access
    tokens, `refresh` good refresh tokens; with `rotates` each refresh ends the former token.

    `fail` = (status, body) answers all token requests; `slow` holds them, in seconds.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.rotates = True
        self.life = 3600
        self.fail: tuple[int, str] | None = None
        self.slow = 0.0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.authorise(self)

            def do_POST(self) -> None:
                provider.token(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def consent(self, url: str) -> str:
        """A person allows what `url` asks for; the code he comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return code

    def authorise(self, handler: BaseHTTPRequestHandler) -> None:
        """The person allows it at once."""
        asked = parse_qs(urlsplit(handler.path).query)
        code = self.consent(handler.path)
        back = (
            asked["redirect_uri"][0] + "?" + urlencode({"code": code, "state": asked["state"][0]})
        )
        handler.send_response(302)
        handler.send_header("Location", back)
        handler.end_headers()

    def token(self, handler: BaseHTTPRequestHandler) -> None:
        """The token endpoint."""
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append(asked)
        self.paths.append(handler.path)
        time.sleep(self.slow)
        status, answer = self.fail or self._answer(asked)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.wfile.write(answer.encode())

    def _answer(self, asked: dict[str, str]) -> tuple[int, str]:
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, json.dumps({"error": "invalid_client"})
        if asked["grant_type"] == "authorization_code":
            if not self._is_good_code(asked):
                return 400, json.dumps({"error": "invalid_grant"})
        elif asked["refresh_token"] not in self.refresh:
            told = {"error": "invalid_grant", "error_description": "Token has been revoked."}
            return 400, json.dumps(told)
        elif self.rotates:
            self.refresh.discard(asked["refresh_token"])
        given: dict[str, Any] = {"access_token": self._new(self.access), "expires_in": self.life}
        if self.rotates or asked["grant_type"] == "authorization_code":
            given["refresh_token"] = self._new(self.refresh)
        return 200, json.dumps(given | {"token_type": "Bearer"})

    def _is_good_code(self, asked: dict[str, str]) -> bool:
        begun = self.codes.pop(asked["code"], None)
        if begun is None or begun["redirect_uri"] != asked["redirect_uri"]:
            return False
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return begun["code_challenge"] == challenge and begun["code_challenge_method"] == "S256"

    def _new(self, kept: set[str]) -> str:
        made = secrets.token_urlsafe(16)
        kept.add(made)
        return made

    def takes(self, response: bytes, user: str) -> bool:
        """Whether a response of XOAUTH2 is right."""
        found = re.fullmatch(rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", response)
        return found is not None and found[1].decode() == user and found[2].decode() in self.access


REFUSAL = base64.b64encode(b'{"status":"400","schemes":"Bearer"}')


class TokenImap(Listener):
    """Before a pymap: takes AUTHENTICATE XOAUTH2 alone, then lets the client through."""

    def __init__(self, behind: ImapServer, provider: Provider) -> None:
        super().__init__()
        self.behind, self.provider = behind, provider

    def config(self) -> dict[str, str | int | bool]:
        """The keys an inbox needs to read from here."""
        return self.behind.config() | {"imap_port": self.port}

    def handle(self, line: socket.socket) -> None:
        """Sign in, then pass bytes on."""
        with socket.create_connection(("127.0.0.1", self.behind.port), timeout=10) as inner:
            inner.recv(4096)
            line.sendall(b"* OK IMAP4rev1 ready\r\n")
            if not self._signs_in(line, inner):
                return
            back = threading.Thread(target=_pump, args=[inner, line], daemon=True)
            back.start()
            _pump(line, inner)

    def _signs_in(self, line: socket.socket, inner: socket.socket) -> bool:
        with line.makefile("rb") as lines:
            while request := lines.readline():
                tag, _, command = request.strip().partition(b" ")
                if command.upper() == b"CAPABILITY":
                    line.sendall(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n" + tag + b" OK done\r\n")
                elif command.upper() != b"AUTHENTICATE XOAUTH2":
                    line.sendall(tag + b" NO [PRIVACYREQUIRED] tokens only\r\n")
                elif self._takes(line, lines.readline):
                    inner.sendall(b'zz LOGIN "%s" "%s"\r\n' % (USER.encode(), PASSWORD.encode()))
                    inner.recv(4096)
                    line.sendall(tag + b" OK signed in\r\n")
                    return True
                else:
                    line.sendall(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials\r\n")
        return False

    def _takes(self, line: socket.socket, read: Any) -> bool:
        line.sendall(b"+ \r\n")
        if self.provider.takes(base64.b64decode(read().strip()), USER):
            return True
        line.sendall(b"+ " + REFUSAL + b"\r\n")
        assert read() == b"\r\n", "a refusal is answered with nothing (Google, XOAUTH2)"
        return False


class TokenSmtp(SmtpServer):
    """Takes AUTH XOAUTH2; mail only after it."""

    provider: Provider

    def __init__(self, provider: Provider) -> None:
        super().__init__(user=USER, password=secrets.token_urlsafe(8))
        self.provider = provider

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """Answer AUTH XOAUTH2, with or without an initial response."""
        given: Any = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        if given is not MISSING and self.provider.takes(given, USER):
            return AuthResult(success=True, auth_data=USER)
        await server.challenge_auth(base64.b64decode(REFUSAL))
        await server.push("535 5.7.8 Username and Password not accepted")
        return AuthResult(success=False, handled=True)
