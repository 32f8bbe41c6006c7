"""`zabota demo remove`: what the demonstration brought goes, what others made stays."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet

from zabota.calendars.models import Calendar, QueueCalendar
from zabota.channels import blobs
from zabota.channels.models import Inbox, Outgoing, RawMessage
from zabota.customers.models import Account, Contact
from zabota.events.forget import forget
from zabota.ops.demo import places
from zabota.ops.demo.loading import Refused, is_loaded, manifest
from zabota.ops.words import gettext as _
from zabota.ops.words import say
from zabota.staff.models import Agent, Department, Queue, Topic
from zabota.tickets.models import Attachment, Message, Ticket


def remove() -> None:
    """Remove the demonstration, with the tickets that came through its inboxes since.

    Agents, contacts and queues that tickets of others need stay; such agents can no longer sign in.
    Raises Refused when it is not loaded.
    """
    if not is_loaded():
        raise Refused(_("The demonstration data is not loaded: there is nothing to remove."))
    try:
        names: dict[str, list[int]] = json.loads(manifest().read_text())
    except FileNotFoundError:
        raise Refused(
            _("The list of what the demonstration brought is missing: %(file)s")
            % {"file": manifest()}
        ) from None
    with transaction.atomic():
        digests = _tickets(names)
        _people(names)
        _structure(names)
        unused = _unused(digests)
    for digest in unused:
        blobs.path_of(digest).unlink(missing_ok=True)
    shutil.rmtree(places.folder(), ignore_errors=True)
    say(_("The demonstration data is removed."))


def _tickets(names: dict[str, list[int]]) -> set[str]:
    """Delete tickets, mails and their history; returns the hashes of files they named."""
    tickets = Ticket.objects.filter(Q(pk__in=names["tickets"]) | Q(inbox__in=names["inboxes"]))
    ids = list(tickets.values_list("pk", flat=True))
    names["contacts"] += list(
        tickets.exclude(contact=None).values_list("contact_id", flat=True).distinct()
    )
    raws = RawMessage.objects.filter(inbox__in=names["inboxes"])
    sent = Outgoing.objects.filter(inbox__in=names["inboxes"])
    files = Attachment.objects.filter(message__ticket__in=ids)
    digests = {*files.values_list("sha256", flat=True), *raws.values_list("sha256", flat=True)}
    streams = [f"ticket:{pk}" for pk in ids]
    streams += [f"raw:{pk}" for pk in raws.values_list("pk", flat=True)]
    own = set(sent.values_list("recipient", flat=True))
    others = Outgoing.objects.exclude(pk__in=sent.values("pk")).filter(recipient__in=own)
    own -= set(others.values_list("recipient", flat=True))
    streams += [f"outgoing:{hashlib.sha256(to.encode()).hexdigest()[:24]}" for to in own]
    forget(streams)
    files.delete()
    Message.objects.filter(ticket__in=ids).delete()
    Ticket.objects.filter(pk__in=ids).delete()
    raws.delete()
    sent.delete()
    return digests


def _people(names: dict[str, list[int]]) -> None:
    Inbox.objects.filter(pk__in=names["inboxes"]).delete()
    contacts = Contact.objects.filter(pk__in=set(names["contacts"]))
    busy = set(contacts.filter(tickets__isnull=False).values_list("pk", flat=True))
    busy |= set(Message.objects.filter(contact__in=contacts).values_list("contact_id", flat=True))
    gone = contacts.exclude(pk__in=busy)
    accounts = Account.objects.filter(pk__in=names["accounts"])
    streams = [f"contact:{pk}" for pk in gone.values_list("pk", flat=True)]
    gone.delete()
    left = accounts.filter(contacts=None, tickets=None)
    streams += [f"account:{pk}" for pk in left.values_list("pk", flat=True)]
    left.delete()
    forget(streams)
    _agents(Agent.objects.filter(pk__in=names["agents"]))


def _agents(agents: QuerySet[Agent]) -> None:
    wrote = set(Message.objects.filter(agent__in=agents).values_list("agent_id", flat=True))
    for agent in agents.filter(pk__in=wrote):
        agent.is_active = False
        agent.set_unusable_password()
        agent.save(update_fields=["is_active", "password"])
    gone = agents.exclude(pk__in=wrote)
    forget([f"agent:{pk}" for pk in gone.values_list("pk", flat=True)])
    gone.delete()


def _structure(names: dict[str, list[int]]) -> None:
    calendars = Calendar.objects.filter(pk__in=names.get("calendars", []))
    forget([f"calendar:{pk}" for pk in calendars.values_list("pk", flat=True)])
    QueueCalendar.objects.filter(calendar__in=calendars).delete()
    calendars.delete()
    Topic.objects.filter(pk__in=names["topics"], ticket=None).delete()
    queues = Queue.objects.filter(pk__in=names["queues"])
    forget([f"queue:{pk}" for pk in queues.values_list("pk", flat=True)])
    queues.filter(ticket=None, inboxes=None, topics=None).delete()
    Department.objects.filter(pk__in=names["departments"], queues=None).delete()


def _unused(digests: Iterable[str]) -> set[str]:
    """Files that no message and no mail names any more."""
    wanted = set(digests) - {""}
    used = set(Attachment.objects.filter(sha256__in=wanted).values_list("sha256", flat=True))
    used |= set(RawMessage.objects.filter(sha256__in=wanted).values_list("sha256", flat=True))
    return wanted - used
