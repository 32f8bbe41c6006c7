from __future__ import annotations

from collections.abc import Collection

from django.db import models, transaction

from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.staff.events import SettingChanged


@transaction.atomic
def save_setting(
    row: models.Model, fields: Collection[str], *, by: Actor, columns: Collection[str] = ()
) -> None:
    """Store a validated row of the settings screens and record that it was made or changed.

    `fields` are the names the history shows; `columns` the database columns to write, where they
    differ. Nothing is written or recorded for a stored row without changed fields.
    """
    what, made = row._meta.model_name or "", row.pk is None
    if made:
        row.save(force_insert=True)
    elif fields:
        # The row lock keeps the facts of one setting in the order of the changes.
        type(row)._default_manager.select_for_update().get(pk=row.pk)
        row.save(update_fields=sorted(columns or fields))
    else:
        return
    fact = SettingChanged(what=what, object=row.pk, fields=sorted(fields), made=made)
    record(fact, stream=f"{what}:{row.pk}", by=by)
