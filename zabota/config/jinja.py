"""The Jinja2 environment of all pages: what a template may call, and what it always knows."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, cast

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from jinja2 import Environment, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from markupsafe import Markup, escape

from zabota.channels import away, permission, standstill
from zabota.desk.cards import drawn_lines
from zabota.events import alarms
from zabota.lib import clock, times
from zabota.lib.drawing import filled, kept, place
from zabota.lib.html import text_to_html

THEMES = ("system", "light", "dark")
DENSITIES = ("normal", "compact")
AVATAR_TONES = 6
STATUS_TONES = {
    "new": "accent", "open": "info", "waiting_client": "warn", "waiting_internal": "violet",
    "snoozed": "violet", "solved": "ok",
}  # fmt: skip
CHANNEL_ICONS = defaultdict(
    lambda: "message-square",
    {"mail": "mail", "phone": "phone", "portal": "globe", "form": "file-text", "api": "zap"},
)
SHEETS = (
    "tokens", "base", "layout", "controls", "list", "conversation", "composer", "ticket",
    "overlays", "touch",
)  # fmt: skip
MODULES = (
    "app", "held", "keys", "live", "net", "panes", "presence", "rail", "signin",
    "elements/composer", "elements/dialog", "elements/mailframe", "elements/menu",
    "elements/time", "elements/toast",
)  # fmt: skip
# Where a kept form takes the secret of its page.
SECRET_PLACE = place("secret")
_TIME = Markup('<time datetime="{}" title="{}">{}</time>')
_SECRET_INPUT = Markup('<input type="hidden" name="csrfmiddlewaretoken" value="{}">')
_BEFORE_SIGN = re.compile(r"(?<=\w)([@.])(?=\w)")


def version() -> str:
    """The installed version; «0» when run from a folder that was never installed."""
    try:
        return installed_version("zabota")
    except PackageNotFoundError:
        return "0"


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a named page."""
    return reverse(name, args=args or None, kwargs=kwargs or None)


@lru_cache(maxsize=1024)
def icon(name: str, label: str = "") -> Markup:
    """An icon of the sprite; silent for screen readers unless it has a label."""
    voice = (
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"')
    )
    return Markup('<svg class="ic" {}><use href="{}#{}"/></svg>').format(
        voice, static("vendor/icons.svg"), name
    )


def said_at(moment: datetime) -> Markup:
    """When something was said: short, with the exact time in the tooltip."""
    return _TIME.format(times.iso(moment), times.stamp(moment), times.when(moment))


@lru_cache(maxsize=8192)
def initials(name: str) -> str:
    """One or two letters for an avatar: first letters of the first and last word."""
    words = [word for word in name.replace("«", " ").replace('"', " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@lru_cache(maxsize=8192)
def tone(name: str) -> int:
    """A stable colour number (0–5) for a name."""
    return hashlib.blake2s(name.encode(), digest_size=1).digest()[0] % AVATAR_TONES


def breakable(address: str) -> Markup:
    """An address that a narrow column may break before its @ and its dots, never inside a word."""
    return Markup(_BEFORE_SIGN.sub(r"<wbr>\1", str(escape(address))))  # noqa: S704 (escaped)


def file_size(size: int) -> str:
    """Bytes as B, KB, MB, GB in the viewer's decimal style (1024-based)."""
    if size < 1024:
        return gettext("%(n)d B") % {"n": size}
    value, unit = size / 1024, gettext("%(n)s KB")
    if value >= 1024:
        value, unit = value / 1024, gettext("%(n)s MB")
    if value >= 1024:
        value, unit = value / 1024, gettext("%(n)s GB")
    text = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    separator = times.locale().number_symbols["latn"]["decimal"]
    return unit % {"n": text.replace(".", separator)}


def words(text: str, /, **values: object) -> Markup:
    """A text of a page in the viewer's language, with escaped values in its places.

    What Jinja does by itself, but the text is looked up and marked once per language: a page has
    two hundred of these.
    """
    if not values:
        return _said(text, translation.get_language())
    return Markup(gettext(text)) % values  # noqa: S704 (our own words, the values are escaped)


@lru_cache(maxsize=4096)
def _said(text: str, language: str | None) -> Markup:
    return Markup(gettext(text)) % {}  # noqa: S704 (our own words)


class _Template(Template):
    """A template that others import: all of ours have the globals of the environment and no more,
    so that one module serves all. Jinja compares the names of all globals at each import."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


def environment(**options: Any) -> Environment:
    """The environment for Django's Jinja2 backend: strict, escaping, translated."""
    options["undefined"] = StrictUndefined
    options["autoescape"] = True
    options.setdefault("trim_blocks", True)
    options.setdefault("lstrip_blocks", True)
    options["extensions"] = ["jinja2.ext.i18n", "jinja2.ext.do"]
    made = Environment(**options)  # noqa: S701 (autoescape is set above)
    made.template_class = _Template
    made.policies["ext.i18n.trimmed"] = True
    install = cast(Callable[..., None], cast(Any, made).install_gettext_callables)
    install(gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext)
    made.globals.update(_=words, gettext=words, kept=kept, drawn_lines=drawn_lines)
    made.globals.update(place=place, filled=filled, said_at=said_at)
    made.globals.update(
        static=lru_cache(static), url=url, icon=icon, now=clock.now, version=version()
    )
    made.globals.update(static_sheets=SHEETS, static_modules=MODULES)
    made.globals.update(status_tones=STATUS_TONES, channel_icons=CHANNEL_ICONS)
    made.globals.update(stands_still=standstill.is_shown, permissions_lost=permission.lost)
    made.globals.update(unreachable=away.unreachable)
    made.globals.update(alarms=alarms.shown)
    made.globals.update(get_messages=get_messages, secret_place=SECRET_PLACE)
    made.filters.update(
        when=times.when, day=times.day, stamp=times.stamp, ago=times.ago, iso=times.iso,
        date_words=times.date_words, short_date=times.short_date, brief=times.brief,
        moment=times.moment, initials=initials, tone=tone,
        file_size=file_size, lines=lines, breakable=breakable,
    )  # fmt: skip
    return made


def lines(text: str) -> Markup:
    """Plain text as paragraphs with links: an empty line parts them, a single one breaks."""
    return Markup(text_to_html(text))  # noqa: S704 (it escapes everything)


def _choice(request: HttpRequest, agent: Any, name: str, allowed: tuple[str, ...]) -> str:
    """This browser's choice (cookie), else the agent's own setting, else the first one."""
    wanted = (request.COOKIES.get(f"zabota_{name}"), getattr(agent, name, None))
    return next((value for value in wanted if value in allowed), allowed[0])


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every page knows: the viewer, his language, zone, theme and density, the live stream."""
    user = getattr(request, "user", None)
    agent = user if user is not None and user.is_authenticated else None
    keys = request.COOKIES.get("zabota_keys")
    # Django masks the secret anew at each use; a page has fifteen, and one mask.
    secret = SimpleLazyObject(lambda: get_token(request))
    return {
        "csrf_input": SimpleLazyObject(lambda: _SECRET_INPUT.format(str(secret))),
        "csrf_token": secret,
        "language": translation.get_language() or "en",
        "theme": _choice(request, agent, "theme", THEMES),
        "density": _choice(request, agent, "density", DENSITIES),
        "letter_keys": keys != "off" if keys else getattr(agent, "letter_keys", True),
        "zone": timezone.get_current_timezone_name(),
        "agent": agent,
        "live_url": "/live/stream" if agent is not None else "",
        "is_fragment": request.headers.get("HX-Request") == "true",
    }
