"""This file holds the rules of a category as data, and reads them with every mistake named at its field; pure."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from aftercall.insight import phrase_patterns
from aftercall.insight.phrase_patterns import Match
from aftercall.model import SentimentLabel

Party = Literal["agent", "customer", "any"]
#: Who said words; `not agent` is the customer, or whoever speaks where nobody can tell the two apart.
Speaker = Literal["any", "customer", "agent", "not agent"]
Op = Literal["is", "is not", "one of", "contains", "starts with", "<", "<=", ">", ">="]

COLOURS = ("grey", "blue", "teal", "green", "yellow", "orange", "red", "purple")
#: Facts of a call that hold text, and those that hold a number.
TEXT_FACTS = ("direction", "disposition", "caller", "callee", "extension", "queue_or_group", "did", "weekday")
NUMBER_FACTS = ("duration_s", "answered_after_s", "hour", "audio_channels", "transfers")
TEXT_OPS: tuple[Op, ...] = ("is", "is not", "one of", "contains", "starts with")
NUMBER_OPS: tuple[Op, ...] = ("is", "is not", "<", "<=", ">", ">=")
LONGEST_NAME, LONGEST_PHRASE, MOST_PHRASES, MOST_RULES, DEEPEST = 60, 120, 200, 100, 6


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of the call; all None is the whole of it. Seconds count from the recording's start, or back from the last
    word; percent from the first word to the last."""

    first_s: float | None = None
    last_s: float | None = None
    from_s: float | None = None
    to_s: float | None = None
    first_percent: float | None = None
    last_percent: float | None = None

    @property
    def is_whole(self) -> bool:
        return self == Window()


@dataclass(frozen=True, kw_only=True)
class Words:
    """One of some phrases was said."""

    phrases: tuple[str, ...]
    match: Match = "exact"
    party: Speaker = "any"
    window: Window = Window()


@dataclass(frozen=True, kw_only=True)
class Mood:
    """A party sounded so: over the call, or in at least some turns."""

    labels: tuple[SentimentLabel, ...]
    party: Party = "customer"
    #: None for the party's mood over the whole call.
    turns: int | None = None
    window: Window = Window()


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """A party cut the other off, at least so often or for so long."""

    by: Party
    count: int | None = None
    total_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Nobody spoke: at least so long at a stretch, or so long in all."""

    longest_s: float | None = None
    total_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of the call compares so."""

    name: str
    op: Op
    value: float


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something the PBX or the recording tells compares so."""

    field: str
    op: Op
    value: str | float | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AllOf:
    rules: tuple["Rule", ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    rules: tuple["Rule", ...]


@dataclass(frozen=True, kw_only=True)
class Not:
    rule: "Rule"


Rule = Words | Mood | Interruption | Silence | Metric | Fact | AllOf | AnyOf | Not


@dataclass(frozen=True, kw_only=True)
class Category:
    """One category with its rules."""

    id: str
    name: str
    rule: Rule
    colour: str = "grey"
    #: What it is for, in a sentence.
    about: str = ""
    is_enabled: bool = True
    #: Name of the ready pack it came from, "" if a person made it.
    pack: str = ""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is wrong, and where: `when.any[1].words`."""

    field: str
    problem: str


@dataclass
class _Reader:
    """Collects the mistakes on the way through the data."""

    mistakes: list[Mistake] = field(default_factory=list)
    count: int = 0

    def wrong(self, at: str, problem: str) -> None:
        self.mistakes.append(Mistake(field=at, problem=problem))


def slug(name: str) -> str:
    """The id a name gives."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]


def read(data: object, *, at: str = "") -> tuple[Category | None, list[Mistake]]:
    """A category from plain data, as YAML and JSON give it.

    Returns:
        The category, or None with all that is wrong.
    """
    reader = _Reader()
    if not isinstance(data, Mapping):
        reader.wrong(at or "category", "must be a mapping with a name and a `when`.")
        return None, reader.mistakes
    dot = f"{at}." if at else ""
    _only(reader, data, ("id", "name", "colour", "about", "enabled", "pack", "when"), at)
    name = _text(reader, data.get("name"), f"{dot}name", longest=LONGEST_NAME)
    identity = _text(reader, data.get("id", slug(name) if name else "x"), f"{dot}id", longest=LONGEST_NAME)
    if identity != slug(identity):
        reader.wrong(f"{dot}id", "may hold small letters, digits and single hyphens only.")
    colour = data.get("colour", "grey")
    if colour not in COLOURS:
        reader.wrong(f"{dot}colour", f"must be one of {', '.join(COLOURS)}.")
    is_enabled = data.get("enabled", True)
    if not isinstance(is_enabled, bool):
        reader.wrong(f"{dot}enabled", "must be true or false.")
    about = _text(reader, data.get("about", ""), f"{dot}about", longest=300, may_be_empty=True)
    pack = _text(reader, data.get("pack", ""), f"{dot}pack", longest=LONGEST_NAME, may_be_empty=True)
    rule = read_rule(reader, data.get("when"), f"{dot}when")
    if reader.mistakes or rule is None:
        return None, reader.mistakes
    made = Category(
        id=identity, name=name, rule=rule, colour=str(colour), about=about, is_enabled=bool(is_enabled), pack=pack
    )
    return made, []


def read_rule(reader: _Reader, data: object, at: str, depth: int = 0) -> Rule | None:
    """One rule, or a group of them; None with the mistakes noted."""
    reader.count += 1
    if reader.count == MOST_RULES + 1:
        reader.wrong(at, f"is rule number {MOST_RULES + 1}; a category may have {MOST_RULES}.")
    if reader.count > MOST_RULES:
        return None
    if not isinstance(data, Mapping):
        reader.wrong(at, "must be a rule: a mapping with one of " + ", ".join(_KINDS) + ".")
        return None
    if depth > DEEPEST:
        reader.wrong(at, f"is nested more than {DEEPEST} deep. Make two categories of it.")
        return None
    kinds = [kind for kind in _KINDS if kind in data]
    if len(kinds) != 1:
        said = " and ".join(kinds) if kinds else "nothing of the kind"
        reader.wrong(at, f"must hold exactly one of {', '.join(_KINDS)}; it holds {said}.")
        return None
    kind = kinds[0]
    known, read_kind = _KINDS[kind]
    _only(reader, data, (kind, *known), at)
    before = len(reader.mistakes)
    made = read_kind(reader, data, at, depth)
    return made if len(reader.mistakes) == before else None


# ---- each kind --------------------------------------------------------------------------------------------------


def _words(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    phrases = _texts(reader, data["words"], f"{at}.words", longest=LONGEST_PHRASE, most=MOST_PHRASES)
    for number, phrase in enumerate(phrases):
        if not phrase_patterns.parts(phrase):
            reader.wrong(f"{at}.words[{number}]", f"“{phrase}” holds no word that could be said.")
    return Words(
        phrases=phrases,
        match=_one_of(reader, data.get("match", "exact"), get_args(Match), f"{at}.match"),
        party=_one_of(reader, data.get("party", "any"), get_args(Speaker), f"{at}.party"),
        window=_window(reader, data.get("window"), f"{at}.window"),
    )


def _mood(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    labels = _texts(reader, data["mood"], f"{at}.mood", longest=20, most=4)
    for each in labels:
        _one_of(reader, each, get_args(SentimentLabel), f"{at}.mood")
    window = _window(reader, data.get("window"), f"{at}.window")
    turns = data.get("turns")
    if turns is None and not window.is_whole:
        reader.wrong(f"{at}.turns", "is needed with a window: in how many turns at least.")
    return Mood(
        labels=tuple(each for each in get_args(SentimentLabel) if each in labels),
        party=_one_of(reader, data.get("party", "customer"), get_args(Party), f"{at}.party"),
        turns=None if turns is None else int(_number(reader, turns, f"{at}.turns", low=1)),
        window=window,
    )


def _interruption(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    count, total = data.get("count"), data.get("total_ms")
    if (count is None) == (total is None):
        reader.wrong(at, "must hold either `count` (at least so often) or `total_ms` (at least so long).")
    return Interruption(
        by=_one_of(reader, data["interruption"], get_args(Party), f"{at}.interruption"),
        count=None if count is None else int(_number(reader, count, f"{at}.count", low=1)),
        total_ms=None if total is None else _number(reader, total, f"{at}.total_ms", low=1),
    )


def _silence(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    said = data["silence"]
    if not isinstance(said, Mapping) or len(said) != 1 or not {"longest_s", "total_s"} & said.keys():
        reader.wrong(f"{at}.silence", "must hold either `longest_s` or `total_s`.")
        return Silence()
    name, value = next(iter(said.items()))
    seconds = _number(reader, value, f"{at}.silence.{name}", low=0.1)
    return Silence(longest_s=seconds) if name == "longest_s" else Silence(total_s=seconds)


def _metric(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    return Metric(
        name=_text(reader, data["metric"], f"{at}.metric", longest=80),
        op=_one_of(reader, data.get("op", ">="), NUMBER_OPS, f"{at}.op"),
        value=_number(reader, data.get("value"), f"{at}.value"),
    )


def _fact(reader: _Reader, data: Mapping[str, Any], at: str, _depth: int) -> Rule:
    name = _one_of(reader, data["fact"], (*TEXT_FACTS, *NUMBER_FACTS), f"{at}.fact")
    if name in NUMBER_FACTS:
        op: Op = _one_of(reader, data.get("op", "is"), NUMBER_OPS, f"{at}.op")
        return Fact(field=name, op=op, value=_number(reader, data.get("value"), f"{at}.value"))
    op = _one_of(reader, data.get("op", "is"), TEXT_OPS, f"{at}.op")
    value = data.get("value")
    if op == "one of":
        return Fact(field=name, op=op, value=_texts(reader, value, f"{at}.value", longest=80, most=MOST_PHRASES))
    # YAML reads an extension as a number.
    said = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return Fact(field=name, op=op, value=_text(reader, said, f"{at}.value", longest=80))


def _group(reader: _Reader, data: Mapping[str, Any], at: str, depth: int) -> Rule:
    kind = "all" if "all" in data else "any"
    listed = data[kind]
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        reader.wrong(f"{at}.{kind}", "must be a list of at least one rule.")
        return AllOf(rules=())
    made = [read_rule(reader, each, f"{at}.{kind}[{number}]", depth + 1) for number, each in enumerate(listed)]
    rules = tuple(each for each in made if each is not None)
    return AllOf(rules=rules) if kind == "all" else AnyOf(rules=rules)


def _not(reader: _Reader, data: Mapping[str, Any], at: str, depth: int) -> Rule:
    made = read_rule(reader, data["not"], f"{at}.not", depth + 1)
    return Not(rule=made) if made else AllOf(rules=())


#: Each kind by the key that names it: the other keys it may hold, and how it is read.
_KINDS: dict[str, tuple[tuple[str, ...], Any]] = {
    "words": (("match", "party", "window"), _words),
    "mood": (("party", "turns", "window"), _mood),
    "interruption": (("count", "total_ms"), _interruption),
    "silence": ((), _silence),
    "metric": (("op", "value"), _metric),
    "fact": (("op", "value"), _fact),
    "all": ((), _group),
    "any": ((), _group),
    "not": ((), _not),
}


def _window(reader: _Reader, data: object, at: str) -> Window:
    if data is None:
        return Window()
    names = set(Window.__dataclass_fields__)
    if not isinstance(data, Mapping) or not data or not set(data) <= names:
        reader.wrong(at, f"must hold one of {', '.join(sorted(names))}.")
        return Window()
    if len(data) > 1 and set(data) != {"from_s", "to_s"}:
        reader.wrong(at, "may hold one limit only, or `from_s` with `to_s`.")
    found = {
        str(name): _number(reader, value, f"{at}.{name}", low=0, high=100 if str(name).endswith("percent") else 86_400)
        for name, value in data.items()
    }
    if found.get("from_s", 0) >= found.get("to_s", math.inf):
        reader.wrong(f"{at}.to_s", "must be later than `from_s`.")
    return Window(**found)


# ---- single values ----------------------------------------------------------------------------------------------


def _only(reader: _Reader, data: Mapping[str, Any], known: Sequence[str], at: str) -> None:
    for name in data:
        if name not in known:
            reader.wrong(f"{at}.{name}" if at else str(name), f"is not known here; known are {', '.join(known)}.")


def _text(reader: _Reader, value: object, at: str, *, longest: int, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or (not value.strip() and not may_be_empty):
        reader.wrong(at, "must be a text." if value is not None else "is missing.")
        return ""
    if len(value) > longest:
        reader.wrong(at, f"may have {longest} characters.")
    return value.strip()


def _texts(reader: _Reader, value: object, at: str, *, longest: int, most: int) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str | int) and not isinstance(value, bool) else value
    if not isinstance(listed, Sequence) or not listed:
        reader.wrong(at, "must be a list of at least one text.")
        return ()
    if len(listed) > most:
        reader.wrong(at, f"may hold {most} texts.")
    return tuple(
        _text(
            reader,
            str(each) if isinstance(each, int) and not isinstance(each, bool) else each,
            f"{at}[{number}]",
            longest=longest,
        )
        for number, each in enumerate(listed[:most])
    )


def _number(reader: _Reader, value: object, at: str, *, low: float = -1e9, high: float = 1e9) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        if value is None:
            reader.wrong(at, "is missing.")
        else:
            reader.wrong(at, f"must be a number from {low:g} to {high:g}.")
        return max(low, 0)
    return float(value)


def _one_of(reader: _Reader, value: object, known: Sequence[str], at: str) -> Any:
    if value not in known:
        reader.wrong(at, f"must be one of {', '.join(known)}.")
        return known[0]
    return value


# ---- back to plain data -----------------------------------------------------------------------------------------


def plain(category: Category) -> dict[str, Any]:
    """A category as plain data, which `read` takes back; what is as usual is left out."""
    made: dict[str, Any] = {"id": category.id, "name": category.name, "colour": category.colour}
    made |= {name: value for name, value in (("about", category.about), ("pack", category.pack)) if value}
    if not category.is_enabled:
        made["enabled"] = False
    return {**made, "when": plain_rule(category.rule)}


def plain_rule(rule: Rule) -> dict[str, Any]:  # noqa: PLR0911 (one line for each kind)
    """One rule as plain data."""
    match rule:
        case AllOf(rules=rules):
            return {"all": [plain_rule(each) for each in rules]}
        case AnyOf(rules=rules):
            return {"any": [plain_rule(each) for each in rules]}
        case Not(rule=inner):
            return {"not": plain_rule(inner)}
        case Words():
            said: dict[str, Any] = {"words": list(rule.phrases), "match": rule.match, "party": rule.party}
            return _without_usual(said, {"match": "exact", "party": "any"}) | _plain_window(rule.window)
        case Mood():
            said = {"mood": list(rule.labels), "party": rule.party, "turns": rule.turns}
            return _without_usual(said, {"turns": None}) | _plain_window(rule.window)
        case Interruption():
            said = {"interruption": rule.by, "count": rule.count, "total_ms": rule.total_ms}
            return _without_usual(said, {"count": None, "total_ms": None})
        case Silence():
            return {"silence": _without_usual(vars(rule), {"longest_s": None, "total_s": None})}
        case Metric():
            return {"metric": rule.name, "op": rule.op, "value": rule.value}
        case Fact():
            value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
            return {"fact": rule.field, "op": rule.op, "value": value}


def _without_usual(said: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in usual or value != usual[name]}


def _plain_window(window: Window) -> dict[str, Any]:
    if window.is_whole:
        return {}
    return {"window": {name: value for name, value in vars(window).items() if value is not None}}
