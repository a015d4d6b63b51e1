"""This file sends a call's sound to a player: the archived bytes where browsers play them, else a WAVE made of them."""

import multiprocessing
import threading
import wave
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from aftercall.audio.decode import decode
from aftercall.errors import AudioUnreadable, NotFound
from aftercall.recordings.archive import Archive
from aftercall.store.calls import CallDetail
from aftercall.web import ranges
from aftercall.web.rendering import parts_of

#: What every browser plays by itself: (format, codec as FFmpeg names it, or "" for any) -> Content-Type.
PLAYABLE = {
    ("wav", "pcm_s16le"): "audio/wav",
    ("wav", "pcm_u8"): "audio/wav",
    ("mp3", ""): "audio/mpeg",
    ("ogg", "opus"): "audio/ogg",
    ("ogg", "vorbis"): "audio/ogg",
    ("flac", ""): "audio/flac",
    ("mp4", "aac"): "audio/mp4",
}
#: Converted recordings are kept up to this, the longest unheard going first.
KEPT_BYTES = 1_000_000_000
_one_at_a_time = threading.Lock()


def content_type(call: CallDetail) -> str | None:
    """What the archived bytes are to a browser; None when it could not play them."""
    if call.audio is None:
        return None
    found = PLAYABLE.get((call.audio.format, call.audio.codec))
    return found or PLAYABLE.get((call.audio.format, ""))


def respond(request: Request, call: CallDetail) -> Response:
    """The sound of a call, ranged.

    Raises:
        NotFound: there is none (yet).
        ArchiveBroken: the file is gone.
        AudioError: it cannot be decoded.
    """
    parts = parts_of(request)
    if call.archive_key is None or call.audio is None:
        raise NotFound(thing="sound of this call")
    etag = call.sha256 or call.row.id
    if kind := content_type(call):
        return ranges.respond(
            parts.archive, call.archive_key, content_type=kind, headers=request.headers, etag=etag
        )  # fmt: skip
    folder = parts.settings.data / "playable"
    made = converted(parts.archive.path(call.archive_key), call, folder)
    return ranges.respond(
        Archive(folder), made.name, content_type="audio/wav", headers=request.headers, etag=f"{etag}-wav"
    )  # fmt: skip


def converted(source: Path, call: CallDetail, folder: Path) -> Path:
    """A WAVE of a recording that browsers cannot play, made once.

    Raises:
        AudioError: it cannot be decoded.
    """
    target = folder / f"{call.sha256 or call.row.id}.wav"
    with _one_at_a_time:
        if target.is_file():
            target.touch()
            return target
        folder.mkdir(exist_ok=True)
        part = target.with_suffix(".part")
        # In a process of its own: decoding takes memory, and a damaged file may bring its decoder down.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            try:
                process.submit(_convert, source, call.row.recording or "", call.content_type or "", part).result()
            except BrokenProcessPool as exc:
                raise AudioUnreadable(detail="its decoder crashed") from exc
        part.replace(target)
        _make_room(folder, keep=target)
    return target


def _convert(source: Path, name: str, kind: str, target: Path) -> None:
    audio, _ = decode(source, name_hint=name, content_type=kind)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(audio.samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        # A minute at a time: the whole of a long call twice in memory is too much.
        for start in range(0, audio.samples.shape[1], audio.rate_hz * 60):
            stretch = audio.samples[:, start : start + audio.rate_hz * 60]
            file.writeframes(np.clip(stretch.T * 32767.0, -32768, 32767).astype("<i2").tobytes())


def _make_room(folder: Path, *, keep: Path) -> None:
    files = sorted((path for path in folder.glob("*.wav") if path != keep), key=lambda path: path.stat().st_mtime)
    total_bytes = keep.stat().st_size + sum(path.stat().st_size for path in files)
    for path in files:
        if total_bytes <= KEPT_BYTES:
            break
        total_bytes -= path.stat().st_size
        path.unlink()
