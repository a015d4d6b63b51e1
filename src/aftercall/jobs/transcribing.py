"""This file transcribes one stored recording the way the settings, or a person, want it."""

from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from aftercall.jobs import listening
from aftercall.jobs.listening import Sound
from aftercall.jobs.pool import Workers
from aftercall.model import Transcript
from aftercall.recordings.archive import Archive
from aftercall.speech import plugins
from aftercall.speech.choosing import CallTraits, choose
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.recognise import Circumstances, Manner
from aftercall.store import call_speakers, calls, remote_service, speech_settings, vocabulary
from aftercall.store.recordings import RecordingFile
from aftercall.store.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Transcribing:
    """All that transcribing a stored recording needs; built once by the wiring."""

    engine: sa.Engine
    archive: Archive
    workers: Workers
    models_folder: Path
    #: Opens the remote service's key.
    vault: Vault
    #: For engines that work in one process.
    threads: int

    def of_call(self, file: RecordingFile, *, engine: str | None = None, language: str | None = None) -> Transcript:
        """Transcribe a recording that is at home.

        Args:
            engine: a choice as `speech.plugins` has it; None for what the settings say.
            language: BCP 47; None for what the settings say.
        Raises:
            AudioError, EngineError: as the decoder and the engine raise them.
            SecretUnreadable: the key of the remote service, where it is to be used.
        """
        with self.engine.connect() as db:
            settings = speech_settings.load(db)
            phrases = vocabulary.phrases(db, with_names=settings.uses_names)
            (row,) = calls.rows_by_id(db, [file.call_id])
            said_of = call_speakers.of_call(db, file.call_id)
            remote = remote_service.described(db)
        traits = CallTraits(
            pbx_id=row.pbx_id,
            direction=row.direction,
            queue_or_group=row.queue_or_group,
            extension=row.extension,
            language=row.language,
        )
        usual = choose(traits, settings.rules, engine=settings.engine, language=settings.language)
        spoken = language or usual.language
        outfit = Outfit(models=self.models_folder, threads=self.threads, remote=remote)
        choice = plugins.resolve(engine or usual.engine, outfit, language=spoken)
        if choice == plugins.REMOTE:  # only now: a key that cannot be read concerns no other engine
            with self.engine.connect() as db:
                outfit = replace(outfit, remote=remote_service.load(db, self.vault))
        return listening.transcribe(
            self.workers,
            sound_of(self.archive, file),
            choice=choice,
            outfit=outfit,
            hints=Hints(language=spoken, phrases=phrases),
            manner=Manner(
                models=self.models_folder,
                thresholds=settings.thresholds,
                understood_from=settings.understood_from,
            ),
            circumstances=Circumstances(
                direction=row.direction,
                chosen={speaker: each.role for speaker, each in said_of.items() if each.role},
            ),
        )


def sound_of(archive: Archive, file: RecordingFile) -> Sound:
    """A recording that is at home."""
    assert file.archive_key is not None
    # The name in the list has no extension; the format it was listed with stands in for it.
    name = f"{file.name}.{file.listed_format}"
    return Sound(path=archive.path(file.archive_key), name=name, content_type=file.content_type or "")
