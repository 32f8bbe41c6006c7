"""The OpenAPI document: what django-ninja makes of the operations, with headers and problems."""

from __future__ import annotations

from typing import Any

from zabota.api import problems
from zabota.api.once import LONGEST
from zabota.api.problems import MEDIA_TYPE, Sort

Part = dict[str, Any]
METHODS = ("get", "post", "patch")
PREFIX = "/api/v1"
# A whole body for each operation that takes one.
EXAMPLES: dict[str, Part] = {
    "create_ticket": {
        "on_behalf_of": {"address": "p.lebedev@romashka.example", "name": "Пётр Лебедев"},
        "subject": "Не приходит код для входа",
        "text": "Здравствуйте! Код не приходит с утра.",
        "topic": 3,
        "tags": ["crm"],
        "acknowledge": True,
    },
    "change_ticket": {"status": "waiting_client", "owner": 7, "urgency": 2, "tags": ["crm"]},
    "reply": {"text": "Код отправлен ещё раз.", "then": "waiting_client", "attachments": []},
    "client_message": {
        "on_behalf_of": {"address": "p.lebedev@romashka.example", "name": "Пётр Лебедев"},
        "text": "Код пришёл, спасибо!",
        "attachments": [],
    },
    "note": {"text": "Клиент из списка обзвона.", "attachments": []},
    "log_call": {"summary": "Помогли войти.", "direction": "in", "minutes": 4},
    "create_contact": {"address": "m.zhdanova@romashka.example", "name": "Мария Жданова"},
    "change_contact": {"name": "Мария Жданова", "account": 5},
    "create_account": {"name": "ООО «Ромашка»", "language": "ru"},
}
PACE = {
    "RateLimit-Limit": "Requests that the token may send in a minute.",
    "RateLimit-Remaining": "What is left of them.",
    "RateLimit-Reset": "Seconds till the next minute begins.",
}
WRITES = (problems.IN_FLIGHT, problems.NOT_POSSIBLE, problems.KEY_REUSED, problems.NOT_ALLOWED)
ALL = (
    problems.UNAUTHORISED, problems.SCOPE, problems.NOT_FOUND, problems.BAD_REQUEST,
    problems.TOO_MANY, problems.INVALID, problems.BROKEN,
)  # fmt: skip
PROBLEM: Part = {
    "title": "Problem",
    "description": "Problem details, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "enum": [problems.TYPE + one.name for one in problems.SORTS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "field", "code", "message"],
                "properties": {
                    "in": {"type": "string"},
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
LANGUAGE: Part = {
    "in": "header",
    "name": "Accept-Language",
    "required": False,
    "schema": {"type": "string", "enum": ["ru", "en"]},
    "description": "The language of problems.",
}
KEY: Part = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
    "description": "Under one key one request is done once; it is answered alike for two days.",
}


def completed(document: Part) -> Part:
    """The document with everything that every operation may answer."""
    document["components"]["schemas"]["Problem"] = PROBLEM
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _complete(path, method, operation)
    return document


def _complete(path: str, method: str, operation: Part) -> None:
    writes = method != "get"
    if example := EXAMPLES.get(operation["operationId"]):
        operation["requestBody"]["content"]["application/json"]["example"] = example
    operation["parameters"] += [LANGUAGE, KEY] if writes else [LANGUAGE]
    answers: Part = {str(status): one for status, one in operation["responses"].items()}
    for status, one in answers.items():
        one["headers"] = _headers(PACE)
        if status == "302":
            one["headers"]["Location"] = {"schema": {"type": "string"}}
    sorts = [*ALL, *(WRITES if writes else ())]
    if path == f"{PREFIX}/tickets" and writes:
        sorts.append(problems.NO_INBOX)
    if path == f"{PREFIX}/attachments":
        sorts.append(problems.TOO_LARGE)
    for status in sorted({one.status for one in sorts}):
        answers[str(status)] = _problem([one for one in sorts if one.status == status])
    operation["responses"] = answers


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
        part["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
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
