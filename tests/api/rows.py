"""What the programs' door answers: to sessions of the desk (`tests/test_access.py`), and to
programs by their tokens (`test_operations.py`)."""

from __future__ import annotations

# A session opens nothing here; another method; no such address.
NO, OTHER, NOTHING, ALL = (" ".join([status] * 6) for status in ("401", "405", "404", "200"))
API = "api/v1/"
_READ = (
    "tickets", "tickets/<int:number>", "tickets/<int:number>/messages",
    "tickets/<int:number>/attachments/<int:file>", "contacts", "contacts/<int:number>", "accounts",
    "accounts/<int:number>", "token", "topics", "queues", "agents",
)  # fmt: skip
_WRITE = (
    "tickets", "tickets/<int:number>/reply", "tickets/<int:number>/note",
    "tickets/<int:number>/message", "tickets/<int:number>/call", "attachments", "contacts",
    "accounts",
)  # fmt: skip
ROUTES = {*_READ, *_WRITE}
GET = {API + route: NO if route in _READ else OTHER for route in ROUTES}
POST = {API + route: NO if route in _WRITE else OTHER for route in ROUTES}
ELSEWHERE = API + r"^[\s\S]*$"
GET |= {f"{API}openapi.json": ALL, ELSEWHERE: NOTHING}
POST |= {f"{API}openapi.json": OTHER, ELSEWHERE: NOTHING}

# Without a token, with one that lacks the scope, then by the right of the agent in the ticket's
# queue.
WHO = ("nobody", "without scope", "another queue", "see", "reply", "close")
_CUSTOMERS = "401 403 200 200 200 200"
_MADE = "401 403 201 201 201 201"
_COMPANY = "401 200 200 200 200 200"
OPERATIONS = {
    "GET /tickets": "401 403 200 200 200 200",
    "POST /tickets": "401 403 422 422 201 201",
    "GET /tickets/{number}": "401 403 404 200 200 200",
    "PATCH /tickets/{number}": "401 403 404 403 200 200",
    "GET /tickets/{number}/messages": "401 403 404 200 200 200",
    "POST /tickets/{number}/reply": "401 403 404 403 201 201",
    "POST /tickets/{number}/message": "401 403 404 403 201 201",
    "POST /tickets/{number}/note": "401 403 404 403 201 201",
    "POST /tickets/{number}/call": "401 403 404 403 201 201",
    "GET /tickets/{number}/attachments/{file}": "401 403 404 302 302 302",
    "POST /attachments": _MADE,
    "GET /contacts": _CUSTOMERS,
    "POST /contacts": _MADE,
    "GET /contacts/{number}": _CUSTOMERS,
    "PATCH /contacts/{number}": _CUSTOMERS,
    "GET /accounts": _CUSTOMERS,
    "POST /accounts": _MADE,
    "GET /accounts/{number}": _CUSTOMERS,
    "GET /token": _COMPANY,
    "GET /topics": _COMPANY,
    "GET /queues": _COMPANY,
    "GET /agents": _COMPANY,
}
