"""What a webhook is told: the fact, and the ticket as the programs' door shows it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse

from zabota.events import log
from zabota.events.facts import UnknownFact
from zabota.events.models import Event
from zabota.notify import hearing, showing
from zabota.notify.models import Webhook, WebhookDelivery
from zabota.tickets.models import Ticket


def of(row: WebhookDelivery, hook: Webhook) -> str | None:
    """The body, made anew for each try: the ticket as it is now. None when the webhook may not
    hear of it any more, or nobody knows it."""
    if row.event is None:
        return test(row.name, hook)
    queues = hearing.queues_of(hook)
    tickets = Ticket.objects.select_related("contact").filter(pk=row.ticket or 0, queue__in=queues)
    ticket = tickets.first()
    try:
        event = log.read(row.event)
        fact = event.fact
    except (Event.DoesNotExist, UnknownFact):
        return None
    if ticket is None or fact.kind not in hearing.KNOWN:
        return None
    address = settings.ZABOTA_URL + reverse("api:get_ticket", args=[ticket.pk])
    return _written(
        {
            "id": row.name,
            "kind": event.kind,
            "at": event.at,
            "webhook": hook.pk,
            "by": _who(event.actor),
            "facts": hearing.told(fact, queues),
            "ticket": showing.tickets([ticket])[0],
            "links": {"ticket": address, "messages": f"{address}/messages"},
        }
    )


def test(name: str, hook: Webhook) -> str:
    """The body of a test, which is about nothing."""
    return _written({"id": name, "kind": hearing.TEST, "webhook": hook.pk, "ticket": None})


def _who(actor: str) -> dict[str, Any]:
    """Who acted, so that a program knows its own doing; parts of the system have no number."""
    kind, _colon, name = actor.partition(":")
    return {"kind": kind, "id": int(name) if name.isdigit() else None}


def _written(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, cls=DjangoJSONEncoder)
