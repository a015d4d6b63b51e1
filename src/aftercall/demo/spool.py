"""This file is the simulated PBX's recording folder, with the habits of Asterisk's own."""

import threading
from dataclasses import dataclass, field

#: MixMonitor's file grows by this much at a time, two seconds of an ordinary recording.
BLOCK_SIZE = 32_768
#: Where RIFF and `data` sizes stand in the header that Asterisk writes; both are 0 until hang-up.
_RIFF_SIZE, _DATA_SIZE, _HEADER_SIZE = slice(4, 8), slice(40, 44), 44


@dataclass(kw_only=True)
class StoredFile:
    """One file of the folder; while its call lasts, only a part of `content` is there."""

    #: Below the folder, without extension.
    name: str
    #: The extension: `wav`, `WAV`, `gsm`, ...
    format: str
    #: The finished file.
    content: bytes = field(repr=False)
    #: Bytes written so far; None once the call is over.
    written: int | None = None
    #: How fast it grows by itself, None to grow only when told to.
    grows_bytes_per_s: float | None = None

    @property
    def size(self) -> int:
        return len(self.content) if self.written is None else self.written

    def read(self, offset: int, size: int) -> bytes:
        """What a reader finds there now; a WAV being recorded says in its header that it is empty."""
        end = min(offset + size, self.size)
        if self.written is None or self.format != "wav" or offset >= _HEADER_SIZE:
            return self.content[offset:end]
        header = bytearray(self.content[:_HEADER_SIZE])
        header[_RIFF_SIZE] = header[_DATA_SIZE] = bytes(4)
        return (bytes(header) + self.content[_HEADER_SIZE:end])[offset:end]


class Spool:
    """The files by name; changed by tests and by the growing calls while requests are answered."""

    def __init__(self) -> None:
        self._files: dict[str, list[StoredFile]] = {}
        self._lock = threading.Lock()

    def add(self, file: StoredFile) -> None:
        with self._lock:
            self._files.setdefault(file.name, []).append(file)

    def remove(self, name: str) -> bool:
        with self._lock:
            return self._files.pop(name, None) is not None

    def find(self, name: str) -> StoredFile | None:
        """The file a download serves: of several with the same name the first, whatever the list says."""
        with self._lock:
            return self._files.get(name, [None])[0]

    def listed(self) -> list[tuple[str, str]]:
        """Name and format of each, sorted by bytes; of several with the same name the last one's format."""
        with self._lock:
            pairs = [(name, files[-1].format) for name, files in self._files.items()]
        return sorted(pairs, key=lambda pair: pair[0].encode("utf-8", "surrogateescape"))

    def append(self, name: str, size: int) -> None:
        """Let a call's recording grow by `size` bytes, to its end at most.

        Raises:
            KeyError: there is no such recording, or its call is over.
        """
        file = self._in_progress(name)
        assert file.written is not None
        file.written = min(file.written + size, len(file.content))

    def finish(self, name: str) -> None:
        """Hang up: the rest is written and the header's sizes are put right.

        Raises:
            KeyError: there is no such recording, or its call is over.
        """
        self._in_progress(name).written = None

    def _in_progress(self, name: str) -> StoredFile:
        file = self.find(name)
        if file is None or file.written is None:
            raise KeyError(name)
        return file
