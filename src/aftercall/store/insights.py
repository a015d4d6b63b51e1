"""This file remembers what was understood of each call."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from aftercall.model import CallMetrics, Insight
from aftercall.store.tables import call, insight

_WHOLE = TypeAdapter(Insight)


def put(db: sa.Connection, call_id: str, made: Insight, now: datetime) -> None:
    """Store the insight of a call in place of an older one, and its mood where the list reads it."""
    kept = {"body": _WHOLE.dump_python(made, mode="json"), "made_at": now, "is_stale": False}
    known = insight.c.call_id == call_id
    if not db.execute(insight.update().where(known).values(**kept)).rowcount:
        db.execute(insight.insert().values(call_id=call_id, **kept))
    db.execute(
        call.update()
        .where(call.c.id == call_id)
        .values(
            sentiment_score=made.sentiment.score,
            sentiment_label=made.sentiment.label,
            sentiment_trend=made.sentiment.trend,
            is_sentiment_uncertain=made.sentiment.is_low_confidence,
            **_listed(made),
        )
    )


def _listed(made: Insight) -> dict[str, Any]:
    """What the list shows and filters of the figures and key moments."""
    figures = made.metrics or CallMetrics()
    cut_off = [party.interruptions for party in figures.parties.values() if party.interruptions is not None]
    return {
        "reason": next((each.quote for each in made.moments if each.kind == "reason"), None),
        "talk_share": figures.talk_ratio,
        "silence_share": figures.silence_share,
        "interruptions": sum(map(len, cut_off)) if cut_off else None,
        "open_promises": None if made.moments_reason else sum(each.kind == "promise" for each in made.moments),
    }


def of_call(db: sa.Connection, call_id: str) -> Insight | None:
    """What was understood of a call; fields that an older release did not know have their defaults."""
    body = db.scalar(sa.select(insight.c.body).where(insight.c.call_id == call_id))
    return None if body is None else _WHOLE.validate_python(body)
