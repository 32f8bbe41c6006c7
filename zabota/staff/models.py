from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from zabota.events import actor
from zabota.lib import clock

if TYPE_CHECKING:
    from zabota.staff.structure import Structure


class Language(models.TextChoices):
    RU = "ru", "Русский"
    EN = "en", "English"


class Role(models.TextChoices):
    """Presets of rights; what an agent may do in a queue is his grant there."""

    ADMINISTRATOR = "administrator", _("administrator")
    LEAD = "lead", _("lead")
    LINE1 = "line1", _("agent, line 1")
    LINE2 = "line2", _("agent, line 2")
    REVIEWER = "reviewer", _("quality reviewer")
    TRAINER = "trainer", _("trainer")
    LIGHT = "light", _("light user")
    INTEGRATION = "integration", _("integration")


class Level(models.IntegerChoices):
    """What an agent may do with the tickets of a queue; a higher level includes the lower ones."""

    SEE = 10, _("see")
    REPLY = 20, _("reply")
    REASSIGN = 30, _("reassign")
    CLOSE = 40, _("solve and close")
    MANAGE = 50, _("manage")


def check_zone(name: str) -> None:
    """Raises ValidationError unless `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(_("There is no time zone called “%s”.") % name) from None


def check_name(name: str) -> None:
    """A surname or first name needs a letter; raises ValidationError."""
    if not any(letter.isalpha() for letter in name):
        raise ValidationError(_("Write the full name in letters."))


class TwoLanguageName(models.Model):
    """A name in both languages; the screen shows the reader's, else the other."""

    name_ru = models.CharField(_("name in Russian"), max_length=120, blank=True)
    name_en = models.CharField(_("name in English"), max_length=120, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name_in(get_language() or "ru")

    def name_in(self, language: str) -> str:
        """The name in `language` ('ru…' or 'en…'), else in the other."""
        first, second = self.name_ru, self.name_en
        if language.startswith("en"):
            first, second = second, first
        return first or second

    def clean(self) -> None:
        if not (self.name_ru or self.name_en):
            raise ValidationError(_("Write the name in at least one language."))


class Department(TwoLanguageName):
    """A part of the company; owns queues."""

    is_active = models.BooleanField(_("in use"), default=True)


class Queue(TwoLanguageName):
    """Where tickets wait; belongs to one department and one line."""

    department = models.ForeignKey(
        Department, models.PROTECT, related_name="queues", verbose_name=_("department")
    )
    line = models.PositiveSmallIntegerField(
        _("line"), choices=[(1, _("1 (consults)")), (2, _("2 (can repair)"))], default=1
    )
    is_quarantine = models.BooleanField(default=False, editable=False)
    takes_recovery = models.BooleanField(
        _("looks after clients who gave a low mark"), default=False
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["is_quarantine"],
                condition=models.Q(is_quarantine=True),
                name="one_quarantine_queue",
            )
        ]


# What clients write who lose money through our fault; found in other forms and orders too.
SIGNAL_WORDS = """\
теряем деньги
терпим убытки
несём убытки
не можем принимать оплату
не проходят платежи
продажи стоят
продажи встали
магазин не работает
касса не работает
работа остановилась
losing money
cannot take payments
payments do not go through
sales have stopped
shop is down
business has stopped"""


class Topic(TwoLanguageName):
    """What the client chose or what was recognised; leads to a queue."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="topics", verbose_name=_("queue"))
    signal_words = models.TextField(
        _("signal words"), max_length=4000, blank=True, default=SIGNAL_WORDS
    )
    parent = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("part of"),
    )
    is_public = models.BooleanField(_("offered in the request form"), default=False)
    # What the request form asks for this topic (`asking.Field`), in order.
    fields = models.JSONField(_("fields of the request form"), default=list, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)


class RequestForm(models.Model):
    """The form by which clients ask without a mail program; there is one row, or none yet."""

    is_on = models.BooleanField(_("the form is open"), default=True)

    def __str__(self) -> str:
        return str(_("Request form"))


class Consent(models.Model):
    """A text to which whoever sends the form agrees; never changed, a new text is a new version."""

    version = models.PositiveIntegerField(unique=True)
    text_ru = models.TextField(blank=True)
    text_en = models.TextField(blank=True)
    since = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return str(_("text of the consent, version %(n)d") % {"n": self.version})

    def text_in(self, language: str) -> str:
        """The text in `language`, else in the other; '' when nothing is to be agreed to."""
        first, second = self.text_ru, self.text_en
        return (second or first) if language.startswith("en") else (first or second)


class AgentManager(BaseUserManager["Agent"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Agent:
        """A new agent with a hashed password (None: he signs in by a one-time link first)."""
        person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.full_clean(exclude=["password"])
        person.save()
        return person


class Agent(AbstractBaseUser):
    """A person of ours with a login."""

    email = models.EmailField(_("mail address"), unique=True)
    surname = models.CharField(_("surname"), max_length=80, validators=[check_name])
    first_name = models.CharField(_("first name"), max_length=80, validators=[check_name])
    patronymic = models.CharField(_("patronymic"), max_length=80, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.LINE1)
    position = models.CharField(_("position"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.RU)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Moscow", validators=[check_zone]
    )
    theme = models.CharField(
        _("theme"),
        max_length=6,
        choices=[("system", _("as the system")), ("light", _("light")), ("dark", _("dark"))],
        default="system",
    )
    density = models.CharField(
        _("list density"),
        max_length=8,
        choices=[("normal", _("normal")), ("compact", _("compact"))],
        default="normal",
    )
    letter_keys = models.BooleanField(_("single-letter keys"), default=True)
    undo_seconds = models.PositiveSmallIntegerField(
        _("seconds to take an answer back"), default=10, validators=[MaxValueValidator(30)]
    )
    mail_notices = models.BooleanField(_("mail me about my tickets"), default=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    expires_at = models.DateTimeField(_("account ends"), null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # What came earlier counts as read.
    read_from = models.DateTimeField(default=clock.now, editable=False)

    # Levels by queue and the company, read once for a request (policy.remember).
    known_levels: dict[int, Level] | None = None
    company: Structure | None = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["surname", "first_name"]
    objects: ClassVar[AgentManager] = AgentManager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(Lower("email"), name="agent_email")]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """First name and surname, as a signature shows them."""
        return f"{self.first_name} {self.surname}".strip()

    @property
    def actor(self) -> actor.Actor:
        """This agent as the one who acts."""
        return actor.agent(self.pk)

    @property
    def is_administrator(self) -> bool:
        """May change settings and sees every queue."""
        return self.role == Role.ADMINISTRATOR

    @property
    def may_work(self) -> bool:
        """The account is switched on and not ended."""
        return self.is_active and (self.expires_at is None or self.expires_at > clock.now())

    @property
    def zone(self) -> ZoneInfo:
        """The agent's own time zone, else the installation's."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)


class Grant(models.Model):
    """One agent's level in one queue."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="grants")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="grants")
    level = models.PositiveSmallIntegerField(
        choices=Level, default=Level.REPLY, validators=[MinValueValidator(Level.SEE)]
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["agent", "queue"], name="one_grant_per_queue")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.queue_id} {self.level}"


class Invitation(models.Model):
    """A one-time link by which an agent sets his password; only its hash is stored.

    Without an agent it makes the first administrator.
    """

    agent = models.ForeignKey(Agent, models.CASCADE, null=True, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"invitation of {self.agent_id}"


class Scope(models.TextChoices):
    """What a program may do through the interface for programs, besides the rights of its agent."""

    TICKETS_READ = "tickets:read", _("read tickets")
    TICKETS_WRITE = "tickets:write", _("make and change tickets, write in them")
    CUSTOMERS_READ = "customers:read", _("read contacts and clients")
    CUSTOMERS_WRITE = "customers:write", _("make and change contacts and clients")
    IMPORT = "import", _("bring in tickets of the past with their own times")


class Token(models.Model):
    """By which a program gets in, working as an agent of the role integration; only the hash of
    the secret is stored."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=80)
    # The first letters of the secret, to tell tokens apart.
    hint = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(_("token ends"), null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_valid(self) -> bool:
        """Neither revoked nor out of date; its agent is asked apart."""
        is_over = self.expires_at is not None and self.expires_at <= clock.now()
        return self.revoked_at is None and not is_over
