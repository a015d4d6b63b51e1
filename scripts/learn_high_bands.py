"""This file learns `src/aftercall/speech/narrow_band.npy`: how the mel bands above 4 kHz follow those below.

A tool for those who change the front end, not a part of the product. It learns from speech that we make ourselves: the
lines of the demo's calls, said by the free synthetic voices of `voice_demo_calls.py` and by flite's `kal16`, each also
a little faster and slower, so that larger and smaller mouths are among them. No recording of a person is in it.
Each line is heard twice, in wide band and as a telephone carries it (8 kHz, G.711), and a ridge regression finds
the upper bands of the first in the lower bands of the second, both without their mean. It needs flite and festival:

    .venv/bin/python scripts/learn_high_bands.py
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr

from aftercall.demo.scripts import all_scripts
from aftercall.speech.cepstra import RATE_HZ, mel_bands
from aftercall.speech.narrow_band import HEARD, WEIGHTS, context
from voice_demo_calls import VOICES, Samples, flite, voice

TELEPHONE_HZ = 8000
#: Played faster, a voice is higher and its mouth smaller.
PACES = (0.9, 1.0, 1.12)
#: How strongly large weights are held down, for each frame learned from.
RIDGE = 0.03

VOICES["kal16"] = flite("kal16")


def main() -> None:
    lines = [line.text for script in all_scripts() for line in script.lines]
    names = sorted(VOICES)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda at: voice(names[at % len(names)], lines[at]), range(len(lines))))
    left, right = (np.concatenate(column) for column in zip(*_heard_twice(said), strict=True))
    gram = left.T @ left + RIDGE * len(left) * np.eye(left.shape[1])
    weights = np.linalg.solve(gram, left.T @ right)
    rest = right - left @ weights
    print(f"{len(left) / 100:.0f} s; {1 - rest.var() / right.var():.2f} of the variance explained")
    np.save(WEIGHTS, weights.astype(np.float32))


def _heard_twice(said: list[Samples]) -> Iterator[tuple[Samples, Samples]]:
    for at, line in enumerate(said):
        sound = np.pad(soxr.resample(line, RATE_HZ * PACES[at % len(PACES)], RATE_HZ, quality="HQ"), RATE_HZ // 10)
        wide, narrow = mel_bands(sound), mel_bands(_by_telephone(sound))
        low, high = narrow[:, :HEARD], wide[:, HEARD:]
        yield context(low - low.mean(axis=0)), high - high.mean(axis=0)


def _by_telephone(sound: Samples) -> Samples:
    """Through G.711's mu-law at 8 kHz and back."""
    narrow = soxr.resample(sound, RATE_HZ, TELEPHONE_HZ, quality="HQ")
    steps = np.round(np.sign(narrow) * np.log1p(255 * np.minimum(1, np.abs(narrow))) / np.log(256) * 127) / 127
    decoded = np.sign(steps) * (256 ** np.abs(steps) - 1) / 255
    return soxr.resample(decoded.astype(np.float32), TELEPHONE_HZ, RATE_HZ, quality="HQ")[: len(sound)]


if __name__ == "__main__":
    main()
