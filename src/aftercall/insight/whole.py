"""This file understands a whole transcript: each judge of this room looks at it, and all is put together.

It runs in worker processes and knows no database: what it needs to know is handed over.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from aftercall.insight import head, metrics, moments, vectors
from aftercall.insight.sentiment import score_turns
from aftercall.model import CallFacts, Insight, Transcript


@dataclass(frozen=True, kw_only=True)
class InsightSettings:
    """How calls are to be understood."""

    #: The models folder, for weights that do not ride in a package.
    models: Path | None = None


def understand(transcript: Transcript, facts: CallFacts, settings: InsightSettings) -> Insight:
    """All that can be known of a call from its words; what cannot be known is None, with its reason."""
    felt = score_turns(
        transcript.turns,
        language=transcript.language,
        is_low_accuracy=transcript.is_low_accuracy,
        vectors=vectors.find(settings.models),
        head=head.find(settings.models),
        said=facts.moods,
    )
    found = moments.key_moments(transcript, facts)
    return replace(
        felt,
        metrics=metrics.measure(transcript, facts),
        moments=found.moments,
        moments_reason=found.reason,
        outcome_facts=moments.outcome_facts(transcript, facts, found.moments),
        versions={"mood": felt.sentiment.method, "metrics": metrics.METHOD, "moments": moments.METHOD},
    )
