"""This file voices the demo's calls: text in `calls.toml` becomes speech in `src/aftercall/demo/media/`.

A tool for those who change the dialogues, not a part of the product. It needs flite, festival with the voice
festvox-us-slt-hts, and sox; run it with the project's Python after `calls.toml` has changed:

    .venv/bin/python scripts/voice_demo_calls.py            # voice everything
    .venv/bin/python scripts/voice_demo_calls.py KEY...     # only these calls

Each call becomes one Opus file that holds its lines one after another; `timeline.json` says where each line stands in
that file and where in the call. So pauses cost no bytes and both parties stay apart.
"""

import json
import random
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soxr

from aftercall.demo.media import GUARD_S, PACKED_RATE_HZ, call_samples, mixed_wav
from aftercall.demo.scripts import Line, Script, all_scripts

MEDIA = Path(__file__).parents[1] / "src/aftercall/demo/media"
#: Quiet before the first and after the last line.
LEAD_S, TAIL_S = 0.8, 0.7
#: How far an interruption reaches into the other's line.
OVERLAP_S = 0.9
#: Loudness of the speech, the level of a good telephone line.
LEVEL_DBFS = -22.0
BIT_RATE = 20_000

Samples = npt.NDArray[np.float32]
Speak = Callable[[str, Path], None]


def main() -> None:
    wanted = set(sys.argv[1:])
    MEDIA.mkdir(exist_ok=True)
    timeline_file = MEDIA / "timeline.json"
    timeline = json.loads(timeline_file.read_text()) if wanted and timeline_file.exists() else {}
    scripts = [script for script in all_scripts() if script.lines]
    for script in scripts:
        if wanted and script.key not in wanted:
            continue
        speech = [voice(script.voices[line.part], line.text) for line in script.lines]
        timeline[script.key] = place(script, speech)
        encode_opus(pack(speech), MEDIA / f"{script.key}.opus")
        print(f"{script.key}: {timeline[script.key]['length_s']:.1f} s")
    order = {script.key: timeline[script.key] for script in scripts}
    timeline_file.write_text(json.dumps(order, indent=1) + "\n")
    for script in scripts:
        if script.sound == "gsm" and (not wanted or script.key in wanted):
            encode_gsm(script, MEDIA / f"{script.key}.WAV")


def place(script: Script, speech: list[Samples]) -> dict[str, object]:
    """Decide when each line starts: a natural pause after the one before, or into it when it interrupts."""
    chance = random.Random(script.key)
    places: list[dict[str, float]] = []
    packed_s, end_s = GUARD_S, LEAD_S
    for line, sound in zip(script.lines, speech, strict=True):
        length_s = len(sound) / PACKED_RATE_HZ
        start_s = end_s + gap_s(line, chance, is_first=not places)
        places.append({"packed_s": round(packed_s, 4), "length_s": round(length_s, 4), "start_s": round(start_s, 4)})
        packed_s += length_s + GUARD_S
        end_s = max(end_s, start_s + length_s)
    return {"length_s": round(end_s + TAIL_S, 4), "lines": places}


def gap_s(line: Line, chance: random.Random, *, is_first: bool) -> float:
    if is_first:
        return 0.0
    return -OVERLAP_S if line.interrupts else line.wait_s + chance.uniform(0.3, 0.75)


def pack(speech: list[Samples]) -> Samples:
    guard = np.zeros(round(GUARD_S * PACKED_RATE_HZ), np.float32)
    return np.concatenate([guard, *(part for sound in speech for part in (sound, guard))])


def voice(name: str, text: str) -> Samples:
    """Say a line in one of the firm's or the customers' voices."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "line.wav"
        VOICES[name](text, spoken)
        with wave.open(str(spoken)) as file:
            rate = file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    sound = soxr.resample(pcm.astype(np.float32) / 32768, rate, PACKED_RATE_HZ, quality="HQ")
    return level(trim(sound))


def festival(text: str, out: Path) -> None:
    """Festival's `slt`, the clearer of the two female voices."""
    subprocess.run(["text2wave", "-eval", "(voice_cmu_us_slt_arctic_hts)", "-o", out], input=text.encode(), check=True)


def flite(name: str, *settings: str) -> Speak:
    """One of flite's voices; a setting such as `int_f0_target_mean=95` makes another person of it."""

    def speak(text: str, out: Path) -> None:
        options = [part for setting in settings for part in ("--setf", setting)]
        subprocess.run(["flite", "-voice", name, *options, "-t", text, "-o", out], check=True)

    return speak


#: Two people of the firm, three kinds of customer.
VOICES: dict[str, Speak] = {
    "mary": festival,
    "mark": flite("rms"),
    "ellen": flite("slt"),
    "paul": flite("rms", "int_f0_target_mean=105"),
    "angus": flite("awb"),
}


def trim(sound: Samples) -> Samples:
    """Cut the quiet that every synthesiser puts around a sentence."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.max(np.abs(sound)))
    margin = round(0.03 * PACKED_RATE_HZ)
    return sound[max(0, loud[0] - margin) : loud[-1] + margin]


def level(sound: Samples) -> Samples:
    """Bring a line to the common loudness without clipping."""
    rms = float(np.sqrt(np.mean(sound**2)))
    gain = min(10 ** (LEVEL_DBFS / 20) / rms, 0.95 / float(np.max(np.abs(sound))))
    return (sound * gain).astype(np.float32)


def encode_opus(sound: Samples, out: Path) -> None:
    with av.open(str(out), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=PACKED_RATE_HZ, layout="mono", bit_rate=BIT_RATE)
        stream.options = {"application": "voip"}
        pcm = (sound * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = PACKED_RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def encode_gsm(script: Script, out: Path) -> None:
    """Write what MixMonitor writes for wav49; PyAV reads GSM but cannot write it, so the file itself is kept."""
    with tempfile.TemporaryDirectory() as folder:
        mixed = Path(folder) / "mixed.wav"
        mixed.write_bytes(mixed_wav(call_samples(script)))
        subprocess.run(["sox", mixed, "-t", "wav", "-e", "gsm-full-rate", out], check=True)


if __name__ == "__main__":
    main()
