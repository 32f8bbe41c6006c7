from __future__ import annotations

from django.db import transaction

from zabota.customers.events import ContactChanged, ContactMade
from zabota.customers.models import Account, Contact, Identity
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock
from zabota.lib.rows import UNLESS, Joined, Rows, ask, inserting, written

_OF_IDENTITY = Joined(
    [Rows(Contact, "c"), Rows(Account, "a")],
    "FROM (VALUES (1)) one LEFT JOIN customers_identity i ON i.kind = %(kind)s AND i.value = "
    "%(value)s LEFT JOIN customers_contact c ON c.id = i.contact_id "
    "LEFT JOIN customers_account a ON a.id = c.account_id",
    "i.returned, (SELECT value FROM customers_identity WHERE contact_id = c.id AND kind = 'mail' "
    "ORDER BY is_preferred DESC, id LIMIT 1), CASE WHEN i.id IS NULL THEN (SELECT account_id FROM "
    "customers_accountdomain WHERE domain = %(domain)s AND confirmed_at IS NOT NULL LIMIT 1) END",
)


def identify(
    kind: str, value: str, *, name: str, by: Actor, language: str = "", time_zone: str = ""
) -> Contact:
    """The contact who owns the identity; made when nobody does. A merged one leads to its heir.

    `language` and `time_zone` are guesses for a new contact only (the zone is marked as guessed).
    """
    value = value.strip().lower()
    found, account_id = _find(kind, value)
    if found is not None:
        if name and not found.name:
            _name(found, name, by)
        return found
    with transaction.atomic(savepoint=False):
        new = Contact(
            name=name[:200],
            account_id=account_id,
            language=language if language in {"ru", "en"} else "",
            time_zone=time_zone,
            time_zone_guessed=bool(time_zone),
        )
        return _make(new, kind, value, by)


@transaction.atomic
def _name(contact: Contact, name: str, by: Actor) -> None:
    contact.name = name[:200]
    contact.save(update_fields=["name"])
    fact = ContactChanged(contact=contact.pk, fields=["name"])
    record(fact, stream=f"contact:{contact.pk}", by=by)


def _find(kind: str, value: str) -> tuple[Contact | None, int | None]:
    """The owner of the identity; where there is none, the account of its mail domain, if any."""
    domain = value.rpartition("@")[2] if kind == "mail" else ""
    row = ask(_OF_IDENTITY.sql, {"kind": kind, "value": value, "domain": domain})
    *_, returned, address, account_id = row
    contact, account = _OF_IDENTITY.made(row)
    if contact is None:
        return None, account_id
    contact.returned = returned
    if contact.merged_into_id is None:
        contact.account, contact.address = account, address or ""
        return contact, None
    return _heir(contact), None


def _heir(contact: Contact) -> Contact:
    seen, returned = {contact.pk}, contact.returned
    while contact.merged_into is not None and contact.merged_into.pk not in seen:
        contact = contact.merged_into
        seen.add(contact.pk)
    contact.returned = returned
    return contact


_CONTACT, _values = inserting(Contact)
_MAKE = f"""
WITH made AS ({_CONTACT}), named AS (
    INSERT INTO customers_identity (contact_id, kind, value, is_preferred, returned, created_at)
    SELECT id, %s, %s, false, 0, %s FROM made {UNLESS} RETURNING id)
SELECT made.id, named.id FROM made LEFT JOIN named ON true
"""  # noqa: S608 (our own names)


def _make(new: Contact, kind: str, value: str, by: Actor) -> Contact:
    number, identity = ask(_MAKE, [*_values(new), kind, value, clock.now()])
    contact = written(new, number)
    if identity is None:
        # Another mail of the same person was taken in at the same moment.
        contact.delete()
        first, _ = _find(kind, value)
        if first is None:
            raise Identity.DoesNotExist(f"no contact has the identity that another took: {kind}")
        return first
    made = ContactMade(contact=contact.pk, account=contact.account_id)
    record(made, stream=f"contact:{contact.pk}", by=by)
    contact.address = value if kind == "mail" else ""
    contact.is_new = True
    return contact
