"""How many lines each module of the package has."""

from pathlib import Path

#: A longer module is two lessons.
LIMIT = 350


def lines(package: Path) -> dict[str, int]:
    """Lines of every module, by its path inside the package."""
    return {
        path.relative_to(package).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted(package.rglob("*.py"))
    }


def report(package: Path) -> str:
    """Sum it up in one line."""
    found = lines(package)
    long = ", ".join(f"{name} {n}" for name, n in found.items() if n > LIMIT) or "none"
    total = sum(found.values())
    return f"{package.name}: {len(found)} modules, {total} lines; over {LIMIT}: {long}"
