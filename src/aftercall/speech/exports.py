"""This file writes a call's transcript as a document: text, subtitles, JSON, Word; pure, all of it from the words.

Speakers are called by the name a person gave them, else by their role, else `Speaker A`; where they could not be told
apart they are not called anything. What was not understood is marked as such, in every format.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from io import BytesIO

from aftercall.model import Direction, Transcript, Turn, Word
from aftercall.speech import language
from aftercall.speech.subtitles import Cue, cues
from aftercall.speech.turns import UNKNOWN

NOT_UNDERSTOOD = "[not understood]"
LOW_ACCURACY = "Low accuracy: many words are wrong. Listen before you rely on it."
#: The label in front of a subtitle leaves room for text in its line.
LONGEST_LABEL = 24
#: Of 255 that file systems take.
LONGEST_FILE_NAME_BYTES = 120

_DIRECTIONS = {
    "inbound": "Inbound call",
    "outbound": "Outbound call",
    "internal": "Internal call",
    "conference": "Conference",
    "unknown": "Call",
}
#: Written from right to left: from Hebrew to the Arabic extensions, and their presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LETTER = re.compile(r"[^\W\d_]")
#: What XML cannot hold: a corrected line may hold anything a keyboard can send.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069/\\:*?"<>|]+')


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What an export says of the call itself; None where it is not known."""

    id: str
    pbx: str
    recording: str | None
    started_at: datetime
    #: Of the PBX's own clock; None for UTC.
    utc_offset_min: int | None
    direction: Direction
    caller: str | None
    callee: str | None
    caller_name: str | None = None
    callee_name: str | None = None
    extension: str | None = None
    queue_or_group: str | None = None
    duration_s: float | None = None
    #: The names that people gave to speakers `A` and `B`.
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of document."""

    content_type: str
    title: str
    write: Callable[[Transcript, CallFacts], bytes]


def label(turn: Turn, names: Mapping[str, str]) -> str:
    """What a turn's speaker is called; "" where the speakers could not be told apart."""
    if name := names.get(turn.speaker, "").strip():
        return name
    if turn.role:
        return turn.role.capitalize()
    return "" if turn.speaker == UNKNOWN else f"Speaker {turn.speaker}"


def text_of(turn: Turn) -> str:
    return turn.text if turn.is_understood else NOT_UNDERSTOOD


def file_name(call: CallFacts, suffix: str) -> str:
    """A name that sorts by time and that every system takes: `2026-11-23 09.05 inbound Erika Mustermann.txt`."""
    other = (call.callee_name or call.callee) if call.direction == "outbound" else (call.caller_name or call.caller)
    parts = (f"{_local(call):%Y-%m-%d %H.%M}", call.direction, other or "")
    plain = " ".join(_NOT_IN_FILE_NAMES.sub(" ", " ".join(part for part in parts if part)).split())
    short = plain.encode()[:LONGEST_FILE_NAME_BYTES].decode(errors="ignore")
    return f"{short.rstrip('. ')}.{suffix}"


# ---- text -------------------------------------------------------------------------------------------------------


def as_text(transcript: Transcript, call: CallFacts) -> bytes:
    """Plain text in UTF-8: what is known of the call, then a line for each turn."""
    head = [title(call), *(f"{name}: {value}" for name, value in facts(transcript, call)), *notes(transcript)]
    lines = [_line(turn, call.names) for turn in transcript.turns]
    return ("\n".join([*head, "", *lines]) + "\n").encode()


def title(call: CallFacts) -> str:
    return f"{_DIRECTIONS[call.direction]} of {_moment(call)}"


def facts(transcript: Transcript, call: CallFacts) -> list[tuple[str, str]]:
    """What stands above a transcript, where it is known."""
    found = [
        ("Caller", _party(call.caller, call.caller_name)),
        ("Callee", _party(call.callee, call.callee_name)),
        ("Extension", call.extension),
        ("Queue or group", call.queue_or_group),
        ("Duration", clock(call.duration_s) if call.duration_s is not None else None),
        ("PBX", call.pbx),
        ("Recording", call.recording),
        ("Language", language.name(transcript.language)),
        ("Transcribed by", f"{transcript.engine} ({transcript.model})" if transcript.model else transcript.engine),
    ]
    return [(name, _plain(value)) for name, value in found if value]


def notes(transcript: Transcript) -> list[str]:
    """What a reader has to know before he relies on a transcript."""
    voices = transcript.voices
    return [
        note
        for note, is_so in (
            (LOW_ACCURACY, transcript.is_low_accuracy),
            ("Speakers not separated: both are in one audio channel.", transcript.speakers == "not separated"),
            ("Speakers estimated from their voices, low confidence.", voices is not None and voices.is_low_confidence),
            ("No speech was recognised in this call.", not transcript.turns),
        )
        if is_so
    ]


def clock(seconds: float) -> str:
    """`0:01:05`."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _line(turn: Turn, names: Mapping[str, str]) -> str:
    speaker = label(turn, names)
    return f"[{clock(turn.start_s)}] {_plain(speaker) + ': ' if speaker else ''}{_plain(text_of(turn))}"


def _plain(text: str) -> str:
    """One line of text, whatever was typed into it."""
    return " ".join(text.split())


def _party(number: str | None, name: str | None) -> str | None:
    return f"{name} ({number})" if name and number else name or number


def _local(call: CallFacts) -> datetime:
    return call.started_at.astimezone(timezone(timedelta(minutes=call.utc_offset_min or 0)))


def _moment(call: CallFacts) -> str:
    local = _local(call)
    return f"{local.day} {local:%B %Y, %H:%M} ({local.tzname()})"


# ---- subtitles --------------------------------------------------------------------------------------------------


def as_srt(transcript: Transcript, call: CallFacts) -> bytes:
    """SubRip in UTF-8. It knows no comments: the first subtitle says if the accuracy is low."""
    blocks = [
        f"{number}\n{_srt_time(cue.start_ms)} --> {_srt_time(cue.end_ms)}\n{_srt_text(cue)}\n"
        for number, cue in enumerate(_cues(transcript, call, with_label=True), start=1)
    ]
    return "\n".join(blocks).encode()


def as_vtt(transcript: Transcript, call: CallFacts) -> bytes:
    """WebVTT: speakers as voices, what else is to be known as a note."""
    head = [title(call), *(f"{name}: {value}" for name, value in facts(transcript, call)), *notes(transcript)]
    blocks = ["WEBVTT", "NOTE\n" + "\n".join(each.replace("-->", "->") for each in head)]
    for cue in _cues(transcript, call, with_label=False):
        lines = "\n".join(_vtt_text(line) for line in cue.lines)
        voice = f"<v {_vtt_text(cue.speaker)}>{lines}</v>" if cue.speaker else lines
        blocks.append(f"{_vtt_time(cue.start_ms)} --> {_vtt_time(cue.end_ms)}\n{voice}")
    return ("\n\n".join(blocks) + "\n").encode()


def _cues(transcript: Transcript, call: CallFacts, *, with_label: bool) -> list[Cue]:
    spoken = [(_short(label(turn, call.names)), turn, text_of(turn)) for turn in transcript.turns]
    opening = LOW_ACCURACY if with_label and transcript.is_low_accuracy and spoken else ""
    return cues(spoken, with_label=with_label, opening=opening)


def _short(name: str) -> str:
    plain = _plain(name)
    return plain if len(plain) <= LONGEST_LABEL else plain[: LONGEST_LABEL - 1].rstrip() + "…"


def _srt_text(cue: Cue) -> str:
    # There is no way to escape: players take angle brackets for marks, and the arrow for a time.
    return "\n".join(line.replace("<", "‹").replace(">", "›") for line in cue.lines)


def _vtt_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _srt_time(ms: int) -> str:
    return _vtt_time(ms).replace(".", ",")


def _vtt_time(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


# ---- JSON -------------------------------------------------------------------------------------------------------


def as_json(transcript: Transcript, call: CallFacts) -> bytes:
    """Everything, with each word's times and confidence; the words of what was not understood are guesses."""
    shape = {
        "call": {
            **{name: value for name, value in asdict(call).items() if name not in {"started_at", "names"}},
            "started_at": call.started_at.isoformat().replace("+00:00", "Z"),
        },
        "engine": transcript.engine,
        "model": transcript.model,
        "language": transcript.language,
        "is_low_accuracy": transcript.is_low_accuracy,
        "speakers": transcript.speakers,
        "notes": notes(transcript),
        "turns": [
            {**asdict(turn), "name": call.names.get(turn.speaker), "words": [_word(word) for word in turn.words]}
            for turn in transcript.turns
        ],
    }
    return (json.dumps(shape, ensure_ascii=False, indent=1) + "\n").encode()


def _word(word: Word) -> dict[str, object]:
    """As the API has it; a label in the place of hidden words is its text."""
    return {name: getattr(word, name) for name in ("text", "start_s", "end_s", "confidence")}


# ---- Word -------------------------------------------------------------------------------------------------------


def as_docx(transcript: Transcript, call: CallFacts) -> bytes:
    """A Word document: what is known of the call as a table, then a paragraph for each turn."""
    from docx import Document
    from docx.shared import Pt, RGBColor

    paper = Document()
    about = paper.core_properties
    about.author, about.title, about.comments = "Aftercall", _in_xml(title(call)), ""
    about.created = about.modified = call.started_at.replace(tzinfo=None)
    about.language = transcript.language
    paper.styles["Normal"].font.size = Pt(11)
    paper.add_heading(_in_xml(title(call)), level=1)
    known = facts(transcript, call)
    table = paper.add_table(rows=len(known), cols=2, style="Light List")
    for row, (name, value) in zip(table.rows, known, strict=True):
        row.cells[0].text, row.cells[1].text = name, _in_xml(value)
    paper.add_paragraph()
    for note in notes(transcript):
        paper.add_paragraph(style="Intense Quote").add_run(note)
    grey = RGBColor(0x66, 0x66, 0x66)
    for turn in transcript.turns:
        text = text_of(turn)
        paragraph = paper.add_paragraph()
        at = paragraph.add_run(f"{clock(turn.start_s)}  ")
        at.font.size, at.font.color.rgb = Pt(9), grey
        if speaker := _in_xml(label(turn, call.names)):
            paragraph.add_run(f"{speaker}: ").bold = True
        said = paragraph.add_run(_in_xml(_plain(text)))
        if not turn.is_understood:
            said.italic, said.font.color.rgb = True, grey
        if is_right_to_left(text):
            paragraph.paragraph_format.element.get_or_add_pPr().append(paragraph._p.makeelement(_BIDI))
            said.font.rtl = True
    written = BytesIO()
    paper.save(written)
    return written.getvalue()


_BIDI = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}bidi"


def is_right_to_left(text: str) -> bool:
    """Whether a line begins at the right: by its first letter, as Unicode does it."""
    first = _LETTER.search(text)
    return first is not None and _RIGHT_TO_LEFT.match(first[0]) is not None


def _in_xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


# ---- all of them ------------------------------------------------------------------------------------------------

#: Suffix to format.
FORMATS = {
    "txt": Format(content_type="text/plain; charset=utf-8", title="Text", write=as_text),
    "srt": Format(content_type="application/x-subrip; charset=utf-8", title="Subtitles (SRT)", write=as_srt),
    "vtt": Format(content_type="text/vtt; charset=utf-8", title="Subtitles (WebVTT)", write=as_vtt),
    "json": Format(content_type="application/json", title="JSON", write=as_json),
    "docx": Format(
        content_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        title="Word document",
        write=as_docx,
    ),
}
