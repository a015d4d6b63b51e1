"""This file turns the bytes of any recording Asterisk writes into samples, and says what is known of the sound.

FFmpeg never guesses here: we choose the format ourselves and name it. Headerless files cannot be recognised anyway, and
a guessing FFmpeg would also follow playlists to other files and hosts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from aftercall.errors import AudioEmpty, AudioTooLong, AudioUnreadable, CodecUnsupported
from aftercall.model import Audio, AudioFacts, Samples
from aftercall.recordings import header

#: No listener here hears more than 8 kHz of bandwidth; keeping 48 kHz would cost three times the memory.
WIDEST_HZ = 16000
#: 12 hours of an ordinary call: 1.4 GB.
MAX_SAMPLES = 12 * 3600 * 8000
#: Enough for every header, also with tags before the samples.
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way of opening a file."""

    #: As it is shown to people.
    name: str
    #: FFmpeg's name for it.
    demuxer: str
    #: For headerless formats whose rate FFmpeg must be told.
    rate_hz: int | None = None
    #: Fewer bytes hold no sound.
    fewest_bytes: int = 1


def _raw(demuxer: str, rate_hz: int | None, name: str, *more_names: str, fewest_bytes: int = 1) -> dict[str, Format]:
    each = Format(name=name, demuxer=demuxer, rate_hz=rate_hz, fewest_bytes=fewest_bytes)
    return dict.fromkeys((name, *more_names), each)


#: By extension, in lower case.
HEADERLESS: dict[str, Format] = {
    **_raw("mulaw", 8000, "ulaw", "ul", "mu", "ulw", "pcm"),
    **_raw("alaw", 8000, "alaw", "al", "alw"),
    **_raw("s16le", 8000, "sln", "sln8", "slin", "raw", fewest_bytes=2),
    **_raw("s16le", 12000, "sln12", fewest_bytes=2),
    **_raw("s16le", 16000, "sln16", fewest_bytes=2),
    **_raw("s16le", 24000, "sln24", fewest_bytes=2),
    **_raw("s16le", 32000, "sln32", fewest_bytes=2),
    **_raw("s16le", 44100, "sln44", fewest_bytes=2),
    **_raw("s16le", 48000, "sln48", fewest_bytes=2),
    **_raw("s16le", 96000, "sln96", fewest_bytes=2),
    **_raw("s16le", 192000, "sln192", fewest_bytes=2),
    **_raw("g722", None, "g722"),
    **_raw("gsm", None, "gsm", fewest_bytes=33),
}
_WITH_HEADER = {name: Format(name=name, demuxer=name) for name in ("wav", "ogg", "mp3", "flac", "mp4", "au")}
KNOWN: dict[str, Format] = {
    **HEADERLESS,
    **dict.fromkeys(header.RIFF_FORMATS, _WITH_HEADER["wav"]),
    **{name: _WITH_HEADER[container] for name, container in header.MARKED_FORMATS.items()},
}


def decode(
    path: Path, *, name_hint: str = "", content_type: str = "", max_samples: int = MAX_SAMPLES
) -> tuple[Audio, AudioFacts]:
    """Decode a recording.

    CPU work: call it in a worker process, never in the web server's. It lets other threads run while it decodes.

    Args:
        path: the file; its own extension counts least.
        name_hint: the recording's name, with or without an extension.
        content_type: as the PBX sent it: `audio/` and the extension. It counts more than the name's extension, since
            a recording name may end in `.17` without having an extension at all.
        max_samples: how many to take, over all audio channels.
    Returns:
        The sound, at most WIDEST_HZ wide and one or two audio channels (more are mixed into one), and the facts of the
        file as it is. A WAVE file without sizes in its header (Asterisk was killed in mid call) is taken to its end.
    Raises:
        AudioEmpty: a header without sound, or no byte at all.
        AudioUnreadable: it is not what it is said to be, or damaged beyond use.
        CodecUnsupported: nobody here can decode that.
        AudioTooLong: more than max_samples.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        size_bytes = path.stat().st_size
    except OSError as exc:
        raise AudioUnreadable(detail=exc.strerror or str(exc)) from exc
    if not head:
        raise AudioEmpty()
    form = choose_format(head, name_hint=name_hint, content_type=content_type, own_name=path.name)
    riff = header.read_riff(head) if form.name == "wav" else None
    if size_bytes < form.fewest_bytes or (riff and riff.data_offset and size_bytes <= riff.data_offset + 1):
        raise AudioEmpty()
    samples, codec, source = _read(path, form, max_samples)
    duration_s = source.n_samples / source.rate_hz
    promised_s = _promised_s(riff, size_bytes)
    facts = AudioFacts(
        format=form.name,
        codec=codec,
        rate_hz=source.rate_hz,
        audio_channels=source.n_channels,
        duration_s=duration_s,
        is_truncated=promised_s is not None,
        declared_duration_s=promised_s,
    )
    return Audio(samples=samples, rate_hz=min(source.rate_hz, WIDEST_HZ)), facts


def choose_format(head: bytes, *, name_hint: str = "", content_type: str = "", own_name: str = "") -> Format:
    """Decide how to open a file: its unmistakable mark wins, then the Content-Type, then the names' extensions.

    Raises:
        CodecUnsupported: none of them names a format we know.
        AudioUnreadable: it is text.
    """
    if found := header.container(head):
        return _WITH_HEADER[found]
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    hints = [subtype if kind == "audio" else "", _extension(name_hint), _extension(own_name)]
    form = next((KNOWN[hint] for hint in hints if hint in KNOWN), None)
    if not header.is_audio(head, content_type, form.name if form else ""):
        raise AudioUnreadable(detail=f"this looks like {header.looks_like(head)}")
    if form is None:
        said = next((hint for hint in hints if hint), "")
        raise CodecUnsupported(format=said or "without a name", known=_known_to_people())
    return form


def _extension(name: str) -> str:
    _, dot, extension = name.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""


def _known_to_people() -> str:
    return "wav, WAV, gsm, ulaw, alaw, sln to sln192, g722, mp3, ogg, opus, flac and m4a"


def _promised_s(riff: header.Riff | None, size_bytes: int) -> float | None:
    """The duration the header promises, when the file ends before it."""
    if riff is None or riff.data_offset is None or riff.data_size is None or not riff.is_size_known:
        return None
    return riff.declared_duration_s if riff.data_offset + riff.data_size > size_bytes else None


# ---- FFmpeg -----------------------------------------------------------------------------------------------------


@dataclass
class _Source:
    """The sound as it is in the file."""

    rate_hz: int
    n_channels: int
    n_samples: int = 0


def _read(path: Path, form: Format, max_samples: int) -> tuple[Samples, str, _Source]:
    options = {"sample_rate": str(form.rate_hz)} if form.rate_hz else {}
    try:
        # An absolute path, so that FFmpeg never takes a part of a name for a protocol.
        container = av.open(str(path.absolute()), format=form.demuxer, options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as exc:
        raise AudioUnreadable(detail=_said(exc)) from exc
    with container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise AudioUnreadable(detail="there is no sound in it")
        context = stream.codec_context
        if context is None:
            raise CodecUnsupported(format=f"{form.name} with an unknown codec", known=_known_to_people())
        source = _Source(rate_hz=context.sample_rate, n_channels=context.channels)
        if source.rate_hz < 1000 or source.n_channels < 1:
            raise AudioUnreadable(detail=f"{source.n_channels} audio channels at {source.rate_hz} Hz")
        tape = _Tape(_expected_s(container, stream) * min(source.rate_hz, WIDEST_HZ))
        for block in _narrowed(_blocks(container, stream, source, max_samples), source.rate_hz):
            tape.append(block)
    if source.n_samples == 0:
        raise AudioEmpty()
    return tape.samples, context.name, source


class _Tape:
    """Samples as they come, held once: blocks put together at the end would hold three hours of sound twice."""

    def __init__(self, expected: float) -> None:
        #: Memory that is never written to costs nothing, so a little more than expected is asked for.
        self._room = int(expected * 1.02) + WIDEST_HZ
        self._held: Samples | None = None
        self._length = 0

    def append(self, block: Samples) -> None:
        end = self._length + block.shape[1]
        if self._held is None or end > self._held.shape[1]:
            self._room = max(self._room, end + end // 2)
            wider = np.empty((block.shape[0], self._room), np.float32)
            if self._held is not None:
                wider[:, : self._length] = self._held[:, : self._length]
            self._held = wider
        self._held[:, self._length : end] = block
        self._length = end

    @property
    def samples(self) -> Samples:
        """What came, shape (n_channels, n_samples)."""
        return np.zeros((1, 0), np.float32) if self._held is None else self._held[:, : self._length]


#: A header may promise years.
LONGEST_PROMISE_S = 12 * 3600.0


def _expected_s(container: InputContainer, stream: AudioStream) -> float:
    """How long the file says it is, in seconds; 0 if it says nothing."""
    length_s = 0.0
    if stream.duration is not None and stream.time_base is not None:
        length_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        length_s = container.duration / av.time_base
    return min(max(length_s, 0.0), LONGEST_PROMISE_S)


def _blocks(container: InputContainer, stream: AudioStream, source: _Source, max_samples: int) -> Iterator[Samples]:
    """Yield the sound piece by piece at the file's own rate, and count it in `source`."""
    kept_channels = 1 if source.n_channels > 2 else source.n_channels
    limit = max_samples // kept_channels * max(source.rate_hz, WIDEST_HZ) // WIDEST_HZ
    for frame in _frames(container, stream):
        block = _floats(frame)
        if frame.sample_rate != source.rate_hz and frame.sample_rate > 0:  # two files joined into one
            block = soxr.resample(block.T, frame.sample_rate, source.rate_hz).T
        if block.shape[0] != kept_channels:
            block = np.repeat(block.mean(axis=0, keepdims=True), kept_channels, axis=0)
        source.n_samples += block.shape[1]
        if source.n_samples > limit:
            raise AudioTooLong(
                limit_h=round(limit / source.rate_hz / 3600, 2),
                rate_hz=source.rate_hz,
                audio_channels=source.n_channels,
            )
        yield block


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield what can be decoded; a damaged packet is left out, and only a file without a good one is unreadable."""
    has_any = False
    fault: Exception | None = None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
        except av.EOFError:
            continue
        except (av.FFmpegError, ValueError) as exc:
            fault = exc
            continue
        if packet is None:
            break
        has_any = has_any or bool(frames)
        yield from frames
    if fault and not has_any:
        raise AudioUnreadable(detail=_said(fault)) from fault


def _floats(frame: AudioFrame) -> Samples:
    """A frame's samples as (n_channels, n) in [-1, 1]."""
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    floats: Samples = raw.astype(np.float32)
    if raw.dtype.kind == "u":
        return floats / np.float32(128) - np.float32(1)
    if raw.dtype.kind == "i":
        return floats / np.float32(2 ** (8 * raw.dtype.itemsize - 1))
    # A damaged file may hold anything, and lossy codecs overshoot.
    return np.clip(np.nan_to_num(floats, posinf=1, neginf=-1), -1, 1)


def _narrowed(blocks: Iterator[Samples], rate_hz: int) -> Iterator[Samples]:
    """Bring the sound down to WIDEST_HZ as it comes, if it is wider."""
    if rate_hz <= WIDEST_HZ:
        yield from blocks
        return
    narrow: soxr.ResampleStream | None = None
    n_channels = 0
    for block in blocks:
        n_channels = block.shape[0]
        narrow = narrow or soxr.ResampleStream(rate_hz, WIDEST_HZ, n_channels, dtype="float32")
        yield np.clip(narrow.resample_chunk(np.ascontiguousarray(block.T)).T, -1, 1)
    if narrow is not None:
        yield np.clip(narrow.resample_chunk(np.zeros((0, n_channels), np.float32), last=True).T, -1, 1)


def _said(exc: Exception) -> str:
    """FFmpeg's own words, without the path they come with."""
    return str(getattr(exc, "strerror", None) or exc).partition(":")[0]
