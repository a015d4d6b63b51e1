"""This file reads the form of Settings > Speech: what was entered, and what is wrong with it; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from aftercall.speech.choosing import SpeechRule
from aftercall.speech.speakers import SpeakerThresholds
from aftercall.store.speech_settings import SpeechSettings

#: Empty rows offered below the rules there are.
BLANK_RULES = 2
MOST_RULES = 50
CONDITIONS = ("pbx_id", "direction", "queue_or_group", "extension", "spoken")

#: Field of the form to the field of the thresholds, the lowest and the highest value.
THRESHOLDS = {
    "most_alike": (0.0, 1.0),
    "surely_apart": (0.0, 1.0),
    "smallest_share": (0.0, 0.5),
    "least_speech_s": (0.0, 600.0),
}


@dataclass(frozen=True, kw_only=True)
class SpeechForm:
    """What was entered."""

    engine: str
    language: str
    understood_percent: str
    unsure_percent: str
    uses_names: bool
    vocabulary: str
    thresholds: Mapping[str, str]
    rules: tuple[SpeechRule, ...]
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def phrases(self) -> list[str]:
        return [line.strip() for line in self.vocabulary.splitlines() if line.strip()]


def filled_in(settings: SpeechSettings, phrases: Collection[str]) -> SpeechForm:
    """The form for what is stored."""
    return SpeechForm(
        engine=settings.engine,
        language=settings.language or "",
        understood_percent="" if settings.understood_from is None else f"{settings.understood_from * 100:g}",
        unsure_percent=f"{settings.unsure_below * 100:g}",
        uses_names=settings.uses_names,
        vocabulary="\n".join(phrases),
        thresholds={name: f"{getattr(settings.thresholds, name):g}" for name in THRESHOLDS},
        rules=settings.rules,
    )


def read(sent: Mapping[str, str], *, engines: Collection[str], languages: Collection[str]) -> SpeechForm:
    """What was sent, with what is wrong.

    Args:
        engines: the choices at hand; `auto` is always one.
        languages: the tags that may be chosen.
    """
    entered = SpeechForm(
        engine=sent.get("engine", "auto"),
        language=sent.get("language", ""),
        understood_percent=sent.get("understood_percent", "").strip(),
        unsure_percent=sent.get("unsure_percent", "").strip(),
        uses_names="uses_names" in sent,
        vocabulary=sent.get("vocabulary", ""),
        thresholds={name: sent.get(name, "").strip() for name in THRESHOLDS},
        rules=_rules(sent),
    )
    return checked(entered, engines=engines, languages=languages)


def checked(form: SpeechForm, *, engines: Collection[str], languages: Collection[str]) -> SpeechForm:
    """The form with what is wrong with it."""
    return replace(form, problems=_problems(form, engines, languages))


def settings_of(form: SpeechForm) -> SpeechSettings:
    """The settings of a form without problems."""
    return SpeechSettings(
        engine=form.engine,
        language=form.language or None,
        rules=form.rules,
        understood_from=float(form.understood_percent) / 100 if form.understood_percent else None,
        unsure_below=float(form.unsure_percent) / 100,
        thresholds=SpeakerThresholds(**{name: float(text) for name, text in form.thresholds.items()}),
        uses_names=form.uses_names,
    )


def _rules(sent: Mapping[str, str]) -> tuple[SpeechRule, ...]:
    """The rows that say something, in the order of their numbers; a row without engine and language is left out."""
    rows = []
    for index in range(MOST_RULES):
        said = {
            name: sent.get(f"rule-{index}-{name}", "").strip()[:160] for name in (*CONDITIONS, "engine", "language")
        }
        if f"rule-{index}-remove" not in sent and (said["engine"] or said["language"]):
            rows.append((sent.get(f"rule-{index}-order", "").strip().rjust(4), index, SpeechRule(**said)))
    return tuple(rule for _, _, rule in sorted(rows, key=lambda row: row[:2]))


def _problems(form: SpeechForm, engines: Collection[str], languages: Collection[str]) -> dict[str, str]:
    problems = {}
    if form.engine != "auto" and form.engine not in engines:
        problems["engine"] = f"{form.engine} is not at hand. Choose one of the list, or fetch its model first."
    if form.language and form.language not in languages:
        problems["language"] = "None of the engines at hand knows this language."
    if form.understood_percent and not _is_number(form.understood_percent, 0, 100):
        problems["understood_percent"] = "Enter a number from 0 to 100, or nothing to show everything."
    if not _is_number(form.unsure_percent, 0, 100):
        problems["unsure_percent"] = "Enter a number from 0 to 100."
    for name, (low, high) in THRESHOLDS.items():
        if not _is_number(form.thresholds[name], low, high):
            problems[name] = f"Enter a number from {low:g} to {high:g}."
    if not problems and float(form.thresholds["surely_apart"]) > float(form.thresholds["most_alike"]):
        problems["surely_apart"] = "This cannot be above the value before it."
    for number, rule in enumerate(form.rules, 1):
        if rule.engine and rule.engine not in engines:
            problems["rules"] = f"Rule {number}: {rule.engine} is not at hand."
    return problems


def _is_number(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False
