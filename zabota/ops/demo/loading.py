"""`zabota demo load`: everything in one transaction, or nothing."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from zabota.channels.models import Inbox
from zabota.lib import clock
from zabota.ops.demo import cast, company, deadlines, odd, places
from zabota.ops.demo.batch import Batch, save_json
from zabota.ops.demo.history import History
from zabota.ops.demo.plot import Plot, beginnings
from zabota.ops.progress import Progress
from zabota.ops.words import gettext as _
from zabota.ops.words import say
from zabota.staff.models import Agent
from zabota.tickets import search
from zabota.tickets.models import Message, Ticket
from zabota.tickets.quarantine import quarantine_queue

SEED = 20261122
TICKETS = 2150
LAST_HOURS = 45  # tickets of the last hours, so that the desk has fresh work at any hour
DAYS = 90
LONG = 6  # threads of about forty letters


class Refused(Exception):
    """The demonstration cannot be loaded or removed; the text is for a person."""


def manifest() -> Path:
    """The file that names what the demonstration brought."""
    return places.folder() / "manifest.json"


def is_loaded() -> bool:
    """Whether this database holds the demonstration."""
    return Inbox.objects.filter(address__endswith=f"@{cast.DOMAIN}").exists()


def load(
    progress: Callable[[str, int], Progress] | None = None,
    *,
    out: TextIO | None = None,
    seed: int = SEED,
) -> None:
    """Load the demonstration and print the agents' passwords to `out` (they are kept nowhere).

    `progress(title, total)` makes the bars. Raises Refused when tickets of a real company exist.
    """
    if is_loaded():
        raise Refused(_("The demonstration data is already there."))
    if Ticket.objects.exists():
        raise Refused(
            _(
                "There are tickets of your own in this database. The demonstration is loaded only "
                "into an empty one: name another folder in ZABOTA_DATA."
            )
        )
    bars = progress or Progress
    where = places.settle()
    with transaction.atomic():
        world = _tell(bars, random.Random(seed), where)
        search.rebuild()
    _print_passwords(world, out or sys.stdout)


def welcome() -> list[str]:
    """Lines for the start: the client's mailbox and the first administrator's link."""
    from zabota.staff.invitations import first_admin_link

    lines = []
    if is_loaded():
        where = places.settle()
        update_inboxes(where)
        lines.append(_("A client's mailbox is here: %(url)s") % {"url": where.mailbox_url})
        lines.append(_("Clients ask by a form here: %(url)s") % {"url": _form_url()})
    link = first_admin_link()
    if link:
        lines.append(
            _("The first administrator signs up here (works once): %(link)s") % {"link": link}
        )
    return lines


def _form_url() -> str:
    return f"{settings.ZABOTA_URL}{reverse('portal:request')}"


def way_in() -> str:
    """What to do when the passwords, which were shown at loading only, are lost."""
    agents = Agent.objects.filter(email__endswith=f"@{cast.DOMAIN}", is_active=True).order_by("id")
    return _(
        "Its passwords were shown when it was loaded. Lost? This prints a link to choose a new "
        "one: .venv/bin/zabota admin link ADDRESS. Addresses: %(who)s"
    ) % {"who": ", ".join(agents.values_list("email", flat=True))}


def update_inboxes(where: places.Places) -> None:
    """Point the demonstration's inboxes at the present ports of its mail server."""
    for inbox in Inbox.objects.filter(address__endswith=f"@{cast.DOMAIN}"):
        wanted = inbox.config | where.inbox_config(inbox.address)
        if inbox.config != wanted:
            inbox.config = wanted
            inbox.save(update_fields=["config"])


def _tell(
    bars: Callable[[str, int], Progress], rng: random.Random, where: places.Places
) -> company.World:
    now = clock.now()
    world = company.build(rng, now, where)
    batch = Batch()
    plot = Plot(batch, world, rng, now)
    starts = beginnings(TICKETS, DAYS, now - timedelta(hours=1), rng)
    starts += [now - timedelta(minutes=rng.uniform(3, 900)) for _ in range(LAST_HOURS)]
    with bars(_("Telling stories"), len(starts)) as bar:
        told: list[History] = []
        for at in sorted(starts):
            told.append(plot.tell(at))
            bar.step()
        for at in beginnings(LONG, DAYS - 35, now - timedelta(days=30), rng):
            plot.tell(at, longest=True)
    odd.notices(plot, 150)
    odd.spam(plot, 45)
    odd.bounces(plot, told, 24)
    odd.doubles(plot, told, 14)
    odd.late(plot, 12)
    odd.outreach(plot, 24)
    queue = quarantine_queue()
    odd.quarantine(plot, queue)
    deadlines.run_clocks(batch, now)
    texts = [message.text for message in batch.rows[Message]]
    if len(set(texts)) != len(texts):
        raise AssertionError("two messages of the demonstration are equal")
    with bars(_("Storing"), batch.total()) as bar:
        batch.write(bar.step)
    save_json(manifest(), _names(world, batch, queue.pk))
    return world


def _names(world: company.World, batch: Batch, quarantine: int) -> dict[str, list[int]]:
    """The ids of what was brought, besides what hangs on inboxes and tickets."""
    clients = [client.contact.pk for group in world.clients.values() for client in group]
    tickets = batch.rows[Ticket]
    contacts = {*clients, *(row.contact_id for row in tickets if row.contact_id)}
    return {
        "tickets": [row.pk for row in tickets],
        "contacts": sorted(contacts),
        "accounts": [row.pk for row in world.accounts],
        "agents": [row.pk for row in world.agents.values()],
        "inboxes": [row.pk for row in world.inboxes.values()],
        "topics": [row.pk for row in world.topics.values()],
        "queues": [*(row.pk for row in world.queues.values()), quarantine],
        "calendars": [row.pk for row in world.calendars],
        "departments": [row.pk for row in world.departments],
    }


def _print_passwords(world: company.World, out: TextIO) -> None:
    say(_("Agents of the demonstration; these passwords are shown once and kept nowhere:"))
    rows = [(_("address"), _("role"), _("password")), *world.passwords]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(),
            file=out,
        )
    out.flush()
