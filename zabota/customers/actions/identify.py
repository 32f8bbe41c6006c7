from __future__ import annotations

from django.db import IntegrityError, transaction

from zabota.customers.events import ContactChanged, ContactMade
from zabota.customers.models import AccountDomain, Contact, Identity
from zabota.events.actor import Actor
from zabota.events.log import record


def identify(
    kind: str, value: str, *, name: str, by: Actor, language: str = "", time_zone: str = ""
) -> Contact:
    """The contact who owns the identity; made when nobody does. A merged one leads to its heir.

    `language` and `time_zone` are guesses for a new contact only (the zone is marked as guessed).
    """
    value = value.strip().lower()
    found = _find(kind, value)
    if found is not None:
        if name and not found.name:
            _name(found, name, by)
        return found
    try:
        with transaction.atomic():
            return _make(kind, value, name, language, time_zone, by)
    except IntegrityError:
        # Another mail of the same person was taken in at the same moment.
        contact = _find(kind, value)
        if contact is None:
            raise
        return contact


@transaction.atomic
def _name(contact: Contact, name: str, by: Actor) -> None:
    contact.name = name[:200]
    contact.save(update_fields=["name"])
    fact = ContactChanged(contact=contact.pk, fields=["name"])
    record(fact, stream=f"contact:{contact.pk}", by=by)


def _find(kind: str, value: str) -> Contact | None:
    identity = Identity.objects.filter(kind=kind, value=value).select_related("contact").first()
    if identity is None:
        return None
    contact = identity.contact
    seen = {contact.pk}
    while contact.merged_into is not None and contact.merged_into.pk not in seen:
        contact = contact.merged_into
        seen.add(contact.pk)
    return contact


def _make(kind: str, value: str, name: str, language: str, zone: str, by: Actor) -> Contact:
    domain = value.rpartition("@")[2] if kind == "mail" else ""
    known = AccountDomain.objects.filter(domain=domain, confirmed_at__isnull=False).first()
    contact = Contact.objects.create(
        name=name[:200],
        account_id=known.account_id if known else None,
        language=language if language in {"ru", "en"} else "",
        time_zone=zone,
        time_zone_guessed=bool(zone),
    )
    Identity.objects.create(contact=contact, kind=kind, value=value)
    made = ContactMade(contact=contact.pk, account=contact.account_id)
    record(made, stream=f"contact:{contact.pk}", by=by)
    if kind == "mail":
        contact.address = value
    return contact
