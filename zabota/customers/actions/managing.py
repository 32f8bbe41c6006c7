"""Which contact sees all requests of his account on the clients' pages."""

from __future__ import annotations

from django.db import transaction

from zabota.customers.events import ContactChanged
from zabota.customers.models import Contact
from zabota.events.actor import Actor
from zabota.events.log import record


@transaction.atomic
def set_manager(contact: Contact, manages: bool, *, by: Actor) -> None:
    """Give or take the right; who belongs to no account cannot have it."""
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    wanted = manages and row.account_id is not None
    if row.manages_account == wanted:
        return
    row.manages_account = wanted
    row.save(update_fields=["manages_account"])
    fact = ContactChanged(contact=row.pk, fields=["manages_account"])
    record(fact, stream=f"contact:{row.pk}", by=by)
