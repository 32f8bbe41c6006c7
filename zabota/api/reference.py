"""The OpenAPI document as a page for people: what `zabota/config/reference.py` shows, made anew for
each language only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from django.utils import translation
from django.utils.translation import gettext_noop as _
from markupsafe import Markup

from zabota.api import problems
from zabota.api.document import METHODS, PACE, PREFIX
from zabota.api.fields import REFERS, Field, Part, Schemas, marked, said
from zabota.api.problems import Sort
from zabota.api.urls import document
from zabota.staff.models import Scope

HEADER = "Idempotency-Key"
CURES: dict[str, str] = {
    problems.BAD_REQUEST.name: _("Send valid `JSON`, and a key of letters that can be printed."),
    problems.UNAUTHORISED.name: _(
        "The token is wrong, revoked or out of date, or its agent is switched off."
    ),
    problems.SCOPE.name: _("Make a token with the scope that the operation needs."),
    problems.NOT_ALLOWED.name: _("Give the agent of the token the right in the queue."),
    problems.NOT_FOUND.name: _("No such address or number, or not open to this token."),
    problems.METHOD.name: _("Use a method that stands beside the address on this page."),
    problems.IN_FLIGHT.name: _("Send the same again after the seconds that the answer names."),
    problems.TOO_LARGE.name: _("Send less."),
    problems.INVALID.name: _("Mend the values that the answer names."),
    problems.NOT_POSSIBLE.name: _(
        "Look at the state of the ticket; the answer says what forbids it."
    ),
    problems.KEY_REUSED.name: _("Take a new key for a new request."),
    problems.TOO_MANY.name: _("Wait for the seconds that the answer names."),
    problems.BROKEN.name: _("Send again: nothing was done."),
    problems.NO_INBOX.name: _("Set up a mailbox: without one nobody could answer the client."),
}


@dataclass(frozen=True)
class Trouble:
    """A kind of problem, and what to do about it."""

    name: str
    status: int
    title: Markup
    cure: Markup


@dataclass(frozen=True)
class Answer:
    """What comes when all is well: the schema of what is inside, and whether that is a list."""

    status: str
    of: str
    is_list: bool
    is_page: bool
    headers: list[Field]
    example: str


@dataclass(frozen=True)
class Operation:
    """One method at one address; `scope` is empty where any token will do."""

    key: str
    method: str
    path: str
    title: Markup
    about: Markup
    scope: str
    scope_words: str
    path_fields: list[Field]
    query_fields: list[Field]
    body_fields: list[Field]
    body_about: Markup
    is_form: bool
    takes_key: bool
    curl: str
    answer: Answer
    troubles: list[Trouble]


@dataclass(frozen=True)
class Section:
    """Operations about one thing."""

    key: str
    title: Markup
    operations: list[Operation]


@dataclass(frozen=True)
class Thing:
    """An object that answers hold; `like` names another that has the other fields."""

    key: str
    about: Markup
    like: str
    fields: list[Field]


@dataclass(frozen=True)
class Reference:
    """The whole page."""

    sections: list[Section]
    things: list[Thing]
    troubles: list[Trouble]
    problem: list[Field]
    problem_example: str
    pace: list[tuple[str, Markup]]


@cache
def reference(language: str) -> Reference:
    """The page in a language."""
    with translation.override(language):
        return _Reader(document()).all()


class _Reader:
    def __init__(self, found: Part) -> None:
        self.document, self.schemas = found, Schemas(found)

    def all(self) -> Reference:
        sections = [self._section(tag) for tag in self.document["tags"]]
        return Reference(
            sections=sections,
            things=self._things(self._named(sections)),
            troubles=[_trouble(one) for one in problems.SORTS],
            problem=list(self._problem()),
            problem_example=_json(self._problem_example()),
            pace=[(name, said(words)) for name, words in PACE.items()],
        )

    def _section(self, tag: Part) -> Section:
        operations = [
            self._operation(method, path, one)
            for path, operations in self.document["paths"].items()
            for method, one in operations.items()
            if method in METHODS and tag["name"] in one["tags"]
        ]
        return Section(tag["name"], said(tag["description"]), operations)

    def _operation(self, method: str, path: str, one: Part) -> Operation:
        (scope,) = one["security"][0]["Bearer"] or [""]
        content: Part = one.get("requestBody", {}).get("content", {})
        kind, body = next(iter(content.items()), ("", Part()))
        schema, _name = self.schemas.followed(body.get("schema", {}))
        is_form = kind.startswith("multipart/")
        return Operation(
            key=one["operationId"],
            method=method.upper(),
            path=path,
            title=said(one["summary"]),
            about=said(one["description"]),
            scope=scope,
            scope_words=str(Scope(scope).label) if scope else "",
            path_fields=self._parameters(one, "path"),
            query_fields=self._parameters(one, "query"),
            body_fields=list(self.schemas.rows(schema, flat=True)),
            body_about=said("" if is_form else schema.get("description", "")),
            is_form=is_form,
            takes_key=any(it["name"] == HEADER for it in one["parameters"]),
            curl=curl(method, path, one),
            answer=self._answer(one),
            troubles=list(_troubles(one)),
        )

    def _parameters(self, one: Part, place: str) -> list[Field]:
        found = [it for it in one["parameters"] if it["in"] == place]
        return [
            self.schemas.row(
                it["name"],
                it["schema"] | {"description": it.get("description", "")},
                is_required=it["required"],
            )
            for it in found
        ]

    def _answer(self, one: Part) -> Answer:
        status, good = next(it for it in one["responses"].items() if it[0] < "400")
        content = good.get("content", {}).get("application/json", {})
        schema, name = self.schemas.followed(content.get("schema", {}))
        fields = schema.get("properties", {})
        is_list = "items" in fields
        if is_list:
            name = str(fields["items"]["items"]["$ref"]).removeprefix(REFERS)
        headers = [
            Field(key, "", said(it.get("description", "")))
            for key, it in good["headers"].items()
            if key not in PACE
        ]
        example = _json(content["example"]) if content else ""
        return Answer(status, name, is_list, "next" in fields, headers, example)

    def _named(self, sections: list[Section]) -> list[str]:
        """The objects of all answers, each before what it holds."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            if name and name not in found:
                found[name] = None
                for row in self.schemas.rows(self.schemas.known[name]):
                    add(row.of)

        for section in sections:
            for one in section.operations:
                add(one.answer.of)
        return list(found)

    def _things(self, names: list[str]) -> list[Thing]:
        found = []
        for name in names:
            schema = self.schemas.known[name]
            like = self._like(name, names)
            known = self.schemas.known[like]["properties"] if like else {}
            rows = [row for row in self.schemas.rows(schema) if row.name not in known]
            found.append(Thing(name, said(schema.get("description", "")), like, rows))
        return found

    def _like(self, name: str, names: list[str]) -> str:
        """The object that has all fields of another and more is told by what is more."""
        whole = self.schemas.known[name]["properties"].items()
        parts = {one: self.schemas.known[one]["properties"].items() for one in names if one != name}
        inside = [one for one, part in parts.items() if all(item in whole for item in part)]
        return max(inside, key=lambda one: len(parts[one]), default="")

    def _problem_example(self) -> Part:
        """The document's, with its words in the reader's language, as the answer would have."""
        refusal = self.document["paths"][f"{PREFIX}/tickets"]["post"]["responses"]["422"]
        (content,) = refusal["content"].values()
        found: Part = content["examples"][problems.INVALID.name]["value"]
        title = str(problems.INVALID.title)
        errors = [one | {"message": str(said(one["message"]))} for one in found["errors"]]
        return found | {"title": title, "detail": title, "errors": errors}

    def _problem(self) -> Iterator[Field]:
        schema = self.schemas.known["Problem"]
        for row in self.schemas.rows(schema):
            # All types stand in a table of their own.
            yield replace(row, values=())
        for row in self.schemas.rows(schema["properties"]["errors"]["items"]):
            yield Field(f"errors.{row.name}", row.sort, row.about)


def curl(method: str, path: str, one: Part) -> str:
    """A command that calls the operation; address and token come from the environment."""
    asked = []
    for it in one["parameters"]:
        if it["in"] == "path":
            path = path.replace(f"{{{it['name']}}}", str(it["example"]))
        elif it["in"] == "query" and "example" in it:
            values = it["example"] if isinstance(it["example"], list) else [it["example"]]
            asked += [f"{it['name']}={quote(str(value), safe='@')}" for value in values]
    address = f'"$ZABOTA{path}{"?" + "&".join(asked) if asked else ""}"'
    lines = [f"curl {address}", '-H "Authorization: Bearer $TOKEN"']
    if method == "patch":
        lines[0] = f"curl -X PATCH {address}"
    if any(status.startswith("3") for status in one["responses"]):
        lines[0] = f"curl -L -o file {address}"
    content = one.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        lines.append("-F file=@steps.txt")
    elif content:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(_json(content['application/json']['example']))}")
    return " \\\n  ".join(lines)


def _troubles(one: Part) -> Iterator[Trouble]:
    known = {sort.name: sort for sort in problems.SORTS}
    for status, answer in one["responses"].items():
        if status >= "400":
            (content,) = answer["content"].values()
            yield from (_trouble(known[name]) for name in content["examples"])


def _trouble(sort: Sort) -> Trouble:
    title = marked(str(sort.title).replace(HEADER, f"`{HEADER}`"))
    return Trouble(sort.name, sort.status, title, said(CURES[sort.name]))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
