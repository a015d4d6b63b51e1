"""This file finds what in an audio channel is no speech: ringing, busy tones, keys, beeps, music on hold, silence.

All of it is told by tones that stay where they are: a voice never holds its pitch as still as a machine does. What is
doubtful is left to the recogniser, since a lost word is worse than a little noise. Which key a DTMF tone stands for is
not even worked out: it may be part of a card number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import soxr

from aftercall.model import NonSpeech, NonSpeechKind, Samples

Floats = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]

#: All tones of telephones lie below 4 kHz.
RATE_HZ = 8000
HOP_S = 0.01
HOP, WINDOW, N_FFT = 80, 320, 1024
#: Hum and a constant offset lie below, nothing of a telephone above.
BAND_HZ = (200.0, 3600.0)
#: Quieter frames hold nothing.
QUIETEST_DBFS = -55.0
#: Half the width of a tone in the spectrum of such a window.
LUMP_HZ = 62.5

#: The keys' low and high tones, how near one must be, how much louder one may be, and how pure both together are.
DTMF_LOW_HZ = np.array([697, 770, 852, 941], np.float32)
DTMF_HIGH_HZ = np.array([1209, 1336, 1477, 1633], np.float32)
DTMF_NEAR, DTMF_TWIST_DB, DTMF_PURITY = 0.018, 8.0, 0.9
SHORTEST_DTMF_S = 0.02

#: A pure tone: what share of the sound it is, and how little its pitch and level move.
PURITY, STILL_HZ, STILL_DB = 0.9, 8.0, 2.5
#: Where exchanges put ringing and busy tones.
PROGRESS_HZ = (380.0, 640.0)
RINGING_HZ = (400.0, 500.0)
SHORTEST_PULSE_S, LONGEST_RING_S = 0.18, 3.5
#: Between the rings of one call there are up to four seconds.
LONGEST_REST_S = 4.6
BEEP_HZ = (380.0, 2100.0)
SHORTEST_BEEP_S, LONGEST_BEEP_S = 0.18, 1.2

#: Music: so long, and so much of it in notes that stay where they are. Measured: made-up music 0.6 and more, people who
#: talk 0.05 as a rule and 0.31 at most.
SHORTEST_MUSIC_S = 10.0
NOTE_S = 0.1
STEADY_SHARE = 0.45
#: Its edges are looked for this finely, and pauses as long belong to it.
EDGE_S = 2.0
LONGEST_BREAK_S = 1.0

SHORTEST_SILENCE_S = 3.0

_BLOCK = 4096


def non_speech(samples: Samples, rate_hz: int, *, audio_channel: int = 0) -> list[NonSpeech]:
    """Find what is no speech.

    Args:
        samples: one audio channel, shape (n_samples,); not modified.
    Returns:
        Stretches in order, apart from each other. Voices of machines (greetings, menus) are speech.
    """
    sound = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ, quality="MQ")
    seen = _look(sound)
    found: list[tuple[int, int, NonSpeechKind]] = []
    taken = np.zeros(seen.level_db.size, np.bool_)
    for kind, runs in _kinds(seen, taken):
        for start, end in runs:
            found.append((start, end, kind))
            taken[start:end] = True
    duration_s = samples.size / rate_hz
    return [
        NonSpeech(
            kind=kind,
            audio_channel=audio_channel,
            start_s=round(start * HOP_S, 3),
            end_s=round(min(end * HOP_S, duration_s), 3),
        )
        for start, end, kind in sorted(found)
    ]


def _kinds(seen: "_Seen", taken: Marks) -> Iterator[tuple[NonSpeechKind, list[tuple[int, int]]]]:
    """One kind after the other; each leaves alone what those before it have taken."""
    yield "dtmf", list(_keys(seen))
    pulses = [pulse for pulse in _pulses(seen) if not taken[pulse.start : pulse.end].any()]
    ringing, busy, beeps = _sorted_out(pulses, seen)
    yield "ringback", ringing
    yield "busy", busy
    yield "music", list(_music(seen, taken))
    yield "beep", [(start, end) for start, end in beeps if not taken[start:end].any()]
    yield "silence", list(_silence(seen, taken))


# ---- what the spectrum shows ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One figure for each HOP_S of sound."""

    level_db: Floats
    #: The two strongest tones: pitch, and what share of the sound they are.
    first_hz: Floats
    first_share: Floats
    second_hz: Floats
    second_share: Floats


def _look(sound: Samples) -> _Seen:
    n_frames = max(0, (sound.size - WINDOW) // HOP + 1)
    columns = [np.zeros(n_frames, np.float32) for _ in range(5)]
    shape = np.hanning(WINDOW).astype(np.float32)
    hz = np.fft.rfftfreq(N_FFT, 1 / RATE_HZ).astype(np.float32)
    band = (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])
    low = int(np.flatnonzero(band)[0])
    lump = round(LUMP_HZ / (RATE_HZ / N_FFT))
    for at in range(0, n_frames, _BLOCK):
        count = min(_BLOCK, n_frames - at)
        stretch = sound[at * HOP : (at + count - 1) * HOP + WINDOW]
        frames = np.lib.stride_tricks.sliding_window_view(stretch, WINDOW)[::HOP]
        spectrum = np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * shape, N_FFT, axis=1)[:, band]
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        whole = power.sum(axis=1) + 1e-12
        columns[0][at : at + count] = 10 * np.log10(2 * whole / (N_FFT / 2 * float(np.sum(shape**2))) + 1e-12)
        left = power
        for column in (1, 3):
            peak = left.argmax(axis=1)
            columns[column][at : at + count] = hz[low] + _between(left, peak) * (RATE_HZ / N_FFT)
            left, share = _without(left, peak, lump)
            columns[column + 1][at : at + count] = share / whole
    return _Seen(
        level_db=columns[0],
        first_hz=columns[1],
        first_share=columns[2],
        second_hz=columns[3],
        second_share=columns[4],
    )


def _between(power: Floats, peak: npt.NDArray[np.intp]) -> Floats:
    """Where exactly a peak is, in bins: the top of the parabola through it and its neighbours."""
    rows, inner = np.arange(power.shape[0]), np.clip(peak, 1, power.shape[1] - 2)
    a, b, c = (np.log(power[rows, inner + step] + 1e-12) for step in (-1, 0, 1))
    bend = a - 2 * b + c
    shift = np.where(np.abs(bend) > 1e-6, 0.5 * (a - c) / np.where(np.abs(bend) > 1e-6, bend, 1), 0)
    found: Floats = (inner + np.clip(shift, -1, 1)).astype(np.float32)
    return found


def _without(power: Floats, peak: npt.NDArray[np.intp], lump: int) -> tuple[Floats, Floats]:
    """The spectra without the tone at their peak, and how strong that was."""
    distance = np.abs(np.arange(power.shape[1])[None, :] - peak[:, None])
    inside = distance <= lump
    strength: Floats = np.where(inside, power, 0).sum(axis=1)
    return np.where(inside, 0, power).astype(np.float32), strength


def _runs(marks: Marks) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _frames(seconds: float) -> int:
    return round(seconds / HOP_S)


def _audible(seen: _Seen) -> Marks:
    return seen.level_db > QUIETEST_DBFS


# ---- keys -------------------------------------------------------------------------------------------------------


def _keys(seen: _Seen) -> Iterator[tuple[int, int]]:
    low, high = np.minimum(seen.first_hz, seen.second_hz), np.maximum(seen.first_hz, seen.second_hz)
    twist_db = 10 * np.log10((seen.first_share + 1e-9) / (seen.second_share + 1e-9))
    marks = (
        _audible(seen)
        & _near(low, DTMF_LOW_HZ)
        & _near(high, DTMF_HIGH_HZ)
        & (twist_db <= DTMF_TWIST_DB)
        & (seen.first_share + seen.second_share >= DTMF_PURITY)
    )
    edge = WINDOW // HOP // 2
    for start, end in _runs(marks):
        if end - start >= _frames(SHORTEST_DTMF_S):
            yield max(0, start), min(marks.size, end + 2 * edge)


def _near(hz: Floats, tones: Floats) -> Marks:
    near: Marks = (np.abs(hz[:, None] / tones[None, :] - 1) <= DTMF_NEAR).any(axis=1)
    return near


# ---- ringing, busy, beeps ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Pulse:
    """A pure tone, or two, from its beginning to its end."""

    start: int
    end: int
    hz: float

    @property
    def length_s(self) -> float:
        return (self.end - self.start) * HOP_S


def _pulses(seen: _Seen) -> Iterator[_Pulse]:
    """Stretches in which one or two tones stand still and there is nothing else."""
    pure = _audible(seen) & (seen.first_share + np.where(seen.second_share > 0.05, seen.second_share, 0) >= PURITY)
    for start, end in _runs(pure):
        # The first and the last frames look half beyond the tone.
        inner = slice(start + 2, end - 2) if end - start > 8 else slice(start, end)
        two = float(np.median(seen.second_share[inner])) > 0.05
        low = np.minimum(seen.first_hz[inner], seen.second_hz[inner]) if two else seen.first_hz[inner]
        level = seen.level_db[inner]
        if (end - start) * HOP_S < SHORTEST_PULSE_S or np.std(level) > STILL_DB:
            continue
        # Two tones closer than a window tells apart beat: their lump swings to and fro between them.
        wobble = 25.0 if RINGING_HZ[0] <= np.median(low) <= RINGING_HZ[1] else STILL_HZ
        if np.std(low) <= wobble:
            yield _Pulse(start=start, end=min(end + WINDOW // HOP, seen.level_db.size), hz=float(np.median(low)))


def _sorted_out(
    pulses: Sequence[_Pulse], seen: _Seen
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int]]]:
    """Ringing, busy tones and beeps, by pitch and rhythm; a longer lone tone is none of them."""
    ringing: list[tuple[int, int]] = []
    busy: list[tuple[int, int]] = []
    beeps: list[tuple[int, int]] = []
    for group in _grouped([each for each in pulses if PROGRESS_HZ[0] <= each.hz <= PROGRESS_HZ[1]]):
        stretches = _joined(group, seen)
        if _is_busy(group):
            busy += stretches
        elif _is_ringing(group):
            ringing += stretches
        else:
            beeps += [(each.start, each.end) for each in group if each.length_s <= LONGEST_BEEP_S]
    for pulse in pulses:
        is_progress = PROGRESS_HZ[0] <= pulse.hz <= PROGRESS_HZ[1]
        is_beep = BEEP_HZ[0] <= pulse.hz <= BEEP_HZ[1] and SHORTEST_BEEP_S <= pulse.length_s <= LONGEST_BEEP_S
        if is_beep and not is_progress:
            beeps.append((pulse.start, pulse.end))
    return ringing, busy, beeps


def _grouped(pulses: Sequence[_Pulse]) -> Iterator[list[_Pulse]]:
    """Pulses of one pitch that follow each other."""
    group: list[_Pulse] = []
    for pulse in pulses:
        if group and (pulse.start - group[-1].end > _frames(LONGEST_REST_S) or abs(pulse.hz - group[-1].hz) > 30):
            yield group
            group = []
        group.append(pulse)
    if group:
        yield group


def _is_busy(group: Sequence[_Pulse]) -> bool:
    """Short and even: half a second on, half a second off, or quicker."""
    rests = [(second.start - first.end) * HOP_S for first, second in pairwise(group)]
    return len(group) >= 3 and max(each.length_s for each in group) <= 0.75 and max(rests) <= 0.75


def _is_ringing(group: Sequence[_Pulse]) -> bool:
    """One second or two, or twice a moment; where the call was answered or the recording began, less."""
    if not RINGING_HZ[0] <= float(np.median([each.hz for each in group])) <= RINGING_HZ[1]:
        return False
    return len(group) >= 2 or 0.8 <= group[0].length_s <= LONGEST_RING_S


def _joined(group: Sequence[_Pulse], seen: _Seen) -> list[tuple[int, int]]:
    """The pulses with the rests between them, unless something is to be heard in those."""
    found: list[tuple[int, int]] = []
    for pulse in group:
        if found:
            rest = slice(found[-1][1] + 3, max(found[-1][1] + 3, pulse.start - 3))
            if not _audible(seen)[rest].any():
                found[-1] = (found[-1][0], pulse.end)
                continue
        found.append((pulse.start, pulse.end))
    return found


# ---- music and silence ------------------------------------------------------------------------------------------


def _music(seen: _Seen, taken: Marks) -> Iterator[tuple[int, int]]:
    """Long stretches most of which are notes: the strongest tone stands still for a tenth of a second and longer."""
    audible = _audible(seen) & ~taken
    steady = audible & _steady(seen)
    window, edge = _frames(SHORTEST_MUSIC_S), _frames(EDGE_S)
    if audible.size < window:
        return
    heard, notes = _sums(audible, window), _sums(steady, window)
    enough = (heard >= 0.8 * window) & (notes >= STEADY_SHARE * heard)
    marks = np.zeros(audible.size, np.bool_)
    for start in np.flatnonzero(enough).tolist():
        marks[start : start + window] = True
    # The first and the last of those windows reach beyond the music: somebody may speak there.
    around = np.pad(_sums(steady, edge), (edge // 2, edge - 1 - edge // 2), mode="edge")
    marks &= around >= STEADY_SHARE * edge
    for start, end in _closed(_runs(marks), _frames(LONGEST_BREAK_S)):
        if end - start >= window // 2:
            yield start, end


def _sums(marks: Marks, window: int) -> npt.NDArray[np.int64]:
    """How many of each `window` frames are marked, by the first of them."""
    total = np.concatenate(([0], np.cumsum(marks, dtype=np.int64)))
    counts: npt.NDArray[np.int64] = total[window:] - total[:-window]
    return counts


def _closed(runs: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in runs:
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _steady(seen: _Seen) -> Marks:
    """Frames whose strongest tone was there NOTE_S ago and half as long ago, or will be: a note, or one of a chord."""
    found = np.zeros(seen.level_db.size, np.bool_)
    for direction in (1, -1):
        stays = np.ones(found.size, np.bool_)
        for steps in (_frames(NOTE_S / 2), _frames(NOTE_S)):
            stays &= _is_there(seen, direction * steps)
        found |= stays
    return found


def _is_there(seen: _Seen, steps: int) -> Marks:
    """Whether the strongest tone of a frame is one of the two strongest so many frames before (after, if negative)."""
    near = np.maximum(3.0, 0.006 * seen.first_hz)
    there: Marks = (np.abs(_moved(seen.first_hz, steps) - seen.first_hz) <= near) | (
        np.abs(_moved(seen.second_hz, steps) - seen.first_hz) <= near
    )
    return there


def _moved(column: Floats, steps: int) -> Floats:
    moved = np.full(column.size, -1.0, np.float32)
    if abs(steps) < column.size:
        if steps > 0:
            moved[steps:] = column[:-steps]
        else:
            moved[:steps] = column[-steps:]
    return moved


def _silence(seen: _Seen, taken: Marks) -> Iterator[tuple[int, int]]:
    for start, end in _runs(~_audible(seen) & ~taken):
        if end - start >= _frames(SHORTEST_SILENCE_S):
            yield start, end
