"""This file turns sentences into vectors: the nearer two of them, the more alike what they say.

The network is MiniLM L6 v2 (BERT's build with 6 layers), run in numpy: of the package that carries its weights nothing
is imported, and no torch is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from aftercall.audio import weights as weight_files
from aftercall.errors import ModelDamaged
from aftercall.insight import safetensors, wordpiece
from aftercall.insight.safetensors import Floats
from aftercall.insight.wordpiece import WordPieces
from aftercall.speech.registry import by_name

Counts = npt.NDArray[np.int64]

NAME = "all-minilm-l6-v2"
#: Numbers of a vector.
SIZE = 384

_WEIGHTS, _PIECES = "model.safetensors", "tokenizer.json"
_LAYERS, _HEADS = 6, 12
_EPSILON = np.float32(1e-12)
#: The model was trained on no more pieces; what is beyond is left out.
_LONGEST = 256
#: Pieces that go through the network together: enough for fast matrix products, and 30 MB.
_BLOCK = 2048


class SentenceVectors(Protocol):
    """Whatever turns sentences into vectors."""

    @property
    def name(self) -> str:
        """The model, as results made with it name it."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """The vectors of some texts.

        Returns:
            Shape (n_texts, n), each row of length 1; the same text has the same vector in whatever company.
        """


@dataclass(frozen=True, kw_only=True)
class _Dense:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        made: Floats = x @ self.weight.T
        made += self.bias
        return made


@dataclass(frozen=True, kw_only=True)
class _Layer:
    query: _Dense
    key: _Dense
    value: _Dense
    joined: _Dense
    attended: _Dense
    wide: _Dense
    narrow: _Dense
    done: _Dense


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Sentences of one length that follow each other in a block."""

    rows: slice
    count: int
    length: int


@dataclass(frozen=True, kw_only=True)
class MiniLm:
    """The network with its weights, which stay in their file until they are used."""

    pieces: WordPieces
    words: Floats
    #: What each place in the sentence adds, with that of the one kind of sentence there is.
    places: Floats
    embedded: _Dense
    layers: tuple[_Layer, ...]
    name: str = NAME

    def encode(self, texts: Sequence[str]) -> Floats:
        """The vectors of some texts, in their order."""
        numbers = [self.pieces.numbers(text, at_most=_LONGEST) for text in texts]
        vectors = np.zeros((len(texts), SIZE), np.float32)
        for block in _blocks([len(each) for each in numbers]):
            vectors[block] = self._encode_block([numbers[index] for index in block])
        return vectors

    def _encode_block(self, numbers: Sequence[Sequence[int]]) -> Floats:
        """The vectors of sentences in order of length: all pieces in one row, so that nothing is padded."""
        lengths = np.array([len(each) for each in numbers])
        groups = _groups(lengths)
        place = np.concatenate([np.arange(length) for length in lengths])
        x = _normal(self.words[np.concatenate(numbers)] + self.places[place], self.embedded)
        for layer in self.layers:
            x = _normal(x + layer.joined(_attention(layer, x, groups)), layer.attended)
            x = _normal(x + layer.narrow(_gelu(layer.wide(x))), layer.done)
        mean = np.add.reduceat(x, np.cumsum(lengths) - lengths) / lengths[:, np.newaxis].astype(np.float32)
        vectors: Floats = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return vectors


def _blocks(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions of texts in order of length, no more at once than a block of pieces holds."""
    block: list[int] = []
    held = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if held + lengths[index] > _BLOCK:
            yield block
            block, held = [], 0
        block.append(index)
        held += lengths[index]
    if block:
        yield block


def _groups(lengths: Counts) -> list[_Group]:
    """The runs of sentences of one length."""
    groups, row = [], 0
    for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
        groups.append(_Group(rows=slice(row, row + int(length * count)), count=int(count), length=int(length)))
        row += int(length * count)
    return groups


def _attention(layer: _Layer, x: Floats, groups: Sequence[_Group]) -> Floats:
    """What each piece takes from the others of its sentence."""
    query, key, value = layer.query(x), layer.key(x), layer.value(x)
    size = x.shape[1] // _HEADS
    taken = np.empty_like(x)
    for group in groups:
        by_head = [
            made[group.rows].reshape(group.count, group.length, _HEADS, size).transpose(0, 2, 1, 3)
            for made in (query, key, value)
        ]
        share = by_head[0] @ by_head[1].transpose(0, 1, 3, 2)
        share *= np.float32(size**-0.5)
        share -= share.max(axis=-1, keepdims=True)
        np.exp(share, out=share)
        share /= share.sum(axis=-1, keepdims=True)
        taken[group.rows] = (share @ by_head[2]).transpose(0, 2, 1, 3).reshape(-1, x.shape[1])
    return taken


def _normal(x: Floats, scale: _Dense) -> Floats:
    x = x - x.mean(axis=-1, keepdims=True)
    x /= np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + _EPSILON)
    x *= scale.weight
    x += scale.bias
    return x


def _gelu(x: Floats) -> Floats:
    """By tanh: half the time of the error function, and vectors whose cosine to the exact ones is above 0.999998."""
    inner = np.square(x)
    inner *= np.float32(0.044715)
    inner += 1
    inner *= x
    inner *= np.float32((2 / np.pi) ** 0.5)
    np.tanh(inner, out=inner)
    inner += 1
    inner *= x
    inner *= np.float32(0.5)
    return inner


# ---- the weights ------------------------------------------------------------------------------------------------


def find(models_folder: Path | None = None) -> SentenceVectors | None:
    """The network, from the installed package or the models folder; None if its published files are in neither.

    Raises:
        ModelDamaged: the files are the published ones, and yet cannot be read.
    """
    weights, pieces = (_file(name, models_folder) for name in (_WEIGHTS, _PIECES))
    return load(weights, pieces) if weights and pieces else None


def _file(name: str, models_folder: Path | None) -> Path | None:
    model = by_name(NAME)
    known = model.file(name) if model else None
    if model is None or known is None or known.sha256 is None:
        return None
    inside = str(Path(model.module_file).with_name(name))
    return weight_files.find(model.module, inside, known.sha256, models_folder, f"{NAME}/{name}")


@cache
def load(weights: Path, pieces: Path) -> MiniLm:
    """Read the network; once per process.

    Raises:
        ModelDamaged: a file cannot be read, or holds something else.
    """
    try:
        return _network(safetensors.read(weights), wordpiece.read(pieces))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelDamaged(model=NAME, detail=f"{type(exc).__name__} in {weights.name} or {pieces.name}") from exc


def _network(tensors: dict[str, Floats], pieces: WordPieces) -> MiniLm:
    return MiniLm(
        pieces=pieces,
        words=tensors["embeddings.word_embeddings.weight"],
        places=tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0],
        embedded=_dense(tensors, "embeddings.LayerNorm"),
        layers=tuple(_layer(tensors, f"encoder.layer.{number}") for number in range(_LAYERS)),
    )


def _layer(tensors: dict[str, Floats], name: str) -> _Layer:
    return _Layer(
        query=_dense(tensors, f"{name}.attention.self.query"),
        key=_dense(tensors, f"{name}.attention.self.key"),
        value=_dense(tensors, f"{name}.attention.self.value"),
        joined=_dense(tensors, f"{name}.attention.output.dense"),
        attended=_dense(tensors, f"{name}.attention.output.LayerNorm"),
        wide=_dense(tensors, f"{name}.intermediate.dense"),
        narrow=_dense(tensors, f"{name}.output.dense"),
        done=_dense(tensors, f"{name}.output.LayerNorm"),
    )


def _dense(tensors: dict[str, Floats], name: str) -> _Dense:
    return _Dense(weight=tensors[f"{name}.weight"], bias=tensors[f"{name}.bias"])
