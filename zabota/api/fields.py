"""Schemas of the OpenAPI document as rows that a person reads, in the language that is active."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from markupsafe import Markup, escape

from zabota.api.extracting import one_line

Part = dict[str, Any]
REFERS = "#/components/schemas/"
# A number without an end of its own ends here: no limit to tell.
ENDLESS = 2**31
_CODE = re.compile("`([^`]+)`")


@dataclass(frozen=True)
class Field:
    """A value that is sent or read: `values` are all it can be, `of` is the schema of an object;
    `is_null` says that it may be null."""

    name: str
    sort: str
    about: Markup
    is_required: bool = False
    is_null: bool = False
    values: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    default: str = ""
    of: str = ""


def said(text: str) -> Markup:
    """A text of the document in the active language, its `code` marked."""
    return marked(_(one_line(text))) if text else Markup()


def marked(text: str) -> Markup:
    """What stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped)


class Schemas:
    """The named schemas of a document."""

    def __init__(self, document: Part) -> None:
        self.known: dict[str, Part] = document["components"]["schemas"]

    def rows(self, schema: Part, *, flat: bool = False) -> Iterator[Field]:
        """The fields of an object, required first; with `flat` those of its parts too, named with
        dots."""
        schema, _name = self.followed(schema)
        required = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            row = self.row(name, part, is_required=name in required)
            if not flat or not row.of:
                yield row
                continue
            # Its parts follow: there is nothing to refer to.
            yield replace(row, of="")
            for inner in self.rows(self.known[row.of], flat=True):
                yield replace(inner, name=f"{name}.{inner.name}")

    def row(self, name: str, schema: Part, *, is_required: bool) -> Field:
        """One value."""
        about = schema.get("description", "")
        kinds = [self.followed(one) for one in schema.get("anyOf", [schema])]
        some = [(one, of) for one, of in kinds if one.get("type") != "null"]
        first, of = some[0]
        item, inner = self.followed(first.get("items", {}))
        values = tuple(_shown(one) for part, _of in some for one in _values(part, self))
        return Field(
            name=name,
            sort=", ".join(dict.fromkeys(self._sort(part) for part, _of in some if _plain(part))),
            about=said(about),
            is_required=is_required,
            is_null=len(some) < len(kinds),
            values=values,
            limits=tuple(_limits(first, item)),
            default=_default(schema),
            of=(of or inner) if "properties" in (item or first) else "",
        )

    def followed(self, schema: Part) -> tuple[Part, str]:
        """What a reference leads to, and its name."""
        if "$ref" not in schema:
            return schema, ""
        name = str(schema["$ref"]).removeprefix(REFERS)
        return self.known[name], name

    def _sort(self, schema: Part) -> str:
        if schema.get("type") == "array":
            item, _name = self.followed(schema["items"])
            kinds = [self.followed(one)[0] for one in item.get("anyOf", [item])]
            inner = [self._sort(one) for one in kinds if _plain(one)]
            return _("list: %(of)s") % {"of": ", ".join(inner)}
        if schema.get("format") == "binary":
            return pgettext("api", "file")
        if schema.get("format") == "date-time":
            return pgettext("api", "time")
        sorts = {
            "string": pgettext("api", "text"),
            "integer": pgettext("api", "number"),
            "boolean": pgettext("api", "yes or no"),
            "object": pgettext("api", "object"),
        }
        return sorts[schema["type"]]


def _plain(schema: Part) -> bool:
    """Not only one more value beside another type."""
    return "const" not in schema


def _values(schema: Part, schemas: Schemas) -> list[Any]:
    item, _name = schemas.followed(schema.get("items", {}))
    found: list[Any] = []
    for one in (schema, item, *item.get("anyOf", ())):
        found += one.get("enum", [])
        found += [one["const"]] if "const" in one else []
    return found if schema.get("type") != "boolean" else [True, False]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _default(schema: Part) -> str:
    value = schema.get("default")
    return "" if value in (None, [], "") else _shown(value)


def _limits(schema: Part, item: Part) -> Iterator[str]:
    if most := schema.get("maxItems"):
        yield ngettext("at most %(num)d value", "at most %(num)d values", most) % {"num": most}
    for part in (schema, item):
        if most := part.get("maxLength"):
            words = ngettext("at most %(num)d character", "at most %(num)d characters", most)
            yield words % {"num": most}
        if part.get("minLength"):
            yield _("not empty")
        if "minimum" in part:
            least, most = part["minimum"], part.get("maximum", ENDLESS)
            # That the number of a thing is one or more goes without saying.
            if most < ENDLESS:
                yield _("%(least)d to %(most)d") % {"least": least, "most": most}
