"""Where a contact is reached, and which automatic letters he does not want."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from zabota.customers.events import ContactChanged
from zabota.customers.models import Contact, Identity
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib.rows import insert_unless

MOST = 20  # addresses of one contact


@transaction.atomic
def add_address(contact: Contact, value: str, *, by: Actor) -> Identity:
    """One more mail address of the contact; raises ValidationError with the reason."""
    value = value.strip().lower()
    validate_email(value)
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    own = row.identities.filter(kind="mail")
    if (known := own.filter(value=value).first()) is not None:
        return known
    if own.count() >= MOST:
        raise ValidationError(_("This client has too many addresses already."))
    added = Identity(contact=row, kind="mail", value=value)
    if not insert_unless(added):
        raise ValidationError(_("Another client has this address."))
    _changed(row, by, "identities")
    return Identity.objects.get(kind="mail", value=value)


@transaction.atomic
def prefer(contact: Contact, identity_id: int, *, by: Actor) -> bool:
    """We write to this address first; False when it is none of the contact's."""
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    chosen = row.identities.filter(kind="mail", pk=identity_id).first()
    if chosen is None:
        return False
    if not chosen.is_preferred:
        row.identities.filter(is_preferred=True).update(is_preferred=False)
        row.identities.filter(pk=chosen.pk).update(is_preferred=True)
        _changed(row, by, "preferred")
    return True


@transaction.atomic
def set_wishes(contact: Contact, *, receipts: bool, marks: bool, by: Actor) -> None:
    """Whether he wants receipts of his requests, and to be asked for marks."""
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    wanted: dict[str, Any] = {"wants_receipts": receipts, "wants_marks": marks}
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if changed:
        Contact.objects.filter(pk=row.pk).update(**wanted)
        _changed(row, by, *changed)


def _changed(row: Contact, by: Actor, *fields: str) -> None:
    record(ContactChanged(contact=row.pk, fields=list(fields)), stream=f"contact:{row.pk}", by=by)
