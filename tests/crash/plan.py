"""What a crash run does: how many mails and replies, which kills."""

from __future__ import annotations

from dataclasses import dataclass, field

from zabota.lib.faults import POINTS

FETCH_POINTS = ("fetch.listed", "receive.stored", "receive.committed")
WEB_POINTS = ("reply.committed",)
WORKER_POINTS = tuple(name for name in POINTS if name not in FETCH_POINTS + WEB_POINTS)


@dataclass(frozen=True)
class Plan:
    """`points` are hit `hits` times each; `random` names processes and how often each is killed at
    a random moment. `mails` and `replies` are the least numbers of the stream, `pace` the seconds
    between two mails, `rest` stretches the pauses between two kills, `limit` is the number of
    seconds the whole run may take."""

    mails: int
    replies: int
    pace: float
    limit: float
    hits: int
    rest: float
    points: tuple[str, ...] = POINTS
    random: dict[str, int] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        """All kills at random moments."""
        return sum(self.random.values())


FULL = Plan(
    mails=500,
    replies=100,
    pace=0.45,
    limit=470.0,
    hits=5,
    rest=1.0,
    random={
        "worker": 8,
        "fetch": 8,
        "web": 4,
        "web process": 4,
        "postmaster": 5,
        "backend": 7,
        "zabota up": 4,
    },
)
SHORT = Plan(
    mails=40,
    replies=10,
    pace=0.3,
    limit=180.0,
    hits=1,
    rest=0.2,
    points=("receive.committed", "intake.appended", "reply.committed", "outbox.after_send"),
    random={"worker": 1, "fetch": 1, "web": 1, "postmaster": 1, "backend": 1, "zabota up": 1},
)
