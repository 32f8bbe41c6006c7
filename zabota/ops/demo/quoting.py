"""How mail programs of clients quote what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

FORMS = ("gmail", "outlook", "apple", "yandex", "mailru", "bat")
NAMES = {
    "gmail": "Gmail", "outlook": "Outlook", "apple": "Apple Mail", "yandex": "Yandex",
    "mailru": "Mail.ru", "bat": "The Bat!",
}  # fmt: skip
_RU_DAYS = "пн вт ср чт пт сб вс".split()
_RU_LONG = "понедельник вторник среда четверг пятница суббота воскресенье".split()
_EN_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_EN_LONG = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_RU_SHORT = "янв. февр. марта апр. мая июня июля авг. сент. окт. нояб. дек.".split()
_RU_MONTHS = (
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
)
_EN_SHORT = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_EN_MONTHS = (
    "January February March April May June July August September October November December".split()
)


@dataclass(frozen=True)
class Quoted:
    """What is answered: who wrote it, when (in the client's zone), to whom, and the text."""

    name: str
    address: str
    at: datetime
    to: str
    subject: str
    text: str


@dataclass(frozen=True)
class Body:
    """A mail's two bodies; `quote` is the quoted part of the plain one."""

    text: str
    html: str
    quote: str


def plain(text: str) -> Body:
    """A body that quotes nothing."""
    return Body(text, f"<div>{_html(text)}</div>", "")


def answer(form: str, language: str, text: str, old: Quoted) -> Body:
    """`text` above the message it answers, as the program `form` writes it."""
    lead = _lead(form, language, old)
    if form == "outlook":
        quote = f"{lead}\n\n{old.text}"
    else:
        mark = "> "
        quote = f"{lead}\n\n" + "\n".join(f"{mark}{line}".rstrip() for line in old.text.split("\n"))
        if form == "apple":
            quote = "\n".join(f"> {line}".rstrip() for line in f"{lead}\n\n{old.text}".split("\n"))
    return Body(
        f"{text}\n\n{quote}", "" if form == "bat" else _reply_html(form, text, lead, old), quote
    )


def _lead(form: str, language: str, old: Quoted) -> str:
    at, clock = old.at, f"{old.at:%H:%M}"
    who = f"{old.name} <{old.address}>"
    ru = language == "ru"
    if form == "gmail":
        if ru:
            day = f"{_RU_DAYS[at.weekday()]}, {at.day} {_RU_SHORT[at.month - 1]} {at.year} г."
            return f"{day} в {clock}, {who}:"
        day = f"{_EN_DAYS[at.weekday()]}, {_EN_SHORT[at.month - 1]} {at.day}, {at.year}"
        return f"On {day} at {_ampm(at)} {who} wrote:"
    if form == "apple":
        if ru:
            return f"{at.day} {_RU_SHORT[at.month - 1]} {at.year} г., в {clock}, {who} написал(а):"
        return f"On {at.day} {_EN_SHORT[at.month - 1]} {at.year}, at {clock}, {who} wrote:"
    if form == "yandex":
        return f'{at:%d.%m.%Y}, {clock}, "{old.name}" <{old.address}>:'
    if form == "mailru":
        if ru:
            day = _RU_LONG[at.weekday()].capitalize()
            day += f", {at.day} {_RU_MONTHS[at.month - 1]} {at.year}"
            return f"{day}, {clock} {_offset(at)} от {who}:"
        day = f"{_EN_LONG[at.weekday()]}, {at.day} {_EN_MONTHS[at.month - 1]} {at.year}"
        return f"{day}, {clock} {_offset(at)} from {who}:"
    if form == "bat":
        if ru:
            return f"Вы писали {at.day} {_RU_MONTHS[at.month - 1]} {at.year} г., {clock}:"
        return f"You wrote on {at.day} {_EN_MONTHS[at.month - 1]} {at.year}, {clock}:"
    return _outlook(ru, old)


def _outlook(ru: bool, old: Quoted) -> str:
    at = old.at
    if ru:
        day = (
            f"{_RU_LONG[at.weekday()]}, {at.day} {_RU_MONTHS[at.month - 1]} {at.year} г. {at:%H:%M}"
        )
        names = ("От", "Отправлено", "Кому", "Тема")
    else:
        day = (
            f"{_EN_LONG[at.weekday()]}, {_EN_MONTHS[at.month - 1]} {at.day}, {at.year} {_ampm(at)}"
        )
        names = ("From", "Sent", "To", "Subject")
    values = (f"{old.name} <{old.address}>", day, old.to, old.subject)
    lines = [f"{name}: {value}" for name, value in zip(names, values, strict=True)]
    return "\n".join(["________________________________", *lines])


def _ampm(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"


def _offset(at: datetime) -> str:
    offset = at.strftime("%z") or "+0000"
    return f"{offset[:3]}:{offset[3:5]}"


def _html(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")


def _reply_html(form: str, text: str, lead: str, old: Quoted) -> str:
    new, quoted = f"<div>{_html(text)}</div>", _html(old.text)
    head = _html(lead)
    if form == "gmail":
        bar = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"
        attribution = f'<div dir="ltr" class="gmail_attr">{head}<br></div>'
        return (
            f'<div dir="ltr">{new}</div><br><div class="gmail_quote">{attribution}'
            f'<blockquote class="gmail_quote" style="{bar}">{quoted}</blockquote></div>'
        )
    if form == "outlook":
        fields = head.split("<br>", 1)[1]
        return (
            f'{new}<div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr"><font '
            f'face="Calibri, sans-serif">{fields}</font></div><div>{quoted}</div>'
        )
    if form == "apple":
        return (
            f'{new}<div><br><blockquote type="cite"><div>{head}</div><br><div>{quoted}</div>'
            "</blockquote></div>"
        )
    if form == "yandex":
        return f"{new}<div><br></div><div>{head}</div><blockquote><div>{quoted}</div></blockquote>"
    bar = "border-left:1px solid #0857A6;margin:10px;padding:0 0 0 10px"
    return f'{new}<br><blockquote style="{bar}">{head}<br><br><div>{quoted}</div></blockquote>'
