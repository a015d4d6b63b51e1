"""This file remembers what is to be hidden in transcripts, as an administrator has set it."""

from dataclasses import dataclass, field
from typing import Literal, cast

import sqlalchemy as sa

from aftercall.insight.redaction import LABELS
from aftercall.model import RedactionKind
from aftercall.store import choices

_NAME = "redaction"

#: Kept unless an administrator says otherwise: a label can never be turned back into words.
KEPT: frozenset[RedactionKind] = frozenset({"phone", "email", "dob"})

#: `mask`: a label takes the words' place before anything is stored, for good; `keep`: stored as it was said.
Policy = Literal["keep", "mask"]


@dataclass(frozen=True, kw_only=True)
class RedactionSettings:
    """What only harms when it stays is hidden until somebody says otherwise; what people call back by is kept."""

    policies: dict[RedactionKind, Policy] = field(
        default_factory=lambda: {kind: "keep" if kind in KEPT else "mask" for kind in LABELS}
    )

    @property
    def masked(self) -> frozenset[RedactionKind]:
        return frozenset(kind for kind, policy in self.policies.items() if policy == "mask")


def load(db: sa.Connection) -> RedactionSettings:
    said = cast("dict[RedactionKind, Policy]", choices.get(db, _NAME) or {})
    return RedactionSettings(policies={**RedactionSettings().policies, **said})


def save(db: sa.Connection, chosen: RedactionSettings) -> None:
    choices.put(db, _NAME, dict(chosen.policies))
