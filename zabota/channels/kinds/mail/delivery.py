"""What a mail server tells of a mail it could not deliver: to whom, why, and which mail it was.

Sources: RFC 3464 (delivery status), RFC 3463 (status codes), and the plain words of older servers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from zabota.channels.contract import Bounce
from zabota.channels.kinds.mail.charsets import decode
from zabota.channels.kinds.mail.headers import Headers, message_ids, parse_addresses, split_headers
from zabota.channels.kinds.mail.parts import Leaf, decoded

READ = 64 * 1024  # bytes of a report or returned mail that are read
MAX_TEXT = 20_000  # characters of the notice
_SPEC = r"[\w.+'=/~#$%&*!?^{|}-]{1,100}@[\w-]+(?:\.[\w-]+)*"
_ADDRESS = re.compile(_SPEC)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)[ -](?=\S)")
_SAID = re.compile(
    rf"(?:^|\s|<)(?P<spec>{_SPEC})>?[^\n@]{{0,120}}(?::|\n)[^@]{{0,400}}?(?:[45]\d\d\b"
    rf"|[45]\.\d\.\d|error|fail"
    r"|unknown|reject|refus|undeliver|denied|quota|full|не найден|не существ|отклон|недостав"
    r"|ошибк)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?:recipient|addressee|failed to|could not be delivered to|delivery to"
    rf"|wasn't delivered to|address\(es\)"
    rf"|following address|получател|адресат|адрес|rcpt to|sent to|message to"
    rf"|to)\W{{0,60}}?<?({_SPEC})",
    re.IGNORECASE,
)
# Words of servers by the status that they mean; the first that fits.
_MEANT = (
    ("5.1.2", r"host (?:unknown|not found)|domain (?:not found|does not exist)|unrouteable"
              r"|unknown (?:host|domain)"
              r"|no such domain|name (?:service error|server)|домен не (?:найден|существует)"),
    ("5.2.2", r"mailbox (?:is )?full|quota|over ?quota|storage (?:limit|exceed)"
              r"|insufficient (?:system )?storage"
              r"|ящик (?:переполнен|полон)|превышен\w* (?:квот|лимит|размер ящика)"),
    ("5.2.1", r"(?:mailbox|account|user|address) (?:is )?(?:disabled|inactive|suspended|expired"
              r"|blocked)"
              r"|ящик (?:заблокирован|отключ)"),
    ("5.3.4", r"too (?:large|big)|size (?:limit|exceed)|exceeds?.{0,40}size|слишком (?:больш"
              r"|велик)"),
    ("5.7.1", r"spam|blocked|black ?list|blocklist|policy|reject(?:ed)? (?:by|due|for)"
              r"|not (?:allowed|permitted|authori[sz]ed)"
              r"|relay(?:ing)? denied|denied|спам|отклонено"),
    ("5.1.1", r"user (?:unknown|not found)|unknown user|no such (?:user|recipient|mailbox"
              r"|address)|invalid (?:recipient|address|mailbox)"
              r"|mailbox (?:unavailable|not found|unknown)|does(?: not|n't) exist|not (?:our"
              r"|a valid|known)|recipient (?:unknown|not found|address rejected)"
              r"|addressee unknown|not listed|couldn't be found|не (?:найден|существует)"
              r"|нет такого|неизвестн\w+ (?:пользовател|получател|адрес)"),
    ("4.4.7", r"expired|timed? ?out|delay(?:ed)?|still (?:being )?(?:retried|trying)"
              r"|will (?:be )?(?:retr|keep trying)|not yet|could not (?:yet )?be delivered for"
              r"|задерж|ещё не доставлен|еще не доставлен|повторн\w+ попыт"),
    ("5.4.4", r"connection refused|no route|network (?:error|unreachable)|unable to (?:connect"
              r"|route)|lost connection"),
)  # fmt: skip
_MEANINGS = [(status, re.compile(words, re.IGNORECASE)) for status, words in _MEANT]
_DELAY = re.compile(
    r"delayed|\bdelay\b|warning: (?:could not send|message)|still (?:being )?retried"
    r"|will (?:be )?(?:retried|keep trying)"
    r"|not yet been delivered|задерж|ещё не доставлен|еще не доставлен",
    re.IGNORECASE,
)
_COPY = re.compile(
    r"^.{0,20}(?:(?:below|this)(?: this line)? is a copy|original message|returned message"
    r"|unsent message"
    r"|message (?:header|text)s? follow"
    r"|original mail|исходное (?:сообщение|письмо)|копия (?:письма|сообщения)|заголовки).{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)


def read(headers: Headers, parts: Sequence[Leaf], text: str, subject: str) -> Bounce:
    """Recipient, status and original mail of a bounce; '' for what it does not tell."""
    recipient, status, action = _of_report(parts)
    found = original(parts)
    notice = _notice(text)
    if not found and (copy := _copy(text)):
        found = copy
    if not recipient:
        recipient = _failed_header(headers) or _named_in(notice, headers)
    if not recipient and found is not None:
        recipient = next((a.email for a in parse_addresses(found.raw("to"), 5) if a.email), "")
    if not status:
        status = _status_in(notice, subject)
    delayed = action == "delayed" or (not action and bool(_DELAY.search(f"{subject}\n{notice}")))
    if delayed and status.startswith("5"):
        status = "4" + status[1:]
    ids = message_ids(found.raw("message-id")) if found is not None else ()
    return Bounce(recipient.lower(), status, ids[0] if ids else "")


def _of_report(parts: Sequence[Leaf]) -> tuple[str, str, str]:
    """Recipient, status and action of the first recipient that was not served."""
    found = ("", "", "")
    for leaf in parts:
        if leaf.content_type != "message/delivery-status":
            continue
        for block in _blocks(_text(leaf)):
            fields, _ = split_headers(block.encode("utf-8", "replace"))
            action = fields.raw("action").strip().lower().split(" ")[0]
            recipient = _recipient(fields)
            status = _STATUS.search(fields.raw("status")) or _STATUS.search(
                fields.raw("diagnostic-code")
            )
            code = status[1] if status else _from_code(fields.raw("diagnostic-code"))
            if not recipient and not code:
                continue
            if action in {"delivered", "relayed", "expanded"}:
                continue
            if not found[0]:
                found = (recipient, code, action)
    return found


def _recipient(fields: Headers) -> str:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = fields.get(name).partition(";")[2] or fields.get(name)
        if match := _ADDRESS.search(value):
            return match[0]
    return ""


def _blocks(text: str) -> list[str]:
    return [block for block in re.split(r"\n[ \t]*\n", text) if ":" in block]


def _text(leaf: Leaf) -> str:
    data = decoded(leaf, [], READ)
    return decode(data[:READ])[0]


def original(parts: Sequence[Leaf]) -> Headers | None:
    """The headers of the mail that is returned or forwarded as a part."""
    for leaf in parts:
        kind = leaf.content_type
        if kind in {
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global",
        }:
            fields, _ = split_headers(_text(leaf).lstrip().encode("utf-8", "replace"))
            if len(fields):
                return fields
    return None


def _copy(text: str) -> Headers | None:
    """The headers of a mail that is repeated in the text of the notice."""
    for match in _COPY.finditer(text[: 4 * MAX_TEXT]):
        rest = text[match.end() :].lstrip("-=\n \t").lstrip()
        fields, _ = split_headers(rest[:READ].encode("utf-8", "replace"))
        if "message-id" in fields or ("from" in fields and "to" in fields):
            return fields
    return None


def _notice(text: str) -> str:
    """The words of the server, without the mail that it returns."""
    head = text[:MAX_TEXT]
    match = _COPY.search(head, 1)
    return head[: match.start()] if match and match.start() > 40 else head


def _failed_header(headers: Headers) -> str:
    match = _ADDRESS.search(headers.raw("x-failed-recipients"))
    return match[0] if match else ""


def _named_in(notice: str, headers: Headers) -> str:
    """The address of which the words tell; never that of the postmaster or of ourselves."""
    own = {
        address.email
        for name in ("from", "to", "sender")
        for address in parse_addresses(headers.raw(name))
    }
    for pattern in (_SAID, _NAMED, _ADDRESS):
        for match in pattern.finditer(notice):
            spec = (
                match.groupdict().get("spec") or (match[1] if match.lastindex else match[0])
            ).strip(".'<>")
            if spec.lower() not in own and not spec.lower().startswith(
                ("postmaster@", "mailer-daemon@")
            ):
                return spec
    return ""


def _status_in(notice: str, subject: str) -> str:
    if match := _STATUS.search(notice):
        return match[1]
    for text in (notice, subject):
        for status, words in _MEANINGS:
            if words.search(text):
                return status
    return _from_code(notice)


def _from_code(text: str) -> str:
    """A status code of the class of an SMTP reply code, with what its words mean."""
    match = _REPLY_CODE.search(text)
    if not match:
        return ""
    meant = next((status for status, words in _MEANINGS if words.search(text)), "")
    return f"{match[1][0]}{meant[1:] if meant else '.0.0'}"
