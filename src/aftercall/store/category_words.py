"""This file asks the search index which calls may hold the words of a rule: never too few, often a few too many."""

import string
from collections.abc import Iterable

import sqlalchemy as sa

from aftercall.insight import phrase_patterns
from aftercall.insight.category_rules import Words
from aftercall.insight.phrase_patterns import FUZZY_FROM, Match
from aftercall.store.search import WORDS

#: Words of a phrase that the index is asked for, the longest ones: the others are said in nearly every call.
MOST_WORDS = 3


def calls_with(db: sa.Connection, rule: Words) -> frozenset[int] | None:
    """Sort keys of the calls that may hold the words of a rule; None if the index cannot tell."""
    asked = [_phrase(phrase, rule.match) for phrase in rule.phrases]
    if not all(asked):
        return None
    query = " OR ".join(f"({each})" for each in asked)
    found = db.scalars(sa.select(WORDS.c.rowid).where(sa.literal_column("transcript_words").match(query)))
    return frozenset(found)


def _phrase(phrase: str, match: Match) -> str:
    """The query for one phrase, "" if no word of it can be asked for."""
    usable: list[str] = []
    for stretch in phrase_patterns.parts(phrase):
        for at, token in enumerate(stretch):
            # "50th" is one word to the index and three to the rules.
            is_beside_number = any(each.isdigit() for each in stretch[max(0, at - 1) : at + 2])
            if not is_beside_number and token.isascii():
                usable.append(token)
    longest = sorted(usable, key=len, reverse=True)[:MOST_WORDS]
    return " AND ".join(f"({' OR '.join(_forms(token, match))})" for token in longest)


def _forms(token: str, match: Match) -> Iterable[str]:
    if match == "stem" and len(root := phrase_patterns.stem(token)) >= 3:
        yield f'"{root}"*'
        return
    yield f'"{token}"'
    # "wont" may stand there as "won't", which is two words to the index.
    for at in sorted({1, 2, len(token) - 1, len(token) - 2}):
        if 0 < at < len(token):
            yield f'"{token[:at]} {token[at:]}"'
    if match == "fuzzy" and len(token) >= FUZZY_FROM:
        for form in _one_edit(token):
            yield f'"{form}"'


def _one_edit(token: str) -> set[str]:
    """Every word that is one wrong, missing, added or swapped letter away."""
    splits = [(token[:at], token[at:]) for at in range(len(token) + 1)]
    missing = {left + right[1:] for left, right in splits if right}
    wrong = {left + letter + right[1:] for left, right in splits if right for letter in string.ascii_lowercase}
    added = {left + letter + right for left, right in splits for letter in string.ascii_lowercase}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    return (missing | wrong | added | swapped) - {token}
