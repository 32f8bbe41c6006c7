"""The OpenAPI document: what django-ninja makes of the operations, with headers and problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from zabota.api import examples, problems
from zabota.api.once import LONGEST
from zabota.api.problems import MEDIA_TYPE, Sort

Part = dict[str, Any]
METHODS = ("get", "post", "patch")
PREFIX = "/api/v1"
TAGS = {
    "tickets": gettext_noop("Tickets"),
    "messages": gettext_noop("Messages and files"),
    "customers": gettext_noop("Contacts and accounts"),
    "company": gettext_noop("The company"),
}
PACE = {
    "RateLimit-Limit": gettext_noop("Requests that the token may send in a minute."),
    "RateLimit-Remaining": gettext_noop("What is left of them."),
    "RateLimit-Reset": gettext_noop("Seconds till the next minute begins."),
}
# What the numbers in an address are, by the word before them; `file` by its own name.
NUMBERS = {
    "tickets": gettext_noop("Number of the ticket."),
    "contacts": gettext_noop("Number of the contact."),
    "accounts": gettext_noop("Number of the account."),
    "file": gettext_noop("Number of the file, as its message tells it."),
}
FILE = gettext_noop("The file, as `multipart/form-data`; its type and name go with it.")
RETRY = gettext_noop("Seconds to wait.")
PLACE = gettext_noop("Where the file lies, for a minute.")
WRITES = (problems.IN_FLIGHT, problems.NOT_POSSIBLE, problems.KEY_REUSED, problems.NOT_ALLOWED)
ALL = (
    problems.UNAUTHORISED, problems.SCOPE, problems.NOT_FOUND, problems.BAD_REQUEST,
    problems.TOO_MANY, problems.INVALID, problems.BROKEN,
)  # fmt: skip
_VALUE: Part = {
    "type": "object",
    "required": ["in", "field", "code", "message"],
    "properties": {
        "in": {
            "type": "string",
            "description": gettext_noop("Where it stands: `body`, `query`, `path`, `header`."),
        },
        "field": {"type": "string", "description": gettext_noop("Its name, with dots inside.")},
        "code": {"type": "string", "description": gettext_noop("What is wrong, for programs.")},
        "message": {"type": "string", "description": gettext_noop("What is wrong, in words.")},
    },
}
PROBLEM: Part = {
    "title": "Problem",
    "description": "Problem details, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {
            "type": "string",
            "enum": [problems.TYPE + one.name for one in problems.SORTS],
            "description": gettext_noop("What went wrong: it never changes, so look at this."),
        },
        "title": {"type": "string", "description": gettext_noop("The same in words.")},
        "status": {"type": "integer", "description": gettext_noop("The status of the answer.")},
        "detail": {"type": "string", "description": gettext_noop("What is wrong in this case.")},
        "errors": {
            "type": "array",
            "description": gettext_noop("The values that cannot be used; else empty."),
            "items": _VALUE,
        },
    },
}
LANGUAGE: Part = {
    "in": "header",
    "name": "Accept-Language",
    "required": False,
    "schema": {"type": "string", "enum": ["ru", "en"]},
    "description": gettext_noop("The language of problems: `ru` or `en`."),
}
KEY: Part = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
    "description": gettext_noop(
        "Under one key one request is done once; it is answered alike for two days."
    ),
}


def completed(document: Part, scopes: Mapping[str, str]) -> Part:
    """The document with everything that every operation may answer, with examples, and with the
    scope that each operation needs (`scopes`, by operation; empty: any token)."""
    document["components"]["schemas"]["Problem"] = PROBLEM
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _complete(path, method, operation)
                _exemplify(path, operation)
                scope = scopes[operation["operationId"]]
                operation["security"] = [{"Bearer": [scope] if scope else []}]
    return document


def _complete(path: str, method: str, operation: Part) -> None:
    writes = method != "get"
    operation["parameters"] += [LANGUAGE, KEY] if writes else [LANGUAGE]
    answers: Part = {str(status): one for status, one in operation["responses"].items()}
    for status, one in answers.items():
        one["headers"] = _headers(PACE)
        if status == "302":
            one["headers"]["Location"] = {"schema": {"type": "string"}, "description": PLACE}
    sorts = [*ALL, *(WRITES if writes else ())]
    if operation["operationId"] in {"create_ticket", "client_message"}:
        sorts.append(problems.NO_INBOX)
    if path == f"{PREFIX}/attachments":
        sorts.append(problems.TOO_LARGE)
    for status in sorted({one.status for one in sorts}):
        answers[str(status)] = _problem([one for one in sorts if one.status == status])
    operation["responses"] = answers


def _exemplify(path: str, operation: Part) -> None:
    """Examples of the request and its answer, and what the numbers in the address are."""
    name = operation["operationId"]
    content = operation.get("requestBody", {}).get("content", {})
    if example := examples.BODIES.get(name):
        content["application/json"]["example"] = example
    if form := content.get("multipart/form-data"):
        form["schema"]["properties"]["file"]["description"] = FILE
    sort = path.removeprefix(f"{PREFIX}/").partition("/")[0]
    for one in operation["parameters"]:
        if one["in"] == "path":
            known = one["name"] if one["name"] in NUMBERS else sort
            one["description"], one["example"] = NUMBERS[known], examples.NUMBERS[known]
        elif one["in"] == "query" and one["name"] in (asked := examples.QUERIES.get(name, {})):
            one["example"] = asked[one["name"]]
    for status, one in operation["responses"].items():
        if status.startswith("2"):
            one["content"]["application/json"]["example"] = examples.ANSWERS[name]
        elif status.startswith("3"):
            one["headers"]["Location"]["example"] = examples.PLACE


def _problem(sorts: list[Sort]) -> Part:
    """One status with an example of each of its problems."""
    examples = {
        one.name: {
            "value": {
                "type": problems.TYPE + one.name,
                "title": str(one.title),
                "status": one.status,
                "detail": str(one.title),
                "errors": _example_errors(one),
            }
        }
        for one in sorts
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    part: Part = {
        "description": " / ".join(str(one.title) for one in sorts),
        "content": {MEDIA_TYPE: content},
    }
    if sorts[0].status in {409, 429}:
        part["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": RETRY}}
    return part


def _example_errors(sort: Sort) -> list[dict[str, str]]:
    if sort is not problems.INVALID:
        return []
    return [
        {"in": "body", "field": "subject", "code": "missing", "message": "This value is required."}
    ]


def _headers(told: dict[str, str]) -> Part:
    return {
        name: {"schema": {"type": "integer"}, "description": words} for name, words in told.items()
    }
