"""This file tells from a recording's first bytes what it is and whether it is still being written.

It is pure and imports nothing of ours.
"""

import codecs
import re
import string
import struct
from dataclasses import dataclass

#: Formats that always start with RIFF, in the words Asterisk uses for them (compared in lower case).
RIFF_FORMATS = frozenset({"wav", "wav49", "x-wav", "wave", "vnd.wave"})
#: Formats that carry a header or frames of their own; bytes without one of these marks are not such a file.
MARKED_FORMATS = {
    "ogg": "ogg", "opus": "ogg", "oga": "ogg", "flac": "flac", "x-flac": "flac", "mp3": "mp3", "mpeg": "mp3",
    "m4a": "mp4", "mp4": "mp4", "x-m4a": "mp4", "au": "au",
}  # fmt: skip

_NAMES = {
    "wav": "RIFF/WAVE audio",
    "ogg": "Ogg audio",
    "flac": "FLAC audio",
    "mp3": "MP3 audio",
    "mp4": "MP4 audio",
    "au": "Sun audio",
}
_TEXT_BYTES = frozenset(string.printable.encode()) - frozenset(b"\v")
_JSON = re.compile(r"""(\{\s*["}]|\[\s*([\[{"\]\-\d]|true|false|null))""")
_HTML = re.compile(r"<!doctype html|<(html|head|body|title|h1|p|div|script)[\s>]", re.IGNORECASE)
#: Writers that cannot seek back leave such sizes: they mean "unknown", not two gigabytes.
_UNKNOWN_SIZE = 0x7FFF0000


@dataclass(frozen=True, kw_only=True)
class Riff:
    """What a WAVE file's header promises; sizes in bytes as written there."""

    riff_size: int
    #: None when the data chunk lies beyond the bytes looked at.
    data_size: int | None = None
    #: Where the samples start.
    data_offset: int | None = None
    rate_hz: int = 0
    #: Bytes of one block (for PCM: of one sample of all audio channels).
    block_bytes: int = 0
    samples_per_block: int = 1

    @property
    def is_size_known(self) -> bool:
        return self.data_size is not None and 0 < self.data_size < _UNKNOWN_SIZE

    @property
    def declared_duration_s(self) -> float | None:
        """How long the sound is by the header; None when the header does not know."""
        if self.data_size is None or not self.is_size_known or not self.rate_hz or not self.block_bytes:
            return None
        return self.data_size / self.block_bytes * self.samples_per_block / self.rate_hz


def container(head: bytes) -> str | None:
    """Which container the bytes unmistakably are: `wav`, `ogg`, `flac`, `mp3`, `mp4`, `au`, or None.

    An MP3 without an ID3 tag is not recognised here: raw samples may begin like an MPEG frame.
    """
    marks = {
        "wav": head[:4] in {b"RIFF", b"RIFX", b"RF64"} and head[8:12] == b"WAVE",
        "ogg": head.startswith(b"OggS\0"),
        "flac": head.startswith(b"fLaC"),
        "mp3": head.startswith(b"ID3") and len(head) >= 10 and 0xFF not in head[3:5] and max(head[6:10]) < 0x80,
        "mp4": head[4:8] == b"ftyp" and head.startswith(b"\0\0"),
        "au": head.startswith(b".snd\0\0"),
    }
    return next((name for name, is_there in marks.items() if is_there), None)


def is_audio(head: bytes, content_type: str, format: str) -> bool:  # noqa: A002 (Asterisk's word)
    """Whether a download can be the recording it is said to be.

    Args:
        head: its first bytes, some hundred are enough.
        content_type: as the PBX sent it, `audio/` and the extension; "" if unknown.
        format: Asterisk's name of the format: `wav`, `WAV`, `gsm`, `sln16`, ...
    Returns:
        False for JSON, HTML and other text, for nothing at all, and for a `wav`, `mp3`, `ogg`, ... without the mark of
        that format. Headerless formats have no mark: there, all that is not text is taken for audio.
    """
    if container(head):
        return True
    kind = content_type.partition(";")[0].strip().lower()
    if not head or kind.startswith("text/") or kind in {"application/json", "application/xml"} or _is_text(head):
        return False
    name = format.lower()
    if name in RIFF_FORMATS:
        return False
    if name in MARKED_FORMATS:
        return MARKED_FORMATS[name] == "mp3" and _is_mpeg_frame(head)
    return True


def looks_like(head: bytes) -> str:
    """What the bytes are, in words that end the sentence "It looks like ..."."""
    found = container(head)
    if found:
        return _NAMES[found]
    if not head:
        return "nothing at all"
    if not _is_text(head):
        return "MP3 audio" if _is_mpeg_frame(head) else "binary data"
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if _JSON.match(text):
        return "JSON"
    if _HTML.search(text):
        return "HTML"
    return "XML" if text.startswith("<?xml") else "text"


def is_growing(head: bytes, size_bytes: int, format: str) -> bool | None:  # noqa: A002 (as above)
    """Whether Asterisk is still writing the file, as far as its header tells.

    While it records, Asterisk leaves the sizes in a WAVE header at 0 and writes them when it hangs up.

    Args:
        head: the first bytes.
        size_bytes: how many there are altogether.
        format: Asterisk's name of the format.
    Returns:
        True while the header's sizes are 0 or differ from the file's, and for a file without a byte in it (Asterisk
        writes in large blocks); False when they agree; None when the format cannot tell: look whether the size stands
        still.
    """
    if size_bytes == 0:
        return True
    riff = read_riff(head)
    if riff is None:
        return None
    # One byte of difference is the padding to an even length, which writers count in either way.
    if abs(riff.riff_size + 8 - size_bytes) > 1:
        return True
    if riff.data_size is None or riff.data_offset is None:
        return False
    return (riff.data_size == 0 and size_bytes > riff.data_offset + 1) or riff.data_offset + riff.data_size > size_bytes


def read_riff(head: bytes) -> Riff | None:
    """Read a WAVE file's header as far as the bytes go; None if it is not a little-endian RIFF/WAVE file."""
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    (riff_size,) = struct.unpack_from("<I", head, 4)
    rate_hz, block_bytes, samples_per_block = 0, 0, 1
    at = 12
    while at + 8 <= len(head):
        name = head[at : at + 4]
        (size,) = struct.unpack_from("<I", head, at + 4)
        body = at + 8
        if name == b"data":
            return Riff(
                riff_size=riff_size,
                data_size=size,
                data_offset=body,
                rate_hz=rate_hz,
                block_bytes=block_bytes,
                samples_per_block=samples_per_block,
            )
        if name == b"fmt " and size >= 16 and body + 16 <= len(head):
            _, _, rate_hz, _, block_bytes = struct.unpack_from("<HHIIH", head, body)
            samples_per_block = _samples_per_block(head[body : body + size])
        at = body + size + size % 2
    return Riff(riff_size=riff_size)


def _samples_per_block(chunk: bytes) -> int:
    """Codecs that pack many samples into a block (GSM: 320, ADPCM) say how many behind the usual 16 bytes."""
    (tag,) = struct.unpack_from("<H", chunk)
    if tag in {0x02, 0x11, 0x31} and len(chunk) >= 20:  # Microsoft ADPCM, IMA ADPCM, GSM 6.10
        return int(struct.unpack_from("<H", chunk, 18)[0]) or 1
    return 1


def _is_text(head: bytes) -> bool:
    """Whether the bytes are clearly written for people or programs to read.

    A-law silence is a row of one or two letters, so text needs some variety.
    """
    if b"\0" in head or len(set(head)) < 4:
        return False
    if sum(byte in _TEXT_BYTES for byte in head) >= 0.95 * len(head):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\f\ufeff" for character in text)


def _is_mpeg_frame(head: bytes) -> bool:
    """Whether the bytes begin with the header of an MPEG audio frame (without the combinations that no frame has)."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x18 != 0x08
        and head[1] & 0x06 != 0
        and head[2] & 0xF0 not in {0x00, 0xF0}
        and head[2] & 0x0C != 0x0C
    )
