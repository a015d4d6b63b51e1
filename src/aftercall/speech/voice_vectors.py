"""This file turns stretches of sound into voice vectors: the nearer two of them, the more alike the voices.

The network is Resemblyzer's; of that package we need the weights alone, and neither it nor torch is ever imported.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aftercall.audio import weights as weight_files
from aftercall.errors import ModelDamaged
from aftercall.model import Samples
from aftercall.speech.registry import by_name

Floats = npt.NDArray[np.float32]

NAME = "resemblyzer"
#: The package of that version carries the weights.
VERSION = "0.1.4"
#: The rate, the length and the level the network was trained at.
RATE_HZ = 16_000
WINDOW_S = 1.6
LEVEL = 0.1

_N_FFT = 400
_HOP = 160
_MELS = 40
_FRAMES = 160
_CELLS = 256
_LAYERS = 3
#: Windows that go through the network together: enough for fast matrix products, and 15 MB.
_BLOCK = 128


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """One LSTM layer, with input and state side by side, and the gates that are a sigmoid already halved."""

    #: Shape (n_inputs + 256, 1024), for gates in the order input, forget, cell, output.
    weight: Floats
    bias: Floats


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The trained network."""

    layers: tuple[_Layer, ...]
    #: Shape (256, 256) and (256,).
    weight: Floats
    bias: Floats


# ---- the weights ------------------------------------------------------------------------------------------------


def find_weights(models_folder: Path | None) -> Path | None:
    """The file of weights, from the installed package or the models folder, if it is the published one; else None."""
    model = by_name(NAME)
    if model is None or (sha256 := model.files[0].sha256) is None:
        return None
    named = f"{NAME}/{model.files[0].name}"
    return weight_files.find(model.module, model.module_file, sha256, models_folder, named)


@cache
def load(path: Path) -> Weights:
    """Read the weights; once per process.

    Raises:
        ModelDamaged: the file cannot be read, or holds something else.
    """
    try:
        with path.open("rb") as file:
            return _weights(read_tensors(file))
    except (OSError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as exc:
        raise ModelDamaged(model=NAME, detail=f"{type(exc).__name__} in {path.name}") from exc


def _weights(tensors: dict[str, Floats]) -> Weights:
    return Weights(
        layers=tuple(_layer(tensors, number) for number in range(_LAYERS)),
        weight=np.ascontiguousarray(tensors["linear.weight"].T),
        bias=tensors["linear.bias"],
    )


def _layer(tensors: dict[str, Floats], number: int) -> _Layer:
    weight = np.hstack([tensors[f"lstm.weight_ih_l{number}"], tensors[f"lstm.weight_hh_l{number}"]]).T
    bias = tensors[f"lstm.bias_ih_l{number}"] + tensors[f"lstm.bias_hh_l{number}"]
    # sigmoid(x) = (1 + tanh(x / 2)) / 2, so that one tanh over all four gates does.
    halves = np.full(4 * _CELLS, 0.5, np.float32)
    halves[2 * _CELLS : 3 * _CELLS] = 1
    return _Layer(weight=np.ascontiguousarray(weight * halves), bias=bias * halves)


# ---- torch's old file format ------------------------------------------------------------------------------------

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


@dataclass(frozen=True, kw_only=True)
class _View:
    """A tensor of the file: a piece of one of the blocks of numbers at its end."""

    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _OnlyTensors(pickle.Unpickler):
    """A pickle may name any function for us to call; this one lets it name what a table of tensors needs."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _view,
            ("torch", "FloatStorage"): "float32",
        }
        try:
            return allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights") from None

    def persistent_load(self, pid: Any) -> str:
        """A block of numbers, by its key; the numbers themselves follow later."""
        if not isinstance(pid, tuple) or len(pid) != 6 or pid[:2] != ("storage", "float32") or pid[5] is not None:
            raise pickle.UnpicklingError("numbers of an unexpected kind")
        return str(pid[2])


def _view(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _View:
    return _View(key=key, offset=offset, shape=shape, strides=strides)


def read_tensors(file: BufferedIOBase) -> dict[str, Floats]:
    """The tensors of a model's state in torch's format of before 2020.

    Raises:
        ValueError, KeyError, EOFError, UnpicklingError: it is no such file, or wants to do more than hold numbers.
    """
    magic, protocol, machine, content, keys = (_OnlyTensors(file).load() for _ in range(5))
    if (magic, protocol, machine["little_endian"]) != (_MAGIC, _PROTOCOL, True):
        raise ValueError("not a file that torch wrote")
    blocks: dict[str, Floats] = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        data = file.read(4 * count)
        if len(data) < 4 * count:
            raise EOFError("it ends too early")
        blocks[str(key)] = np.frombuffer(data, "<f4")
    return {name: _tensor(view, blocks[view.key]) for name, view in content["model_state"].items()}


def _tensor(view: _View, block: Floats) -> Floats:
    size = int(np.prod(view.shape))
    rows_first = tuple(int(np.prod(view.shape[axis + 1 :])) for axis in range(len(view.shape)))
    if view.strides != rows_first or not 0 <= view.offset <= block.size - size:
        raise ValueError("a tensor does not lie as expected")
    return block[view.offset : view.offset + size].reshape(view.shape)


# ---- sound to vectors -------------------------------------------------------------------------------------------


def vectors(windows: Iterable[Samples], weights: Weights) -> Floats:
    """The voice in each of some stretches of sound.

    Args:
        windows: of 1.6 s at 16 kHz each, see `tiled`, the recording's mean level brought to LEVEL before. Only a few
            are held at a time.
    Returns:
        Shape (n, 256), of length 1, nothing below 0; zeros where the network finds no voice at all.
    """
    waiting, found = iter(windows), [np.empty((0, _CELLS), np.float32)]
    while block := list(islice(waiting, _BLOCK)):
        found.append(_run(mel_powers(np.stack(block)), weights))
    return np.concatenate(found)


def tiled(sound: Samples) -> Samples:
    """A stretch of sound, repeated or cut to be 1.6 s long."""
    return np.resize(sound, round(WINDOW_S * RATE_HZ)).astype(np.float32, copy=False)


def mel_powers(windows: Floats) -> Floats:
    """Power in 40 bands: shape (160 frames, n windows, 40)."""
    padded = np.pad(windows, ((0, 0), (_N_FFT // 2, _N_FFT // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT, axis=1)[:, ::_HOP][:, :_FRAMES]
    shape = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)).astype(np.float32)
    powers = np.empty((_FRAMES, len(windows), _MELS), np.float32)
    for index, of_one in enumerate(frames):
        spectrum = np.fft.rfft(of_one * shape, axis=1)
        powers[:, index] = (spectrum.real**2 + spectrum.imag**2) @ mel_filters()
    return powers


@cache
def mel_filters() -> Floats:
    """Triangles of equal area, evenly spaced by ear as Slaney's toolbox does it; shape (201 frequencies, 40)."""
    frequencies = np.fft.rfftfreq(_N_FFT, 1 / RATE_HZ)
    # Linear below 1 kHz, where 15 bands lie; above it, 27 bands make a factor of 6.4.
    marks = np.linspace(0, 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4), _MELS + 2)
    edges = np.where(marks < 15, marks * 200 / 3, 1000 * np.exp((marks - 15) * np.log(6.4) / 27))
    left, top, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies[:, np.newaxis] - left) / (top - left)
    falling = (right - frequencies[:, np.newaxis]) / (right - top)
    filters: Floats = (np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)).astype(np.float32)
    return filters


def _run(powers: Floats, weights: Weights) -> Floats:
    steps: Iterator[Floats] = iter(powers)
    for layer in weights.layers:
        steps = _through(steps, layer, powers.shape[1])
    for last in steps:
        state = last
    raw: Floats = np.maximum(state @ weights.weight + weights.bias, 0)
    raw /= np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
    return raw


def _through(steps: Iterator[Floats], layer: _Layer, n_windows: int) -> Iterator[Floats]:
    """One layer, frame by frame; what it yields is its own and changes with the next frame."""
    n_inputs = len(layer.weight) - _CELLS
    both = np.zeros((n_windows, n_inputs + _CELLS), np.float32)
    state, cell = both[:, n_inputs:], np.zeros((n_windows, _CELLS), np.float32)
    gates = np.empty((n_windows, 4, _CELLS), np.float32)
    flat = gates.reshape(n_windows, 4 * _CELLS)
    for step in steps:
        both[:, :n_inputs] = step
        np.matmul(both, layer.weight, out=flat)
        flat += layer.bias
        np.tanh(flat, out=flat)
        gates[:, [0, 1, 3]] = gates[:, [0, 1, 3]] * 0.5 + 0.5
        cell *= gates[:, 1]
        cell += gates[:, 0] * gates[:, 2]
        np.multiply(gates[:, 3], np.tanh(cell), out=state)
        yield state
