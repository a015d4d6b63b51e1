"""This file puts utterances in the order of a conversation: who said what until the other one spoke."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from aftercall.model import Role, Turn, Utterance, Voices, Word
from aftercall.speech.sentences import pause_that_ends, readable

#: A longer pause begins a new turn, even of the same party.
LONGEST_PAUSE_S = 1.5
#: More words than this are hard to read and to judge in one piece.
MOST_WORDS = 60
#: A long turn is not cut so close to its ends: a line of its own for "well" helps nobody.
FEWEST_WORDS = 5
#: In a shorter pause nobody else gets a word in.
BREATH_S = 0.3
#: One word in the other voice, shorter than this and without a pause around it, is an error of the voices.
SHORTEST_REPLY_S = 0.3
#: A gap from here on is a pause.
PAUSE_S = 0.1
#: A turn's few words say little of whether it was understood: so many seconds of its speaker's usual confidence count
#: beside them.
USUAL_S = 4.0
#: What a listener says to show that he listens; it does not take the turn from the other.
BACK_CHANNELS = frozenset(
    {
        "yeah", "yeah yeah", "yep", "yup", "ok", "okay", "okay okay", "right", "alright", "all right", "sure",
        "oh", "oh okay", "oh yeah", "ah", "aha", "mm", "mhm", "mm hmm", "mm-hmm", "mmhmm", "hm", "hmm",
        "uh", "um", "uh huh", "uh-huh", "i see", "got it",
    }
)  # fmt: skip
UNKNOWN = "unknown"
_OTHER_ROLE: dict[Role, Role] = {"agent": "customer", "customer": "agent"}


@dataclass(frozen=True, kw_only=True)
class _Said:
    """Words of one speaker, in order and without a long pause."""

    speaker: str
    words: Sequence[Word]

    @property
    def start_s(self) -> float:
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        return self.words[-1].end_s


def turns(
    utterances: Iterable[Utterance],
    *,
    channels_are_parties: bool,
    voices: Voices | None = None,
    roles: Mapping[str, Role | None] | None = None,
    understood_from: float | None = None,
    adds_sentences: bool = False,
    language: str = "en",
) -> list[Turn]:
    """Build the turns of a call.

    Args:
        utterances: of all audio channels, in any order; those without words are left out.
        channels_are_parties: each audio channel holds one party: the first becomes speaker `A`, the second `B`.
        voices: who speaks when in one audio channel with both parties, if they could be told apart. If not, each
            utterance is a turn of speaker `unknown`, and so is what follows a longer pause inside it.
        roles: the role of each speaker, where it is known.
        understood_from: a turn whose words are less sure than this, 0 to 1, was not understood: it keeps its words,
            and has no text. How sure its speaker's words usually are counts too, most where the turn is short.
            None: everything counts as understood, as it does where the engine gives no confidences.
        adds_sentences: the engine writes neither capitals nor punctuation; add them for reading.
        language: BCP 47, of the sentences to add.
    Returns:
        Turns by start. A turn goes on while its party makes no pause of more than LONGEST_PAUSE_S and the other party
        says nothing in between but a back-channel ("mhm"), which stands as a turn of its own. Turns of more than
        MOST_WORDS words are cut at their longest pause. The text is the words, joined by spaces: word k of the text is
        word k of `words`.
    """
    heard = [each for each in utterances if each.words]
    if channels_are_parties or (voices is not None and voices.is_accepted):
        said = _by_channel(heard) if channels_are_parties or voices is None else _by_voice(heard, voices)
        runs = _taking_turns(said)
    else:
        runs = [_Said(speaker=UNKNOWN, words=part) for each in heard for part in _parts(each.words, LONGEST_PAUSE_S)]
    pieces = [_Said(speaker=run.speaker, words=piece) for run in runs for piece in _cut(run.words)]
    pieces.sort(key=lambda piece: (piece.start_s, piece.speaker))
    pauses = _own_pauses(pieces) if adds_sentences else {}
    usual = {
        speaker: mean_confidence(word for piece in pieces if piece.speaker == speaker for word in piece.words)
        for speaker in {piece.speaker for piece in pieces}
    }
    return [
        _turn(
            piece,
            role=(roles or {}).get(piece.speaker),
            usual=usual[piece.speaker],
            understood_from=understood_from,
            pause_s=pauses.get(piece.speaker),
            language=language,
        )
        for piece in pieces
    ]


def speaker_of(audio_channel: int) -> str:
    """The party in an audio channel, where each holds one."""
    return "AB"[audio_channel]


def is_back_channel(words: Sequence[Word]) -> bool:
    """Whether somebody only shows that he listens."""
    return len(words) <= 2 and " ".join(word.text.lower().strip(".,!?") for word in words) in BACK_CHANNELS


def mean_confidence(words: Iterable[Word]) -> float | None:
    """How sure an engine is of some words, long words counting more; None where it gives no confidences."""
    known = [(word.confidence, max(word.end_s - word.start_s, 0.01)) for word in words if word.confidence is not None]
    if not known:
        return None
    return sum(sure * length_s for sure, length_s in known) / sum(length_s for _, length_s in known)


def _evident(words: Sequence[Word], usual: float | None) -> float | None:
    """The confidence of a turn, drawn towards its speaker's usual one; None where the turn has none."""
    own = mean_confidence(words)
    if own is None or usual is None:
        return own
    length_s = sum(max(word.end_s - word.start_s, 0.01) for word in words if word.confidence is not None)
    return (own * length_s + usual * USUAL_S) / (length_s + USUAL_S)


# ---- as a person puts it right ----------------------------------------------------------------------------------


def with_roles(said: Sequence[Turn], roles: Mapping[str, Role | None]) -> tuple[Turn, ...]:
    """The same turns with the roles a person chose; speakers not named keep theirs."""
    return tuple(replace(turn, role=roles.get(turn.speaker, turn.role)) for turn in said)


def swapped(said: Sequence[Turn]) -> tuple[Turn, ...]:
    """The same turns with agent and customer exchanged; who has no role gets none."""
    return tuple(replace(turn, role=_OTHER_ROLE[turn.role] if turn.role else None) for turn in said)


def with_speaker(said: Sequence[Turn], position: int, speaker: str, *, joins: bool = True) -> tuple[Turn, ...]:
    """The same turns, one of them said by another speaker, and joined with its neighbours where that makes one turn.

    Args:
        position: of the turn, from 0.
        speaker: `A` or `B`. The turn takes that speaker's role; of a speaker who had no turn yet, the role that
            the only other one leaves.
        joins: False leaves the turns apart, so that each keeps its position.
    Returns:
        As many turns as before, or up to two fewer.
    Raises:
        IndexError: there is no such turn.
    """
    changed = list(said)
    changed[position] = replace(changed[position], speaker=speaker, role=_role_of(speaker, said))
    if not joins:
        return tuple(changed)
    first = last = position
    while first > 0 and _are_one(changed[first - 1], changed[first], words=_count(changed[first - 1 : last + 1])):
        first -= 1
    while last + 1 < len(changed) and _are_one(
        changed[last], changed[last + 1], words=_count(changed[first : last + 2])
    ):
        last += 1
    return (*changed[:first], _joined(changed[first : last + 1]), *changed[last + 1 :])


def _role_of(speaker: str, said: Sequence[Turn]) -> Role | None:
    own = next((turn.role for turn in said if turn.speaker == speaker), None)
    if own is not None or any(turn.speaker == speaker for turn in said):
        return own
    others = {turn.role for turn in said if turn.speaker not in {speaker, UNKNOWN}}
    only = others.pop() if len(others) == 1 else None
    return _OTHER_ROLE[only] if only else None


def _are_one(before: Turn, after: Turn, *, words: int) -> bool:
    """Whether two neighbours are one party's unbroken speech."""
    return (
        before.speaker == after.speaker
        and before.is_understood == after.is_understood
        and after.start_s - before.end_s <= LONGEST_PAUSE_S
        and words <= MOST_WORDS
    )


def _count(said: Iterable[Turn]) -> int:
    return sum(len(turn.words) for turn in said)


def _joined(said: Sequence[Turn]) -> Turn:
    return replace(
        said[0],
        end_s=max(turn.end_s for turn in said),
        text=" ".join(turn.text for turn in said if turn.text),
        words=tuple(word for turn in said for word in turn.words),
        is_corrected=any(turn.is_corrected for turn in said),
    )


# ---- who said it ------------------------------------------------------------------------------------------------


def _by_channel(heard: Sequence[Utterance]) -> list[_Said]:
    return [
        _Said(speaker=speaker_of(each.audio_channel), words=part)
        for each in heard
        # One utterance may hold a breath in which the other party spoke.
        for part in _parts(each.words, BREATH_S)
    ]


def _by_voice(heard: Sequence[Utterance], voices: Voices) -> list[_Said]:
    ordered = sorted(heard, key=lambda each: each.start_s)
    speakers = iter(_smoothed(_speakers([word for each in ordered for word in each.words], voices)))
    said = []
    for each in ordered:
        for part in _parts(each.words, BREATH_S):
            of_part = [(word, next(speakers)) for word in part]
            for speaker, own in groupby(of_part, key=lambda pair: pair[1]):
                said.append(_Said(speaker=speaker, words=[word for word, _ in own]))
    return said


def _speakers(words: Sequence[Word], voices: Voices) -> list[tuple[Word, str]]:
    """Each word with its speaker; one in which nobody is known to speak goes to the nearer word's."""
    found = [speaker_at(voices, word.start_s, word.end_s) for word in words]
    known = [at for at, speaker in enumerate(found) if speaker is not None]
    told: list[tuple[Word, str]] = []
    for at, word in enumerate(words):
        speaker = found[at]
        if speaker is None:
            right = bisect_right(known, at)
            around = known[max(0, right - 1) : right + 1]
            nearest = min(around, key=lambda other: _distance_s(words[other], word), default=None)
            speaker = found[nearest] if nearest is not None else None
        told.append((word, speaker or UNKNOWN))
    return told


def _distance_s(one: Word, other: Word) -> float:
    return max(one.start_s, other.start_s) - min(one.end_s, other.end_s)


def _smoothed(told: Sequence[tuple[Word, str]]) -> list[str]:
    """The speakers, without the flips that are too short and too close to be a reply."""
    speakers = [speaker for _, speaker in told]
    for at in range(1, len(told) - 1):
        word, before, after = told[at][0], told[at - 1][0], told[at + 1][0]
        if (
            speakers[at - 1] == speakers[at + 1] != speakers[at]
            and word.end_s - word.start_s < SHORTEST_REPLY_S
            and word.start_s - before.end_s < PAUSE_S
            and after.start_s - word.end_s < PAUSE_S
        ):
            speakers[at] = speakers[at - 1]
    return speakers


def _parts(words: Sequence[Word], longest_s: float) -> Iterator[Sequence[Word]]:
    """Words in stretches without a longer pause."""
    first = 0
    for at, (before, word) in enumerate(pairwise(words), start=1):
        if word.start_s - before.end_s > longest_s:
            yield words[first:at]
            first = at
    yield words[first:]


def speaker_at(voices: Voices, start_s: float, end_s: float) -> str | None:
    """Who speaks most of a stretch; None if nobody does."""
    first = max(0, bisect_right(voices.spans, start_s, key=lambda span: span.start_s) - 1)
    spoken: dict[str, float] = {}
    for span in voices.spans[first:]:
        if span.start_s >= end_s:
            break
        if (overlap_s := min(span.end_s, end_s) - max(span.start_s, start_s)) > 0:
            spoken[span.speaker] = spoken.get(span.speaker, 0.0) + overlap_s
    return max(spoken, key=lambda speaker: spoken[speaker], default=None)


# ---- until the other one spoke ----------------------------------------------------------------------------------


def _taking_turns(said: Iterable[_Said]) -> list[_Said]:
    spoken = sorted(said, key=lambda each: (each.start_s, each.speaker))
    listening = _back_channels(spoken)
    runs: list[tuple[str, list[Word]]] = []
    #: The turn each party may still go on with.
    open_turns: dict[str, list[Word]] = {}
    for position, each in enumerate(spoken):
        words = open_turns.get(each.speaker)
        if words is None or each.start_s - words[-1].end_s > LONGEST_PAUSE_S:
            words = []
            runs.append((each.speaker, words))
        words.extend(each.words)
        if position in listening:
            open_turns[each.speaker] = words
        else:
            open_turns = {each.speaker: words}
    return [_Said(speaker=speaker, words=words) for speaker, words in runs]


def _back_channels(spoken: Sequence[_Said]) -> set[int]:
    """Positions of what is a back-channel: all its party says without a longer pause."""
    found: set[int] = set()
    for speaker in {each.speaker for each in spoken}:
        for run in _unbroken([(at, each) for at, each in enumerate(spoken) if each.speaker == speaker]):
            # Looking at three words is enough to know that they are more than two.
            if is_back_channel([word for _, each in run[:3] for word in each.words]):
                found.update(at for at, _ in run)
    return found


def _unbroken(own: Sequence[tuple[int, _Said]]) -> Iterator[list[tuple[int, _Said]]]:
    """What one party says, in groups without a longer pause inside."""
    group: list[tuple[int, _Said]] = []
    for each in own:
        if group and each[1].start_s - group[-1][1].end_s > LONGEST_PAUSE_S:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _cut(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Words in pieces of at most MOST_WORDS, cut at the longest pauses; of equal pauses the middle one."""
    waiting = [words]
    while waiting:
        piece = waiting.pop()
        if len(piece) <= MOST_WORDS:
            yield piece
            continue
        at = max(range(FEWEST_WORDS, len(piece) - FEWEST_WORDS + 1), key=lambda at: _worth(piece, at))
        waiting += [piece[at:], piece[:at]]


def _worth(words: Sequence[Word], at: int) -> tuple[float, float]:
    """How good a place it is to cut before a word."""
    return round(words[at].start_s - words[at - 1].end_s, 3), -abs(at - len(words) / 2)


# ---- as it is written -------------------------------------------------------------------------------------------


def _own_pauses(pieces: Iterable[_Said]) -> dict[str, float]:
    """For each speaker the pause with which he ends a sentence."""
    gaps: dict[str, list[float]] = {}
    for piece in pieces:
        own = gaps.setdefault(piece.speaker, [])
        own += [after.start_s - before.end_s for before, after in pairwise(piece.words)]
    return {speaker: pause_that_ends(own) for speaker, own in gaps.items()}


def _turn(
    piece: _Said,
    *,
    role: Role | None,
    usual: float | None,
    understood_from: float | None,
    pause_s: float | None,
    language: str,
) -> Turn:
    sure = _evident(piece.words, usual)
    is_understood = understood_from is None or sure is None or sure >= understood_from
    words = tuple(piece.words)
    if pause_s is not None and is_understood:
        words = readable(words, language=language, pause_s=pause_s)
    return Turn(
        speaker=piece.speaker,
        role=role,
        start_s=piece.start_s,
        end_s=piece.end_s,
        text=" ".join(word.text for word in words) if is_understood else "",
        words=words,
        is_understood=is_understood,
    )
