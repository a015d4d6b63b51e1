"""This file reads tensors from a safetensors file without copying them: the kernel brings in only what is touched.

Worker processes that read the same file share its memory.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

#: The header of a model like ours has some ten thousand bytes; whatever claims more is no such file.
_LONGEST_HEADER = 1_000_000


def read(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a file by their names, as read-only views of the file.

    Raises:
        OSError: it cannot be read.
        ValueError, KeyError, TypeError: it is no safetensors file, or is cut off.
    Source:
        huggingface/safetensors, README.md, "Format": eight bytes with the header's length, the header as JSON, then
        the numbers.
    """
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    length = int.from_bytes(whole[:8].tobytes(), "little")
    if not 0 < length <= min(_LONGEST_HEADER, whole.size - 8):
        raise ValueError("the header's length is wrong")
    header = json.loads(whole[8 : 8 + length].tobytes())
    data = whole[8 + length :]
    return {
        name: _tensor(data, entry["shape"], *entry["data_offsets"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


def _tensor(data: npt.NDArray[np.uint8], shape: list[int], begin: int, end: int) -> Floats:
    if not 0 <= begin <= end <= data.size:
        raise ValueError("a tensor lies outside of the file")
    found: Floats = np.asarray(data[begin:end]).view(np.dtype("<f4")).reshape(shape)
    return found
