"""This file puts utterances in the order of a conversation: who said what until the other one spoke."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aftercall.model import Role, Turn, Utterance, Word

#: A longer pause begins a new turn, even of the same party.
LONGEST_PAUSE_S = 1.5
#: More words than this are hard to read and to judge in one piece.
MOST_WORDS = 60
#: What a listener says to show that he listens; it does not take the turn from the other.
BACK_CHANNELS = frozenset(
    {
        "yeah", "yeah yeah", "yep", "yup", "ok", "okay", "okay okay", "right", "alright", "all right", "sure",
        "oh", "oh okay", "oh yeah", "ah", "aha", "mm", "mhm", "mm hmm", "mm-hmm", "mmhmm", "hm", "hmm",
        "uh", "um", "uh huh", "uh-huh", "i see", "got it",
    }
)  # fmt: skip
UNKNOWN = "unknown"


def turns(
    utterances: Iterable[Utterance],
    *,
    channels_are_parties: bool,
    roles: Mapping[str, Role | None] | None = None,
) -> list[Turn]:
    """Build the turns of a call.

    Args:
        utterances: of all audio channels, in any order; those without words are left out.
        channels_are_parties: each audio channel holds one party: the first becomes speaker `A`, the second `B`.
            Otherwise both parties may speak in every utterance: then each is a turn of speaker `unknown`.
        roles: the role of each speaker, where it is known.
    Returns:
        Turns by start. A turn goes on while its party makes no pause of more than LONGEST_PAUSE_S and the other party
        says nothing in between but a back-channel ("mhm"), which stands as a turn of its own. Turns of more than
        MOST_WORDS words are cut at their longest pause. The text is the engine's words as they are: no capitals and
        no full stops are added, since nobody heard where the sentences end.
    """
    spoken = sorted((each for each in utterances if each.words), key=lambda each: (each.start_s, each.audio_channel))
    runs = _by_party(spoken) if channels_are_parties else [(UNKNOWN, each.words) for each in spoken]
    pieces = [(speaker, piece) for speaker, words in runs for piece in _cut(words)]
    pieces.sort(key=lambda piece: (piece[1][0].start_s, piece[0]))
    return [
        Turn(
            speaker=speaker,
            role=(roles or {}).get(speaker),
            start_s=words[0].start_s,
            end_s=words[-1].end_s,
            text=" ".join(word.text for word in words),
            words=tuple(words),
        )
        for speaker, words in pieces
    ]


def speaker_of(audio_channel: int) -> str:
    """The party in an audio channel, where each holds one."""
    return "AB"[audio_channel]


def is_back_channel(words: Sequence[Word]) -> bool:
    """Whether somebody only shows that he listens."""
    return len(words) <= 2 and " ".join(word.text.lower().strip(".,!?") for word in words) in BACK_CHANNELS


def _by_party(spoken: Sequence[Utterance]) -> list[tuple[str, list[Word]]]:
    listening = _back_channels(spoken)
    runs: list[tuple[str, list[Word]]] = []
    #: The turn each party may still go on with.
    open_turns: dict[int, list[Word]] = {}
    for position, utterance in enumerate(spoken):
        channel = utterance.audio_channel
        words = open_turns.get(channel)
        if words is None or utterance.words[0].start_s - words[-1].end_s > LONGEST_PAUSE_S:
            words = []
            runs.append((speaker_of(channel), words))
        words.extend(utterance.words)
        if position in listening:
            open_turns[channel] = words
        else:
            open_turns = {channel: words}
    return runs


def _back_channels(spoken: Sequence[Utterance]) -> set[int]:
    """Positions of the utterances that are back-channels: all their party says without a longer pause."""
    found: set[int] = set()
    for channel in {each.audio_channel for each in spoken}:
        for run in _unbroken([(at, each) for at, each in enumerate(spoken) if each.audio_channel == channel]):
            if is_back_channel([word for _, each in run for word in each.words]):
                found.update(at for at, _ in run)
    return found


def _unbroken(own: Sequence[tuple[int, Utterance]]) -> Iterator[list[tuple[int, Utterance]]]:
    """One party's utterances in groups without a longer pause inside."""
    group: list[tuple[int, Utterance]] = []
    for each in own:
        if group and each[1].words[0].start_s - group[-1][1].words[-1].end_s > LONGEST_PAUSE_S:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _cut(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Words in pieces of at most MOST_WORDS, cut at the longest pauses; of equal pauses the middle one."""
    if len(words) <= MOST_WORDS:
        yield words
        return
    middle = len(words) / 2
    at = max(
        range(1, len(words)), key=lambda at: (round(words[at].start_s - words[at - 1].end_s, 3), -abs(at - middle))
    )
    yield from _cut(words[:at])
    yield from _cut(words[at:])
