"""This file remembers what was understood of each call."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from aftercall.model import CallSentiment, Insight, TurnSentiment
from aftercall.store.tables import call, insight


def put(db: sa.Connection, call_id: str, made: Insight, now: datetime) -> None:
    """Store the insight of a call in place of an older one, and its mood where the list reads it."""
    db.execute(insight.delete().where(insight.c.call_id == call_id))
    db.execute(
        insight.insert().values(
            call_id=call_id,
            turns=[asdict(turn) for turn in made.turns],
            sentiment=asdict(made.sentiment),
            made_at=now,
        )
    )
    db.execute(
        call.update()
        .where(call.c.id == call_id)
        .values(
            sentiment_score=made.sentiment.score,
            sentiment_label=made.sentiment.label,
            sentiment_trend=made.sentiment.trend,
            is_sentiment_uncertain=made.sentiment.is_low_confidence,
        )
    )


def of_call(db: sa.Connection, call_id: str) -> Insight | None:
    row = db.execute(sa.select(insight).where(insight.c.call_id == call_id)).mappings().first()
    if row is None:
        return None
    sentiment = {**row["sentiment"], "quarters": tuple(row["sentiment"]["quarters"])}
    return Insight(
        turns=tuple(TurnSentiment(**{**turn, "evidence": tuple(turn["evidence"])}) for turn in row["turns"]),
        sentiment=CallSentiment(**sentiment),
    )
