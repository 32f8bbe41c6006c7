from __future__ import annotations

from zabota.customers.events import AddressReturned
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib.rows import ask

_SET = (
    "UPDATE customers_identity SET returned = {} WHERE kind = %s AND value = %s "
    "RETURNING id, contact_id, returned"
)


def note_return(kind: str, value: str, *, by: Actor) -> None:
    """Mail to this address came back for good; nothing for one that nobody has."""
    _set(_SET.format("least(returned + 1, 99)"), kind, value, by)


def forget_returns(kind: str, value: str, *, by: Actor) -> None:
    """He wrote from this address: it works."""
    _set(_SET.format("0"), kind, value, by)


def _set(statement: str, kind: str, value: str, by: Actor) -> None:
    found = ask(statement, [kind, value.strip().lower()])
    if found:
        fact = AddressReturned(contact=found[1], identity=found[0], times=found[2])
        record(fact, stream=f"contact:{found[1]}", by=by)
