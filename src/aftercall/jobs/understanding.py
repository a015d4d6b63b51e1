"""This file understands stored calls: it reads what is known, has it thought about, and keeps what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from aftercall.insight.categories import evaluate
from aftercall.insight.whole import InsightSettings, understand
from aftercall.model import CallFacts, Insight, Transcript
from aftercall.store import call_facts, categories, insights, transcripts

Think = Callable[[Transcript, CallFacts, InsightSettings], Insight]


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """All that understanding a stored call needs; built once by the wiring."""

    engine: sa.Engine
    #: The models folder, for weights that do not ride in a package.
    models: Path | None = None
    #: Where the thinking is done: here, or in a worker process.
    think: Think = understand

    def of_call(self, call_id: str, now: datetime) -> bool:
        """Understand a call's present transcript, in place of what was understood before.

        The thinking may take a second, so no transaction waits for it; if somebody changes the words meanwhile, or says
        how a line felt, it is done again.

        Returns:
            False if there is no transcript.
        """
        while True:
            with self.engine.connect() as db:
                transcript = transcripts.of_call(db, call_id)
                if transcript is None:
                    return False
                facts = call_facts.of_call(db, call_id)
            insight = self.think(transcript, facts, InsightSettings(models=self.models))
            with self.engine.begin() as db:
                if (transcripts.of_call(db, call_id), call_facts.of_call(db, call_id)) != (transcript, facts):
                    continue
                insights.put(db, call_id, insight, now)
                categories.put_hits(db, call_id, evaluate(categories.prepared(db), transcript, insight, facts))
                return True
