import numpy as np
import pytest
from tests.fixtures.sounds import babble, silence, tone

from aftercall.audio.loudness import HIGHEST_PEAK, TARGET_DBFS, active_rms, levelled


def dbfs(level: float) -> float:
    return 20 * float(np.log10(level))


@pytest.mark.parametrize("level_dbfs", [-50, -35, -23, -15])
def test_speech_comes_to_the_same_level(level_dbfs: float) -> None:
    out = levelled(babble(2, level_dbfs=level_dbfs), 8000)
    assert dbfs(active_rms(out, 8000)) == pytest.approx(TARGET_DBFS, abs=0.1)


def test_pauses_do_not_count() -> None:
    speech = babble(1, level_dbfs=-40)
    alone = levelled(speech, 8000)
    among_pauses = levelled(np.concatenate([silence(3), speech, silence(3)]), 8000)[24000:32000]
    assert dbfs(active_rms(among_pauses, 8000)) == pytest.approx(dbfs(active_rms(alone, 8000)), abs=0.1)


def test_nothing_is_clipped() -> None:
    spiky = babble(2, level_dbfs=-45)
    spiky[100:400] += tone(300 / 8000, peak=0.5)[:300]
    assert np.max(np.abs(levelled(spiky, 8000))) <= HIGHEST_PEAK + 1e-6


def test_a_constant_offset_is_taken_out() -> None:
    assert abs(float(np.mean(levelled(babble(2) + np.float32(0.2), 8000)))) < 1e-4


@pytest.mark.parametrize("sound", [silence(1), silence(1) + np.float32(0.1), silence(0), silence(0.001)])
def test_silence_stays_silence(sound: np.ndarray) -> None:
    out = levelled(sound, 8000)
    assert out.shape == sound.shape
    assert not np.any(out)


def test_the_sound_that_came_in_is_not_changed() -> None:
    sound = babble(1)
    before = sound.copy()
    levelled(sound, 8000)
    assert np.array_equal(before, sound)
