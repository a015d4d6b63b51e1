"""This file reads the demo's calls as they were written: who rings whom, when, and what they say."""

import re
import tomllib
from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Part = Literal["agent", "colleague", "customer"]
#: How the PBX recorded the call: two audio channels in wide band, FreePBX's usual mixed file, GSM in a `.WAV`, or
#: a header without sound because nobody answered.
Sound = Literal["stereo 16 kHz", "mono 8 kHz", "gsm", "none"]

_LINE = re.compile(r"(?P<part>agent|colleague|customer)(?P<interrupts> interrupts)?: (?P<text>.+)")
_PAUSE = re.compile(r"pause (?P<seconds>[\d.]+)")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one person says without a break."""

    part: Part
    text: str
    #: Seconds of quiet before it beyond the natural pause.
    wait_s: float = 0.0
    #: Starts while the other is still speaking.
    interrupts: bool = False


@dataclass(frozen=True, kw_only=True)
class Script:
    """One call of the demo."""

    key: str
    title: str
    #: FreePBX's first word in the name: `in`, `out`, `external`, `internal`, `q`, `rg`.
    kind: str
    #: The second and third field of the name.
    called: str
    from_: str
    sound: Sound
    #: Part to voice; see `scripts/voice_demo_calls.py`.
    voices: dict[str, str]
    lines: tuple[Line, ...]
    #: Either a time of day some days ago, or so many minutes before the demo starts, or now (`is_live`).
    days_ago: int | None = None
    at: time | None = None
    minutes_ago: int | None = None
    #: Still being recorded when the demo starts.
    is_live: bool = False

    def audio_channel(self, part: Part) -> int:
        """Where a party is heard in stereo: 0 is the caller, 1 the called, as merging `r()` and `t()` files gives."""
        far_part = "colleague" if self.kind == "internal" else "customer"
        firm_calls = self.kind in {"out", "internal"}
        return int((part == far_part) == firm_calls)


@cache
def all_scripts() -> tuple[Script, ...]:
    """Every call of the demo, in the order of `calls.toml`."""
    written = tomllib.loads(files(__package__).joinpath("calls.toml").read_text(encoding="utf-8"))
    return tuple(_script(entry) for entry in written["call"])


def parse_dialogue(dialogue: str) -> tuple[Line, ...]:
    """Read a dialogue as it stands in `calls.toml`.

    Raises:
        ValueError: a line is neither something said nor a pause.
    """
    lines: list[Line] = []
    wait_s = 0.0
    for row in dialogue.strip().splitlines():
        if pause := _PAUSE.fullmatch(row):
            wait_s += float(pause["seconds"])
        elif said := _LINE.fullmatch(row):
            part: Any = said["part"]
            lines.append(Line(part=part, text=said["text"], wait_s=wait_s, interrupts=bool(said["interrupts"])))
            wait_s = 0.0
        else:
            raise ValueError(f"neither a line nor a pause: {row!r}")
    return tuple(lines)


def _script(entry: dict[str, Any]) -> Script:
    return Script(
        key=entry["key"],
        title=entry["title"],
        kind=entry["kind"],
        called=entry["called"],
        from_=entry["from"],
        sound=entry.get("sound", "stereo 16 kHz"),
        voices=entry.get("voices", {}),
        lines=parse_dialogue(entry.get("dialogue", "")),
        days_ago=entry.get("days_ago"),
        at=time.fromisoformat(entry["at"]) if "at" in entry else None,
        minutes_ago=entry.get("minutes_ago"),
        is_live=entry.get("is_live", False),
    )
