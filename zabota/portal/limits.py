"""How often the same person or network may do something. Network addresses are not kept: only a
digest that nobody can reckon back without the installation's key, and for a day."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings

from zabota.events.chores import chore
from zabota.lib import clock
from zabota.portal.models import Attempt

KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most `most` of something within the window, for one person or network."""

    what: str
    most: int
    window: timedelta


SIGN_INS_TO_ADDRESS = Limit("sign_in_to", 5, timedelta(hours=1))
MAILS_TO_ADDRESS = Limit("mail_to", 5, timedelta(hours=1))
REQUESTS_OF_ADDRESS = Limit("request_of", 10, timedelta(hours=1))
REQUESTS_FROM_NETWORK = Limit("request_from", 30, timedelta(hours=1))
MAILS_FROM_NETWORK = Limit("mail_from", 20, timedelta(hours=1))


def allow(limit: Limit, who: str) -> bool:
    """Whether one more is allowed; it is counted when it is."""
    mark = _mark(who)
    since = clock.now() - limit.window
    if Attempt.objects.filter(what=limit.what, who=mark, at__gt=since).count() >= limit.most:
        return False
    Attempt.objects.create(what=limit.what, who=mark)
    return True


def network(address: str) -> str:
    """The network of an IP address, as one household or office has it: /24, of IPv6 /56."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{address}/{24 if found.version == 4 else 56}", strict=False))


def _mark(who: str) -> str:
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"attempt:{who}".encode(), hashlib.sha256).hexdigest()[:32]


@chore
def forget() -> None:
    """Attempts older than a day are deleted."""
    Attempt.objects.filter(at__lt=clock.now() - KEPT).delete()
