"""This file says what a stored transcript means, and keeps it; nothing here is slow."""

from datetime import datetime

import sqlalchemy as sa

from aftercall.insight.categories import evaluate
from aftercall.insight.sentiment import score_turns
from aftercall.store import call_facts, categories, insights, transcripts


def understand(db: sa.Connection, call_id: str, now: datetime) -> bool:
    """Analyse a call's present transcript, in place of an earlier analysis.

    Returns:
        False if there is no transcript.
    """
    transcript = transcripts.of_call(db, call_id)
    if transcript is None:
        return False
    insight = score_turns(transcript.turns, language=transcript.language, is_low_accuracy=transcript.is_low_accuracy)
    insights.put(db, call_id, insight, now)
    hits = evaluate(categories.prepared(db), transcript, insight, call_facts.of_call(db, call_id))
    categories.put_hits(db, call_id, hits)
    return True
