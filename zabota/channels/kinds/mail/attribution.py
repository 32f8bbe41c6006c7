"""How mail programs announce a quoted message: attribution lines, header blocks, separators."""

from __future__ import annotations

import re

_DAYS = (
    r"понедельник|вторник|среда|среду|четверг|пятница|пятницу|суббота|субботу|воскресенье"
    r"|пн|вт|ср|чт|пт|сб|вс|mon|tue|wed|thu|fri|sat|sun"
)
_TIME = r"\d{1,2}[:.]\d{2}"
_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    r"|\d{1,2}(?:\.|er|º|th|st|nd|rd)?(?: de)? (?:\w{3,12})\.?(?: de)?,? \d{4}"
    r"|\w{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:\d{4}|at )|\d{4}年|\d{1,2} \w{3,12}\.? в \d)"
)
_ADDRESS = r"[<(\[«\"]?\s*(?:mailto:)?[\w.+=/~-]+@[\w-]+(?:\.[\w-]+)+\s*[>)\]»\"]*"
_VERB = (
    r"(?:написал(?:\(а\)|а|и)?|пишет|писал(?:\(а\)|а)?|сообщил(?:\(а\)|а)?|wrote|writes|schrieb|"
    r"a écrit|escribió|escreveu|ha scritto|skrev|schreef|napisał\(?a?\)?|napsal\(?a?\)?|написа|"
    r"kirjoitti|yazdı|写道|のメッセージ|írta|a scris)"
)
# Each must hold a date or an address beside its verb or colon, so that «Иван написал(а) нам»
# and «Вот что вышло:» stay in the reply.
_ATTRIBUTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^.{{0,300}}{_DATE}.{{0,300}}{_VERB}\b.{{0,120}}:\s*$",
        rf"^.{{0,300}}{_VERB}\b.{{0,80}}{_DATE}.{{0,160}}:\s*$",
        rf"^.{{0,200}}{_DATE}.{{0,200}}{_ADDRESS}\s*(?:{_VERB})?\s*:\s*$",
        rf"^.{{0,200}}{_ADDRESS}.{{0,120}}{_VERB}\s*(?:\S.{{0,40}})?:\s*$",
        rf"^(?:{_DAYS})\b.{{0,80}}{_DATE}.{{0,80}}\bот\b.{{1,200}}:\s*$",
        rf"^{_DATE}.{{0,60}}{_TIME}.{{0,120}}\b(?:пользователь|от|from)\b.{{1,160}}:\s*$",
        rf"^.{{0,60}}{_DATE}.{{0,40}}\bпользователь\b.{{1,160}}:\s*$",
        r"^(?:вы писали|you wrote)\b.{0,80}:\s*$",
        r"^(?:on|le|am|el|il|em|op|den|dnia|в|at) .{4,300}"
        rf"(?:{_DATE}|{_TIME}).{{0,300}}{_VERB}\s*:\s*$",
        rf"^\w{{3,12}},?\s*{_DATE},?\s*{_TIME}.{{0,60}}[«\"<].{{2,160}}[>»\"]:\s*$",
        rf"^(?:on|le|am|el|il) .{{0,60}}{_DATE}.{{0,60}}{_TIME}.{{0,160}}{_ADDRESS}\s*{_VERB}\s*$",
    )
)
_OPENING = re.compile(
    rf"^(?:(?:on|le|am|el|il|em|op|den|dnia|в|at)\s+)?(?:[^\W\d_]{{2,12}}[.,]*\s+)?(?:{_DATE})",
    re.IGNORECASE,
)
_MAY_ATTRIBUTE = re.compile(
    rf"@|{_VERB}|\bот\b|пользователь|писали|you wrote|[>»\"]:\s*$", re.IGNORECASE
)
_SEPARATOR = re.compile(
    r"^\s*(?:[-_=*]{2,}|[—–]{1,})\s*(?:original (?:message|appointment)|reply message|forwarded "
    r"message|исходное сообщение|первоначальное сообщение|пересылаемое сообщение"
    r"|пересланное сообщение|перенаправленное сообщение|конец пересылаемого сообщения"
    r"|начало переадресованного сообщения|ursprüngliche nachricht|weitergeleitete nachricht"
    r"|message d.origine|message original|message transféré|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|oprindelig (?:meddelelse|besked)"
    r"|opprinnelig melding"
    r"|ursprungligt meddelande|wiadomość oryginalna|původní zpráva|оригинално съобщение)"
    r"[^-_=—–]{0,60}(?:[-_=*—–]{1,}.{0,20})?\s*$",
    re.IGNORECASE,
)
_BEGIN = re.compile(
    r"^\s*(?:begin forwarded message|начало переадресованного сообщения|начало пересылаемого "
    r"сообщения)\s*:\s*$",
    re.IGNORECASE,
)
_LABELS: dict[str, str] = {
    "from": r"from|от|от кого|отправитель|von|de|da|van|från|fra|od|lähettäjä|kimden|发件人",
    "sent": r"sent|date|отправлено|дата|отправлен|gesendet|datum|envoyé(?: le)?|enviado(?: el)?"
    r"|fecha|message du|data|inviato|verzonden|skickat|sendt|dato|wysłano|odesláno|дата и время"
    r"|发送时间",
    "to": r"to|кому|получатель|an|à|para|a|aan|till|til|do|komu|kime|收件人",
    "cc": r"cc|копия|kopie|kopia|kopi|抄送",
    "subject": r"subject|тема|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|temat"
    r"|předmět|主题|re",
}
_LABEL = re.compile(
    r"^[\s>*_|]*(?:"
    + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items())
    + r")\s*\*{0,2}\s*[:：]\s*\*{0,2}\s*(?P<value>\S.*)?$",
    re.IGNORECASE,
)
_UNQUOTE = re.compile(r"^[\s>|]*")
UNDERLINE = re.compile(r"^\s*(?:[_-]{8,}|={4,})\s*$")
QUOTE = re.compile(r"^\s{0,3}[>|](?!\w*<)|^\s{0,3}&gt;")


def is_attribution(text: str) -> bool:
    """Whether `text` (one or several joined lines) announces a quote."""
    text = " ".join(_UNQUOTE.sub("", text[:800]).split())
    if not 8 <= len(text) <= 600 or not _MAY_ATTRIBUTE.search(text):
        return False
    return any(pattern.search(text) for pattern in _ATTRIBUTIONS)


def opens_attribution(line: str) -> bool:
    """Whether an attribution that goes on in the next line could begin with `line`."""
    return bool(_OPENING.match(_UNQUOTE.sub("", line[:300])))


def is_separator(line: str) -> bool:
    """Whether `line` is a "----- Original message -----" of any client."""
    return len(line) < 200 and bool(_SEPARATOR.match(line) or _BEGIN.match(line))


def label_of(line: str) -> str:
    """from, sent, to, cc or subject when `line` starts with such a label, else ''."""
    match = _LABEL.match(line) if len(line) < 2_000 else None
    return (match.lastgroup or "") if match and match.lastgroup != "value" else _named(match)


def _named(match: re.Match[str] | None) -> str:
    return next((name for name in _LABELS if match and match[name]), "")


def header_block(lines: list[str], start: int) -> int:
    """Length of a block "From: … Sent: …" at `start`, 0 when there is none.

    Two different labels on neighbouring lines are needed, one of them From or Sent; values may
    stand on the next line.
    """
    first = label_of(lines[start])
    if first not in {"from", "sent", "subject", "to"}:
        return 0
    seen, last = {first}, start
    for index in range(start + 1, min(start + 16, len(lines))):
        if name := label_of(lines[index]):
            seen.add(name)
            last = index
        elif index - last > 2 or (not _UNQUOTE.sub("", lines[index]).strip() and len(seen) > 2):
            break
    enough = len(seen) >= 2 and "from" in seen and (seen & {"sent", "to", "subject"})
    return last - start + 1 if enough else 0
