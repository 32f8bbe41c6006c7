"""The throw-away PostgreSQL of the test run, and what every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prepared
from zabota.channels import registry
from zabota.channels.contract import Envelope, InboxSettings, Receipt
from zabota.ops.postgres import UNSAFE, Server

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = "no Chromium found"

_server: Server | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the server in the first process only; xdist's workers connect to it."""
    global _server
    if hasattr(config, "workerinput"):
        return
    prepared.forget()
    if os.environ.get("DATABASE_URL"):
        return
    _server = Server(
        Path(os.environ["ZABOTA_TEST_DATA"]), options=UNSAFE | {"max_connections": "200"}
    )
    _server.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server (its folder goes at exit, see settings.py)."""
    global _server
    if _server is not None:
        _server.stop()
        if _server.cluster.parent != _server.data:
            shutil.rmtree(_server.cluster.parent, ignore_errors=True)
        _server = None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give xdist's groups to the scheduler: xdist 3.8 writes them where pytest 9.2 reads no longer,
    and without a word every test goes to any process (pytest-dev/pytest-xdist#1386)."""
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped is not None and hasattr(item, "_id"):
            item._id = type(item._id).parse(grouped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly when the browser tests did not run."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if NO_BROWSER in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"!!! {len(skipped)} BROWSER TESTS DID NOT RUN: {NO_BROWSER}. "
            "Install Chromium and run again.",
            red=True,
            bold=True,
        )


@pytest.fixture(autouse=True)
def no_jobs_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django empties its own tables after a test that commits; the job library's are not its own,
    and the next test's hands would try jobs whose events are gone."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and bool(marker.kwargs.get("transaction"))
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        from procrastinate.contrib.django.models import ProcrastinateJob

        ProcrastinateJob.objects.all().delete()


@pytest.fixture(autouse=True)
def letters_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inboxes without servers of their own hand over the letters of people: an answer that is not
    delivered is none."""
    mail = registry.kind("mail")
    send = mail.send

    def hand_over(inbox: InboxSettings, envelope: Envelope) -> Receipt:
        is_answer = not (envelope.automatic or inbox.config.get("smtp_host"))
        return Receipt() if is_answer else send(inbox, envelope)

    monkeypatch.setattr(mail, "send", hand_over)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; the test is skipped (and loudly counted) where there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    pytest.skip(NO_BROWSER)
