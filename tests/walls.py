"""Which module of the package imports which, read from the source without running it.

A module is named by its dotted path inside the package: ``ddsp.synth``, ``audio``; the front of
a folder is the folder's own name. Its *room* is the first part of that.
"""

from __future__ import annotations

import ast
from pathlib import Path

#: Rooms that belong to one section of the lecture. They use common rooms, never each other.
SECTIONS = {
    "gan", "diffusion", "wavenet", "phase", "griffin_lim", "melgan", "hifi_gan", "ddsp",
    "fourier_vocoder", "listening_test",
}  # fmt: skip
#: Programs and exercises, above all rooms. They may use any room, no room uses them.
ABOVE = {"train", "build_data", "exercises", "setup", "listening_test.vote"}


def modules(package: Path) -> dict[str, Path]:
    """Return dotted name -> file of every module of a package, the package's own front left out."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imported(path: Path, package: str, known: set[str]) -> set[str]:
    """Return the modules among `known` that a file imports, also inside functions.

    Importing ``a.b`` runs the front of ``a``, too, which counts unless the file lies in ``a``.
    """
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    own = [part.name for part in path.parents]
    found = set()
    for name in names:
        outer, *parts = name.split(".")
        if outer != package:
            continue
        prefixes = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        inside = [prefix for prefix in prefixes if prefix in known]
        found |= set(inside[-1:]) | {m for m in inside if m.split(".")[-1] not in own}
    return found


def uses(package: Path) -> dict[str, set[str]]:
    """Return the modules that each module of a package imports."""
    files = modules(package)
    return {name: imported(path, package.name, set(files)) for name, path in files.items()}


def room(module: str) -> str:
    """Return the room that a module belongs to; a program may stand in a folder of a room."""
    programs = [name for name in ABOVE if f"{module}.".startswith(f"{name}.")]
    return programs[0] if programs else module.split(".")[0]


def trespasses(module: str, used: set[str]) -> list[str]:
    """Say why a module must not import what it does."""
    own, others = room(module), {room(other) for other in used}
    others -= {own}
    if own in ABOVE:
        return []
    found = [f"{module} uses the section room {other}" for other in sorted(others & SECTIONS)]
    return found + [f"{module} uses {other}, which is above it" for other in sorted(others & ABOVE)]


def circles(used: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, in whatever number of steps."""
    reached = {module: set(others) for module, others in used.items()}
    for middle in reached:
        for others in reached.values():
            if middle in others:
                others |= reached[middle]
    groups = {
        tuple(sorted(m for m in others if module in reached[m]))
        for module, others in reached.items()
        if module in others
    }
    return [list(group) for group in sorted(groups)]
