from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def mails_by_the_outbox(settings: Any) -> None:
    """One-time links leave as they do in earnest, not by the test runner's mailbox."""
    settings.EMAIL_BACKEND = "zabota.channels.systemmail.OutboxBackend"
