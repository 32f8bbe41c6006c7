"""How calls of webhooks are told: what went wrong, what to do, and how a webhook is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.lib import calling
from zabota.notify import hearing
from zabota.notify.models import DeliveryState, Webhook, WebhookDelivery

Words = str | Promise

# By the codes of `lib.calling.Failed` and `notify.outcomes`.
ERRORS: dict[str, Words] = {
    "address": gettext_lazy("The address is not understood."),
    "network": gettext_lazy(
        "The address leads to %(detail)s, which is not public. To call it all the same, name its "
        "network in the setting ZABOTA_FETCH_NETWORKS."
    ),
    "plain": gettext_lazy(
        "Only networks named in ZABOTA_FETCH_NETWORKS are called without encryption. Use an "
        "address that begins with https://…"
    ),
    "unknown-host": gettext_lazy("The host name of the address is not known."),
    "connect": gettext_lazy("Nobody takes the connection."),
    "certificate": gettext_lazy("The certificate of the program's server is not valid."),
    "tls": gettext_lazy("No encrypted connection came about."),
    "too-slow": gettext_lazy("No answer came within %(seconds)d seconds."),
    "broken": gettext_lazy("What came back was no answer of a web server."),
    "redirect": gettext_lazy(
        "The program sends us to another address. Enter that one: nobody is followed elsewhere."
    ),
    "busy": gettext_lazy("The program asks for fewer calls."),
    "status": gettext_lazy("The program answered with an error."),
    "gone": gettext_lazy("The program answered that it is not to be called any more."),
    "key": gettext_lazy("The stored secret cannot be read with the present key. Make a new one."),
    "cut": gettext_lazy("The test was interrupted."),
}
TONES = {
    DeliveryState.WAITING: ("info", "clock"), DeliveryState.DELIVERED: ("ok", "check"),
    DeliveryState.FAILED: ("late", "circle-alert"), DeliveryState.MISSED: ("warn", "pause"),
    DeliveryState.DROPPED: ("", "ban"),
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """How a webhook is: works, failing, off, gone, week, deaf (its agent sees no queue) or new."""

    webhook: Webhook
    key: str
    trouble: str

    @property
    def is_alarm(self) -> bool:
        """Switched off by itself."""
        return self.key in {"gone", "week"}


def state_of(hook: Webhook) -> State:
    """How it is, and what its last call met."""
    trouble = words(hook.last_error, hook.last_detail)
    if hook.last_detail.isdigit():
        trouble = f"{trouble} ({hook.last_detail})"
    if not hook.is_active:
        return State(hook, "off" if hook.off_reason == "hand" else hook.off_reason, trouble)
    if hook.failing_since is not None:
        return State(hook, "failing", trouble)
    if not hearing.queues_of(hook):
        return State(hook, "deaf", "")
    return State(hook, "works" if hook.last_ok_at else "new", "")


def words(error: str, detail: str = "") -> str:
    """An error in the reader's words; '' without one."""
    if not error:
        return ""
    known = str(ERRORS.get(error, ERRORS["status"]))
    return known % {"detail": detail or "?", "seconds": int(calling.SECONDS)}


def kind_words(kind: str) -> Words:
    """A fact in words."""
    if kind == hearing.TEST:
        return _("test")
    known = hearing.KNOWN.get(kind)
    return known.words if known else kind


def line(row: WebhookDelivery) -> dict[str, Any]:
    """A delivery as the log shows it."""
    tone, icon = TONES[DeliveryState(row.state)]
    return {
        "row": row,
        "kind": kind_words(row.kind),
        "tone": tone,
        "icon": icon,
        "trouble": words(row.error, row.detail),
    }
