"""Write the short path of every notebook, as ``make stage`` shows it: ``short_paths.py FOLDER``.

``make notebooks`` runs them beside the whole notebooks, so that no cell of a short path needs
another one that is left out.
"""

import sys
from pathlib import Path

import nbformat
import notebook_rules as rules

from lecture_utils.setup import stage

PREFIX = "short_"


def write(folder):
    """Write the short paths into an empty folder; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    files = [folder / (PREFIX + path.name) for path in rules.NOTEBOOKS]
    for path, file in zip(rules.NOTEBOOKS, files, strict=True):
        nbformat.write(stage.short_path(path), file)
    return files


if __name__ == "__main__":
    write(Path(sys.argv[1]))
