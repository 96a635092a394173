"""Copies for Colab: ``python -m lecture_utils.setup.site.colab FOLDER OWNER/NAME``.

Colab opens a single notebook from GitHub. So each copy begins with a cell that fetches the course
(elsewhere it does nothing), and its pictures and links name their place on the web. The notebooks
themselves know nothing of Colab. The site's workflow puts the copies into the branch ``colab``;
standard library only.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
#: Of the packages that the notebooks need, those that Colab lacks or has in an older version.
MISSING = ("anywidget", "ipywidgets", "mido", "segno")
#: A hidden cell; the player is plain HTML there, and anywidget switches Colab's widgets on.
CELL = """\
# On Colab this fetches the course, which takes a minute. Elsewhere it does nothing.
import os
import subprocess
import sys

if "COLAB_RELEASE_TAG" in os.environ:
    folder = "/content/course"
    if not os.path.isdir(folder):
        needed = {needed}
        subprocess.run(["git", "clone", "--quiet", "--depth=1", "{url}", folder], check=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *needed], check=True)
    sys.path.insert(0, folder)
    os.chdir(folder + "/notebooks")"""


def write(folder: Path, repository: str) -> list[Path]:
    """Write the copies of all notebooks into `folder`.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    repository : str
        Of the course on GitHub, as ``owner/name``.

    Returns
    -------
    list of Path
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository={repository!r}: give owner/name, as on GitHub.")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [line for line in project["dependencies"] if re.match(r"[\w-]+", line)[0] in MISSING]
    source = CELL.format(needed=json.dumps(needed), url=f"https://github.com/{repository}")
    first = {
        "cell_type": "code", "execution_count": None, "id": "fetch-the-course",
        "metadata": {"cellView": "form"}, "outputs": [], "source": source.splitlines(True),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = [on_the_web(line, repository) for line in cell["source"]]
        notebook["cells"].insert(0, first)
        copies.append(folder / path.name)
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        copies[-1].write_text(text + "\n", encoding="utf-8")
    return copies


def on_the_web(line: str, repository: str) -> str:
    """Return a line of Markdown with its pictures and links on GitHub and Colab."""
    raw = f"https://raw.githubusercontent.com/{repository}/main/notebooks/images"
    line = re.sub(r"\]\(images/([\w.-]+)\)", rf"]({raw}/\1?sanitize=true)", line)
    glossary = f"https://github.com/{repository}/blob/main/notebooks/glossary.md"
    line = line.replace("](glossary.md", f"]({glossary}")
    colab = f"https://colab.research.google.com/github/{repository}/blob/colab"
    return re.sub(r"\]\((\d\d_\w+\.ipynb)", rf"]({colab}/\1", line)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m lecture_utils.setup.site.colab FOLDER OWNER/NAME")
    print(*write(Path(sys.argv[1]), sys.argv[2]), sep="\n")
