"""This file remembers how calls are to be transcribed, as an administrator has set it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from aftercall.speech.choosing import SpeechRule
from aftercall.speech.plugins import AUTO
from aftercall.speech.speakers import SpeakerThresholds
from aftercall.store import choices

_NAME = "speech"


@dataclass(frozen=True, kw_only=True)
class SpeechSettings:
    """The defaults suit an office that has never opened the page."""

    #: A choice as `speech.plugins` has it.
    engine: str = AUTO
    #: BCP 47; None to find it out.
    language: str | None = None
    rules: tuple[SpeechRule, ...] = ()
    #: A turn whose words the engine trusts less, 0 to 1, says "not understood"; None to show everything.
    understood_from: float | None = 0.4
    #: A word the engine trusts less, 0 to 1, is marked.
    unsure_below: float = 0.5
    thresholds: SpeakerThresholds = field(default_factory=SpeakerThresholds)
    #: Names of extensions and queues help the engine.
    uses_names: bool = True


def load(db: sa.Connection) -> SpeechSettings:
    said: dict[str, Any] = dict(choices.get(db, _NAME) or {})
    if "rules" in said:
        said["rules"] = tuple(SpeechRule(**each) for each in said["rules"])
    if "thresholds" in said:
        said["thresholds"] = SpeakerThresholds(**said["thresholds"])
    return SpeechSettings(**said)


def save(db: sa.Connection, chosen: SpeechSettings) -> None:
    choices.put(db, _NAME, {**asdict(chosen), "rules": [asdict(each) for each in chosen.rules]})
