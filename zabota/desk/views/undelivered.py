"""What did not get through: jobs that gave up and mail that was not sent, with a retry of one, of
all with the same reason, or of all."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zabota.channels import outbox
from zabota.desk import stuck
from zabota.desk.door import agents_only, carers_only
from zabota.events import undelivered
from zabota.staff.models import Agent
from zabota.tickets import resending


@agents_only()
def page(request: HttpRequest, agent: Agent) -> HttpResponse:
    """A lead sees what concerns tickets he may see, an administrator everything."""
    carers_only(agent)
    content = {
        "mail": stuck.letters(agent, _before(request, "mail")),
        "work": stuck.jobs(agent, _before(request, "work")),
        "silenced": stuck.silenced(agent),
    }
    return render(request, "desk/undelivered.html", content)


@agents_only()
def count(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What stands inside the rail's link; asked for beside the page, which need not wait for it."""
    carers_only(agent)
    content = {"count": stuck.waiting(agent), "most": stuck.MOST_COUNTED - 1}
    return render(request, "desk/undelivered_count.html", content)


@agents_only("POST")
def retry_job(request: HttpRequest, agent: Agent, job: int) -> HttpResponse:
    """One more try for a job."""
    carers_only(agent)
    if job >= undelivered.FIRST_PAGE:
        raise Http404
    newest = undelivered.listed(job + 1, 1, stuck.streams_of(agent))
    if not any(row.job == job for row in newest):
        raise Http404
    undelivered.retry(job)
    messages.success(request, _("The job is tried again."))
    return redirect("desk:undelivered")


@agents_only("POST")
def retry_jobs(request: HttpRequest, agent: Agent) -> HttpResponse:
    """One more try for all jobs that the agent may know of, or for those of one kind."""
    carers_only(agent)
    names = ("consumer", "error")
    kind = {name: request.POST[name] for name in names if name in request.POST}
    done = undelivered.retry_all(stuck.streams_of(agent), kind)
    text = ngettext("%(num)d job is tried again.", "%(num)d jobs are tried again.", done)
    messages.success(request, text % {"num": done})
    return redirect("desk:undelivered")


@agents_only("POST")
def retry_letter(request: HttpRequest, agent: Agent, letter: int) -> HttpResponse:
    """One more try for a mail."""
    carers_only(agent)
    if not resending.stuck(agent).filter(pk=letter).exists():
        raise Http404
    try:
        outbox.retry(letter, by=agent.actor)
    except outbox.NotRetryable:
        messages.info(request, _("This message is already on its way."))
    else:
        messages.success(request, _("The mail is sent again."))
    return redirect("desk:undelivered")


@agents_only("POST")
def retry_letters(request: HttpRequest, agent: Agent) -> HttpResponse:
    """One more try for all mail that the agent may know of, or for that with one reason."""
    carers_only(agent)
    mark = request.POST.get("mark", "")
    ordered = resending.order(agent, mark, by=agent.actor)
    text = ngettext(
        "%(num)d mail is being sent again; what fails comes back here.",
        "%(num)d mails are being sent again; what fails comes back here.",
        ordered,
    )
    messages.success(request, text % {"num": ordered})
    return redirect("desk:undelivered")


def _before(request: HttpRequest, name: str) -> int:
    """The cursor of a list in the address; raises BadRequest for one that no page wrote."""
    said = request.GET.get(name, "")
    if not said:
        return undelivered.FIRST_PAGE
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise BadRequest("broken cursor")
    return int(said)
