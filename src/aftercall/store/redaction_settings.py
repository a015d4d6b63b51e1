"""This file remembers what is to be hidden in transcripts, as an administrator has set it."""

from dataclasses import dataclass, field
from typing import Literal, cast

import sqlalchemy as sa

from aftercall.insight.redaction import LABELS
from aftercall.model import RedactionKind
from aftercall.store import choices

_NAME = "redaction"

#: `mask`: a label takes the words' place before anything is stored, for good; `keep`: stored as it was said.
Policy = Literal["keep", "mask"]


@dataclass(frozen=True, kw_only=True)
class RedactionSettings:
    """Everything that can be found is hidden until somebody says otherwise."""

    policies: dict[RedactionKind, Policy] = field(default_factory=lambda: dict.fromkeys(LABELS, "mask"))

    @property
    def masked(self) -> frozenset[RedactionKind]:
        return frozenset(kind for kind, policy in self.policies.items() if policy == "mask")


def load(db: sa.Connection) -> RedactionSettings:
    said = cast("dict[RedactionKind, Policy]", choices.get(db, _NAME) or {})
    return RedactionSettings(policies={**RedactionSettings().policies, **said})


def save(db: sa.Connection, chosen: RedactionSettings) -> None:
    choices.put(db, _NAME, dict(chosen.policies))
