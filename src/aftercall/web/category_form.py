"""This file reads the editor of a category: its YAML, and the condition that a person adds with the form; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from aftercall.insight import category_files
from aftercall.insight.category_rules import Category, Mistake, read

#: What the form can add, in words.
KINDS = {
    "words": "Words were said",
    "mood": "Somebody sounded so",
    "silence": "Nobody spoke for a while",
    "interruption": "Somebody interrupted",
    "metric": "A figure of the call",
    "fact": "Something the PBX tells",
}
#: Where in the call, in words: the window's field.
WINDOWS = {
    "": "Any time",
    "first_s": "First … seconds",
    "last_s": "Last … seconds",
    "first_percent": "First … percent",
    "last_percent": "Last … percent",
}
STARTER = """name: My category
colour: blue
when:
  any:
    - words: [refund, money back]
      match: fuzzy
      party: not agent
"""


@dataclass(frozen=True, kw_only=True)
class EditorForm:
    """What was entered."""

    text: str
    #: None while something is wrong.
    category: Category | None = None
    mistakes: tuple[Mistake, ...] = ()
    #: The fields of the condition to add, and what is wrong with them.
    added: Mapping[str, str] = field(default_factory=dict)
    added_mistakes: tuple[Mistake, ...] = ()


def checked(text: str) -> EditorForm:
    """The editor with what is wrong."""
    made, mistakes = category_files.loads(text)
    if len(made) > 1:
        mistakes = [Mistake(field="categories", problem="are several. Import them, or edit one at a time.")]
    return EditorForm(text=text, category=made[0] if len(made) == 1 else None, mistakes=tuple(mistakes))


def with_condition(text: str, sent: Mapping[str, str]) -> EditorForm:
    """The editor with one more condition at the end of its outermost group."""
    form = checked(text)
    if form.category is None:
        return EditorForm(text=text, mistakes=form.mistakes, added=sent)
    condition = _condition(sent)
    made, wrong = read({"name": "added", "when": condition})
    if made is None:
        return EditorForm(text=text, category=form.category, added=sent, added_mistakes=tuple(wrong))
    data: dict[str, Any] = yaml.safe_load(text)
    if "categories" in data:
        data = data["categories"][0]
    group = "all" if sent.get("add-group") == "all" else "any"
    when = data["when"]
    if group in when:
        when[group].append(condition)
    else:
        data["when"] = {group: [when, condition]}
    return checked(category_files.dump_plain(data))


def _condition(sent: Mapping[str, str]) -> dict[str, Any]:
    """One rule as plain data from the fields of the form."""

    def said(name: str) -> str:
        return sent.get(f"add-{name}", "").strip()

    kind = said("kind")
    rule: dict[str, Any]
    match kind:
        case "words":
            phrases = [line.strip() for line in said("words").splitlines() if line.strip()]
            rule = {"words": phrases, "match": said("match") or "exact"}
            rule |= {"party": said("party")} if said("party") not in {"", "any"} else {}
            if said("window"):
                rule["window"] = {said("window"): _number(said("window-size"))}
        case "mood":
            rule = {"mood": [said("mood")], "party": said("party") or "customer"}
            if said("turns"):
                rule["turns"] = _number(said("turns"))
        case "silence":
            rule = {"silence": {"longest_s": _number(said("value"))}}
        case "interruption":
            rule = {"interruption": said("party") or "any", "count": _number(said("value"))}
        case "metric":
            rule = {"metric": said("name"), "op": said("op"), "value": _number(said("value"))}
        case _:
            value: object = said("value")
            rule = {"fact": said("name"), "op": said("op"), "value": _number(said("value"))}
            if isinstance(rule["value"], str) or said("op") in {"contains", "starts with"}:
                rule["value"] = value
    return {"not": rule} if said("negate") else rule


def _number(text: str) -> float | int | str:
    """The number a text stands for; the text itself if it is none, so that the mistake is named."""
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
