"""Tickets: the list, one, a new one, changes."""

import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router

from zabota.api import answers, creating, problems, schemas, uploads
from zabota.api.door import Bearer, Caller, caller, ticket_for
from zabota.api.filtering import condition
from zabota.api.once import once
from zabota.api.paging import page
from zabota.api.problems import Problem, wrong
from zabota.channels.models import Inbox
from zabota.lib import clock
from zabota.notify import showing
from zabota.sla.queries import promise_of
from zabota.staff import policy
from zabota.staff.models import Agent, Level, Queue, Scope, Topic
from zabota.tickets import actions
from zabota.tickets.conditions import where
from zabota.tickets.models import Status, Ticket

router = Router(tags=["tickets"])
READ, WRITE = Bearer(Scope.TICKETS_READ), Bearer(Scope.TICKETS_WRITE)


@router.get(
    "/tickets",
    auth=READ,
    response=answers.TicketPage,
    operation_id="list_tickets",
    summary="List tickets",
)
def list_tickets(request: HttpRequest, asked: Query[schemas.TicketFilter]) -> Any:
    """Tickets of the queues that the token's agent sees, newest first."""
    rows = Ticket.objects.visible_to(caller(request).agent).select_related("contact")
    rows = rows.filter(where(condition(asked)))
    by_time = "last_message_at" if asked.order == "last_message" else ""
    found, following = page(rows, "-id", asked.cursor, asked.limit, by_time=by_time)
    return {"items": showing.tickets(found), "next": following}


@router.get(
    "/tickets/{int:number}",
    auth=READ,
    response=answers.Ticket,
    operation_id="get_ticket",
    summary="Read a ticket",
)
def get_ticket(request: HttpRequest, number: int) -> Any:
    """One ticket; a foreign one is not found."""
    return _whole(ticket_for(caller(request), number))


@router.post(
    "/tickets",
    auth=WRITE,
    response={201: answers.MadeTicket},
    operation_id="create_ticket",
    summary="Bring a ticket",
)
def create_ticket(request: HttpRequest, body: schemas.NewTicket) -> Any:
    """A request of a client becomes a ticket, treated at once: number and expected time stand in
    the answer."""
    who = caller(request)
    return once(request, lambda: _create(who, body), status=201)


@router.patch(
    "/tickets/{int:number}",
    auth=WRITE,
    response=answers.Ticket,
    operation_id="change_ticket",
    summary="Change a ticket",
)
def change_ticket(request: HttpRequest, number: int, body: schemas.Changes) -> Any:
    """Change status, owner, queue, urgency, topic or tags; all of them or none."""
    who = caller(request)
    return once(request, lambda: _change(who, ticket_for(who, number, Level.REPLY), body))


def shown(ticket: Ticket, expected_at: datetime | None) -> dict[str, Any]:
    """A ticket with its contact, as programs read it."""
    address = ticket.contact.address if ticket.contact else ""
    return showing.ticket(ticket, [address] if address else [], expected_at)


def _whole(ticket: Ticket) -> dict[str, Any]:
    promise = promise_of(ticket.pk).answer()
    return shown(ticket, promise[0].due_at if promise else None)


def _create(who: Caller, body: schemas.NewTicket) -> dict[str, Any]:
    if body.created_at is not None:
        _may_import(who, body)
    queue, topic = _where(who, body)
    brought = creating.Brought(
        posted=creating.posted(
            key=secrets.token_hex(16),
            address=body.on_behalf_of.address,
            name=body.on_behalf_of.name,
            subject=body.subject,
            text=body.text,
            language=body.language or "",
            files=uploads.taken(who.token, body.attachments),
            token=who.token.pk,
        ),
        queue=queue,
        topic=topic,
        type=body.type,
        urgency=body.urgency,
        tags=body.tags,
        acknowledge=body.acknowledge,
        at=body.created_at,
    )
    try:
        message, treated = creating.bring_in(brought, who.agent)
    except Inbox.DoesNotExist:
        raise Problem(problems.NO_INBOX) from None
    made = shown(message.ticket, treated.due_at)
    return made | {"message": message.pk, "acknowledged": treated.acknowledged}


def _may_import(who: Caller, body: schemas.NewTicket) -> None:
    if not who.has(Scope.IMPORT):
        detail = _("An original time needs the scope %(scope)s.") % {"scope": Scope.IMPORT.value}
        raise Problem(problems.SCOPE, detail)
    if body.created_at and body.created_at > clock.now():
        raise wrong("created_at", _("This time has not come yet."))


def _where(who: Caller, body: schemas.NewTicket) -> tuple[Queue, Topic | None]:
    topic = _topic(who, body.topic) if body.topic else None
    if body.queue is None and topic is None:
        raise wrong("topic", _("Name a topic or a queue."), "missing")
    queue = policy.company(who.agent).queues.get(body.queue or (topic.queue_id if topic else 0))
    if queue is None or not queue.is_active or queue.is_quarantine:
        raise wrong("queue", _("There is no such queue."))
    # A queue in which the agent may not write is told like one that does not exist.
    if not policy.allows(who.agent, Level.REPLY, queue.pk):
        raise wrong("queue" if body.queue else "topic", _("There is no such queue."))
    return queue, topic


def _topic(who: Caller, number: int) -> Topic:
    topic = policy.company(who.agent).topics.get(number)
    if topic is None or not topic.is_active:
        raise wrong("topic", _("There is no such topic."))
    return topic


def _change(who: Caller, ticket: Ticket, body: schemas.Changes) -> dict[str, Any]:
    by, named = who.agent.actor, body.model_fields_set
    _demand(who, ticket, body)
    if "topic" in named:
        actions.set_topic(ticket, _topic(who, body.topic) if body.topic else None, by=by)
    if body.queue is not None:
        queue = Queue.objects.filter(pk=body.queue, is_active=True, is_quarantine=False).first()
        if queue is None:
            raise wrong("queue", _("There is no such queue."))
        actions.move_to_queue(ticket, queue=queue, reason="hand", by=by)
    if "owner" in named:
        actions.assign(ticket, agent=_owner(ticket, body.owner), by=by)
    if body.urgency is not None:
        actions.set_urgency(ticket, body.urgency, by=by)
    if body.tags is not None:
        actions.set_tags(ticket, body.tags, by=by)
    if body.status is not None:
        _set_status(ticket, body.status, who)
    fresh = Ticket.objects.select_related("contact").get(pk=ticket.pk)
    return _whole(fresh)


def _demand(who: Caller, ticket: Ticket, body: schemas.Changes) -> None:
    """Raises PermissionDenied before anything is done, by the rights in the ticket's queue."""
    moves = body.queue is not None or "owner" in body.model_fields_set
    if body.topic and ticket.owner_id is None:
        topic = _topic(who, body.topic)
        moves = moves or topic.queue_id != ticket.queue_id
    if moves:
        policy.demand(who.agent, Level.REASSIGN, ticket.queue_id)
    if body.status == "solved":
        policy.demand(who.agent, Level.CLOSE, ticket.queue_id)


def _owner(ticket: Ticket, number: int | None) -> Agent | None:
    if number is None:
        return None
    owner = Agent.objects.filter(pk=number).first()
    queue = Ticket.objects.values_list("queue_id", flat=True).get(pk=ticket.pk)
    # One who may not answer there is told like one who does not exist.
    if owner is None or not policy.allows(owner, Level.REPLY, queue):
        raise wrong("owner", _("There is no such agent."))
    return owner


def _set_status(ticket: Ticket, status: str, who: Caller) -> None:
    now = Ticket.objects.values_list("status", flat=True).get(pk=ticket.pk)
    by = who.agent.actor
    if status == now:
        return
    if status == Status.SOLVED:
        actions.solve(ticket, by=by)
    elif now == Status.SOLVED and status == Status.OPEN:
        actions.reopen(ticket, by=by)
    else:
        actions.set_status(ticket, status, by=by)
