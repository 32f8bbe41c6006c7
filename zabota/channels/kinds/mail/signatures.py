"""The signature apart from what is said. Only what surely is one is cut: a delimiter, the line of a
phone, a farewell with a visiting card below."""

from __future__ import annotations

import re

MAX_LINES = 14  # of a signature behind a delimiter
MAX_CARD = 9  # lines of a visiting card
_DELIMITER = re.compile(r"^\s{0,3}(?:--|—|––|-- -)\s*$")
_RULE = re.compile(r"^\s*[_—–-]{5,}\s*$")
_DEVICE = re.compile(
    r"^[\s*_-]{0,4}(?:sent (?:from|via|with|using) (?:my |the |a )?|get outlook for "
    r"|отправлено (?:с|со|из|через|"
    r"при помощи) |послано (?:с|из) |(?:gesendet|diese nachricht wurde) (?:von|mit|aus) "
    r"|von meinem "
    r"|envoyé (?:de|depuis|à partir) |enviado (?:desde|do|de|a partir) |inviato (?:da|dal) "
    r"|verzonden "
    r"(?:vanaf|met|vanuit) |verstuurd vanaf |skickat från |sendt fra |wysłan[eoy] z |odesláno z "
    r"|poslané z |lähetetty |elküldve |küldve |trimis (?:de pe|din) |надіслано з "
    r"|загрузить outlook для "
    r"|télécharger outlook pour |obtener outlook para |outlook für \S+ beziehen|iphoneから送信"
    r"|\S{0,20}から送信|発送自|从我的).{0,80}$",
    re.IGNORECASE,
)
_NOT_DEVICE = re.compile(r"[?!]|\b(?:invoice|today|yesterday|вчера|сегодня|письмо|вам)\b", re.I)
_FAREWELL = re.compile(
    r"^\s*(?:--\s*)?(?:с (?:наилучшими |добрыми )?(?:уважением|пожеланиями)|с ув\.?|искренне ваш\w*"
    r"|best(?: regards| wishes)?|kind(?:est)? regards|warm regards|regards|sincerely(?: yours)?"
    r"|yours (?:sincerely|truly|faithfully)|cheers|mit freundlichen grüßen|viele grüße|mfg"
    r"|cordialement|bien à vous|saludos(?: cordiales)?|atentamente|cordiali saluti"
    r"|met vriendelijke groet(?:en)?|med vänliga hälsningar|med venlig hilsen|pozdrawiam"
    r"|з повагою)\s*[,!.]?\s*(?P<name>[^\W\d_][\w .'-]{0,60})?\s*$",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?:\b(?:tel|phone|mob|mobile|cell|fax|skype|telegram|e-?mail|web|icq)\b|тел|моб|факс|сайт"
    r"|почта"
    r"|доб\.|www\.|https?://|@[\w-]+\.|\+?\d[\d ()\u00a0-]{6,}\d)",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"confidential|intended recipient|intended solely|конфиденциальн"
    r"|предназначен[оа]? (?:исключительно|только)"
    r"|this (?:e-?mail|message)(?: and|,)|vertraulich|riservat|confidenti",
    re.IGNORECASE,
)


def split_signature(text: str) -> tuple[str, str]:
    """What is said, and the signature below it ('' when none is sure); together all lines."""
    lines = text.split("\n")
    start = _start(lines)
    if start <= 0:
        return text, ""
    said = "\n".join(lines[:start]).rstrip()
    if not said.strip():
        return text, ""
    return said, "\n".join(lines[start:]).strip("\n")


def _start(lines: list[str]) -> int:
    """Line where the signature begins, -1 when there is none."""
    found = -1
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if not line.strip():
            continue
        below = [one for one in lines[index + 1 :] if one.strip()]
        if _begins(line, below, found - index):
            found = index
        elif len(lines) - index > 60:
            break
    return found


def _begins(line: str, below: list[str], distance: int) -> bool:
    """Whether a signature begins with `line`; `distance`: lines to one found below it."""
    if _DELIMITER.match(line):
        return len(below) <= MAX_LINES or _is_notice(below)
    if _is_device(line):
        return len(below) <= MAX_LINES // 2
    if _FAREWELL.match(line):
        return _is_card(below, distance)
    return bool(_RULE.match(line)) and _is_notice(below)


def _is_device(line: str) -> bool:
    return len(line) < 120 and bool(_DEVICE.match(line)) and not _NOT_DEVICE.search(line)


def _is_card(below: list[str], distance: int) -> bool:
    """A farewell belongs to the signature where a visiting card or nothing but a name follows."""
    if distance > 0:
        return distance <= 4
    short = all(len(line) < 90 for line in below)
    return 0 < len(below) <= MAX_CARD and short and any(_CARD.search(line) for line in below)


def _is_notice(below: list[str]) -> bool:
    return len(below) <= 40 and any(_NOTICE.search(line) for line in below[:8])
