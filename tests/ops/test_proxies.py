"""The configuration files for nginx and Caddy: checked by these programs, and a whole Zabota behind
each: sign-in, live events, uploads, the client's address. Skipped where a program is missing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest

from tests import prepared
from tests.certificates import Authority, Signed
from tests.mailserver import free_port
from tests.ops.visitor import (
    ADDRESS,
    FILL,
    START_LIMIT,
    Browser,
    free_of,
    is_healthy,
    lines,
    python,
    started,
    wait_for,
)

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
# One Zabota stands behind them all.
pytestmark = pytest.mark.xdist_group("proxies")
PROXIES = ["nginx", "caddy"]


class House(NamedTuple):
    """A running Zabota that believes to be at `port`, where the proxies will be."""

    port: int
    behind: int
    log: Path
    roots: Path
    signed: Signed
    email: str
    ticket: int


def program(name: str) -> str:
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if not any(shutil.which(name, path=SEARCHED) for name in PROXIES):
        pytest.skip("neither nginx nor caddy is installed")
    folder = Path("/tmp") / f"zabota-proxied-{os.getpid()}"
    folder.mkdir(mode=0o711)
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    port, behind, log = free_port(), free_port(), folder / "output"
    env = free_of(
        dict(os.environ),
        ZABOTA_DATA=str(folder / "data"),
        ZABOTA_LISTEN=f"127.0.0.1:{behind}",
        ZABOTA_URL=f"https://localhost:{port}",
        ZABOTA_PROXIES="127.0.0.1",
        ZABOTA_WEB_PROCESSES="2",
        LANG="C",
    )
    prepared.migrated(folder / "data")
    try:
        with started("up", env=env, log=log) as process:
            assert wait_for(lambda: is_healthy(behind), START_LIMIT), log.read_text()
            assert process.poll() is None
            made = python(FILL, env)
            signed = authority.sign("localhost")
            yield House(port, behind, log, authority.file, signed, made["email"], made["ticket"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def nginx_file(folder: Path, port: int, behind: int, signed: Signed) -> Path:
    """The file of the repository at other addresses, inside the main file it is made for."""
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("care.example$", f"localhost:{port}$").replace(
        "server_name care.example", "server_name localhost"
    )
    text = text.replace("/etc/ssl/care.example.pem", f'"{signed.certificate}"')
    text = text.replace("/etc/ssl/private/care.example.key", f'"{signed.key}"')
    text = text.replace("127.0.0.1:8100", f"127.0.0.1:{behind}")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = text.replace("/var/cache/nginx/zabota", str(folder / "cache"))
    assert "care.example" not in re.sub(r"#.*", "", text)
    (folder / "zabota.conf").write_text(text)
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "main.conf"
    user = "user root;" if os.getuid() == 0 else ""
    main.write_text(
        f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;\n"
        f"events {{}}\nhttp {{\naccess_log {folder}/access;\n{temporary}\n"
        f"include {folder}/zabota.conf;\n}}\n"
    )
    return main


def caddy_file(folder: Path, port: int, behind: int, signed: Signed) -> Path:
    text = (DEPLOY / "Caddyfile").read_text()
    head = f'localhost:{port} {{\n\tbind 127.0.0.1\n\ttls "{signed.certificate}" "{signed.key}"\n'
    assert "care.example {" in text
    text = text.replace("care.example {\n", head)
    text = text.replace("127.0.0.1:8100", f"127.0.0.1:{behind}")
    main = folder / "Caddyfile"
    main.write_text(
        text.replace("{\n\tgrace", "{\n\tadmin off\n\tauto_https disable_redirects\n\tgrace", 1)
    )
    return main


@contextmanager
def before(name: str, house: House, folder: Path) -> Iterator[Browser]:
    """The proxy `name` before the house, and a browser at it."""
    found = program(name)
    if name == "nginx":
        file = nginx_file(folder, house.port, house.behind, house.signed)
        command = [found, "-c", str(file), "-e", str(folder / "errors")]
    else:
        file = caddy_file(folder, house.port, house.behind, house.signed)
        command = [found, "run", "--adapter", "caddyfile", "--config", str(file)]
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | home)
        try:
            browser = Browser(house.port, house.roots)

            def answers() -> bool:
                try:
                    return browser.ask("GET", "/healthz")[0] == 200
                except OSError:
                    return process.poll() is not None

            assert wait_for(answers, 20)
            assert process.poll() is None, (folder / "said").read_text()
            yield browser
        finally:
            process.terminate()
            process.wait(20)


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    found, authority = program("nginx"), Authority(tmp_path)
    file = nginx_file(tmp_path, 8443, 8100, authority.sign("localhost"))
    command = [found, "-t", "-c", str(file), "-e", str(tmp_path / "errors")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    command = [program("caddy"), "validate", "--adapter", "caddyfile", "--config"]
    env = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, str(DEPLOY / "Caddyfile")], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PROXIES)
def test_zabota_behind_it(name: str, house: House, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with before(name, house, tmp_path) as browser:
        browser.sign_in(house.email)
        assert any("sessionid" in one and "Secure" in one for one in browser.set_cookies)
        told = [line for line in lines(house.log) if line["text"].startswith("POST /account/login")]
        assert told[-1]["client"] == ADDRESS, "neither the proxy nor what the client wrote"
        _live(browser, house.ticket)
        _uploads(browser, house.ticket)
        _static(browser, house.ticket, is_kept=name == "nginx")


def _live(browser: Browser, ticket: int) -> None:
    """An event arrives within a second, while the stream stays open."""
    line = browser.open()
    line.request("GET", f"/live/stream?queues=all&ticket={ticket}", headers=browser.headers())
    end = line.sock
    answer = line.getresponse()
    assert answer.status == 200
    heard: Queue[tuple[float, str]] = Queue()

    def listen() -> None:
        try:
            for raw in answer:
                heard.put((time.monotonic(), raw.decode().strip()))
        except (OSError, ValueError):
            pass

    threading.Thread(target=listen, daemon=True).start()
    while heard.get(timeout=5)[1] != "event: here":
        pass
    assert browser.send(f"/t/{ticket}/note/", {"body": f"Заметка {time.monotonic()}"}) in {200, 302}
    sent = time.monotonic()
    while (found := heard.get(timeout=5))[1] != "event: ticket":
        pass
    assert found[0] - sent < 1.0
    end.shutdown(socket.SHUT_RDWR)


def _uploads(browser: Browser, ticket: int) -> None:
    """20 MB pass; more than Zabota takes is refused with 413."""
    fields = {"body": f"Файл {time.monotonic()}"}
    assert browser.send(f"/t/{ticket}/note/", fields, os.urandom(20_000_000)) in {200, 302}
    _, _, page = browser.ask("GET", f"/t/{ticket}/")
    assert b"big.bin" in page
    # Some refuse before the end of the body, and the client hears of a broken line instead.
    with suppress(OSError):
        assert browser.send(f"/t/{ticket}/note/", fields, bytes(135 * 1024 * 1024)) == 413


def _static(browser: Browser, ticket: int, *, is_kept: bool) -> None:
    """Hashed files may be kept by browsers for ever; nginx keeps them itself too."""
    _, _, page = browser.ask("GET", f"/t/{ticket}/")
    found = re.search(rb'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)
    assert found
    answers: list[dict[str, Any]] = [browser.ask("GET", found[1].decode())[1] for _ in range(2)]
    assert all("immutable" in answer["cache-control"] for answer in answers)
    if is_kept:
        assert answers[1]["x-cache"] == "HIT"
