"""Stored bytes that nothing names any more: who may name them, and their removal."""

from __future__ import annotations

import json
from datetime import timedelta

from django.db.models import JSONField, Model

from zabota.channels import blobs
from zabota.lib import clock
from zabota.lib.rows import ask

# Longer than anything takes from storing bytes to committing the row that names them.
YOUNG = timedelta(days=1)
_USES: dict[tuple[type[Model], str], tuple[str, bool]] = {}


def names_blobs(model: type[Model], field: str) -> None:
    """Rows of the model keep the bytes that the field names: by a SHA-256, or by a JSON list of
    objects with one."""
    column = model._meta.get_field(field)
    is_list = isinstance(column, JSONField)
    meets = "@> %(list)s::jsonb" if is_list else "= %(sha256)s"
    sql = f'EXISTS (SELECT FROM "{model._meta.db_table}" WHERE "{field}" {meets})'
    _USES[model, field] = (sql, is_list)


def named_by() -> set[tuple[type[Model], str]]:
    """The models and fields that were told of."""
    return {*_USES}


def is_named(sha256: str) -> bool:
    """Whether anything names the bytes. One statement: what moves from one table to another in one
    transaction is seen in one of them."""
    given = {"sha256": sha256, "list": json.dumps([{"sha256": sha256}])}
    found = ask(f"SELECT {' OR '.join(sql for sql, _is_list in _USES.values())}", given)
    return bool(found[0])


def drop(sha256: str) -> bool:
    """Remove the bytes unless something names them. False: not yet, ask again later; they were
    stored a moment ago, or the store is being copied. Raises OSError when the disk refuses."""
    return is_named(sha256) or blobs.remove(sha256, stored_before=clock.now() - YOUNG)
