"""A client with a browser and a mailbox: what he finds in his mails, and the forms he sends."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.test import Client

from zabota.channels.models import Outgoing
from zabota.channels.outbox import load

LINK = re.compile(r"https?://[^\s<>\"]+")


def browser(language: str = "en", **options: Any) -> Client:
    """A browser that nobody knows."""
    return Client(headers={"Accept-Language": language}, **options)


def key() -> str:
    """The key of a form that was just drawn."""
    return uuid.uuid4().hex


def mails(to: str) -> list[str]:
    """The texts of the mails to this address, as they leave, oldest first."""
    return [load(row.envelope).text for row in Outgoing.objects.filter(recipient=to).order_by("id")]


def links(text: str) -> list[str]:
    """The paths of our own links in a mail."""
    found = [urlsplit(link.rstrip(".,")) for link in LINK.findall(text)]
    # A server of its own process has a port of its own.
    own = {urlsplit(settings.ZABOTA_URL).hostname, "127.0.0.1"}
    return [urlunsplit(("", "", *link[2:])) for link in found if link.hostname in own]


def page_of(to: str) -> str:
    """The path of the client's page in his newest mail."""
    found = [link for text in mails(to) for link in links(text) if link.startswith("/r/")]
    return "/".join(found[-1].split("/")[:3]) + "/"
