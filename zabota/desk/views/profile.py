from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override

from zabota.desk.door import agents_only
from zabota.desk.forms import ProfileForm
from zabota.staff.actions import change_agent
from zabota.staff.models import Agent

# A browser's own choice would hide what was just saved.
COOKIES = ("zabota_theme", "zabota_density", "zabota_keys")


@agents_only("GET", "HEAD", "POST")
def page(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The agent's own name, language, zone and habits of the screen."""
    if request.method != "POST":
        return render(request, "desk/profile.html", {"form": ProfileForm(instance=agent)})
    # The form writes into its instance; the session's agent must stay as he is stored.
    form = ProfileForm(request.POST, instance=Agent.objects.get(pk=agent.pk))
    if not form.is_valid() or not _saved(form, agent):
        return render(request, "desk/profile.html", {"form": form}, status=422)
    with override(form.cleaned_data["language"]):
        messages.success(request, _("Saved."))
    response = redirect("desk:profile")
    for name in COOKIES:
        response.delete_cookie(name, samesite="Lax")
    return response


def _saved(form: ProfileForm, agent: Agent) -> bool:
    try:
        change_agent(agent, form.cleaned_data, by=agent.actor)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True
