"""Words that were typed wrong: the nearest one of the vocabulary that messages have made.

The vocabulary grows in the background, by messages as they were numbered; what is asked of it is
only what to look for instead, so nobody learns a word of tickets that he may not see.
"""

from __future__ import annotations

from django.db import transaction

from zabota.events.chores import chore
from zabota.lib.rows import ask, ask_all, tell
from zabota.lib.text import fold

SHORTEST, LONGEST = 4, 24  # letters of a word that is kept and corrected
LONG = 7  # letters from which on two mistakes are forgiven
SEEN = 2  # messages that must have a word: a mistake stands in one
AT_ONCE = 5_000  # messages
ROUNDS = 5
MOST_CANDIDATES = 3_000

_LEARN = """
INSERT INTO tickets_vocabulary AS known (word, messages)
SELECT word, ndoc FROM ts_stat($$
    SELECT to_tsvector('simple',
                       translate(lower(left(t.subject || ' ' || m.text, 20000)), 'ё', 'е'))
      FROM tickets_message m JOIN tickets_ticket t ON t.id = m.ticket_id
     WHERE m.id > {after} AND m.id <= {last} AND m.purpose = ''
$$) WHERE word ~ '^([a-z]{{4,24}}|[а-я]{{4,24}})$'
ON CONFLICT (word) DO UPDATE SET messages = known.messages + excluded.messages
"""
_LAST = """
SELECT max(id) FROM (SELECT id FROM tickets_message WHERE id > %s ORDER BY id LIMIT %s) next
"""
_NEAR = """
SELECT word, messages FROM tickets_vocabulary
 WHERE left(word, 1) = %s AND length(word) BETWEEN %s AND %s AND messages >= %s
 ORDER BY messages DESC LIMIT %s
"""


@chore
def learn() -> None:
    """Take the words of the next messages into the vocabulary."""
    for _round in range(ROUNDS):
        if not _learn_some():
            return


def _learn_some() -> bool:
    with transaction.atomic():
        row = ask("SELECT id, up_to FROM tickets_vocabularystate FOR UPDATE", [])
        if row is None:
            tell("INSERT INTO tickets_vocabularystate (id, up_to) VALUES (1, 0)", [])
            row = (1, 0)
        last = ask(_LAST, [row[1], AT_ONCE])[0]
        if last is None:
            return False
        tell(_LEARN.format(after=int(row[1]), last=int(last)), [])
        tell("UPDATE tickets_vocabularystate SET up_to = %s WHERE id = %s", [last, row[0]])
    return True


def corrected(text: str) -> str:
    """The text with each unknown word replaced by the nearest known one; '' when there is nothing
    to replace."""
    words = fold(text).split()
    able = [word for word in words if SHORTEST <= len(word) <= LONGEST and word.isalpha()]
    if not able:
        return ""
    known = {word for (word,) in ask_all(_KNOWN, [able, SEEN])}
    better = {word: nearest(word) for word in able if word not in known}
    found = [better.get(word) or word for word in words]
    return "" if found == words else " ".join(found)


_KNOWN = "SELECT word FROM tickets_vocabulary WHERE word = ANY(%s) AND messages >= %s"


def nearest(word: str) -> str:
    """The known word with the fewest mistakes, the commonest of several; '' when none is near."""
    most = 2 if len(word) >= LONG else 1
    values = [word[0], len(word) - most, len(word) + most, SEEN, MOST_CANDIDATES]
    best, fewest = "", most + 1
    for candidate, _messages in ask_all(_NEAR, values):
        mistakes = distance(word, candidate, fewest - 1)
        if mistakes < fewest:
            best, fewest = candidate, mistakes
    return best


def distance(one: str, other: str, most: int) -> int:
    """Letters added, left out, changed or swapped; anything above `most` is `most + 1`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        earlier, before, row = before, row, [place]
        for column, another in enumerate(other, 1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != another))
            swapped = (
                place > 1
                and column > 1
                and letter == other[column - 2]
                and one[place - 2] == another
            )
            row.append(min(cost, earlier[column - 2] + 1) if swapped else cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
