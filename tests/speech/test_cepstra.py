from pathlib import Path

import numpy as np
import pocketsphinx
import pytest
from tests.fixtures.sounds import SOUNDS

from aftercall.audio.decode import decode
from aftercall.model import Samples
from aftercall.speech.cepstra import BANDS, cepstra, mel_bands
from aftercall.speech.engines import pocketsphinx as engine
from aftercall.speech.score import word_errors


@pytest.fixture(scope="module")
def speech() -> Samples:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    assert audio.rate_hz == 16000
    return audio.samples[0][: 6 * audio.rate_hz]


@pytest.fixture(scope="module")
def theirs(speech: Samples, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The cepstra that the decoder makes for itself, as it can be told to write them down."""
    folder = tmp_path_factory.mktemp("cepstra")
    decoder = pocketsphinx.Decoder(
        hmm=pocketsphinx.get_model_path("en-us/en-us"), lm=None, samprate=16000, loglevel="FATAL",
        mfclogdir=str(folder), keyphrase="good morning", dict=pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"),
    )  # fmt: skip
    decoder.start_utt()
    decoder.process_raw((speech * 32767).astype("<i2").tobytes(), no_search=True, full_utt=True)
    decoder.end_utt()
    (written,) = Path(folder).iterdir()
    return np.frombuffer(written.read_bytes()[4:], ">f4").reshape(-1, 13)


def test_the_cepstra_are_those_of_the_decoder(speech: Samples, theirs: np.ndarray) -> None:
    ours = cepstra(mel_bands(speech))
    assert 0 <= len(theirs) - len(ours) <= 1  # it fills up a last frame
    gap = np.abs(theirs[: len(ours)] - ours)
    assert gap.mean() < 0.001
    assert gap.max() < 0.1
    assert theirs.std() > 10


def test_the_decoder_understands_nearly_the_same_from_cepstra(speech: Samples) -> None:
    decoder = engine._decoder()

    def words() -> list[str]:
        return [segment.word for segment in decoder.seg() if segment.word.isalpha()]

    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw((speech * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    from_sound = words()
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_cep(cepstra(mel_bands(speech)).tobytes(), full_utt=True)
    decoder.end_utt()
    # A rounding at a tie may turn a word that was wrong anyway into another one.
    assert word_errors(" ".join(from_sound), " ".join(words())).wrong <= 1
    assert len(from_sound) > 10


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (409, 0), (410, 1), (569, 1), (570, 2)])
def test_frames_need_a_whole_window(samples: int, frames: int) -> None:
    bands = mel_bands(np.zeros(samples, np.float32))
    assert bands.shape == (frames, BANDS)
    assert np.isfinite(bands).all()


def test_a_long_stretch_is_heard_as_its_pieces_are(speech: Samples) -> None:
    """Blocks of frames are an economy, not a border."""
    long = np.tile(speech, 8)
    assert len(mel_bands(long)) == 1 + (long.size - 410) // 160
    assert np.allclose(mel_bands(long)[:500], mel_bands(long[: 501 * 160 + 410])[:500])
