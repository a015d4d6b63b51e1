import multiprocessing
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tests.fixtures.sounds import SOUNDS, babble, silence

from aftercall.audio import silero
from aftercall.audio.decode import decode
from aftercall.audio.turn_levels import with_loudness
from aftercall.model import Audio, Samples, Span, Transcript, Utterance, Word
from aftercall.speech import recognise as room
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.plugins import load
from aftercall.speech.portions import Portion, merge, share_out
from aftercall.speech.recognise import Circumstances, hear, plan, recognise, write
from aftercall.speech.score import folded

CLIP = SOUNDS / "two-voices.opus"


@pytest.fixture(autouse=True, scope="module")
def by_energy() -> Iterator[None]:
    """Without the network's weights: babble is loud and soft like speech, but no voice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silero, "speech_probabilities", lambda *_: None)
        yield


class Counting:
    """An engine that says how long each span is, and one word in the middle of nowhere."""

    name = "counting"
    model = "fingers 10"
    is_low_accuracy = False
    languages = ("en", "de")
    processes: Literal["one", "many"] = "many"
    writes_sentences = True

    def warm_up(self) -> None:
        """It has ten fingers."""

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        heard = []
        for span in spans:
            word = Word(text=f"{span.end_s - span.start_s:.0f}", start_s=span.start_s, end_s=span.end_s)
            nowhere = Word(text="nowhere", start_s=span.end_s + 0.5, end_s=span.end_s + 0.6)
            heard.append(
                Utterance(audio_channel=audio_channel, start_s=span.start_s, end_s=span.end_s, words=(word, nowhere))
            )
        return heard


def sound(*rows: Samples) -> Audio:
    return Audio(samples=np.stack(rows), rate_hz=8000)


def two_parties() -> Audio:
    return sound(np.concatenate([babble(3), silence(5)]), np.concatenate([silence(4), babble(2), silence(2)]))


def test_two_parties_on_two_channels_are_told_apart() -> None:
    found = recognise(two_parties(), Counting(), Hints())
    assert found.speakers == "stereo"
    assert [(turn.speaker, turn.text) for turn in found.turns] == [("A", "3"), ("B", "2")]


def test_one_channel_is_not_separated() -> None:
    mixed = sound(two_parties().samples.sum(axis=0))
    found = recognise(mixed, Counting(), Hints())
    assert found.speakers == "not separated"
    assert [(turn.speaker, turn.role) for turn in found.turns] == [("unknown", None), ("unknown", None)]


def test_the_same_signal_on_both_channels_is_heard_once() -> None:
    mixed = two_parties().samples.sum(axis=0)
    found = recognise(sound(mixed, mixed), Counting(), Hints())
    assert found.speakers == "not separated"
    assert len(found.turns) == 2


def test_a_party_alone_on_the_right_is_heard_there() -> None:
    found = recognise(sound(silence(8), two_parties().samples[0]), Counting(), Hints())
    assert (found.speakers, [turn.text for turn in found.turns]) == ("not separated", ["3"])


def test_words_outside_all_speech_are_dropped() -> None:
    assert "nowhere" not in str(recognise(two_parties(), Counting(), Hints()))


def test_a_word_of_one_party_is_not_saved_by_the_other_party_speaking() -> None:
    planned = room.Plan(
        channels_are_parties=True,
        portions=(
            Portion(audio_channel=0, spans=(Span(start_s=0, end_s=1),)),
            Portion(audio_channel=1, spans=(Span(start_s=5, end_s=6),)),
        ),
    )
    stray = Word(text="stray", start_s=5.2, end_s=5.4)
    heard = [Utterance(audio_channel=channel, start_s=5.2, end_s=5.4, words=(stray,)) for channel in (0, 1)]
    assert [turn.speaker for turn in write(planned, heard, Counting(), Hints()).turns] == ["B"]


def test_a_word_may_stand_a_little_beside_the_speech() -> None:
    planned = room.Plan(
        channels_are_parties=False, portions=(Portion(audio_channel=0, spans=(Span(start_s=1, end_s=2),)),)
    )
    words = tuple(Word(text=str(at), start_s=at, end_s=at) for at in (0.6, 0.75, 2.25, 2.4))
    (turn,) = write(planned, [Utterance(audio_channel=0, start_s=1, end_s=2, words=words)], Counting(), Hints()).turns
    assert turn.text == "0.75 2.25"


def test_silence_makes_a_transcript_without_turns() -> None:
    assert recognise(sound(silence(5)), Counting(), Hints()).turns == ()


def test_the_transcript_says_who_made_it() -> None:
    found = recognise(two_parties(), Counting(), Hints(language="de-AT"))
    assert (found.engine, found.model, found.language, found.is_low_accuracy) == ("counting", "fingers 10", "de", False)


def test_known_roles_are_written_into_the_turns() -> None:
    found = recognise(two_parties(), Counting(), Hints(), circumstances=Circumstances(chosen={"A": "agent"}))
    assert [turn.role for turn in found.turns] == ["agent", "customer"]


def test_the_plan_says_how_much_speech_there_is() -> None:
    assert plan(two_parties()).speech_s == pytest.approx(5, abs=0.6)


# ---- shared between processes -----------------------------------------------------------------------------------


def hear_file(path: Path, portions: list[Portion]) -> list[Utterance]:
    return hear(decode(path)[0], portions, load("auto", Outfit()), Hints())


@pytest.fixture(scope="module")
def in_one_process() -> Transcript:
    return recognise(decode(CLIP)[0], load("auto", Outfit()), Hints())


def test_a_call_shared_between_processes_gives_the_same_transcript(in_one_process: Transcript) -> None:
    planned = plan(decode(CLIP)[0])
    shares = share_out(planned.portions, 2)
    assert len(shares) == 2
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        heard = merge(pool.map(hear_file, [CLIP] * 2, shares))
    written = write(planned, heard, load("auto", Outfit()), Hints())
    assert with_loudness(written, decode(CLIP)[0]) == in_one_process


def test_the_short_call_is_understood(in_one_process: Transcript) -> None:
    """WER 20 % or less on clear wide-band voices; of real calls this engine understands far less."""
    written = [folded(line) for line in CLIP.with_suffix(".txt").read_text().splitlines()]
    assert [turn.speaker.lower() for turn in in_one_process.turns] == [line[0] for line in written]
    for turn, (_, *words) in zip(in_one_process.turns, written, strict=True):
        assert _errors(words, folded(turn.text)) <= 0.2 * len(words)


def test_the_transcript_carries_the_label_of_low_accuracy(in_one_process: Transcript) -> None:
    assert (in_one_process.engine, in_one_process.language, in_one_process.is_low_accuracy) == (
        "pocketsphinx",
        "en",
        True,
    )


def test_a_transcript_can_travel_between_processes(in_one_process: Transcript) -> None:
    assert pickle.loads(pickle.dumps(in_one_process)) == in_one_process


def _errors(reference: list[str], heard: list[str]) -> int:
    """Words to substitute, delete or insert."""
    row = list(range(len(heard) + 1))
    for at, expected in enumerate(reference, 1):
        before, row[0] = row[0], at
        for column, word in enumerate(heard, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (expected != word))
    return row[-1]
