"""This file reads the form of Settings > Language model: what was entered, and what is wrong with it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from aftercall.insight.llm import MODES, is_local
from aftercall.model import LlmMode
from aftercall.store.llm_settings import LlmSettings

#: Field to the lowest and the highest value.
WHOLE_NUMBERS = {"context_tokens": (4_096, 1_000_000), "call_cap": (1_000, 10_000_000), "day_cap": (1_000, 10**9)}
TIMEOUT_S = (5, 900)


@dataclass(frozen=True, kw_only=True)
class EnteredLlm:
    """What was entered."""

    url: str = ""
    model: str = ""
    #: "" keeps the stored one.
    key: str = ""
    forgets_key: bool = False
    mode: str = "native"
    #: "" for the usual one.
    timeout_s: str = ""
    context_tokens: str = ""
    call_cap: str = ""
    day_cap: str = ""
    is_enabled: bool = False

    @property
    def new_key(self) -> str | None:
        """None keeps the stored one, "" forgets it."""
        return "" if self.forgets_key else self.key.strip() or None


def of_stored(stored: LlmSettings) -> EnteredLlm:
    """The form for what is stored, without its key."""
    return EnteredLlm(
        url=stored.url,
        model=stored.model,
        mode=stored.mode,
        timeout_s="" if stored.timeout_s is None else f"{stored.timeout_s:g}",
        context_tokens=str(stored.context_tokens),
        call_cap=str(stored.call_cap),
        day_cap=str(stored.day_cap),
        is_enabled=stored.is_enabled,
    )


def read(sent: Mapping[str, str]) -> EnteredLlm:
    names = ("url", "model", "key", "mode", "timeout_s", *WHOLE_NUMBERS)
    return EnteredLlm(
        **{name: sent.get(name, "").strip() for name in names},
        forgets_key="forgets_key" in sent,
        is_enabled="is_enabled" in sent,
    )


def problems(entered: EnteredLlm, *, is_test: bool = False) -> dict[str, str]:
    """What is wrong, by field; an address and a model are needed only to test or to switch it on."""
    found: dict[str, str] = {}
    if entered.url or entered.is_enabled or is_test:
        found |= _url_problem(entered.url)
    if (entered.is_enabled or is_test) and not entered.model:
        found["model"] = "Enter the model's name as the server lists it."
    if len(entered.model) > 200:
        found["model"] = "Enter at most 200 characters."
    if entered.mode not in MODES:
        found["mode"] = "Choose one of the list."
    if entered.timeout_s and not _is_number(entered.timeout_s, *TIMEOUT_S):
        found["timeout_s"] = f"Enter {TIMEOUT_S[0]} to {TIMEOUT_S[1]} seconds, or nothing for the usual time."
    for name, (low, high) in WHOLE_NUMBERS.items():
        text = getattr(entered, name)
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            found[name] = f"Enter a whole number from {low:,} to {high:,}."
    return found


def settings_of(entered: EnteredLlm) -> LlmSettings:
    """The settings of a form without problems."""
    return LlmSettings(
        url=entered.url.rstrip("/"),
        model=entered.model,
        mode=cast(LlmMode, entered.mode),
        timeout_s=float(entered.timeout_s) if entered.timeout_s else None,
        context_tokens=int(entered.context_tokens),
        call_cap=int(entered.call_cap),
        day_cap=int(entered.day_cap),
        is_enabled=entered.is_enabled,
    )


def _url_problem(url: str) -> dict[str, str]:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or len(url) > 500:
        return {"url": "Enter an address such as http://127.0.0.1:11434/v1."}
    if "@" in parts.netloc or parts.query or parts.fragment:
        return {"url": "Enter the address alone; a key has its own field."}
    if parts.scheme == "http" and not is_local(url):
        return {"url": "Use https:// for a server outside your network: transcripts would travel in the clear."}
    return {}


def _is_number(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False
