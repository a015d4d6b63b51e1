"""This file searches what was said: words, phrases and numbers, newest first, with the second where they were heard."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aftercall.store.tables import call, transcript

#: SQLite's full-text index over `transcript.text`; made and kept by the migrations and their triggers.
WORDS = sa.table("transcript_words", sa.column("rowid"), sa.column("transcript_words"))

#: Words shown on either side of the first hit.
CONTEXT_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """Where a search hit: the stretch of text around it, in parts, and the second in the recording."""

    #: (text, is_hit) in order; join them for the sentence.
    parts: tuple[tuple[str, bool], ...]
    start_s: float
    speaker: str


def terms(query: str) -> list[str]:
    """Split what a person typed into words and "quoted phrases"; nothing they type is syntax.

    Returns:
        Terms with at least one letter or digit each, lower-case; a phrase keeps its words in order.
    """
    found = []
    for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', query):
        tokens = _tokens(phrase or word)
        if tokens:
            found.append(" ".join(tokens))
    return found


def _tokens(text: str) -> list[str]:
    """Words as the index sees them: letters and digits, folded like its tokenizer folds them."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    return re.findall(r"[^\W_]+", plain)


def condition(query: str) -> sa.ColumnElement[bool]:
    """The WHERE part for calls in which every term was said, or whose numbers hold the digits typed."""
    wanted = terms(query)
    if not wanted:
        return sa.false()
    match = " ".join(f'"{term}"' for term in wanted)
    said = call.c.sort_key.in_(
        sa.select(WORDS.c.rowid).where(sa.literal_column("transcript_words").match(match)).order_by(None)
    )
    digits = re.sub(r"[\s()./-]", "", query)
    if re.fullmatch(r"[+*#]?\d{2,}", digits):
        like = f"%{digits}%"
        return sa.or_(said, call.c.caller.like(like), call.c.callee.like(like), call.c.extension == digits)
    return said


def snippets(db: sa.Connection, query: str, keys: Sequence[int]) -> dict[int, Snippet]:
    """For each of these calls the first place that shows most of the terms.

    Made from the stored turns and not by the index: the same for every database, and it knows the second.
    """
    wanted = {token for term in terms(query) for token in term.split()}
    rows = db.execute(sa.select(transcript.c.sort_key, transcript.c.turns).where(transcript.c.sort_key.in_(keys)))
    return {key: snippet for key, turns in rows if (snippet := _snippet(turns, wanted)) is not None}


def _snippet(turns: list[dict[str, Any]], wanted: set[str]) -> Snippet | None:
    best: tuple[int, dict[str, Any], list[bool]] | None = None
    for turn in turns:
        marks = [bool(wanted.intersection(_tokens(word))) for word in turn["text"].split()]
        hits = len({token for word in turn["text"].split() for token in _tokens(word)} & wanted)
        if hits and (best is None or hits > best[0]):
            best = (hits, turn, marks)
    if best is None:
        return None
    _, turn, marks = best
    words = turn["text"].split()
    first = marks.index(True)
    low, high = max(0, first - CONTEXT_WORDS), min(len(words), first + CONTEXT_WORDS + 1)
    parts: list[tuple[str, bool]] = [("… ", False)] if low else []
    for index in range(low, high):
        if index > low:
            parts.append((" ", False))
        parts.append((words[index], marks[index]))
    if high < len(words):
        parts.append((" …", False))
    # The text may hold more words than have times (or fewer): take the time by position where they agree.
    timed = turn["words"]
    start_s = timed[first][1] if len(timed) == len(words) else turn["start_s"]
    return Snippet(parts=tuple(parts), start_s=float(start_s), speaker=turn["speaker"])
