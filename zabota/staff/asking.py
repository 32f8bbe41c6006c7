"""What the request form asks for a topic: its fields, and the presets one may begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import models, transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.events import SettingChanged
from zabota.staff.models import Consent, RequestForm, Topic


class Kind(models.TextChoices):
    TEXT = "text", pgettext_lazy("kind of field", "line of text")
    LONG = "long", pgettext_lazy("kind of field", "long text")
    NUMBER = "number", pgettext_lazy("kind of field", "number")
    MONEY = "money", pgettext_lazy("kind of field", "sum of money")
    DATE = "date", pgettext_lazy("kind of field", "date")
    CHOICE = "choice", pgettext_lazy("kind of field", "choice")
    MAIL = "mail", pgettext_lazy("kind of field", "mail address")
    PHONE = "phone", pgettext_lazy("kind of field", "phone number")


@dataclass(frozen=True)
class Field:
    """One question; `choices` are (Russian, English), `pattern` a regular expression or ''."""

    kind: str
    label_ru: str
    label_en: str
    help_ru: str = ""
    help_en: str = ""
    required: bool = False
    pattern: str = ""
    choices: Sequence[Sequence[str]] = ()

    def label(self, language: str) -> str:
        """The question in the language, else in the other."""
        return _in(language, self.label_ru, self.label_en)

    def help(self, language: str) -> str:
        """The hint in the language, else in the other."""
        return _in(language, self.help_ru, self.help_en)

    def answers(self, language: str) -> list[str]:
        """The choices in the language."""
        return [_in(language, ru, en) for ru, en in self.choices]

    def as_json(self) -> dict[str, Any]:
        """As a topic keeps it."""
        return asdict(self) | {"choices": [list(pair) for pair in self.choices]}


def _in(language: str, russian: str, english: str) -> str:
    return (english or russian) if language.startswith("en") else (russian or english)


def fields_of(topic: Topic) -> list[Field]:
    """The questions of a topic in their order."""
    return [Field(**one) for one in topic.fields]


def public_topics() -> list[Topic]:
    """Topics that the form offers: in use, public, leading to a queue in use; not those whose
    parent is hidden."""
    rows = Topic.objects.filter(is_active=True, is_public=True, queue__is_active=True)
    found = {row.pk: row for row in rows.select_related("queue").order_by("id")}
    return [row for row in found.values() if row.parent_id is None or row.parent_id in found]


def form_settings() -> RequestForm:
    """The settings of the form, as they are by default before anybody saved them."""
    return RequestForm.objects.order_by("id").first() or RequestForm()


def consent() -> Consent | None:
    """The text in force; None when nothing has to be agreed to."""
    last = Consent.objects.order_by("-version").first()
    return last if last is not None and (last.text_ru or last.text_en) else None


@transaction.atomic
def set_consent(text_ru: str, text_en: str, *, by: Actor) -> Consent | None:
    """A new version of the text; None when it is the one in force."""
    last = Consent.objects.select_for_update().order_by("-version").first()
    was = (last.text_ru, last.text_en) if last else ("", "")
    if was == (text_ru, text_en):
        return None
    version = last.version + 1 if last else 1
    row = Consent.objects.create(version=version, text_ru=text_ru, text_en=text_en)
    fact = SettingChanged(what="consent", object=row.pk, fields=["consent"], made=True)
    record(fact, stream="requestform:consent", by=by)
    return row


Words = str | Promise
_QUESTIONS: Mapping[str, Iterable[tuple[str, Words, Words, bool, Sequence[Words]]]] = {
    "payment": (
        (Kind.TEXT, _("Number of the order or invoice"),
         _("It stands in the mail about the order."), True, ()),
        (Kind.MONEY, _("Sum"), "", True, ()),
        (Kind.DATE, _("Day of the payment"), "", True, ()),
        (Kind.CHOICE, _("How did you pay?"), "", True,
         (_("by card"), _("by bank transfer"), _("otherwise"))),
        (Kind.MAIL, _("Mail address named with the payment"), _("If it is another one than yours."),
         False, ()),
    ),
    "access": (
        (Kind.TEXT, _("Login or mail address of the account"), "", True, ()),
        (Kind.CHOICE, _("What does not open?"), "", True,
         (_("sign-in"), _("learning materials"), _("a paid service"), _("something else"))),
        (Kind.DATE, _("Since which day?"), "", False, ()),
        (Kind.PHONE, _("Phone number of the account"), "", False, ()),
    ),
}  # fmt: skip
PRESETS: tuple[tuple[str, Words], ...] = (
    ("payment", _("payment request")),
    ("access", _("access request")),
)


def preset(name: str) -> list[dict[str, Any]]:
    """The fields of a preset in both languages; none for a name that is no preset."""

    def both(words: Words) -> tuple[str, str]:
        found = []
        for language in ("ru", "en"):
            with translation.override(language):
                found.append(str(words))
        return found[0], found[1]

    made = []
    for kind, label, hint, required, choices in _QUESTIONS.get(name, ()):
        names, help_ = both(label), both(hint)
        pairs = [both(one) for one in choices]
        made.append(Field(str(kind), *names, *help_, required, "", pairs).as_json())
    return made
