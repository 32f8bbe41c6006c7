"""SPF, DKIM and DMARC as `zabota doctor` tells them, against a name server on loopback."""

from __future__ import annotations

import time
from typing import Any

import dns.resolver
import pytest

from tests import make
from tests.ops.nameserver import NameServer
from zabota.ops import senders
from zabota.ops.senders import Sender

KEY = "v=DKIM1; k=rsa; p=" + "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ" * 8
GOOD = {
    "firm.ru": ["google-site-verification=1", "v=spf1 include:_spf.google.com ~all"],
    "_spf.google.com": ["v=spf1 ip4:1.2.3.4 ~all"],
    "google._domainkey.firm.ru": [KEY],
    "_dmarc.firm.ru": ["v=DMARC1; p=quarantine; rua=mailto:d@firm.ru"],
}
GMAIL = Sender("firm.ru", "help@firm.ru", ("smtp.gmail.com",))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


def told(texts: dict[str, list[str]], sender: Sender = GMAIL) -> list[str]:
    """What is not in order."""
    with NameServer(texts) as server:
        found = list(senders.of(sender, server.resolver()))
    assert all(finding.is_good for finding in found), "no fault of the installation"
    return [finding.text for finding in found if finding.is_task]


def test_a_domain_in_order() -> None:
    assert told(GOOD) == []
    with NameServer(GOOD) as server:
        texts = [finding.text for finding in senders.of(GMAIL, server.resolver())]
    assert texts == [
        "firm.ru: SPF is set",
        "firm.ru: DKIM key google is set",
        "firm.ru: DMARC is set, policy quarantine",
    ]


def test_an_empty_domain_is_told_the_records_to_set() -> None:
    spf, dkim, dmarc = told({"firm.ru": []})
    assert 'Set: firm.ru. TXT "v=spf1 include:_spf.google.com ~all"' in spf
    assert 'google._domainkey.firm.ru. TXT "v=DKIM1; k=rsa; p=…"' in dkim
    assert '_dmarc.firm.ru. TXT "v=DMARC1; p=none; rua=mailto:help@firm.ru"' in dmarc


def test_the_same_in_russian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    spf, dkim, dmarc = told({})
    assert "нет записи SPF" in spf
    assert "нет ключа DKIM" in dkim
    assert "нет записи DMARC" in dmarc
    assert 'firm.ru. TXT "v=spf1 include:_spf.google.com ~all"' in spf


@pytest.mark.parametrize(
    ("host", "record"),
    [
        ("smtp.office365.com", "v=spf1 include:spf.protection.outlook.com ~all"),
        ("smtp.yandex.ru", "v=spf1 include:_spf.yandex.net ~all"),
        ("smtp.mail.ru", "v=spf1 include:_spf.mail.ru ~all"),
        ("mail.firm.ru", "v=spf1 a:mail.firm.ru ~all"),
        ("127.0.0.1", "v=spf1 mx ~all"),
        ("notgmail.com", "v=spf1 a:notgmail.com ~all"),
    ],
)
def test_the_proposal_fits_the_server_that_sends(host: str, record: str) -> None:
    sender = Sender("firm.ru", "help@firm.ru", (host,))
    assert f'"{record}"' in told({}, sender)[0]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (["v=spf1 mx ~all"], "Add include:_spf.google.com to: v=spf1 mx ~all"),
        (["v=spf1 mx ~all", "v=spf1 a ~all"], "2 SPF records, so none counts"),
        (["v=spf1 include:_spf.google.com +all"], "lets everybody send in its name"),
        (["v=spf1 include:_spf.google.com all"], "lets everybody send in its name"),
        (["v=spf1 include:loop.ru ~all"], "does not name the server that sends"),
        (["v=spf1 include:many.ru ~all"], "look-ups, ten are allowed"),
        (["v=spf10 include:_spf.google.com"], "no SPF record"),
        (["v=spf1 redirect=inner.ru"], ""),
        (["V=SPF1 include:inner.ru ~all"], ""),
    ],
)
def test_what_is_wrong_with_spf(records: list[str], words: str) -> None:
    more = {
        "firm.ru": records,
        "inner.ru": ["v=spf1 include:_spf.google.com -all"],
        "loop.ru": ["v=spf1 include:loop.ru -all"],
        "many.ru": ["v=spf1 " + " ".join(f"a:h{n}.ru" for n in range(12)) + " ~all"],
    }
    found = told(GOOD | more)
    assert [text for text in found if words not in text] == []
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (["v=DMARC1; rua=mailto:d@firm.ru"], "names no policy"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "2 DMARC records"),
        (["v=DMARC1; p=foo"], "names no policy"),
        (["verification=7"], "no DMARC record"),
        (["v=DMARC1;p=reject"], ""),
    ],
)
def test_what_is_wrong_with_dmarc(records: list[str], words: str) -> None:
    found = told(GOOD | {"_dmarc.firm.ru": records})
    assert [text for text in found if words not in text] == []
    assert bool(found) == bool(words)


def test_dmarc_of_the_domain_above_counts() -> None:
    sender = Sender("help.firm.ru", "a@help.firm.ru", ())
    texts = GOOD | {"help.firm.ru": ["v=spf1 mx ~all"], "mail._domainkey.help.firm.ru": [KEY]}
    assert told(texts, sender) == []


def test_a_revoked_dkim_key_is_none_and_a_named_selector_is_found(settings: Any) -> None:
    revoked = GOOD | {"google._domainkey.firm.ru": ["v=DKIM1; p="]}
    assert "no DKIM key under the usual names (google, default" in told(revoked)[0]
    settings.DKIM_SELECTORS = ["key2026"]
    assert told(revoked | {"key2026._domainkey.firm.ru": [KEY]}) == []


@pytest.mark.django_db
def test_the_domains_in_use_are_asked_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("help@firm.ru", "sales@firm.ru", "box@почта.рф", "x@zabota.example"):
        make.inbox(address=address, config={"smtp_host": "smtp.gmail.com"})
    make.inbox(address="off@switched.ru", is_active=False)
    with NameServer(GOOD) as server:
        monkeypatch.setattr(senders, "made_resolver", server.resolver)
        found = [finding.text for finding in senders.senders()]
    assert server.asked.count("_dmarc.firm.ru") == 1
    assert "xn--80a1acny.xn--p1ai" in server.asked
    assert not [name for name in server.asked if "example" in name or "switched" in name]
    assert "zabota.example is not in the public DNS: SPF, DKIM and DMARC not checked" in found


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["silent", "none"])
def test_without_internet_nothing_fails_or_waits_long(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for number in range(5):
        make.inbox(address=f"help@firm{number}.ru")

    def resolver() -> dns.resolver.Resolver | None:
        if way == "none":
            return None
        made = dns.resolver.Resolver(configure=False)
        made.nameservers, made.port, made.lifetime = ["127.0.0.1"], 9, 0.5
        return made

    monkeypatch.setattr(senders, "made_resolver", resolver)
    start = time.monotonic()
    found = list(senders.senders())
    assert time.monotonic() - start < 3
    assert all(finding.is_good and not finding.is_task for finding in found)
    assert all("not checked, no name server answers" in finding.text for finding in found)
