"""Messages of a ticket: the list, answers, notes, logged calls, files."""

import secrets
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Query, Router
from ninja.files import UploadedFile

from zabota.api import answers, creating, problems, schemas, showing, uploads
from zabota.api.door import MOST, Bearer, caller, ticket_for
from zabota.api.once import once
from zabota.api.paging import page
from zabota.api.problems import Problem, wrong
from zabota.channels.models import Inbox
from zabota.lib import clock
from zabota.lib.signing import file_link
from zabota.staff import policy
from zabota.staff.models import Level, Scope
from zabota.tickets import actions
from zabota.tickets.models import Attachment, Message
from zabota.tickets.uploading import uploads as stored

router = Router(tags=["messages"])
READ, WRITE = Bearer(Scope.TICKETS_READ), Bearer(Scope.TICKETS_WRITE)
MADE = {201: answers.Message}


@router.get(
    "/tickets/{int:number}/messages",
    auth=READ,
    response=answers.MessagePage,
    operation_id="list_messages",
    summary="Read the messages of a ticket",
)
def list_messages(request: HttpRequest, number: int, asked: Query[schemas.Page]) -> Any:
    """The messages of a ticket, oldest first, internal notes among them."""
    ticket = ticket_for(caller(request), number)
    rows = _whole().filter(ticket=ticket)
    found, following = page(rows, "id", asked.cursor, asked.limit)
    return {"items": [showing.message(row) for row in found], "next": following}


@router.post(
    "/tickets/{int:number}/reply",
    auth=WRITE,
    response=MADE,
    operation_id="reply",
    summary="Answer the client",
)
def reply(request: HttpRequest, number: int, body: schemas.Answer) -> Any:
    """A public answer to the client. A ticket that nobody leads stays free."""
    who, solves = caller(request), body.then == "solved"

    def work() -> Message:
        ticket = ticket_for(who, number, Level.REPLY)
        if solves:
            policy.demand(who.agent, Level.CLOSE, ticket.queue_id)
        return actions.reply(
            ticket, body.text, agent=who.agent, by=who.agent.actor, solve=solves, takes=False,
            then="" if solves else body.then, files=uploads.taken(who.token, body.attachments),
        )  # fmt: skip

    return _said(request, work)


@router.post(
    "/tickets/{int:number}/message",
    auth=WRITE,
    response={201: answers.TakenMessage},
    operation_id="client_message",
    summary="Add what the client wrote",
)
def client_message(request: HttpRequest, number: int, body: schemas.ClientMessage) -> Any:
    """What the client wrote to a ticket elsewhere; a closed ticket leads to a follow-up. It wakes
    the ticket as a mail of his does."""
    who = caller(request)

    def work() -> dict[str, Any]:
        ticket = ticket_for(who, number, Level.REPLY)
        person, files = body.on_behalf_of, uploads.taken(who.token, body.attachments)
        posted = creating.posted(
            key=secrets.token_hex(16), address=person.address, name=person.name, subject="",
            text=body.text, language="", files=files, token=who.token.pk,
        )  # fmt: skip
        try:
            message = creating.bring_more(ticket, posted, who.agent)
        except Inbox.DoesNotExist:
            raise Problem(problems.NO_INBOX) from None
        return _shown(message) | {"ticket": message.ticket_id}

    return once(request, work, status=201)


@router.post(
    "/tickets/{int:number}/note",
    auth=WRITE,
    response=MADE,
    operation_id="note",
    summary="Write a note",
)
def note(request: HttpRequest, number: int, body: schemas.Note) -> Any:
    """An internal note."""
    who = caller(request)

    def work() -> Message:
        ticket = ticket_for(who, number, Level.REPLY)
        files = uploads.taken(who.token, body.attachments)
        return actions.add_note(ticket, body.text, agent=who.agent, by=who.agent.actor, files=files)

    return _said(request, work)


@router.post(
    "/tickets/{int:number}/call",
    auth=WRITE,
    response=MADE,
    operation_id="log_call",
    summary="Log a call",
)
def call(request: HttpRequest, number: int, body: schemas.Call) -> Any:
    """A call held by telephone."""
    who = caller(request)

    def work() -> Message:
        ticket = ticket_for(who, number, Level.REPLY)
        if body.at is not None and body.at > clock.now():
            raise wrong("at", _("This time has not come yet."))
        return actions.log_call(
            ticket, body.summary, agent=who.agent, by=who.agent.actor, topic=body.topic,
            advice=body.advice, came_in=body.direction == "in", minutes=body.minutes, at=body.at,
        )  # fmt: skip

    return _said(request, work)


@router.post(
    "/attachments",
    auth=WRITE,
    response={201: answers.Uploaded},
    operation_id="upload",
    summary="Upload a file",
)
def upload(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """A file that waits two days for a ticket, answer or note to name it; then it is deleted."""
    who = caller(request)
    (kept,) = stored([file])

    def work() -> dict[str, Any]:
        row = uploads.wait(who.token, kept)
        return {
            "id": row.pk, "name": row.name, "content_type": row.content_type, "size": row.size,
        }  # fmt: skip

    try:
        return once(request, work, status=201, content=f"{kept.name} {kept.sha256}")
    except Problem:
        uploads.refused(who.token, kept)
        raise


@router.get(
    "/tickets/{int:number}/attachments/{int:file}",
    auth=READ,
    response={302: None},
    operation_id="download",
    summary="Fetch a file",
)
def download(request: HttpRequest, number: int, file: int) -> Any:
    """A file of the ticket, by a link of a minute."""
    ticket = ticket_for(caller(request), number)
    row = Attachment.objects.filter(message__ticket=ticket, pk=min(file, MOST)).first()
    if row is None or not uploads.is_given(row):
        raise Http404
    place = file_link(row.sha256, row.name, row.content_type)
    return HttpResponse(status=302, headers={"Location": place})


def _whole() -> Any:
    return Message.objects.select_related("outgoing", "contact").prefetch_related("attachments")


def _said(request: HttpRequest, work: Callable[[], Message]) -> Any:
    return once(request, lambda: _shown(work()), status=201)


def _shown(message: Message) -> dict[str, Any]:
    return showing.message(_whole().get(pk=message.pk))
