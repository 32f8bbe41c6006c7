from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from zabota.lib import clock
from zabota.staff.models import Language, check_zone


class Account(models.Model):
    """The company or household we serve."""

    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(_("language"), max_length=2, choices=Language, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[check_zone])
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class AccountDomain(models.Model):
    """A mail domain; contacts with it join the account only once a person confirmed it."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="domains")
    domain = models.CharField(_("mail domain"), max_length=253)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(confirmed_at__isnull=False),
                name="one_account_per_confirmed_domain",
            )
        ]

    def __str__(self) -> str:
        return self.domain


class Contact(models.Model):
    """A person who writes to us. Language and zone: own, else the account's, else the inbox's."""

    name = models.CharField(_("name"), max_length=200, blank=True)
    account = models.ForeignKey(
        Account, models.SET_NULL, null=True, blank=True, related_name="contacts"
    )
    language = models.CharField(_("language"), max_length=2, choices=Language, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[check_zone])
    time_zone_guessed = models.BooleanField(default=False)
    is_robot = models.BooleanField(default=False)
    # Sees the requests of all contacts of his account on the clients' pages.
    manages_account = models.BooleanField(default=False)
    wants_receipts = models.BooleanField(default=True)
    wants_marks = models.BooleanField(default=True)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="merged"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name or str(_("no name"))

    # Of the first mail address, where it was read with the contact; the others likewise.
    returned = 0
    other_addresses: Sequence[str] = ()
    # Made in this very transaction: nobody has told him anything yet.
    is_new = False

    @cached_property
    def address(self) -> str:
        """The mail address we write to first, '' without one; asked once per object."""
        mails = self.identities.filter(kind="mail").order_by("-is_preferred", "id")
        return mails.values_list("value", flat=True).first() or ""


class Identity(models.Model):
    """An address, phone number or messenger id of a contact."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=20, default="mail")
    value = models.CharField(max_length=320)
    is_preferred = models.BooleanField(default=False)
    # Mails in a row that the receiver's server returned for good; he wrote since: none.
    returned = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "value"], name="one_contact_per_identity"),
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(is_preferred=True),
                name="one_preferred_identity_per_contact",
            ),
        ]

    def __str__(self) -> str:
        return self.value
