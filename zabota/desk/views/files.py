"""What leaves the blob store: mail bodies, originals, attachments; each after the access policy."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from zabota.channels import scan
from zabota.channels.blobs import path_of
from zabota.desk import bodies
from zabota.desk.door import refuse, ticket_door
from zabota.lib.signing import file_link
from zabota.staff.models import Agent
from zabota.tickets import files, posting
from zabota.tickets.models import Attachment, AttachmentState, Message, Ticket


@ticket_door()
def body(request: HttpRequest, agent: Agent, ticket: Ticket, message: int) -> HttpResponse:
    """The document of an HTML mail for its sandboxed frame; `?remote=1` shows remote pictures."""
    row = Message.objects.filter(ticket=ticket, pk=message).select_related("ticket").first()
    if row is None or not bodies.needs_frame(row):
        raise Http404
    remote = request.GET.get("remote") == "1"
    text = bodies.document(row, bodies.picture_addresses(row), remote)
    return bodies.response(text, remote)


@ticket_door()
def original(request: HttpRequest, agent: Agent, ticket: Ticket, message: int) -> HttpResponse:
    """The mail, or what was typed on a page of ours, as it came, to be saved."""
    row = Message.objects.filter(ticket=ticket, pk=message).select_related("raw").first()
    if row is None or row.raw is None:
        raise Http404
    typed = row.raw.place.startswith(posting.PLACE)
    name = f"{ticket.pk}-{row.pk}.{'json' if typed else 'eml'}"
    kind = "application/json" if typed else "message/rfc822"
    return _handed_out(request, row.raw.sha256, name, kind)


@ticket_door()
def attachment(request: HttpRequest, agent: Agent, ticket: Ticket, file: int) -> HttpResponse:
    """A file of the ticket; `?show=1` shows a picture instead of saving it."""
    row = Attachment.objects.filter(message__ticket=ticket, pk=file).first()
    if row is None:
        raise Http404
    reason = why_not(row, agent)
    if reason:
        return refuse(request, reason)
    inline = request.GET.get("show") == "1" and row.content_type in files.SHOWN
    return _handed_out(request, row.sha256, row.name, row.content_type, inline)


def why_not(file: Attachment, agent: Agent) -> str:
    """Why the file is not given out; '' when it is. One not scanned yet is scanned now."""
    state = AttachmentState(file.state)
    if state == AttachmentState.UNSCANNED:
        verdict = scan.scan(file.sha256)
        if verdict == scan.Verdict.UNKNOWN:
            return _("The virus scanner does not answer. Try again in a few minutes.")
        state = files.judge(file.name, verdict)
    if state == AttachmentState.INFECTED:
        return _("The virus scanner found something in “%(name)s”.") % {"name": file.name}
    if state == AttachmentState.BLOCKED and not agent.is_administrator:
        return _(
            "“%(name)s” is of a type that can harm a computer. Ask an administrator if you need it."
        ) % {"name": file.name}
    if state == AttachmentState.TOO_LARGE or not file.sha256:
        return _("“%(name)s” was too large to be taken. It still lies in the mailbox.") % {
            "name": file.name
        }
    return ""


def _handed_out(
    request: HttpRequest, sha256: str, name: str, content_type: str, inline: bool = False
) -> HttpResponse:
    if not path_of(sha256).is_file():
        return refuse(request, _("“%(name)s” is gone from the disk.") % {"name": name}, 410)
    key = request.session.session_key or ""
    return HttpResponseRedirect(file_link(sha256, name, content_type, inline, key))
