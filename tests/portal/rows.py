"""What the clients' pages answer to the six who ask (`tests/test_access.py`): to all the same."""

from __future__ import annotations

# A link that opens nothing; the form while no topic is offered; another method.
OVER, CLOSED, NO = (" ".join([status] * 6) for status in ("410", "404", "405"))

GET = {
    "request/": CLOSED,
    "request/<int:topic>/": CLOSED,
    "r/<str:token>/": OVER,
    "r/<str:token>/message/": NO,
    "r/<str:token>/solved/": NO,
    "r/<str:token>/file/<int:file>/": OVER,
    "r/<str:token>/rate/<int:mark>/": OVER,
    "my/": " ".join(["200"] * 6),
    "my/open/": NO,
    "my/wishes/": NO,
    "my/leave/": NO,
    "confirm/<str:token>/": OVER,
}
POST = {
    "request/": NO,
    "request/<int:topic>/": CLOSED,
    "r/<str:token>/": NO,
    "r/<str:token>/message/": OVER,
    "r/<str:token>/solved/": OVER,
    "r/<str:token>/file/<int:file>/": NO,
    "r/<str:token>/rate/<int:mark>/": OVER,
    "my/": " ".join(["200"] * 6),
    "my/open/": " ".join(["302"] * 6),
    "my/wishes/": " ".join(["302"] * 6),
    "my/leave/": " ".join(["302"] * 6),
    "confirm/<str:token>/": OVER,
}
