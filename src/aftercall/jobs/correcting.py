"""This file is what people may put right in a call: words, speakers, who works here, the mood of a line."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from aftercall.jobs.understanding import Understanding
from aftercall.model import Role, SentimentLabel, Turn
from aftercall.store import call_speakers, corrections, mood_corrections


class Correcting:
    """Each change is one transaction, and then the call is understood anew.

    Every method may raise NotFound; what else it raises is said with it.
    """

    def __init__(self, engine: sa.Engine, understanding: Understanding, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._understanding = understanding
        self._clock = clock

    def correct(self, call_id: str, position: int, *, text: str, expected: str, by: str) -> Turn:
        """Give a line the text that was really said; the same text again confirms it.

        Args:
            expected: the text of the line as the person saw it.
        Raises:
            CorrectionOutdated: the line says something else by now.
        """
        now = self._clock()
        with self._engine.begin() as db:
            turn = corrections.correct(db, call_id, position, text=text, expected=expected, by=by, now=now)
        self._understanding.of_call(call_id, now)
        return turn

    def restore(self, call_id: str, correction_id: int, *, by: str) -> Turn:
        """Give a line back what it said before one of its corrections.

        Raises:
            CorrectionOutdated: the correction was made in another version of the transcript.
        """
        now = self._clock()
        with self._engine.begin() as db:
            turn = corrections.restore(db, call_id, correction_id, by=by, now=now)
        self._understanding.of_call(call_id, now)
        return turn

    def choose_speaker(self, call_id: str, speaker: str, *, role: Role | None, name: str | None, by: str) -> None:
        """Say who a speaker is: what he is called, and whether he works here; None leaves it as it is."""
        now = self._clock()
        with self._engine.begin() as db:
            call_speakers.choose(db, call_id, speaker, role=role, name=name, by=by, now=now)
        self._understanding.of_call(call_id, now)

    def swap_speakers(self, call_id: str, *, by: str) -> None:
        """Exchange agent and customer."""
        now = self._clock()
        with self._engine.begin() as db:
            call_speakers.swap(db, call_id, by=by, now=now)
        self._understanding.of_call(call_id, now)

    def say_it_was_the_other(self, call_id: str, position: int) -> None:
        """Give one line to the other speaker."""
        now = self._clock()
        with self._engine.begin() as db:
            call_speakers.say_it_was_the_other(db, call_id, position, now=now)
        self._understanding.of_call(call_id, now)

    def say_mood(self, call_id: str, position: int, *, label: SentimentLabel | None, by: str) -> None:
        """Say how a line felt; None takes it back."""
        now = self._clock()
        with self._engine.begin() as db:
            mood_corrections.say(db, call_id, position, label=label, by=by, now=now)
        self._understanding.of_call(call_id, now)
