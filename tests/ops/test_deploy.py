"""Service and container files, and the processes run apart over an external PostgreSQL."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import prepared
from tests.mailserver import PASSWORD, USER, ImapServer, SmtpServer, free_port
from tests.ops.external import server
from tests.ops.visitor import (
    FILL,
    ROOT,
    START_LIMIT,
    Browser,
    free_of,
    is_healthy,
    python,
    started,
    wait_for,
)
from zabota.ops import binaries
from zabota.ops.cli import parser

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
HOLD_INBOX = """
import django; django.setup()
import json, sys
from tests import make
box = make.inbox(address="help@company.example", config={config!r})
box.set_secret({password!r})
box.save()
print(json.dumps(box.pk))
"""
# Mails taken in, as soon as there are more than so many, or after some seconds.
TAKEN = """
import django; django.setup()
import json
from tests.ops.visitor import wait_for
from zabota.channels.models import RawMessage
done = RawMessage.objects.filter(state="done")
wait_for(lambda: done.count() > {than}, {seconds})
print(json.dumps(done.count()))
"""


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    # The program must exist where a unit names it.
    for one in UNITS:
        text = one.read_text().replace("/opt/zabota/.venv/bin/zabota", shutil.which("true") or "")
        (tmp_path / one.name).write_text(text)
    env = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    done = subprocess.run(
        [found, "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        env=env,
    )
    # Other units of this machine are no business of ours.
    complaints = [line for line in done.stderr.splitlines() if "zabota" in line]
    assert not complaints


def test_the_files_name_commands_and_settings_that_exist() -> None:
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file()]
    known = (ROOT / "docs" / "settings.md").read_text()
    named = set(re.findall(r"\b(ZABOTA_[A-Z_]+|DATABASE_URL)\b", "\n".join(texts)))
    assert named
    assert [name for name in named if f"`{name}`" not in known] == []
    for text in texts:
        for command in re.findall(r"^Exec\w+=\S+/zabota ([\w-]+)$", text, re.MULTILINE):
            assert parser().parse_args([command]), command


def test_the_container_runs_as_nobody_special_with_one_volume() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^VOLUME (\S+)", text, re.MULTILINE) == ["/data"]
    assert "ZABOTA_DATA=/data" in text
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text
    for words in re.findall(r"^COPY (?!--from)(.+) \./?\S*$", text, re.MULTILINE):
        for name in words.split():
            assert (ROOT / name).exists(), name


def test_a_single_process_without_a_database_says_what_to_do(folder: Path) -> None:
    env = free_of(dict(os.environ), ZABOTA_DATA=str(folder), LANG="C")
    for command in ("web", "worker", "fetch"):
        done = subprocess.run(
            [sys.executable, "-m", "zabota.ops.cli", command],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert "set DATABASE_URL" in done.stdout + done.stderr, command


@pytest.fixture
def external(folder: Path) -> Iterator[str]:
    """A second PostgreSQL, by TCP and with passwords; role and database as the how-to has them."""
    with server(folder) as url:
        yield url


def test_two_hosts_over_one_database(external: str, folder: Path) -> None:
    """Two web processes, two workers and two fetchers, each host with a data folder of its own and
    the attachments shared; mail comes in at one and leaves by another; live events reach both."""
    shared = folder / "blobs"
    shared.mkdir(mode=0o700)
    hosts = []
    for name in ("one", "two"):
        data = folder / name
        data.mkdir()
        (data / "blobs").symlink_to(shared)
        port = free_port()
        hosts.append(
            free_of(
                dict(os.environ),
                ZABOTA_DATA=str(data),
                ZABOTA_LISTEN=f"127.0.0.1:{port}",
                ZABOTA_URL=f"http://localhost:{port}",
                ZABOTA_SECRET_KEY="the same on both hosts " * 3,
                DATABASE_URL=external,
                LANG="C",
            )
        )
    ports = [int(host["ZABOTA_LISTEN"].rpartition(":")[2]) for host in hosts]
    with ExitStack() as stack:
        imap = stack.enter_context(ImapServer())
        smtp = stack.enter_context(SmtpServer(user=USER, password=PASSWORD))
        # Both migrate at once, as two services that start together do.
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "zabota.ops.cli", "migrate"], env=host, cwd=ROOT
            )
            for host in hosts
        ]
        assert [one.wait(START_LIMIT) for one in both] == [0, 0]
        made = python(FILL, hosts[0])
        config = imap.config() | smtp.config()
        python(HOLD_INBOX.format(config=config, password=PASSWORD), hosts[0])
        for number, host in enumerate(hosts):
            for command in ("web", "worker", "fetch"):
                log = folder / f"{command}-{number}"
                stack.enter_context(started(command, env=host, log=log))
        assert wait_for(lambda: all(map(is_healthy, ports)), START_LIMIT)
        first, second = Browser(ports[0]), Browser(ports[1])
        first.sign_in(made["email"])
        second.cookies = dict(first.cookies)
        ticket = made["ticket"]
        _hears(first, second, ticket)
        fields = {"body": "С файлом"}
        assert first.send(f"/t/{ticket}/note/", fields, os.urandom(300_000)) in {200, 302}
        assert _file_of(second, ticket) == 300_000, "the other host gives what this one took"
        letter = b"From: olga@client.example\r\nTo: help@company.example\r\nSubject: Two hosts\r\n"
        wait_for(lambda: b"company.example" in second.ask("GET", "/settings/inboxes/")[2])
        before = python(TAKEN.format(than=-1, seconds=0), hosts[1])
        imap.append(letter + b"Message-ID: <two@client.example>\r\n\r\nHello\r\n")
        assert python(TAKEN.format(than=before, seconds=60), hosts[1]) > before
        assert wait_for(lambda: len(smtp.taken) > 0, 60), "acknowledged"
        assert len([mail for mail in smtp.taken if "olga@client.example" in mail.recipients]) == 1
        raw = python(TAKEN.format(than=-1, seconds=0), hosts[0])
        assert raw == before + 1, "two fetch processes took it once"
        done = subprocess.run(
            [sys.executable, "-m", "zabota.ops.cli", "doctor"],
            env=hosts[0], cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert "Worker: last heard of" in done.stdout, done.stdout
        assert "Database: PostgreSQL" in done.stdout


def _hears(first: Browser, second: Browser, ticket: int) -> None:
    """A note written at one host is heard at the other."""
    line = second.open()
    line.request("GET", f"/live/stream?queues=all&ticket={ticket}", headers=second.headers())
    end = line.sock
    answer = line.getresponse()
    assert answer.status == 200
    _until(answer, b"event: here")
    assert first.send(f"/t/{ticket}/note/", {"body": "Слышно?"}) in {200, 302}
    _until(answer, b"event: ticket")
    end.shutdown(socket.SHUT_RDWR)


def _until(answer: http.client.HTTPResponse, wanted: bytes) -> None:
    for raw in answer:
        if raw.strip() == wanted:
            return
    raise AssertionError(f"the stream ended before {wanted!r}")


def _file_of(browser: Browser, ticket: int) -> int:
    """The size of the attachment of the ticket, downloaded."""
    _, _, page = browser.ask("GET", f"/t/{ticket}/")
    link = re.search(rb'href="(/t/\d+/file/\d+/)"', page)
    assert link, "the file stands in the ticket"
    status, headers, body = browser.ask("GET", link[1].decode())
    while status in {301, 302, 303}:
        status, headers, body = browser.ask("GET", headers["location"])
    assert status == 200
    return len(body)


MANY = 16  # more than a pool has connections
SEVERAL = """
import django; django.setup()
import json
from tests import make
for number in range({count}):
    box = make.inbox(address=f"n{{number}}@company.example", config={config!r})
    box.set_secret({password!r})
    box.save()
print(json.dumps({count}))
"""
READ = """
import django; django.setup()
import json
from tests.ops.visitor import wait_for
from zabota.channels.models import Inbox
read = Inbox.objects.filter(last_ok_at__isnull=False)
wait_for(lambda: read.count() == {many}, 40)
print(json.dumps(read.count()))
"""


def test_one_fetch_process_reads_more_inboxes_than_a_pool_has_connections(
    external: str, folder: Path
) -> None:
    env = free_of(
        dict(os.environ), ZABOTA_DATA=str(folder / "data"), DATABASE_URL=external, LANG="C"
    )
    restore = [str(binaries.bin_dir() / "pg_restore"), "--no-owner", "--exit-on-error"]
    subprocess.run([*restore, "-d", external, str(prepared.dump())], check=True)
    with ImapServer() as imap:
        given = {"count": MANY, "config": imap.config(), "password": PASSWORD}
        assert python(SEVERAL.format(**given), env) == MANY
        with started("fetch", env=env, log=folder / "fetch"):
            assert python(READ.format(many=MANY), env) == MANY, "each is read"
