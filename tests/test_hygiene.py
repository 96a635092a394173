"""Order in the house: rules for notebooks, style, size of files, a light import."""

import json
import subprocess
import sys

import notebook_rules as rules
import pytest
import sizes
import walls
from nbformat import v4
from notebook_rules import ROOT

PACKAGE = ROOT / "lecture_utils"


def test_import_is_light():
    code = "import sys, lecture_utils; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "lecture_utils" in done.stdout.split()
    assert not {"torch", "librosa", "matplotlib", "numpy"} & set(done.stdout.split())


def test_no_module_is_long():
    assert {name: n for name, n in sizes.lines(PACKAGE).items() if n > sizes.LIMIT} == {}


def test_sizes_are_told_by_path(tmp_path):
    (tmp_path / "gan").mkdir()
    (tmp_path / "gan.py").write_text("a\n" * 351)
    (tmp_path / "gan" / "gan.py").write_text("a\n" * 3)
    assert sizes.lines(tmp_path) == {"gan.py": 351, "gan/gan.py": 3}
    assert sizes.report(tmp_path).endswith("2 modules, 354 lines; over 350: gan.py 351")


def test_nothing_happens_at_import():
    """No room draws, plays, seeds or opens a window when imported."""
    apart = {"setup.install", "setup.hub.jupyterhub_config"}  # run by make and by JupyterHub
    rooms = [name for name in walls.modules(PACKAGE) if name not in apart]
    code = (
        "import importlib, sys, random, numpy\nrandom.seed(1), numpy.random.seed(1)\n"
        "python, array = random.getstate(), numpy.random.get_state()[1]\n"
        f"for room in {rooms}: importlib.import_module('lecture_utils.' + room)\n"
        "assert random.getstate() == python\n"
        "assert (numpy.random.get_state()[1] == array).all()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot at import'\n"
    )
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code],
                          capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_lint():
    """Style and spelling of code, notebooks and prose, as `make lint` checks them."""
    command = ["make", "--old-file=install", "lint", f"PY={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def tracked():
    """Files in git, or on disk where this is no checkout."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    paths = [ROOT / name for name in done.stdout.splitlines()]
    return [path for path in paths if path.is_file() or path.is_symlink()]


def test_repository_is_small_and_free_of_pickles():
    files = tracked()
    assert [path.name for path in files if path.is_symlink()] == []  # such as .venv
    assert sum(path.stat().st_size for path in files) < 60e6
    assert [p.name for p in files if p.suffix in (".pkl", ".pt", ".pth", ".ckpt", ".pickle")] == []
    assert all(path.name.isascii() for path in files)


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path):
    assert rules.file_problems(path) == []


#: The notebooks of the lecture, one a section.
LECTURE = [
    "00_four_paradigms", "01_gans_and_musegan", "02_diffusion_recap", "03_wavenet",
    "04_phase_importance", "05_griffin_lim", "06_melgan", "07_hifi_gan", "08_ddsp",
    "09_listening_test", "10_what_came_next",
]  # fmt: skip
#: Of these, not written yet.
MISSING: set[str] = set()


def test_every_notebook_of_the_lecture_is_there():
    names = [path.stem for path in rules.NOTEBOOKS]
    assert names == [name for name in LECTURE if name not in MISSING]


FIRST = (
    "# Title\n**Slides:** *A*. **You will hear** it. **Time:** 2 minutes. **Know before:** nothing."
)
WORDS = "several words of text that explain what the line below does " * 10


def good_cells():
    cells = [v4.new_markdown_cell(FIRST), v4.new_code_cell("import numpy as np")]
    for _ in range(24):
        cells += [v4.new_markdown_cell("word " * 12), v4.new_code_cell("x = 1\ny = x")]
    return cells


def made(tmp_path, change=None, kernel="python3"):
    cells = good_cells()
    notebook = v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": kernel, "display_name": "Python 3"}}
    )
    if change:
        change(notebook)
    file = tmp_path / "made.ipynb"
    file.write_text(json.dumps(notebook), encoding="utf-8")  # nbformat would mend it
    return rules.file_problems(file)


def source(text):
    return lambda notebook: notebook.cells[3].update(source=text)


def text(words):
    return lambda notebook: notebook.cells[2].update(source=words)


def test_good_notebook_has_no_problem(tmp_path):
    assert made(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: n.cells[3].update(execution_count=1), "output or execution count"),
        (lambda n: n.cells[3].outputs.append(v4.new_output("stream", text="x")), "stored with"),
        (lambda n: n.metadata.update(widgets={"x": {}}), "metadata.widgets"),
        (lambda n: n.cells[3].update(id=n.cells[1].id), "ids that are there twice"),
        (lambda n: n.metadata.update(kernelspec={"name": "mine", "display_name": ""}), "python3"),
        (source("\n".join(["x = 1"] * 26)), "26 lines"),
        (lambda n: [c.update(source="x = 1\n" * 9) for c in n.cells[1::2]], "median of 9"),
        (lambda n: n.cells.__delitem__(slice(5, None)), "visible code cells; 25 to 45"),
        (lambda n: n.cells.extend(good_cells()[1:]), "visible code cells; 25 to 45"),
        (text("long " * 20_000), "bytes"),
        (source("!ls"), "a shell command"),
        (source("%%bash\nls"), "a shell command"),
        (source("%pip install torch"), "an installation"),
        (source("from google.colab import files"), "Colab"),
        (source("librosa.example('trumpet')"), "a download"),
        (source("x = open('/home/me/x.wav')"), "an absolute path"),
        (source(r"x = open('C:\\x.wav')"), "an absolute path"),
        (source("import scipy"), "the first code cell has them all"),
        (source("listen.play(x, 8000)\nprint(1)"), "listen.play(...) is not the last line"),
        (source("mushra.rate(x, 8000)\nprint(1)"), "mushra.rate(...) is not the last line"),
        (source("# NBVAL_SKIP\n1"), "hides it from the tests"),
        (source("x = = 1"), "not plain Python"),
        (lambda n: n.cells[3].metadata.update(tags=["budget-60"]), "a budget of 60 s"),
        (lambda n: n.cells[3].metadata.update(tags=["raises-exception"]), "hides it"),
        (text("![](images/x.png) " + "word " * 12), "has no alt text"),
        (text("![a](https://a.b/c.png) " + "word " * 12), "comes from the network"),
        (text("<img src='x.png'> " + "word " * 12), "without alt text"),
        (lambda n: n.cells[0].update(source="Title"), "a title"),
        (lambda n: n.cells[0].update(source="# Title"), "the time it takes"),
        (lambda n: n.cells.pop(0), "first cell is no text"),
    ],
)
def test_rule_bites(tmp_path, change, words):
    assert any(words in problem for problem in made(tmp_path, change))
