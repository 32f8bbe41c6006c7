"""Small changes of a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from zabota.customers.events import ContactChanged
from zabota.customers.models import Contact
from zabota.events.actor import Actor
from zabota.events.log import record

CHANGEABLE = frozenset({"name", "language", "account"})


@transaction.atomic
def change_contact(contact: Contact, changes: Mapping[str, Any], *, by: Actor) -> Contact:
    """Set the name, language or account of a contact; returns the stored row.

    Who leaves his account no longer manages it. His earlier tickets stay with the account.
    """
    if unknown := changes.keys() - CHANGEABLE:
        raise ValueError(f"change_contact does not change {', '.join(sorted(unknown))}")
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    changed = [name for name in sorted(changes) if getattr(row, name) != changes[name]]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, changes[name])
    if "account" in changed and row.manages_account:
        row.manages_account = False
        changed.append("manages_account")
    row.save(update_fields=changed)
    fact = ContactChanged(contact=row.pk, fields=changed)
    record(fact, stream=f"contact:{row.pk}", by=by)
    return row
