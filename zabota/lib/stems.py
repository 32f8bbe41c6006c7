"""Words without their endings, so that phrases are found in other forms: Russian and English.

Rough on purpose: it compares words with words, and a stem is never shown to anybody.
"""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SHORTEST = 3  # letters that stay
# Endings of nouns, adjectives and verbs, longest first.
_RUSSIAN = sorted(
    """
    иями ями ами ией иям ием иях ях ах ев ов ие ье еи ии ей ой ий ям ем ам ом ию ью ия ья ы и а е о
    у й ь ю я
    ими ыми его ого ему ому ее ие ые ое ей ий ый ой ем им ым ом их ых ую юю ая яя ою ею
    ла на ете йте ли й л ем н ло но ет ют ны ть ешь нно ила ыла ена ейте уйте ите или ыли ей уй ил
    ыл им ым ен ило ыло ено ят ует уют ит ыт ены ить ыть ишь ую ю ут ат ешь ишь ем им ал ала али ало
    ать ает ают аем ял яла яли ять яет яют яем
    """.split(),
    key=len,
    reverse=True,
)
_ENGLISH = ("ing", "ied", "ies", "ed", "es", "s", "e", "y")


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case, ё as е."""
    return WORD.findall(text.lower().replace("ё", "е").replace("’", "'"))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A folded word without its ending; what is too short stays."""
    if word[0] >= "а":
        return _russian(word)
    for ending in _ENGLISH:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            word = word[: -len(ending)]
            break
    # stopped and stop
    return word[:-1] if len(word) > SHORTEST and word[-1] == word[-2] else word


def _russian(word: str) -> str:
    for reflexive in ("ся", "сь"):
        if word.endswith(reflexive) and len(word) > SHORTEST + 2:
            word = word[:-2]
    for ending in _RUSSIAN:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            word = word[: -len(ending)]
            break
    while len(word) > SHORTEST and word[-1] in "аеиоуыэюя":
        word = word[:-1]
    # A vowel that comes and goes: убыток and убытки, денег and деньги.
    if len(word) > SHORTEST and word[-2] in "оеь":
        word = word[:-2] + word[-1]
    return word
