"""The arrows of the house, computed from its code: which module imports which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

# From the ground up: a room imports itself and what stands before it.
ROOMS = {
    "galedge": (
        "errors", "_version", "models", "support", "core", "images", "tables", "network", "answers",
        "frames", "tuning", "nights", "cli", "__main__", "",
    ),
    "training": (
        "words", "data", "nets", "fit", "score", "ship", "report", "study", "commands",
        "__main__", "",
    ),
}  # fmt: skip
# Public names of what lies in a room; for users, and imported by nothing in the house.
FACES = ("background", "image", "kernels", "scale")
_FACES = [[name] for name in FACES]


def modules(package: str, root: Path = ROOT) -> dict[str, Path]:
    """Return the files of a package by module name, the package's own left out."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root / package).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def names(path: Path, package: str) -> Iterator[str]:
    """Yield what a file imports of its package: anywhere, for typing too, and by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide where an arrow points"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # What is imported lazily; a face's name is what users are told.
            parts = node.value.split(".")
            named = all(part.isidentifier() for part in parts) and parts[1:2] not in _FACES
            found = [node.value] if named else []
        else:
            continue
        yield from (name[len(package) + 1 :] for name in found if name.startswith(f"{package}."))


def arrows(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """Return what each module of a package imports of it."""
    files = modules(package, root)
    found: dict[str, set[str]] = {}
    for module, path in files.items():
        found[module] = set()
        for name in names(path, package):
            while name and name not in files:
                name = name.rpartition(".")[0]
            if name and name != module:
                found[module].add(name)
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


def running_back(package: str, imports: dict[str, set[str]]) -> list[str]:
    floor = {name: number for number, name in enumerate(ROOMS[package])}
    return [
        f"{package}.{module} -> {package}.{other}"
        for module, others in imports.items()
        if room(module) not in FACES
        for other in sorted(others)
        if room(other) in FACES or floor[room(other)] > floor[room(module)]
    ]


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that import one another in turn, or nothing."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in done:
            for other in sorted(imports[module]):
                # A module is imported with the packages that it lies in.
                if found := walk(other, [*way, module]):
                    return found
            done.add(module)
        return []

    return next((found for module in imports if (found := walk(module, []))), [])
