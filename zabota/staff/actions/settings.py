from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, time
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models, transaction

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.events import SettingChanged

LONGEST = 200  # letters; of longer texts only that they changed
# Also the names under which we sign in elsewhere.
SECRET = re.compile(r"password|secret|token|key|user", re.IGNORECASE)
# A client may be a person: erasing him never rewrites the log.
PERSONAL = frozenset({"account"})


@transaction.atomic
def save_setting(
    row: models.Model, fields: Collection[str], *, by: Actor, columns: Collection[str] = ()
) -> None:
    """Store a validated row of the settings screens and record that it was made or changed.

    `fields` are the names the history shows; `columns` the database columns to write, where they
    differ. Nothing is written or recorded for a stored row without changed fields.
    """
    what, made = row._meta.model_name or "", row.pk is None
    was: dict[str, Any] = {}
    if made:
        row.save(force_insert=True)
    elif fields:
        # The row lock keeps the facts of one setting in the order of the changes.
        before = type(row)._default_manager.select_for_update().get(pk=row.pk)
        was = _values(before, fields)
        row.save(update_fields=sorted(columns or fields))
    else:
        return
    now = {} if made else _values(row, fields)
    told = {name for name in was.keys() & now.keys() if was[name] != now[name]}
    fact = SettingChanged(
        what=what,
        object=row.pk,
        fields=sorted(fields),
        made=made,
        was={name: was[name] for name in sorted(told)},
        now={name: now[name] for name in sorted(told)},
    )
    record(fact, stream=f"{what}:{row.pk}", by=by)


def _values(row: models.Model, fields: Collection[str]) -> dict[str, Any]:
    """Short plain values of these fields, as the log may keep them."""
    if row._meta.model_name in PERSONAL:
        return {}
    found: dict[str, Any] = {}
    for name in fields:
        value = _value(row, name)
        if isinstance(value, date | time):
            value = value.isoformat()
        is_plain = value is None or isinstance(value, str | int | float)
        if is_plain and len(str(value)) <= LONGEST and not SECRET.search(name):
            found[name] = value
    return found


def _value(row: models.Model, name: str) -> Any:
    """Of a column what it stores (of another row its id), else what stands in `config`."""
    try:
        column = row._meta.get_field(name)
    except FieldDoesNotExist:
        config = getattr(row, "config", None)
        return config.get(name) if isinstance(config, dict) else ...
    if not isinstance(column, models.Field) or column.many_to_many:
        return ...
    return column.value_from_object(row)
