"""This file finds small weight files that ride in other packages, without importing those packages.

The packages would bring torch; only one file of each is wanted. A file that is not exactly the one we know is refused.
"""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def find(package: str, inside: str, sha256: str, models: Path | None = None, named: str = "") -> Path | None:
    """One weight file: from the package that carries it, else from the models folder.

    Args:
        package: the package's import name; it is looked up, never imported.
        inside: the file's path in the package.
        sha256: of the file, in hex.
        models: the models folder; `named` is the file's path in it.
    Returns:
        None if it is nowhere, or is another file than expected.
    """
    candidates = []
    spec = find_spec(package)
    if spec and spec.origin:
        candidates.append(Path(spec.origin).parent / inside)
    if models is not None and named:
        candidates.append(models / named)
    return next((path for path in candidates if path.is_file() and _digest(path) == sha256), None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
