"""This file reads and writes categories as YAML: what people import and export, and the packs that come ready."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import yaml

from aftercall.insight.category_rules import Category, Mistake, plain, read

#: Nobody writes so much by hand.
LARGEST_TEXT = 500_000


def loads(text: str) -> tuple[list[Category], list[Mistake]]:
    """Categories from YAML: one, a list of them, or a mapping with `categories`.

    Returns:
        All of them, or none with everything that is wrong.
    """
    if len(text) > LARGEST_TEXT:
        return [], [Mistake(field="file", problem=f"is larger than {LARGEST_TEXT:,} characters.")]
    try:
        data = _load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "file"
        problem = getattr(exc, "problem", None) or "it cannot be read"
        return [], [Mistake(field=where, problem=f"is not YAML: {problem}.")]
    if isinstance(data, dict) and "categories" in data:
        data = data["categories"]
    if not isinstance(data, list):
        category, mistakes = read(data)
        return [category] if category else [], mistakes
    if not data:
        return [], [Mistake(field="file", problem="holds no category.")]
    made: list[Category] = []
    all_wrong: list[Mistake] = []
    for number, each in enumerate(data):
        category, wrong = read(each, at=f"categories[{number}]")
        all_wrong += wrong
        if category and any(category.id == other.id for other in made):
            all_wrong.append(Mistake(field=f"categories[{number}].id", problem=f"“{category.id}” is there twice."))
        elif category:
            made.append(category)
    return ([], all_wrong) if all_wrong else (made, [])


def dumps(categories: Sequence[Category]) -> str:
    """Categories as YAML, which `loads` takes back."""
    return dump_plain({"categories": [plain(each) for each in categories]})


def dumps_one(category: Category) -> str:
    """One category as YAML, for the editor."""
    return dump_plain(plain(category))


@cache
def packs() -> tuple[Category, ...]:
    """The categories that come ready, by name."""
    folder = resources.files("aftercall.insight") / "packs"
    made = []
    for file in folder.iterdir():
        if file.name.endswith(".yaml"):
            category, mistakes = read({**yaml.safe_load(file.read_text()), "pack": file.name.removesuffix(".yaml")})
            if category is None:
                raise ValueError(f"{file.name}: {mistakes}")
            made.append(category)
    return tuple(sorted(made, key=lambda each: each.name))


def _load(text: str) -> Any:
    # An alias could blow a small file up to gigabytes.
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not taken", problem_mark=token.start_mark)
    return yaml.safe_load(text)


def dump_plain(data: object) -> str:
    """Plain data as YAML, in the order it has."""
    made: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    return made
