"""Writing: replies, notes, calls. The same click twice posts once; a refusal keeps the text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zabota.channels import outbox
from zabota.desk import pane
from zabota.desk.door import is_fragment, tell, ticket_door
from zabota.desk.views.change import attempt, chosen_id, finish
from zabota.desk.views.ticket import whole
from zabota.lib import clock
from zabota.staff import policy
from zabota.staff.models import Agent, Level
from zabota.tickets import actions, drafts, reading
from zabota.tickets.locking import NotPossible
from zabota.tickets.models import Direction, HeldReply, Message, Status, Ticket
from zabota.tickets.uploading import uploads

THEN = {
    "": "",
    "solve": "",
    "wait": Status.WAITING_CLIENT,
    "internal": Status.WAITING_INTERNAL,
}


@ticket_door("POST", level=Level.REPLY)
def reply(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """A public answer, with `then` = "", "solve", "wait" or "internal"."""
    body, then = request.POST.get("body", ""), request.POST.get("then", "")
    solves = then == "solve"
    if solves:
        policy.demand(agent, Level.CLOSE, ticket.queue_id)
    key = once(request, agent, ticket, "reply", body)
    if newer := unseen(request, agent, ticket, key):
        return _kept(request, agent, ticket, "reply", newer, 409)

    held: list[HeldReply] = []

    def work() -> None:
        if then not in THEN:
            raise NotPossible(_("There is no such choice."))
        given: dict[str, Any] = {
            "agent": agent,
            "by": agent.actor,
            "files": uploads(request.FILES.getlist("files")),
            "solve": solves,
            "then": THEN[then],
            "key": key,
            "to": request.POST.get("to", ""),
        }
        if not agent.undo_seconds:
            actions.reply(ticket, body, **given, ends_draft=True)
            return
        waiting = actions.hold_reply(ticket, body, seconds=agent.undo_seconds, **given)
        held.extend([waiting] if waiting else [])

    toast = "" if agent.undo_seconds else _("The answer is on its way")
    response = _write(request, agent, ticket, "reply", work, toast, to_next=solves)
    return _with_undo(request, response, held[0], solves) if held else response


def _with_undo(
    request: HttpRequest, response: HttpResponse, held: HeldReply, to_next: bool
) -> HttpResponse:
    """The page's scripts show how long the answer may be taken back."""
    if not (to_next and is_fragment(request)):
        return response  # the conversation itself shows it
    left = max((held.send_at - clock.now()).total_seconds(), 0)
    url = reverse("desk:take_back", args=[held.ticket_id, held.pk])
    page = reverse("desk:ticket", args=[held.ticket_id])
    undo = {
        "url": url,
        "page": page,
        "seconds": round(left, 1),
        "text": _("The answer leaves. Seconds left:"),
        "undo": _("Take back"),
        "late": _("It is too late: the answer is on its way."),
    }
    return tell(response, **{"care-next": True, "care-held": undo})


@ticket_door("POST")
def take_back(request: HttpRequest, agent: Agent, ticket: Ticket, held: int) -> HttpResponse:
    """A held answer is a draft again."""

    def work() -> None:
        if not actions.take_back(held, ticket, agent, by=agent.actor):
            raise NotPossible(_("It is too late: the answer is on its way."))

    return attempt(request, agent, ticket, work)


@ticket_door("POST", level=Level.REPLY)
def draft(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """Keep what is being typed; answers with the time at which it was kept."""
    given = request.POST
    mode, text = given.get("mode", ""), given.get("text", "")
    if mode not in drafts.MODES or len(text) > actions.MAX_REPLY:
        return HttpResponse(status=422)
    kept = drafts.keep(ticket.pk, agent.pk, mode, text, to=given.get("to", ""))
    return JsonResponse({"at": drafts.stamp(kept) if kept else 0})


@ticket_door("POST", level=Level.REPLY)
def note(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """An internal note."""
    body = request.POST.get("body", "")

    def work() -> None:
        if len(body) > actions.MAX_REPLY:
            raise NotPossible(_("The note is too long: attach it as a file."))
        actions.add_note(
            ticket,
            body,
            agent=agent,
            by=agent.actor,
            files=uploads(request.FILES.getlist("files")),
            content_key=once(request, agent, ticket, "note", body),
            ends_draft=True,
        )

    return _write(request, agent, ticket, "note", work, _("The note is added"))


@ticket_door("POST", level=Level.REPLY)
def call(request: HttpRequest, agent: Agent, ticket: Ticket) -> HttpResponse:
    """A call held by telephone."""
    given = request.POST
    summary = given.get("summary", "")

    def work() -> None:
        actions.log_call(
            ticket,
            summary[: actions.MAX_REPLY],
            agent=agent,
            by=agent.actor,
            topic=given.get("topic", ""),
            advice=given.get("advice", ""),
            came_in=given.get("direction", "in") != "out",
            minutes=chosen_id(given.get("minutes", "").strip()) or 0,
            key=once(request, agent, ticket, "call", summary),
        )

    return attempt(request, agent, ticket, work, toast=_("The call is logged"))


@ticket_door("POST", level=Level.REPLY)
def retry(request: HttpRequest, agent: Agent, ticket: Ticket, message: int) -> HttpResponse:
    """Send a message again that failed or is delayed."""
    row = Message.objects.filter(ticket=ticket, pk=message, outgoing__isnull=False).first()
    if row is None or row.outgoing_id is None:
        raise Http404
    outgoing = row.outgoing_id

    def work() -> None:
        try:
            outbox.retry(outgoing, by=agent.actor)
        except outbox.NotRetryable:
            raise NotPossible(_("This message is already on its way.")) from None

    return attempt(request, agent, ticket, work, toast=_("It is being sent again"))


def once(request: HttpRequest, agent: Agent, ticket: Ticket, what: str, body: str) -> str | None:
    """The key by which the same form is posted once: its token, the last message its writer saw,
    and the text. Without a token nothing can be recognised."""
    token = request.POST.get("token", "")
    if not token:
        return None
    parts = [what, agent.pk, ticket.pk, token, request.POST.get("seen", ""), body.strip()]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def unseen(request: HttpRequest, agent: Agent, ticket: Ticket, key: str | None) -> str:
    """What stops a reply whose writer has not seen the newest message; '' else."""
    seen = request.POST.get("seen", "")
    if not (seen.isascii() and seen.isdigit()) or len(seen) > 18:
        return ""
    for direction, signed in reading.newer_than(ticket.pk, int(seen), agent):
        if direction not in {Direction.IN, Direction.OUT}:
            continue
        if key and _is_known(ticket, key):
            return ""
        if direction == Direction.IN:
            return _("The client wrote meanwhile.")
        text = _("%(name)s answered meanwhile.")
        return text % {"name": signed}
    return ""


def _is_known(ticket: Ticket, key: str) -> bool:
    sent = Message.objects.filter(ticket=ticket, content_key=key)
    return sent.exists() or HeldReply.objects.filter(ticket=ticket, key=key).exists()


def _write(
    request: HttpRequest,
    agent: Agent,
    ticket: Ticket,
    mode: str,
    work: Callable[[], None],
    toast: str,
    to_next: bool = False,
) -> HttpResponse:
    try:
        work()
    except NotPossible as refusal:
        return _kept(request, agent, ticket, mode, str(refusal), 422)
    return finish(request, agent, ticket, toast=toast, to_next=to_next)


def _kept(
    request: HttpRequest, agent: Agent, ticket: Ticket, mode: str, reason: str, status: int
) -> HttpResponse:
    """The reason beside the composer; without scripts the page again with the text in it."""
    if is_fragment(request):
        return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")
    if status == 409:
        reason = f"{reason} {_('Read it and send again.')}"
    given = request.POST
    text, to = given.get("body", "")[: actions.MAX_REPLY], given.get("to", "")
    draft = pane.Draft(text, mode, reason, to)
    fresh = reading.visible_ticket(agent, ticket.pk) or ticket
    return whole(request, agent, fresh, draft=draft, status=status)
