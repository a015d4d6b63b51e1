"""This file trains the head that judges moods, from public data and from what users have put right.

A tool for those who improve the mood; it needs `make setup` and some minutes of one core:

    .venv/bin/python -m scripts.train_mood --goemotions train.tsv.gz --dev dev.tsv.gz --sentences uci.tsv.gz \
        [--corrections corrections.jsonl] [--models FOLDER] [-o mood_head.npy]

`--goemotions`, `--dev`: GoEmotions (Google, CC BY 4.0): text, emotion ids, comment id, with tabs between.
`--sentences`: Sentiment Labelled Sentences (UCI, CC BY 4.0): text and 0 or 1.
`--corrections`: what `aftercall insight corrections` prints; each counts CORRECTION_WEIGHT times.

It prints macro-F1 on the dev set, of the rules, of the head in use and of the new one, and of five folds of the
training data. The new head is written only if it is no worse on the dev set (or with `--even-if-worse`). The
packaged head was made so, from the first two files alone. Files held out for judging are refused by their names.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench.noise import Mishearing

from aftercall.insight import head, vectors
from aftercall.insight.rules import score_text
from aftercall.insight.safetensors import Floats
from aftercall.insight.turn_mood import HEAD_SHARE, TURN_THRESHOLD

Labels = npt.NDArray[np.int64]
NEGATIVE, NEUTRAL, POSITIVE = range(3)

#: GoEmotions' ids, in the order of its list; surprise, confusion, curiosity and realization are neither good nor bad.
GOOD = frozenset({0, 1, 4, 5, 8, 13, 15, 17, 18, 20, 21, 23})
BAD = frozenset({2, 3, 9, 10, 11, 12, 14, 16, 19, 24, 25})
PLAIN = 27

NOISY = 0.4
MOST_WORD_ERRORS = 0.3
CORRECTION_WEIGHT = 5.0
#: Strength of the pull towards zero, as 1 / C of scikit-learn's LogisticRegression.
RIDGE = 1.0
STEPS = 12
FOLDS = 5
SEED = 20


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Texts with their labels, and how much each counts."""

    texts: list[str]
    labels: Labels
    weights: Floats


def main(arguments: Sequence[str]) -> int:
    given = _parsed(arguments)
    network = vectors.find(given.models)
    if network is None:
        print("The sentence vectors are missing: run `aftercall models fetch all-minilm-l6-v2`.", file=sys.stderr)
        return 1
    chance = np.random.default_rng(SEED)
    training = _training(given)
    dev = joined([goemotions(given.dev)])
    words = {word for text in training.texts for word in text.lower().split()}
    noisy = chance.random(len(training.texts)) < NOISY
    hearing = Mishearing(words, SEED)
    heard = [
        hearing.hear(text, chance.random() * MOST_WORD_ERRORS) if is_noisy else text
        for text, is_noisy in zip(training.texts, noisy, strict=True)
    ]
    print(f"{len(heard)} texts to learn from, {noisy.sum()} of them misheard; {len(dev.texts)} to judge by", flush=True)
    inputs = inputs_of(network, heard)
    made = fit(inputs, training.labels, training.weights)
    sets = {"clean": dev.texts, "30 % of the words wrong": [hearing.hear(text, 0.3) for text in dev.texts]}
    present, new = [], []
    for name, texts in sets.items():
        seen = inputs_of(network, texts)
        present.append(macro_f1(dev.labels, blended(head.find(given.models).weights, seen)))
        new.append(macro_f1(dev.labels, blended(made, seen)))
        rules = macro_f1(dev.labels, labelled(seen[:, vectors.SIZE + 3]))
        print(f"macro-F1, dev set, {name}: rules {rules:.3f}, head in use {present[-1]:.3f}, new head {new[-1]:.3f}")
    print(f"macro-F1, {FOLDS} folds of the training data: {folds(inputs, training, chance):.3f}")
    if np.mean(new) < np.mean(present) and not given.even_if_worse:
        print("The new head is worse than the one in use; it is not written.")
        return 1
    if given.output:
        np.save(given.output, made)
        print(f"Written to {given.output}. To use it, put it into the models folder as {head.OWN}.")
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the head that judges moods.")
    for name, words in (
        ("goemotions", "GoEmotions, to learn from"),
        ("dev", "GoEmotions, to judge by"),
        ("sentences", "sentences with 0 or 1"),
    ):
        parser.add_argument(f"--{name}", type=allowed, required=True, help=words)
    parser.add_argument("--corrections", type=allowed, help="what `aftercall insight corrections` prints")
    parser.add_argument("--models", type=Path, help="the models folder")
    parser.add_argument("-o", "--output", type=Path, help="write the new head here")
    parser.add_argument("--even-if-worse", action="store_true", help="write it in any case")
    return parser.parse_args(arguments)


def allowed(name: str) -> Path:
    """A file to read, unless it is held out for judging.

    Raises:
        ArgumentTypeError: its name, or that of the file it leads to, says so, or it is not there.
    """
    path = Path(name)
    if any("heldout" in each.name.lower().replace("-", "").replace("_", "") for each in (path, path.resolve())):
        raise argparse.ArgumentTypeError(f"{name} is held out for judging: nothing may be learned from it")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name}")
    return path


# ---- the data ---------------------------------------------------------------------------------------------------


def _training(given: argparse.Namespace) -> Examples:
    public = joined([goemotions(given.goemotions), sentences(given.sentences)])
    if given.corrections is None:
        return public
    put_right = joined([corrections(given.corrections)])
    return Examples(
        texts=[*public.texts, *put_right.texts],
        labels=np.concatenate([public.labels, put_right.labels]),
        weights=np.concatenate([public.weights, CORRECTION_WEIGHT * put_right.weights]),
    )


def joined(sources: Iterable[Iterable[tuple[str, int]]]) -> Examples:
    """Examples of several sources, each counting once."""
    pairs = [pair for source in sources for pair in source]
    return Examples(
        texts=[text for text, _ in pairs],
        labels=np.array([label for _, label in pairs], np.int64),
        weights=np.ones(len(pairs), np.float32),
    )


def goemotions(path: Path) -> Iterator[tuple[str, int]]:
    """Comments whose emotions all point the same way."""
    for text, ids, *_ in _rows(path):
        emotions = {int(each) for each in ids.split(",")}
        kinds = {POSITIVE if each in GOOD else NEGATIVE if each in BAD else NEUTRAL for each in emotions}
        if len(kinds) == 1 and (kinds != {NEUTRAL} or emotions == {PLAIN}):
            yield text, kinds.pop()


def sentences(path: Path) -> Iterator[tuple[str, int]]:
    """Sentences with 0 for bad and 1 for good."""
    for text, mark in _rows(path):
        yield text, POSITIVE if mark == "1" else NEGATIVE


def corrections(path: Path) -> Iterator[tuple[str, int]]:
    """What users have said of turns, from JSON lines."""
    for line in path.read_text().splitlines():
        given = json.loads(line)
        yield given["text"], head.CLASSES.index(given["label"])


def _rows(path: Path) -> Iterator[list[str]]:
    opened = partial(gzip.open, mode="rt") if path.suffix == ".gz" else open
    with opened(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n").split("\t")


# ---- learning ---------------------------------------------------------------------------------------------------


def inputs_of(network: vectors.SentenceVectors, texts: Sequence[str]) -> Floats:
    """What the head sees of texts: vectors and figures, side by side."""
    return np.hstack([network.encode(texts), head.figures_of(texts, [score_text(text) for text in texts])])


def fit(inputs: Floats, labels: Labels, weights: Floats) -> Floats:
    """Multinomial logistic regression with a ridge, by Newton's method; every class counts the same in all.

    Returns:
        The coefficients as `Head` has them.
    """
    x = np.hstack([inputs, np.ones((len(inputs), 1), np.float32)]).astype(np.float64)
    classes, columns = len(head.CLASSES), x.shape[1]
    truth = np.eye(classes)[labels]
    share = weights * (weights.sum() / classes / (weights @ truth))[labels]
    ridge = np.full(columns, RIDGE)
    ridge[-1] = 1e-6  # the constant is free
    made = np.zeros((classes, columns))
    for _ in range(STEPS):
        chances = _softmax(x @ made.T)
        slope = ((chances - truth) * share[:, None]).T @ x + ridge * made
        bend = np.diag(np.tile(ridge, classes))
        for row in range(classes):
            for column in range(row, classes):
                each = share * chances[:, row] * ((row == column) - chances[:, column])
                block = (x * each[:, None]).T @ x
                rows, others = (slice(at * columns, (at + 1) * columns) for at in (row, column))
                bend[rows, others] += block
                if row != column:
                    bend[others, rows] += block
        step = np.linalg.solve(bend, slope.ravel()).reshape(made.shape)
        made -= step
        if np.abs(step).max() < 1e-6:
            break
    return made.astype(np.float32)


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: npt.NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return chances


def folds(inputs: Floats, examples: Examples, chance: np.random.Generator) -> float:
    """Macro-F1 of texts that the head has not seen, over all of them in turn."""
    fold = chance.integers(FOLDS, size=len(inputs))
    found = np.zeros(len(inputs), np.int64)
    for number in range(FOLDS):
        others = fold != number
        made = fit(inputs[others], examples.labels[others], examples.weights[others])
        found[~others] = blended(made, inputs[~others])
    return macro_f1(examples.labels, found)


def blended(made: Floats, inputs: Floats) -> Labels:
    """The labels that texts get from a head and the rules together, as the product blends them."""
    chances = head.Head(weights=made, name="").chances(inputs)
    scores = HEAD_SHARE * (chances[:, POSITIVE] - chances[:, NEGATIVE])
    return labelled(scores + (1 - HEAD_SHARE) * inputs[:, vectors.SIZE + 3])


def labelled(scores: Floats) -> Labels:
    """The labels of scores."""
    return np.where(scores > TURN_THRESHOLD, POSITIVE, np.where(scores < -TURN_THRESHOLD, NEGATIVE, NEUTRAL))


def macro_f1(truth: Labels, found: Labels) -> float:
    """The mean of the three classes' F1."""
    each = []
    for label in range(len(head.CLASSES)):
        hits = np.sum((truth == label) & (found == label))
        each.append(2 * hits / max(1, np.sum(truth == label) + np.sum(found == label)))
    return float(np.mean(each))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
