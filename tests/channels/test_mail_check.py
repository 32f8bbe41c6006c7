"""Trying the settings of a mailbox: bounded in time, each trouble told apart."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.mailserver import FakeInbox, free_port
from zabota.channels.kinds.mail import check


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def inbox_at(imap: int, smtp: int) -> FakeInbox:
    return FakeInbox(
        config={
            "imap_host": "127.0.0.1", "imap_port": imap, "imap_tls": "none", "imap_user": "u",
            "smtp_host": "127.0.0.1", "smtp_port": smtp, "smtp_tls": "none", "smtp_user": "u",
        }
    )  # fmt: skip


def test_servers_that_say_nothing_are_given_up_in_time(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "TIMEOUT", 0.3)
    start = time.monotonic()
    report = check.check(inbox_at(silent, silent))
    assert time.monotonic() - start < 2
    assert {step.trouble for step in report.steps} == {"timeout"}
    assert not report.is_good


def test_the_whole_check_ends_even_when_an_answer_would_still_come(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "TIMEOUT", 3.0)
    monkeypatch.setattr(check, "WHOLE", 0.4)
    start = time.monotonic()
    report = check.check(inbox_at(silent, silent))
    assert time.monotonic() - start < 2
    assert [step.trouble for step in report.steps] == ["timeout", "timeout"]


def test_a_closed_port_is_told_apart_from_silence() -> None:
    report = check.check(inbox_at(free_port(), free_port()))
    assert {step.trouble for step in report.steps} == {"refused"}
    assert report.folders == ()


def test_the_real_limits_stay_below_ten_seconds() -> None:
    assert check.TIMEOUT < check.WHOLE < 10
