"""Who wrote a mail that somebody forwards: the original sender, by the forms of mail programs.

A mail is a forward when its subject says so or a separator does; a header block alone also opens
the quote of a reply.
"""

from __future__ import annotations

import re

from zabota.channels.contract import Address
from zabota.channels.kinds.mail.attribution import is_attribution
from zabota.channels.kinds.mail.headers import parse_addresses

MAX_LINES = 2_000
MAX_BLOCK = 14  # lines of a header block, blank ones included
_SUBJECT = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)?(?:fwd?|wg|tr|rv|enc|pd|vb|vs|vl|ilt|i̇lt|redir\.?|videresend"
    r"|doorst"
    r"|továbbítás|переслан[ао]?|пересл|перенаправлено|fwd?\s*\[\d+\])\s*[:：]",
    re.IGNORECASE,
)
_ITALIAN = re.compile(r"^\s*I\s*:")
_REPLY = re.compile(r"^\s*(?:re|aw|sv|odp|ответ|на)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_FORWARD_WORDS = re.compile(
    r"forward|fwd\.msg|пересыл|переслан|перенаправ|переадрес|weitergeleitet|réexpédi|transféré"
    r"|transmis|reenviad|reencaminhad|encaminhad|inoltrat|doorgestuurd|videresend|vidarebefordra"
    r"|välitetty|edelleenlähete|przekaz|przesłan|přeposlan|přeposílan|preposlan|továbbít|redirecți"
    r"|proslijeđen|ileti|iletil|переслан|перенаправлен|пересилає|edastatud|転送|转发|轉寄",
    re.IGNORECASE,
)
_DASHES = re.compile(
    r"[-_=*—–]{2,}\s*(?P<words>[^\W\d_][^-_=*]{3,60}?[^-_=*]{0,60}?)\s*[-_=*—–]{2,}"
)
_FROM = (
    "from|от кого|от|отправитель|von|de la|de|da|mittente|van|från|fra|od|nadawca|lähettäjä|kimden"
    "|gönderen|feladó|saatja|šalje|expeditorul|expeditor|від кого|від|送信元|差出人|发件人|寄件者"
)
_OTHERS = (
    "date|sent|дата|отправлено|отправлен|datum|gesendet|fecha|enviado(?: el)?|data|inviato"
    "|verzonden|dato|sendt|skickat|wysłano|odesláno|dátum|elküldve|päivämäärä|päiväys|lähetetty|tarih"
    "|gönderildi|дата и время|dată|kuupäev|envoyé(?: le)?|日付|送信日時|subject|тема|betreff|asunto"
    "|objet|sujet|oggetto|onderwerp|emne|ämne|temat|předmět|predmet|naslov|tárgy|aihe|konu|assunto"
    "|subiectul|subiect|件名|to|кому|получатель|an|para|à|a|pour|aan|til|till|do|komu|pre|címzett"
    "|vastaanottaja|kime|către|destinatarul|prima|адресат|adresat|送信先|宛先|cc|copie à|kopie"
    "|kopia|kopio|kópia|kopi|копия|копія|bilgi|másolatot kap|dw|reply-to|répondre à"
)
_MARK = r"[\s>|*_]*"
_FROM_LINE = re.compile(
    rf"^{_MARK}(?:{_FROM})\s*\*{{0,2}}\s*[:：]\s*\*{{0,2}}\s*(?P<value>.*)$", re.I
)
_OTHER_LINE = re.compile(rf"^{_MARK}(?:{_OTHERS})(?: \(cc\))?\s*\*{{0,2}}\s*[:：]", re.I)
# Yahoo writes the whole block in one line, behind its separator.
_RUN = re.compile(
    rf"[-]{{4,}}\s*(?:{_FROM})\s*[:：]\s*(?P<value>[^<>\n]{{0,100}}<[^<>\s]{{3,254}}>|\S+@\S+)",
    re.I,
)
_MAILTO = re.compile(r"[\[(<]\s*mailto:\s*([^\s\])>]+)\s*[\])>]", re.I)
_SPEC = re.compile(r"[\w.+'=/~-]{1,100}@[\w-]+(?:\.[\w-]+)+")


def forwarded_from(text: str, subject: str) -> Address | None:
    """The original sender of a forwarded mail; its address is '' where only a name is told.

    None when the mail forwards nothing.
    """
    said = says_forward(subject)
    if _REPLY.match(subject) and not said:
        return None
    lines = text.removeprefix("\ufeff").split("\n")[:MAX_LINES]
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        separator = _separator(line)
        if separator and (said or separator == "forward"):
            run = _RUN.search(line)
            found = _address(run["value"]) if run else _after(lines, index + 1)
            if found:
                return found
        if said and (found := _block(lines, index) or _attributed(lines, index)):
            return found
    return None


def says_forward(subject: str) -> bool:
    """Whether the subject says that something is forwarded."""
    return bool(_SUBJECT.match(subject) or _ITALIAN.match(subject))


def _separator(line: str) -> str:
    """'forward' or 'other' for a line that parts a forwarded message from what is written above."""
    if len(line) > 2_000:
        return ""
    bare = line.strip(" >|\t")
    match = _DASHES.search(bare[:200])
    if match and match.start() < 3:
        return "forward" if _FORWARD_WORDS.search(match["words"]) else "other"
    if bare.endswith((":", "：")) and len(bare) < 80 and _FORWARD_WORDS.search(bare):
        return "forward"
    return ""


def _after(lines: list[str], start: int) -> Address | None:
    """The sender of the header block that follows a separator."""
    seen = 0
    for index in range(start, min(start + 8, len(lines))):
        if not lines[index].strip(" >|\t"):
            continue
        if found := _block(lines, index):
            return found
        seen += 1
        if seen > 2 and not _OTHER_LINE.match(lines[index]):
            return None
    return None


def _block(lines: list[str], index: int) -> Address | None:
    """The sender of a header block that begins at `index`: From and one more label near it."""
    is_from = _FROM_LINE.match(lines[index])
    if not is_from and not _OTHER_LINE.match(lines[index]):
        return None
    others, value = 0, ""
    for place in range(index, min(index + MAX_BLOCK, len(lines))):
        line = lines[place]
        match = _FROM_LINE.match(line)
        if match and not value:
            # Outlook for Mac and some web mails put the value into the next line.
            value = match["value"].strip() or _next(lines, place + 1)
            if value and "@" not in value and "@" in (more := _next(lines, place + 1)):
                value = value if _OTHER_LINE.match(more) else f"{value} {more}"
        elif _OTHER_LINE.match(line):
            others += 1
        elif others and value:
            break
    return _address(value) if value and others else None


def _next(lines: list[str], index: int) -> str:
    return lines[index].strip(" >|\t*") if index < len(lines) else ""


def _attributed(lines: list[str], index: int) -> Address | None:
    """`On 28/10/2021 12:46, "John" <j@a.example> wrote:`, as old Outlook for Mac forwards."""
    for count in (1, 2):
        line = " ".join(lines[index : index + count])
        spec = _SPEC.search(line)
        if spec and len(line) < 400 and line.rstrip().endswith(":") and is_attribution(line):
            return Address(spec[0].lower())
    return None


def _address(value: str) -> Address | None:
    value = _MAILTO.sub(r"<\1>", value[:500]).replace("*", "")
    found = parse_addresses(value, limit=5)
    named = next((address for address in found if address.email), None)
    if named is None and (spec := _SPEC.search(value)):
        named = Address(spec[0].lower())
    return named or (found[0] if found else None)
