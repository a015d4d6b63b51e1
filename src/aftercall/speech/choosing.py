"""This file decides which engine transcribes a call, in which language: by the first rule that fits; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from aftercall.model import Direction
from aftercall.speech.plugins import AUTO


@dataclass(frozen=True, kw_only=True)
class CallTraits:
    """What is known of a call before anybody listens."""

    pbx_id: str
    direction: Direction = "unknown"
    queue_or_group: str | None = None
    extension: str | None = None
    #: BCP 47, of an earlier transcript.
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class SpeechRule:
    """Calls that fit every condition are transcribed this way; an empty condition fits every call."""

    pbx_id: str = ""
    direction: str = ""
    queue_or_group: str = ""
    extension: str = ""
    #: BCP 47: of what an earlier transcript was in.
    spoken: str = ""
    #: A choice as `speech.plugins` has it, "" for the usual one.
    engine: str = ""
    #: BCP 47, "" for the usual one.
    language: str = ""

    def fits(self, call: CallTraits) -> bool:
        return (
            self.pbx_id in {"", call.pbx_id}
            and self.direction in {"", call.direction}
            and self.queue_or_group.lower() in {"", (call.queue_or_group or "").lower()}
            and self.extension in {"", call.extension or ""}
            and (not self.spoken or _short(self.spoken) == _short(call.language or ""))
        )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """How to transcribe one call."""

    #: A choice as `speech.plugins` has it.
    engine: str
    #: BCP 47; None to find it out.
    language: str | None
    #: The number of the rule that decided, from 1; None for the usual way.
    rule: int | None


def choose(call: CallTraits, rules: Sequence[SpeechRule], *, engine: str = AUTO, language: str | None = None) -> Chosen:
    """The way the first fitting rule says; what it leaves open is as usual.

    Args:
        engine, language: the usual ones.
    """
    for number, rule in enumerate(rules, 1):
        if rule.fits(call):
            return Chosen(engine=rule.engine or engine, language=rule.language or language, rule=number)
    return Chosen(engine=engine, language=language, rule=None)


def _short(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
