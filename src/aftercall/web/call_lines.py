"""This file lays a transcript out for reading: what was said, and between it what was no speech; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aftercall.model import NonSpeech, NonSpeechKind, Role, Transcript, Turn, TurnSentiment
from aftercall.speech.turns import UNKNOWN
from aftercall.store.call_speakers import NOTHING, SPEAKERS, ChosenSpeaker
from aftercall.store.corrections import Correction

#: What is no speech, in words.
QUIET_WORDS: dict[NonSpeechKind, str] = {
    "silence": "silence",
    "ringback": "ringing",
    "busy": "busy tone",
    "dtmf": "keys pressed",
    "beep": "beep",
    "music": "music",
}
#: Sounds of one kind that are nearer than this are one to the ear: the keys of a number, the two sides of a call.
APART_S = 2.0

LANGUAGE_FROM_WORDS = {
    "chosen": "chosen",
    "engine": "found by the engine",
    "text": "found from the words",
    "assumed": "assumed",
}


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One speaker as the page names him."""

    #: `A`, `B` or `unknown`.
    key: str
    #: What he is called: his name, else his role, else `Speaker A`; "" where the speakers were not told apart.
    label: str
    #: The name that people gave him, "" for none.
    name: str
    role: Role | None

    @property
    def colour(self) -> str:
        return self.role or f"speaker-{self.key.lower()}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One turn."""

    position: int
    turn: Turn
    speaker: Speaker
    mood: TurnSentiment | None
    #: What people put right in it, the oldest first.
    history: tuple[Correction, ...]

    @property
    def is_speech(self) -> bool:
        return True

    @property
    def start_s(self) -> float:
        return self.turn.start_s

    @property
    def mark(self) -> str:
        """`checked`: somebody found it right as it was; `corrected`; "" while it stands as the engine heard it."""
        if not self.turn.is_corrected:
            return ""
        heard = self.history[0].before if self.history else None
        return "checked" if heard and heard.is_understood and heard.text == self.turn.text else "corrected"

    @property
    def guess(self) -> str:
        """What the engine heard in a line that was not understood."""
        return "" if self.turn.is_understood else " ".join(word.text for word in self.turn.words)


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """A stretch without speech."""

    kind: NonSpeechKind
    start_s: float
    end_s: float

    @property
    def is_speech(self) -> bool:
        return False

    @property
    def words(self) -> str:
        return QUIET_WORDS[self.kind]

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def laid_out(
    made: Transcript,
    moods: Sequence[TurnSentiment],
    chosen: Mapping[str, ChosenSpeaker],
    history: Mapping[int, Sequence[Correction]],
) -> list[Line | Quiet]:
    """All rows of a transcript by start."""
    rows: list[Line | Quiet] = [
        line(made, position, moods, chosen, history.get(position, ())) for position in range(len(made.turns))
    ]
    return sorted([*rows, *quiet(made.non_speech)], key=lambda row: row.start_s)


def line(
    made: Transcript,
    position: int,
    moods: Sequence[TurnSentiment],
    chosen: Mapping[str, ChosenSpeaker],
    history: Sequence[Correction],
) -> Line:
    """One turn of a transcript."""
    turn = made.turns[position]
    return Line(
        position=position,
        turn=turn,
        speaker=speaker(turn.speaker, turn.role, chosen),
        mood=moods[position] if position < len(moods) else None,
        history=tuple(history),
    )


def speaker(key: str, role: Role | None, chosen: Mapping[str, ChosenSpeaker]) -> Speaker:
    """How a speaker is named."""
    name = chosen.get(key, NOTHING).name
    plain = "" if key == UNKNOWN else f"Speaker {key}"
    return Speaker(key=key, label=name or (role.capitalize() if role else plain), name=name, role=role)


def speakers(made: Transcript, chosen: Mapping[str, ChosenSpeaker]) -> dict[str, Speaker]:
    """The two speakers of a call, also one who said nothing; empty where they were not told apart."""
    roles = {turn.speaker: turn.role for turn in made.turns if turn.speaker != UNKNOWN}
    if not roles:
        return {}
    for key, other in (SPEAKERS, SPEAKERS[::-1]):
        if key not in roles and (left := roles[other]):
            roles[key] = "customer" if left == "agent" else "agent"
    return {key: speaker(key, roles.get(key), chosen) for key in SPEAKERS}


def quiet(found: Iterable[NonSpeech]) -> list[Quiet]:
    """What is no speech, of all audio channels together."""
    rows: list[Quiet] = []
    for each in sorted(found, key=lambda each: (each.kind, each.start_s)):
        # Between two silences there was something, however short.
        apart_s = 0.0 if each.kind == "silence" else APART_S
        if rows and rows[-1].kind == each.kind and each.start_s - rows[-1].end_s <= apart_s:
            rows[-1] = replace(rows[-1], end_s=max(rows[-1].end_s, each.end_s))
        else:
            rows.append(Quiet(kind=each.kind, start_s=each.start_s, end_s=each.end_s))
    return rows
