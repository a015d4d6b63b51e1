"""The order of the rooms: each imports only those before it, and no imports go in a circle."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "aftercall"

#: Rooms in the order of the walk; those in one group do not import each other.
GROUPS = [
    ["errors"],
    ["model", "settings", "log"],
    ["pbx"],
    ["recordings"],
    ["audio"],
    ["speech"],
    ["insight"],
    ["store"],
    ["jobs"],
    ["web"],
    ["demo"],
    ["doctor", "testing"],
    ["wiring"],
    ["commands"],
    ["cli"],
]
RANK = {room: rank for rank, group in enumerate(GROUPS) for room in group}
#: The words may use each other where the tree allows it.
WORDS = {"errors", "model", "settings", "log"}


def _module(path: Path) -> str:
    relative = path.relative_to(SOURCE.parent).with_suffix("")
    parts = list(relative.parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in SOURCE.rglob("*.py")}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.update(
                name if (name := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names
            )
    return {name for name in found if name in MODULES}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_a_room_imports_only_rooms_before_it() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in MODULES.items()
        for target in _imports(path)
        if _room(module) and _room(target) and _room(module) != _room(target)
        and not RANK[_room(target)] < RANK[_room(module)]
    ]  # fmt: skip
    assert wrong == []


def test_every_room_has_its_place_in_the_order() -> None:
    assert {_room(module) for module in MODULES} - {""} <= RANK.keys()


def test_no_imports_go_in_a_circle() -> None:
    graph = {module: _imports(path) - {module} for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' -> '.join([*trail, module])}"
        if module in done:
            return
        for target in graph[module]:
            visit(target, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_only_the_job_engine_imports_dbos() -> None:
    users = [
        module
        for module, path in MODULES.items()
        if "import DBOS" in path.read_text() or "from dbos" in path.read_text()
    ]
    assert users == ["aftercall.jobs.engine"]


def test_every_file_says_what_it_is_about() -> None:
    silent = [
        module
        for module, path in MODULES.items()
        if "migrations" not in module and not (ast.get_docstring(ast.parse(path.read_text())) or "").strip()
    ]
    assert silent == []
