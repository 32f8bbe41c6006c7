"""Examples of the OpenAPI document: whole requests and their answers, by operation."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]
FIRST, LATER, EXPECTED = "2026-02-02T09:15:00Z", "2026-02-02T09:40:00Z", "2026-02-02T13:00:00Z"

BODIES: dict[str, Example] = {
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
# What stands in the address of a request, and behind its question mark.
QUERIES: dict[str, dict[str, Any]] = {
    "list_tickets": {"status": ["new", "open"], "tag": ["crm"], "limit": 50},
    "list_messages": {"limit": 50},
    "list_contacts": {"address": "p.lebedev@romashka.example"},
    "list_accounts": {"limit": 50},
    "list_agents": {"queue": 2},
}
NUMBERS = {"tickets": 1042, "contacts": 31, "accounts": 5, "file": 12}
PLACE = "https://help.example.com/files/eyJhIjoxfQ"

_CONTACT: Example = {"id": 31, "name": "Пётр Лебедев", "address": "p.lebedev@romashka.example"}
_TICKET: Example = {
    "number": 1042,
    "subject": "Не приходит код для входа",
    "type": "question",
    "status": "new",
    "urgency": 3,
    "topic": 3,
    "queue": 2,
    "owner": None,
    "contact": _CONTACT,
    "account": 5,
    "language": "ru",
    "tags": ["crm"],
    "version": 1,
    "created_at": FIRST,
    "last_message_at": FIRST,
    "first_answer_at": None,
    "solved_at": None,
    "closed_at": None,
    "expected_at": EXPECTED,
}
_MESSAGE: Example = {
    "id": 5120,
    "direction": "in",
    "purpose": "",
    "agent": None,
    "contact": 31,
    "author": "Пётр Лебедев",
    "at": FIRST,
    "text": "Здравствуйте! Код не приходит с утра.",
    "quoted": "",
    "language": "ru",
    "call": {},
    "delivery": None,
    "attachments": [],
}
_SAID: Example = _MESSAGE | {
    "id": 5124,
    "direction": "out",
    "agent": 7,
    "contact": None,
    "author": "Тимур Хабибуллин",
    "at": LATER,
    "text": "Код отправлен ещё раз.",
    "delivery": "queued",
}
_PERSON: Example = _CONTACT | {
    "addresses": ["p.lebedev@romashka.example", "lebedev@mail.example"],
    "account": 5,
    "language": "ru",
    "time_zone": "Europe/Moscow",
    "created_at": FIRST,
}
_MARIA: Example = {
    "id": 32,
    "name": "Мария Жданова",
    "address": "m.zhdanova@romashka.example",
    "addresses": ["m.zhdanova@romashka.example"],
    "account": 5,
    "language": "",
    "time_zone": "",
    "created_at": FIRST,
}
_COMPANY: Example = {
    "id": 5,
    "name": "ООО «Ромашка»",
    "language": "ru",
    "time_zone": "Europe/Moscow",
    "domains": ["romashka.example"],
    "created_at": FIRST,
}
_CHANGED = {"status": "waiting_client", "owner": 7, "urgency": 2, "version": 4}
_INTERNAL = {"direction": "note", "text": "Клиент из списка обзвона.", "delivery": None}
_CALL = {
    "direction": "call",
    "text": "Помогли войти.",
    "delivery": None,
    "call": {"topic": "", "advice": "", "came_in": True, "minutes": 4},
}

ANSWERS: dict[str, Example] = {
    "list_tickets": {"items": [_TICKET], "next": "WyItaWQiLDEwNDJd"},
    "get_ticket": _TICKET,
    "create_ticket": _TICKET | {"message": 5120, "acknowledged": True},
    "change_ticket": _TICKET | _CHANGED,
    "list_messages": {"items": [_MESSAGE, _SAID], "next": None},
    "reply": _SAID,
    "client_message": _MESSAGE | {"id": 5131, "text": "Код пришёл, спасибо!", "ticket": 1042},
    "note": _SAID | _INTERNAL,
    "log_call": _SAID | _CALL,
    "upload": {"id": 12, "name": "steps.txt", "content_type": "text/plain", "size": 61},
    "list_contacts": {"items": [_PERSON], "next": None},
    "get_contact": _PERSON,
    "create_contact": _MARIA | {"account": None},
    "change_contact": _MARIA,
    "list_accounts": {"items": [_COMPANY], "next": None},
    "get_account": _COMPANY,
    "create_account": _COMPANY | {"time_zone": "", "domains": []},
    "get_token": {
        "token": "CRM",
        "agent": {"id": 7, "name": "Тимур Хабибуллин"},
        "scopes": ["tickets:read", "tickets:write"],
        "expires_at": None,
    },
    "list_topics": {
        "items": [{"id": 3, "name_ru": "Вход", "name_en": "Sign-in", "parent": None, "queue": 2}]
    },
    "list_queues": {
        "items": [
            {
                "id": 2,
                "name_ru": "Первая линия",
                "name_en": "First line",
                "line": 1,
                "access": "close",
            }
        ]
    },
    "list_agents": {"items": [{"id": 7, "name": "Тимур Хабибуллин"}]},
}
