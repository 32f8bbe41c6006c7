"""Which of the old Cyrillic character sets a short text is in, by how Russian it reads.

Statistics for all languages need some forty letters; «Ок, жду» has five.
"""

from __future__ import annotations

import math
import re

SETS = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")
# Letters in a thousand of Russian text.
_FREQUENT = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
        [
            110,
            85,
            80,
            74,
            67,
            63,
            55,
            47,
            45,
            43,
            35,
            32,
            30,
            28,
            26,
            20,
            19,
            17,
            17,
            16,
            16,
            15,
            12,
            10,
            9,
            7,
            6,
            5,
            4,
            3,
            3,
            0.4,
            0.4,
        ],
        strict=True,
    )
)
_COST = {letter: -math.log(share / 1000) for letter, share in _FREQUENT.items()}
_RARE = 7.6  # a capital letter within a word
_MOST = 3.55  # mean cost of a letter; Russian costs 3.1, chance 4.2
_MARGIN = 0.12
_WORD = re.compile(r"[^\W\d_]+")
# What else Russian text has beyond ASCII; anything else is another language or another set.
_MARKS = set("«»„“”’–—…№ \u00a0°§×·")
ENOUGH = 2_000  # bytes that are looked at


def guess(data: bytes) -> str:
    """The set of SETS in which `data` reads like Russian, '' when none or several do."""
    costs = sorted((_cost(data[:ENOUGH], name), place) for place, name in enumerate(SETS))
    best, second = costs[0], costs[1]
    if best[0] > _MOST:
        return ""
    same = data[:ENOUGH].decode(SETS[best[1]], "ignore") == data[:ENOUGH].decode(
        SETS[second[1]], "ignore"
    )
    return SETS[best[1]] if same or second[0] - best[0] > _MARGIN else ""


def _cost(data: bytes, name: str) -> float:
    """Mean cost of a letter when read in this set; infinite for what is no Russian text."""
    try:
        text = data.decode(name)
    except UnicodeError:
        return math.inf
    total, count = 0.0, 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        lower = word.lower()
        if any(letter not in _COST for letter in lower):
            return math.inf
        total += sum(_COST[letter] for letter in lower)
        inner = word[1:]
        if not word.isupper():
            total += sum(_RARE for letter in inner if letter.isupper())
        count += len(word)
    strange = sum(
        1
        for letter in text
        if not letter.isascii() and not letter.isalpha() and letter not in _MARKS
    )
    return (total + strange * _RARE) / count if count else math.inf
