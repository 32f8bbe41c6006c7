"""Search over tickets: all words in any form, the last one as its beginning, newest first.

Words are reduced by PostgreSQL's Russian rules (English ones too); ё counts as е, and what parts an
address or a number counts as a blank.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from zabota.events.log import consumer
from zabota.events.models import Event
from zabota.lib.rows import ask, ask_all, tell
from zabota.lib.text import fold
from zabota.tickets import spelling
from zabota.tickets.events import (
    CallLogged,
    MessageReceived,
    NoteAdded,
    QuarantineLeft,
    Replied,
    SubjectChanged,
)

MOST_WORDS = 8
COUNTED = 1000  # a common word is counted no further
LONGEST = 100_000  # characters of a message whose words are kept
# Different words of a ticket: each message writes all of them anew, and PostgreSQL takes 1 MB.
RICHEST = 10_000
PARTING = "@._-/:+"

_VECTOR = (
    "strip(to_tsvector('russian', translate({}, 'ёЁ"
    + PARTING
    + "', 'еЕ"
    + " " * len(PARTING)
    + "')))"
)
_HEAD = (
    "coalesce(t.subject, '') || ' ' || coalesce(c.name, '') || ' ' || coalesce(a.name, '') "
    "|| ' ' || "
    "coalesce((SELECT string_agg(i.value, ' ') FROM customers_identity i "
    "WHERE i.contact_id = t.contact_id), '')"
)
_FROM = (
    "FROM tickets_ticket t LEFT JOIN customers_contact c ON c.id = t.contact_id "
    "LEFT JOIN customers_account a ON a.id = t.account_id"
)
_SAID = f"left(m.text || ' ' || coalesce(m.call->>'topic', ''), {LONGEST})"
_ADD = f"""
INSERT INTO tickets_searchtext AS known (ticket_id, words)
SELECT t.id, {_VECTOR.format(f"{_HEAD} || ' ' || coalesce({_SAID}, '')")}
  {_FROM} LEFT JOIN tickets_message m ON m.id = %s WHERE t.id = %s
    ON CONFLICT (ticket_id) DO UPDATE SET words = known.words || excluded.words
 WHERE length(known.words) < {RICHEST}
"""
_ALL = f"""
INSERT INTO tickets_searchtext (ticket_id, words)
SELECT t.id, {
    _VECTOR.format(
        f"{_HEAD} || ' ' || coalesce(left((SELECT string_agg({_SAID}, ' ') FROM tickets_message m "
        f"WHERE m.ticket_id = t.id AND m.purpose = ''), {4 * LONGEST}), '')"
    )
}
  {_FROM} WHERE t.id > %s
    ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words
"""  # noqa: S608 (our own names)
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"#?(\d{1,12})")
# The same keys in the other layout: «ghbdtn» is «привет».
_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюё"
_TO_RUSSIAN = str.maketrans(_LATIN, _RUSSIAN)
_TO_LATIN = str.maketrans(_RUSSIAN, _LATIN)


def _is_said(fact: object) -> bool:
    """Automatic texts are the same everywhere: nobody looks for them."""
    return not (isinstance(fact, Replied) and fact.purpose)


@consumer(
    "tickets.search",
    MessageReceived,
    Replied,
    NoteAdded,
    CallLogged,
    wants=_is_said,
    priority=lambda fact: -1,
)
def keep_words(event: Event, fact: MessageReceived | Replied | NoteAdded | CallLogged) -> None:
    """The words of one message, and the ticket's head, join what is known of the ticket."""
    tell(_ADD, [fact.message, fact.ticket])


@consumer("tickets.search_head", SubjectChanged, QuarantineLeft, priority=lambda fact: -1)
def keep_head(event: Event, fact: SubjectChanged | QuarantineLeft) -> None:
    """Another subject or another client: the words of before stay findable."""
    tell(_ADD, [None, fact.ticket])


def rebuild(after: int = 0) -> int:
    """Keep the words of all tickets above this number anew; how many. For data that came without
    facts: demonstration, measurement."""
    return tell(_ALL, [after])


@dataclass(frozen=True)
class Query:
    """What is looked for: `terms` for the database, `number` of a ticket (0: none)."""

    text: str
    terms: str
    number: int = 0


def understood(text: str) -> Query:
    """The words of `text`; no terms when there are none."""
    words = _WORD.findall(fold(text))[:MOST_WORDS]
    terms = [f"'{word}'" for word in words]
    number = _NUMBER.fullmatch(text.strip())
    joined = " & ".join(terms) + (":*" if terms else "")
    return Query(text, joined, int(number[1]) if number else 0)


def ways(text: str) -> Iterator[Query]:
    """What to try one after the other: as it was typed, in the other keyboard layout, spelled
    right, any of the words."""
    first = understood(text)
    if not first.terms:
        return
    yield first
    lower = text.lower()
    other = lower.translate(_TO_RUSSIAN if lower.isascii() else _TO_LATIN)
    for instead in (other if other != lower else "", spelling.corrected(text)):
        if (query := understood(instead)).terms:
            yield query
    if " & " in first.terms:
        yield Query(text, first.terms.replace(" & ", " | "))


# The words that stand in most tickets, with their shares: what the database keeps for its plans,
# which counts a beginning of a word as one in 200 whatever it is.
_SHARES = """
SELECT word, share FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs)
    AS known (word, share)
 WHERE schemaname = current_schema() AND tablename = 'tickets_searchtext' AND attname = 'words'
   AND word ~ %s
"""
_LEXEME = re.compile(r"'((?:[^']|'')*)'(:\*)?")
RARE = 0.01  # words of a smaller share of tickets are looked up, others met on the way through time


# The tickets `t` of some queues that a condition on rare words finds. One by one: the database
# believes that a beginning of a word stands in two tickets of a hundred, and would read all.
HITS = """
(SELECT s.ticket_id FROM tickets_searchtext s WHERE {} OFFSET 0) s
CROSS JOIN LATERAL (SELECT * FROM tickets_ticket t
 WHERE t.id = s.ticket_id AND t.queue_id = ANY(%(queues)s) OFFSET 0) t
"""


@dataclass(frozen=True)
class Condition:
    """SQL that is true of the row `s` of the words when a query finds it ('' when all its words
    stand everywhere, as «и» and «не»), and whether one of the words is rare."""

    sql: str
    is_rare: bool = True


def condition(query: Query) -> Condition:
    """What the database is asked for; written out, for it plans by the words themselves."""
    (words,) = ask("SELECT to_tsquery('russian', %s)::text", [query.terms])
    if not words:
        return Condition("")
    literal = words.replace("'", "''").replace("%", "%%")
    return Condition(f"s.words @@ '{literal}'::tsquery", _is_rare(words))


def _is_rare(words: str) -> bool:
    lexemes = [(re.escape(word), bool(prefix)) for word, prefix in _LEXEME.findall(words)]
    asked = "|".join(f"^{word}{'' if prefix else '$'}" for word, prefix in lexemes)
    known = ask_all(_SHARES, [asked])
    shares = [
        sum(share for one, share in known if re.match(word if prefix else f"{word}$", one))
        for word, prefix in lexemes
    ]
    return float((max if "|" in words else min)(shares)) < RARE


def count(where: Condition, queues: Collection[int]) -> int:
    """Tickets of these queues for which the condition is true, counted up to COUNTED."""
    counted = f"SELECT 1 FROM {HITS.format(where.sql)} LIMIT {COUNTED}"  # noqa: S608
    sql = f"SELECT count(*) FROM ({counted}) counted"  # noqa: S608
    return int(ask(sql, {"queues": list(queues)})[0])
