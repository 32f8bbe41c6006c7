"""Which language and time zone a mail was probably written in."""

from __future__ import annotations

import re

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_LATIN = re.compile("[a-zà-ÿ]", re.IGNORECASE)
# Letters that Russian lacks: Ukrainian, Belarusian, Serbian, Kazakh, Tatar, Kyrgyz.
_OTHER_CYRILLIC = re.compile("[іїєґўјљњћђџәғқңөұүһҗ]", re.IGNORECASE)
_ADDRESSES = re.compile(r"\S+@\S+|https?://\S+|www\.\S+")
_WORD = re.compile(r"[a-z']+")
_ENGLISH = set(
    "the a an and or but is are was were be been am to of in on at for with from by not no yes it "
    "this that i you we they he she my your our me us can could will would please thanks thank "
    "hello hi dear how what when where why have has had do does did don't can't there if as so "
    "regards best just any all get got need help".split()
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)\b")
_COMMENT = re.compile(r"\(([^()]{2,60})\)")
_IANA = re.compile(
    r"^(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/\w+"
)
# Abbreviations that name one zone only; CST, IST, BST and AST do not.
_NAMED = {
    "MSK": "Europe/Moscow",
    "MSD": "Europe/Moscow",
    "SAMT": "Europe/Samara",
    "YEKT": "Asia/Yekaterinburg",
    "OMST": "Asia/Omsk",
    "KRAT": "Asia/Krasnoyarsk",
    "NOVT": "Asia/Novosibirsk",
    "IRKT": "Asia/Irkutsk",
    "YAKT": "Asia/Yakutsk",
    "VLAT": "Asia/Vladivostok",
    "MAGT": "Asia/Magadan",
    "PETT": "Asia/Kamchatka",
    "JST": "Asia/Tokyo",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "AEDT": "Australia/Sydney",
    "HST": "Pacific/Honolulu",
}


def guess_language(text: str) -> str:
    """'ru' or 'en' by alphabet and the commonest words; '' when unsure or another language."""
    sample = _ADDRESSES.sub(" ", text[:4_000])
    cyrillic, latin = len(_CYRILLIC.findall(sample)), len(_LATIN.findall(sample))
    other = len(_OTHER_CYRILLIC.findall(sample))
    if cyrillic + latin + other < 3:
        return ""
    if other * 50 > cyrillic:
        return ""
    # Product names and links are Latin in Russian mail too: a quarter of Cyrillic letters decides.
    if cyrillic * 3 >= latin:
        return "ru"
    words = _WORD.findall(sample.lower())
    common = sum(word in _ENGLISH for word in words)
    return "en" if common and common * 8 >= len(words) else ""


def guess_timezone(date_header: str) -> str:
    """IANA name when the Date header names one zone, else 'UTC+03:00'; '' when unknown.

    An offset of zero says nothing: servers and web mail write it for everybody.
    """
    if match := _COMMENT.search(date_header):
        name = match[1].strip()
        if _IANA.match(name):
            return name
        if name.upper() in _NAMED:
            return _NAMED[name.upper()]
    offset = _OFFSET.search(date_header)
    if not offset or offset[2] + offset[3] == "0000":
        return ""
    if int(offset[2]) > 14 or int(offset[3]) not in (0, 15, 30, 45):
        return ""
    return f"UTC{offset[1]}{offset[2]}:{offset[3]}"
