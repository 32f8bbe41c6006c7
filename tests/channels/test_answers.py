"""What mail servers and the network say is told in words: answers as real servers give them."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from tests import make
from zabota.channels import answers
from zabota.channels.models import Outgoing
from zabota.channels.wording import in_words, told
from zabota.staff.models import Agent
from zabota.tickets.actions import reply

CASES = [
    # Permissions of providers
    ("invalid_grant Token has been expired or revoked.", "consent"),
    ("invalid_grant AADSTS700082: The refresh token has expired due to inactivity.", "consent"),
    ("interaction_required AADSTS50076: you must use multi-factor authentication", "consent"),
    ("access_denied", "consent"),
    ("invalid_client AADSTS7000222: The provided client secret keys are expired.", "application"),
    ("unauthorized_client AADSTS700016: Application not found", "application"),
    # Names and passwords
    ("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "login"),
    ("535-5.7.8 Username and Password not accepted. Learn more at 5.7.8", "login"),
    ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "login"),
    ("[AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled", "programs_off"),
    ("LOGIN failed.", "login"),
    ("535 Incorrect authentication data", ""),
    ("534-5.7.9 Application-specific password required.", "app_password"),
    ("[ALERT] Application-specific password required: see the help (Failure)", "app_password"),
    (
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
        "programs_off",
    ),
    (
        "535 5.7.8 Error: authentication failed: This user does not have access rights to this "
        "service",
        "programs_off",
    ),
    # Addresses and mailboxes
    ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in local table", "unknown"),
    ("550-5.1.1 The email account that you tried to reach does not exist.", "unknown"),
    ("550 5.7.1 No such user!", "unknown"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup", "unknown"),
    ("550 Message was not accepted -- invalid mailbox. Mailbox a@b is unavailable", "unknown"),
    ("450 4.1.1 <a@b.example>: unverified address", "unknown"),
    ("550 5.2.1 The email account that you tried to reach is disabled.", "closed"),
    ("550 user is terminated", "closed"),
    ("552 5.2.2 Mailbox full", "full"),
    ("452 4.2.2 The email account that you tried to reach is over quota", "full"),
    ("554 5.2.2 mailbox full; STOREDRV.Deliver", "full"),
    ("[OVERQUOTA] Quota exceeded", "full"),
    ("552-5.3.4 Your message exceeded Google's message size limits.", "large"),
    ("552 5.3.4 Message size exceeds fixed limit", "large"),
    ("523 5.2.3 the message length exceeds administrative limit", "large"),
    ("550 5.1.2 Bad destination system address", "domain"),
    ("550 5.4.4 Unable to route", "domain"),
    # Rules and limits
    ("550-5.7.1 This message is likely unsolicited mail.", "policy"),
    ("550 spam message rejected.", "policy"),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list", "policy"),
    ("554 5.7.1 Message rejected by policy", "policy"),
    ("451 4.7.1 Greylisting in action, please come back later", "grey"),
    ("450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted", "grey"),
    ("450 4.7.1 try later", "grey"),
    ("554 5.7.1 <a@b.example>: Relay access denied", "relay"),
    ("530 5.7.0 Authentication required", "relay"),
    ("553 5.7.1 <a@b.example>: Sender address rejected: not owned by user c", "sender"),
    (
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated.",
        "domain_trust",
    ),
    ("550 5.7.1 SPF check failed", "domain_trust"),
    ("550 5.4.5 Daily user sending limit exceeded.", "limit"),
    ("421 4.7.0 mx.example Error: too many connections from 192.0.2.1", "connections"),
    ("[ALERT] Too many simultaneous connections. (Failure)", "connections"),
    ("530 5.7.0 Must issue a STARTTLS command first", "tls_needed"),
    (
        "[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure connections.",
        "tls_needed",
    ),
    ("452 4.3.1 Insufficient system storage", "storage"),
    ("421 4.3.2 Service not available, closing transmission channel", "busy"),
    ("[UNAVAILABLE] Temporary authentication failure.", "busy"),
    ("[INUSE] Mailbox is locked", "in_use"),
    ("[NONEXISTENT] Unknown Mailbox: Gone (Failure)", "no_folder"),
    # The network and TLS
    ("[Errno 111] Connection refused", "refused"),
    ("timed out", "silent"),
    ("[Errno 110] Connection timed out", "silent"),
    ("[Errno -2] Name or service not known", "no_host"),
    ("[Errno -3] Temporary failure in name resolution", "no_host"),
    ("[Errno 113] No route to host", "no_way"),
    ("[Errno 101] Network is unreachable", "no_way"),
    ("[Errno 104] Connection reset by peer", "broken"),
    ("Connection unexpectedly closed", "broken"),
    ("socket error: EOF", "broken"),
    ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "no_tls"),
    ("STARTTLS extension not supported by server.", "not_offered"),
    ("Hostname mismatch, certificate is not valid for 'mail.example'.", "certificate_name"),
    ("IP address mismatch, certificate is not valid for '192.0.2.1'.", "certificate_name"),
    ("certificate has expired", "certificate_age"),
    ("self-signed certificate in certificate chain", "certificate_issuer"),
    ("unable to get local issuer certificate", "certificate_issuer"),
    # Nobody's class: it stands as it is.
    ("250 2.0.0 OK", ""),
    ("550 something of our own", ""),
    ("451 4.9.9 in version 5.1.1.2", ""),
    ("221 see 192.5.1.1 there", ""),
]


@pytest.mark.parametrize(("answer", "name"), CASES)
def test_class_of_an_answer(answer: str, name: str) -> None:
    found = answers.class_of(answer)
    assert (found.name if found else "") == name


def test_every_class_has_an_answer_here_and_words_in_both_languages() -> None:
    names = [one.name for one in answers.ANSWERS]
    assert len(set(names)) == len(names)
    assert set(names) == {name for _answer, name in CASES} - {""}
    with translation.override("ru"):
        for one in answers.ANSWERS:
            assert re.search("[а-я]", translation.gettext(one.words)), one.name


@pytest.mark.parametrize(
    ("stored", "russian", "english"),
    [
        (
            "The SMTP server refused the recipient: a@b.example: 550 5.1.1 User unknown",
            "Сервер SMTP не принял получателя: a@b.example: такого адреса нет",
            "The SMTP server refused the recipient: a@b.example: there is no such address",
        ),
        (
            "a@b.example: 550 5.1.1 User unknown; c@d.example: 452 4.2.2 Mailbox full",
            "a@b.example: такого адреса нет; c@d.example: ящик переполнен",
            "a@b.example: there is no such address; c@d.example: the mailbox is full",
        ),
        (
            "No connection to mail.example:993: [Errno 111] Connection refused",
            "Нет связи с mail.example:993: на этом порту никто не отвечает",
            "No connection to mail.example:993: nothing answers at this port",
        ),
    ],
)
def test_words_and_original_apart(stored: str, russian: str, english: str) -> None:
    for language, words in (("ru", russian), ("en", english)):
        with translation.override(language):
            found = told(stored)
        assert found.words == words
        assert stored.endswith(found.original)
        with translation.override(language):
            assert in_words(stored) == f"{words} ({found.original})"


def test_an_unknown_answer_stays_as_the_server_gave_it() -> None:
    stored = "a@b.example: 550 5.1.1 User unknown; c@d.example: 550 что-то своё"
    with translation.override("ru"):
        assert in_words(stored) == stored
        assert told(stored).original == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("ru", "такого адреса нет"), ("en", "there is no such address")]
)
def test_the_screens_say_it_and_keep_the_original(language: str, words: str) -> None:
    chief = make.administrator(language=language)
    assert isinstance(chief, Agent)
    ticket = make.ticket()
    message = reply(ticket, "Ответ", agent=chief, by=chief.actor)
    message.outgoing = Outgoing.objects.create(
        key="k",
        message_id="m@zabota.example",
        envelope={},
        state="failed",
        recipient="a@b.example",
        last_error="The SMTP server refused the recipient: a@b.example: 550 5.1.1 User unknown",
    )
    message.save()
    client = make.browser(chief)
    for path in ("/undelivered/", f"/t/{ticket.pk}/"):
        page = client.get(path).content.decode()
        assert words in page, path
        assert "550 5.1.1 User unknown" in page, path
    listed = client.get("/undelivered/").content.decode()
    assert re.search(r"<details><summary>[^<]+</summary><code[^>]*>a@b.example: 550", listed)
