"""This file measures the whole way from a file to an analysed call, against the bare decoder on the same speech."""

import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from aftercall.audio.decode import decode
from aftercall.insight.sentiment import score_turns
from aftercall.jobs.listening import Sound, transcribe
from aftercall.jobs.pool import Workers
from aftercall.model import Audio, Samples, Utterance, Word
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.plugins import load
from aftercall.speech.recognise import Plan, plan, write
from aftercall.testing import wav
from bench.figures import Figure

T = TypeVar("T")

ENGINE = "pocketsphinx"
SHARED = "AFTERCALL_SPEECH_DATA"
SHORT_S, LONG_S = 300, 3 * 3600


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        stereo, whose = _a_call(Path(folder))
        duration_s = _seconds(stereo)
        yield from _against_the_decoder(stereo, whose, duration_s)
        mono = Path(folder) / "mono.wav"
        audio = decode(stereo)[0]
        _write(mono, audio.samples.mean(axis=0, keepdims=True), audio.rate_hz)
        yield _without_the_recogniser(mono, whose)
        yield _memory_of_a_worker(stereo, whose)
        yield from _long_and_short(Path(folder), audio)


# ---- the call ---------------------------------------------------------------------------------------------------


def data() -> Path | None:
    """The folder of speech to measure on, if it is there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ[SHARED]) if os.environ.get(SHARED) else beside
    return folder if folder.is_dir() else None


def _a_call(folder: Path) -> tuple[Path, str]:
    """A stereo call of some minutes: a real one where there is one, else demo calls in a row, as telephones hear."""
    found = data()
    real = found / "calls_noref" / "aws_lca_auto_repairs_40_stereo.wav" if found else None
    if real and real.is_file():
        return real, "a real two-party call of 4 minutes, 8 kHz stereo"
    media = Path(sys.modules["aftercall"].__file__ or "").parent / "demo" / "media"
    parts = [decode(path)[0] for path in sorted(media.glob("*.opus"))[:5]]
    stereo = [part.samples[:, ::2] for part in parts if part.samples.shape[0] == 2 and part.rate_hz == 16000]
    path = folder / "demo.wav"
    _write(path, np.concatenate(stereo, axis=1), 8000)
    return path, "demo calls in a row, made 8 kHz: voices of computers"


def _write(path: Path, samples: Samples, rate_hz: int) -> None:
    path.write_bytes(wav((samples * 32000).astype(np.int16), rate_hz=rate_hz))


def _seconds(path: Path) -> float:
    return decode(path)[1].duration_s


# ---- against the bare decoder -----------------------------------------------------------------------------------


def _against_the_decoder(path: Path, whose: str, duration_s: float) -> Iterator[Figure]:
    bare_cpu_s = _aside(_bare_on_the_same_speech, path)
    ours = [_analyse(path) for _ in range(2)]
    ours_cpu_s = statistics.median(cpu_s for cpu_s, _ in ours)
    yield Figure(
        what="CPU of `aftercall analyse`, from start to end",
        baseline=f"the bare decoder on the same stretches of speech; {whose}",
        value=ours_cpu_s / bare_cpu_s,
        unit="x",
        limit=1.15,
        detail=f"{ours_cpu_s:.1f} s against {bare_cpu_s:.1f} s, for {duration_s:.0f} s of call",
    )
    bare_wall_s = _aside(_bare_on_the_whole_file, path)
    ours_wall_s = statistics.median(wall_s for _, wall_s in ours)
    yield Figure(
        what=f"Wall time of `aftercall analyse` on {os.cpu_count()} cores",
        baseline="one bare process on the whole file",
        value=bare_wall_s / ours_wall_s,
        unit="times as fast",
        limit=1.8,
        is_floor=True,
        detail=f"{ours_wall_s:.1f} s against {bare_wall_s:.1f} s",
    )


def _analyse(path: Path) -> tuple[float, float]:
    """CPU and wall seconds of the command, its workers included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "aftercall.cli", "analyse", "--engine", ENGINE, str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "error" not in json.loads(done.stdout)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), wall_s


def _aside(work: Callable[..., T], *arguments: object) -> T:
    """In a process of its own, so that nothing of one measurement is left for the next."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _bare_on_the_same_speech(path: Path) -> float:
    audio = decode(path)[0]
    stretches = [
        _ready(audio.samples[portion.audio_channel], audio.rate_hz, span.start_s, span.end_s)
        for portion in plan(audio).portions
        for span in portion.spans
    ]
    decoder = _decoder()
    began = time.process_time()
    for stretch in stretches:
        _hear(decoder, stretch)
    return time.process_time() - began


def _bare_on_the_whole_file(path: Path) -> float:
    began = time.perf_counter()
    audio = decode(path)[0]
    decoder = _decoder()
    for samples in audio.samples:
        _hear(decoder, _ready(samples, audio.rate_hz, 0.0, samples.size / audio.rate_hz))
    return time.perf_counter() - began


def _decoder() -> object:
    import pocketsphinx

    models = {"hmm": "en-us/en-us", "lm": "en-us/en-us.lm.bin", "dict": "en-us/cmudict-en-us.dict"}
    paths = {name: pocketsphinx.get_model_path(path) for name, path in models.items()}
    return pocketsphinx.Decoder(
        pocketsphinx.Config(**paths, samprate=16000, loglevel="FATAL", maxhmmpf=6000, maxwpf=20)
    )


def _ready(samples: Samples, rate_hz: int, start_s: float, end_s: float) -> bytes:
    import soxr

    cut = samples[round(start_s * rate_hz) : round(end_s * rate_hz)]
    wide = soxr.resample(cut, rate_hz, 16000, quality="HQ")
    return (wide / max(1e-3, float(np.abs(wide).max(initial=0))) * 30000).astype("<i2").tobytes()


def _hear(decoder: object, sound: bytes) -> None:
    decoder.start_utt()  # type: ignore[attr-defined]
    decoder.process_raw(sound, no_search=False, full_utt=True)  # type: ignore[attr-defined]
    decoder.end_utt()  # type: ignore[attr-defined]


# ---- the rest of the way ----------------------------------------------------------------------------------------


def _without_the_recogniser(path: Path, whose: str) -> Figure:
    cpu_s = _aside(_everything_else, path)
    duration_s = _seconds(path)
    return Figure(
        what="Everything but the recogniser on a mono call: decoding, speech, tones, speakers, turns, mood",
        baseline=f"the call's own length; {whose}",
        value=cpu_s / duration_s,
        unit="CPU s per s of sound",
        limit=0.08,
        detail=f"{cpu_s:.1f} s for {duration_s:.0f} s; the first call of a process, so weights are loaded too",
    )


def _everything_else(path: Path) -> float:
    engine = load(ENGINE, Outfit())
    began = time.process_time()
    planned = plan(decode(path)[0])
    transcript = write(planned, _made_up(planned), engine, Hints())
    score_turns(transcript.turns, language="en", is_low_accuracy=False)
    return time.process_time() - began


def _made_up(planned: Plan) -> list[Utterance]:
    """As many words as people say, where they were heard to speak."""
    heard = []
    for portion in planned.portions:
        for span in portion.spans:
            count = max(1, round((span.end_s - span.start_s) * 2.5))
            step = (span.end_s - span.start_s) / count
            words = tuple(
                Word(text="word", start_s=span.start_s + n * step, end_s=span.start_s + (n + 1) * step, confidence=0.9)
                for n in range(count)
            )
            heard.append(
                Utterance(audio_channel=portion.audio_channel, start_s=span.start_s, end_s=span.end_s, words=words)
            )
    return heard


def _memory_of_a_worker(path: Path, whose: str) -> Figure:
    workers = Workers(1)
    try:
        transcribe(workers, Sound(path=path), choice=ENGINE, outfit=Outfit(), hints=Hints())
        pool = workers.many._pool
        assert pool is not None
        peak_mb = max(_peak_mb(process.pid) for process in pool._processes.values())
    finally:
        workers.close()
    return Figure(
        what="Memory of a worker with the embedded engine, at its peak",
        baseline=f"none: an absolute figure; {whose}",
        value=peak_mb,
        unit="MB",
        limit=400,
    )


def _long_and_short(folder: Path, audio: Audio) -> Iterator[Figure]:
    beyond = {}
    for length_s in (SHORT_S, LONG_S):
        path = folder / f"{length_s}.wav"
        times = -(-length_s * audio.rate_hz // audio.samples.shape[1])
        _write(
            path,
            np.tile(audio.samples.mean(axis=0, keepdims=True), times)[:, : length_s * audio.rate_hz],
            audio.rate_hz,
        )
        peak_mb, cpu_s = _aside(_plan_and_tell, path)
        beyond[length_s] = peak_mb - length_s * audio.rate_hz * 4 / 2**20
    yield Figure(
        what="Memory of looking through a mono call of 3 hours, beyond its samples",
        baseline="the same for 5 minutes",
        value=beyond[LONG_S] - beyond[SHORT_S],
        unit="MB more",
        limit=100,
        detail=f"{beyond[LONG_S]:.0f} MB against {beyond[SHORT_S]:.0f} MB; {cpu_s:.0f} s of CPU for the 3 hours",
    )
    brief = folder / "brief.wav"
    _write(brief, audio.samples[:, : audio.rate_hz], audio.rate_hz)
    yield Figure(
        what="Wall time of `aftercall analyse` for a call of 1 second",
        baseline="none: an absolute figure",
        value=_analyse(brief)[1],
        unit="s",
        limit=15,
    )


def _plan_and_tell(path: Path) -> tuple[float, float]:
    began = time.process_time()
    planned = plan(decode(path)[0])
    write(planned, _made_up(planned), load(ENGINE, Outfit()), Hints())
    return _peak_mb(os.getpid()), time.process_time() - began


def _peak_mb(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024
