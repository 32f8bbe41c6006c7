"""SPF, DKIM and DMARC of the domains from which mail leaves, asked in the public DNS (RFC 7208,
6376, 7489). Whether receivers trust a mail is decided there, and only a domain's owner sets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import dns.exception
import dns.resolver
from django.conf import settings

from zabota.channels.models import Inbox
from zabota.ops.findings import Finding
from zabota.ops.words import gettext as _

LIFETIME = 3.0  # seconds for one question, all name servers together
MOST_LOOKUPS = 10  # RFC 7208 §4.6.4: with more, SPF fails for everybody
# Names that never are in the public DNS (RFC 2606, 6761, 6762, 8375).
PRIVATE = {"example", "test", "invalid", "localhost", "local", "internal", "lan", "home.arpa"}
PRIVATE |= {"example.com", "example.net", "example.org"}


@dataclass(frozen=True)
class Relay:
    """A provider through which mail leaves: what SPF must include, and its DKIM selectors."""

    hosts: str
    include: str
    selectors: tuple[str, ...]


RELAYS = (
    Relay(r"(^|\.)(gmail|google|googlemail)\.com$", "_spf.google.com", ("google",)),
    Relay(
        r"(^|\.)(office365|outlook)\.com$", "spf.protection.outlook.com", ("selector1", "selector2")
    ),
    Relay(r"(^|\.)yandex\.(ru|com|net)$", "_spf.yandex.net", ("mail",)),
    Relay(r"(^|\.)mail\.ru$", "_spf.mail.ru", ("mailru",)),
)
# Where others usually keep their key; a selector cannot be looked up, only guessed.
USUAL = ("default", "dkim", "mail", "selector1", "s1", "k1")


class NotAnswered(Exception):
    """No name server answers: there may be no way to the internet."""


@dataclass(frozen=True)
class Sender:
    """A domain from which mail leaves, by these SMTP servers; `address` is one of it."""

    domain: str
    address: str
    hosts: tuple[str, ...]


def senders() -> Iterator[Finding]:
    """Every domain of an inbox in use, and of system mail."""
    resolver, is_away = made_resolver(), False
    for sender in known():
        if is_private(sender.domain):
            text = _("%(domain)s is not in the public DNS: SPF, DKIM and DMARC not checked")
            yield Finding(True, text % {"domain": sender.domain})
            continue
        try:
            if resolver is None or is_away:
                raise NotAnswered
            yield from of(sender, resolver)
        except NotAnswered:
            is_away = True
            text = _("%(domain)s: SPF, DKIM and DMARC not checked, no name server answers")
            yield Finding(True, text % {"domain": sender.domain})


def known() -> list[Sender]:
    """The domains in use, each once."""
    found: dict[str, Sender] = {}
    rows = [
        (inbox.address, str(inbox.config.get("smtp_host") or ""))
        for inbox in Inbox.objects.filter(is_active=True).order_by("id")
    ]
    if settings.DEFAULT_FROM_EMAIL:
        rows.append((settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">"), ""))
    for address, host in rows:
        domain = ascii_domain(address.rpartition("@")[2])
        if domain:
            former = found.get(domain, Sender(domain, address, ()))
            hosts = tuple(dict.fromkeys((*former.hosts, *([host] if host else []))))
            found[domain] = Sender(domain, former.address, hosts)
    return list(found.values())


def ascii_domain(domain: str) -> str:
    """As the DNS knows it; '' for what is no domain."""
    try:
        return domain.strip().lower().rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def is_private(domain: str) -> bool:
    """Whether nobody outside can know the domain."""
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return True
    return any(".".join(labels[start:]) in PRIVATE for start in range(len(labels)))


def made_resolver() -> dns.resolver.Resolver | None:
    """Asks the name servers of this machine; None when it names none."""
    try:
        resolver = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError):
        return None
    resolver.lifetime = LIFETIME
    return resolver


def of(sender: Sender, resolver: dns.resolver.Resolver) -> Iterator[Finding]:
    """The three records of one domain; raises NotAnswered."""
    yield spf(sender, resolver)
    yield dkim(sender, resolver)
    yield dmarc(sender, resolver)


def texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    """The TXT records of a name, [] when there are none; raises NotAnswered."""
    try:
        answer = resolver.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NotAnswered from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def spf(sender: Sender, resolver: dns.resolver.Resolver) -> Finding:
    """Exactly one record, with no more look-ups than allowed, that names the relays used."""
    found = [text for text in texts(resolver, sender.domain) if _is_spf(text)]
    if not found:
        text = _("%(domain)s: no SPF record, so receivers distrust its mail. Set: %(record)s")
        record = f'{sender.domain}. TXT "{_proposed(sender)}"'
        return _task(text, domain=sender.domain, record=record)
    if len(found) > 1:
        text = _("%(domain)s: %(count)d SPF records, so none counts. Make one of them: %(records)s")
        return _task(text, domain=sender.domain, count=len(found), records=" | ".join(found))
    if re.search(r"(^|\s)\+?all(\s|$)", found[0]):
        text = _("%(domain)s: SPF lets everybody send in its name. End it with ~all: %(record)s")
        return _task(text, domain=sender.domain, record=found[0])
    included, lookups = _included(found[0], resolver)
    if lookups > MOST_LOOKUPS:
        text = _(
            "%(domain)s: SPF needs %(count)d look-ups, ten are allowed, so it fails: %(record)s"
        )
        return _task(text, domain=sender.domain, count=lookups, record=found[0])
    missing = [relay.include for relay in _relays(sender) if relay.include not in included]
    if missing:
        text = _(
            "%(domain)s: SPF does not name the server that sends. Add %(terms)s to: %(record)s"
        )
        terms = " ".join(f"include:{name}" for name in missing)
        return _task(text, domain=sender.domain, terms=terms, record=found[0])
    return Finding(True, _("%(domain)s: SPF is set") % {"domain": sender.domain})


def dkim(sender: Sender, resolver: dns.resolver.Resolver) -> Finding:
    """A key under one of the names it usually has."""
    names = [name for relay in _relays(sender) for name in relay.selectors]
    tried = list(dict.fromkeys((*settings.DKIM_SELECTORS, *names, *USUAL)))
    for selector in tried:
        for text in texts(resolver, f"{selector}._domainkey.{sender.domain}"):
            if re.search(r"(^|;)\s*p\s*=\s*[A-Za-z0-9+/]", text):
                found = _("%(domain)s: DKIM key %(selector)s is set")
                return Finding(True, found % {"domain": sender.domain, "selector": selector})
    asked = _(
        "%(domain)s: no DKIM key under the usual names (%(names)s). Switch DKIM on where the mail "
        "is sent; there you get the record: %(record)s. Another name goes into "
        "ZABOTA_DKIM_SELECTORS"
    )
    record = f'{tried[0]}._domainkey.{sender.domain}. TXT "v=DKIM1; k=rsa; p=…"'
    return _task(asked, domain=sender.domain, names=", ".join(tried), record=record)


def dmarc(sender: Sender, resolver: dns.resolver.Resolver) -> Finding:
    """A policy of the domain or of one above it."""
    labels = sender.domain.split(".")
    for start in range(len(labels) - 1):
        name = ".".join(labels[start:])
        found = [text for text in texts(resolver, f"_dmarc.{name}") if _is_dmarc(text)]
        if len(found) > 1:
            text = _("%(domain)s: %(count)d DMARC records, so none counts. Leave one: %(records)s")
            return _task(text, domain=name, count=len(found), records=" | ".join(found))
        if found:
            policy = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", found[0], re.IGNORECASE)
            if policy is None:
                text = _(
                    "%(domain)s: DMARC names no policy (p=none, quarantine or reject): %(record)s"
                )
                return _task(text, domain=name, record=found[0])
            text = _("%(domain)s: DMARC is set, policy %(policy)s")
            return Finding(True, text % {"domain": name, "policy": policy[1].lower()})
    text = _("%(domain)s: no DMARC record. Begin with: %(record)s")
    record = f'_dmarc.{sender.domain}. TXT "v=DMARC1; p=none; rua=mailto:{sender.address}"'
    return _task(text, domain=sender.domain, record=record)


def _task(text: str, **values: object) -> Finding:
    return Finding(True, text % values, is_task=True)


def _is_spf(text: str) -> bool:
    return text.lower().split(" ", 1)[0] == "v=spf1"


def _is_dmarc(text: str) -> bool:
    return re.match(r"v\s*=\s*DMARC1\s*(;|$)", text) is not None


def _relays(sender: Sender) -> list[Relay]:
    return [
        relay
        for relay in RELAYS
        if any(re.search(relay.hosts, host.lower()) for host in sender.hosts)
    ]


def _proposed(sender: Sender) -> str:
    relays = _relays(sender)
    terms = [f"include:{relay.include}" for relay in relays]
    own = [
        host
        for host in sender.hosts
        if not any(re.search(relay.hosts, host.lower()) for relay in RELAYS)
    ]
    terms += [f"a:{host}" for host in own if not is_private(host)]
    return " ".join(["v=spf1", *(terms or ["mx"]), "~all"])


def _included(record: str, resolver: dns.resolver.Resolver) -> tuple[set[str], int]:
    """All names a record includes, at any depth, and how many look-ups that takes."""
    names: set[str] = set()
    lookups, waiting = 0, [record]
    while waiting and lookups <= MOST_LOOKUPS:
        for term in waiting.pop().lower().split()[1:]:
            name = re.fullmatch(r"[+?~-]?include:(\S+)|redirect=(\S+)", term)
            if name is None:
                lookups += bool(re.match(r"[+?~-]?(a|mx|ptr|exists)(:|/|$)", term))
                continue
            lookups += 1
            target = (name[1] or name[2]).rstrip(".")
            if target not in names and "%" not in target:
                names.add(target)
                waiting += [text for text in texts(resolver, target) if _is_spf(text)][:1]
    return names, lookups
