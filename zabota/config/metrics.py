"""Numbers for monitoring, in the text format of Prometheus; those of requests and streams are of
this process."""

from __future__ import annotations

import threading
from collections import Counter

from django.http import HttpRequest, HttpResponse

from zabota.desk import live
from zabota.events import undelivered
from zabota.staff.models import Agent

LOOPBACK = frozenset({"127.0.0.1", "::1"})
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})

_lock = threading.Lock()
_requests: Counter[str] = Counter()
_seconds = 0.0


def count_request(status: int, seconds: float) -> None:
    """Remember one answered request."""
    global _seconds
    with _lock:
        _requests[f"{status // 100}xx"] += 1
        _seconds += seconds


def page(request: HttpRequest) -> HttpResponse:
    """`/metrics`: for programs on this machine and for administrators; 404 for others."""
    user = request.user
    is_administrator = isinstance(user, Agent) and user.is_administrator
    # A proxy on this machine that nobody named comes from loopback too, but asks for its public
    # host on behalf of somebody else.
    is_local = (
        request.META.get("REMOTE_ADDR") in LOOPBACK
        and request.get_host().partition(":")[0] in LOCAL_NAMES
    )
    if not (is_administrator or is_local):
        return HttpResponse(status=404)
    return HttpResponse(text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def text() -> str:
    """All metrics, one per line."""
    numbers = undelivered.numbers()
    lines = [
        *_metric("jobs_waiting", "gauge", "Jobs that wait for a worker.", numbers.waiting),
        *_metric("jobs_running", "gauge", "Jobs that a worker runs.", numbers.running),
        *_metric("undelivered", "gauge", "Jobs that gave up.", numbers.failed),
        *_metric(
            "oldest_waiting_job_seconds", "gauge", "Age of the oldest.", numbers.oldest_seconds
        ),
        *_metric("open_streams", "gauge", "Live streams of this process.", live.open_streams()),
    ]
    with _lock:
        requests, seconds = dict(_requests), _seconds
    lines += ["# HELP zabota_requests_total Answered requests."]
    lines += ["# TYPE zabota_requests_total counter"]
    lines += [
        f'zabota_requests_total{{status="{status}"}} {count}'
        for status, count in sorted(requests.items())
    ]
    lines += _metric("request_seconds_total", "counter", "Time spent in them.", round(seconds, 3))
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, meaning: str, value: float) -> list[str]:
    return [
        f"# HELP zabota_{name} {meaning}",
        f"# TYPE zabota_{name} {kind}",
        f"zabota_{name} {value}",
    ]
