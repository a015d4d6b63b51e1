"""The trained head: its file, its figures, and a house's own in its place."""

from pathlib import Path

import numpy as np
import pytest

from aftercall.errors import MoodHeadDamaged
from aftercall.insight import head
from aftercall.insight.rules import score_text
from aftercall.insight.vectors import SIZE

SHAPE = (3, SIZE + head.FIGURES + 1)


def test_the_packaged_head_is_small_and_whole() -> None:
    assert head.PACKAGED.stat().st_size < 10_000
    assert head.find().weights.shape == SHAPE
    assert head.find().name == head.VERSION


def test_chances_are_chances_and_the_score_is_their_difference() -> None:
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(50, SIZE)).astype(np.float32)
    figures = chance.normal(size=(50, head.FIGURES)).astype(np.float32)
    made = head.find()
    chances = made.chances(np.hstack([vectors, figures]))
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert made.scores(vectors, figures) == pytest.approx(chances[:, 2] - chances[:, 0])


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Nobody called me back.", {6: 4 / 30, 7: 0, 8: 0, 9: 0, 10: 1, 11: 0}),
        ("Is it open?", {6: 0.1, 8: 1, 10: 0}),
        ("Thank you for calling, great.", {9: 1}),
        ("perfect", {6: 1 / 30, 7: 1}),
        ("That fixed it, thank you so much!", {10: 0, 11: 1}),
        ("word " * 90, {3: 0, 4: 0, 5: 0, 6: 1}),
    ],
)
def test_the_figures_of_a_text(text: str, figures: dict[int, float]) -> None:
    (made,) = head.figures_of([text], [score_text(text)])
    assert {place: made[place] for place in figures} == pytest.approx(figures)


def test_bad_and_good_of_the_rules_are_figures_of_their_own() -> None:
    for text in ("This is awful.", "This is wonderful."):
        rules = score_text(text)
        (made,) = head.figures_of([text], [rules])
        assert made[3:6] == pytest.approx([rules.score, max(rules.score, 0), max(-rules.score, 0)])


def test_no_texts_have_no_figures() -> None:
    assert head.figures_of([], []).shape == (0, head.FIGURES)


def test_a_house_uses_its_own_head_and_names_it(tmp_path: Path) -> None:
    assert head.find(tmp_path).name == head.VERSION
    file = tmp_path / head.OWN
    file.parent.mkdir()
    np.save(file, np.ones(SHAPE, np.float32))
    own = head.find(tmp_path)
    assert own.name.startswith("own ")
    assert own.weights.sum() == np.prod(SHAPE)


@pytest.mark.parametrize("content", [b"", b"no array", np.ones((3, 5), np.float32), np.full(SHAPE, np.nan)])
def test_a_file_that_is_no_head_is_told(tmp_path: Path, content: bytes | np.typing.NDArray[np.float32]) -> None:
    file = tmp_path / "mood_head.npy"
    file.write_bytes(content) if isinstance(content, bytes) else np.save(file, content)
    with pytest.raises(MoodHeadDamaged):
        head.load(file)
