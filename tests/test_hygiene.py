"""Order in the house: rules for notebooks, walls between rooms, style, a light import."""

import ast
import subprocess
import sys

import notebook_rules as rules
import pytest
from nbformat import v4, write
from notebook_rules import ROOT

PACKAGE = ROOT / "lecture_utils"

#: Rooms that belong to one section of the lecture; they use common rooms, never each other.
SECTIONS = {
    "gan", "diffusion", "wavenet", "phase", "griffin_lim", "melgan", "hifi_gan", "ddsp",
}  # fmt: skip
#: Helpers of one section room, which count as part of it.
PARTS = {
    "wavenet_kernel": "wavenet",
    "wavenet_generation": "wavenet",
    "wavenet_score": "wavenet",
    "linear_prediction": "wavenet",
    "ddsp_synth": "ddsp",
    "timbre_transfer": "ddsp",
    "songs": "diffusion",
    "cascade": "diffusion",
    "song_metrics": "diffusion",
    "unet": "diffusion",
}
#: Programs and exercises, above all rooms: they may use any, no room uses them.
ABOVE = {"train", "train_ddsp", "train_diffusion", "train_gan", "train_wavenet", "exercises"}


def imported(path):
    """Rooms of the package that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("lecture_utils.")}
    return {PARTS.get(name, name) for name in found if (PACKAGE / f"{name}.py").is_file()}


def trespasses(room, uses):
    """Why a room must not import what it does."""
    room = PARTS.get(room, room)
    others = (uses - {room}) & SECTIONS if room in SECTIONS else uses & SECTIONS
    found = [f"{room} uses the section room {other}" for other in sorted(others)]
    if room not in ABOVE:
        found += [f"{room} uses {other}, which is above it" for other in sorted(uses & ABOVE)]
    return [] if room in ABOVE else found


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_rooms_keep_to_themselves(path):
    uses = imported(path)
    if path.stem == "check":
        uses.discard("exercises")  # looks them up by name
    assert trespasses(path.stem, uses) == []


def test_walls_stand():
    assert trespasses("griffin_lim", {"audio", "mel"}) == []
    assert trespasses("wavenet", {"wavenet", "audio"}) == []
    assert trespasses("hifi_gan", {"melgan"}) == ["hifi_gan uses the section room melgan"]
    assert trespasses("mel", {"griffin_lim"}) == ["mel uses the section room griffin_lim"]
    assert trespasses("wavenet_kernel", {"phase"}) != []
    assert trespasses("training", {"train"}) != []
    assert imported(PACKAGE / "griffin_lim.py") == {"audio", "doors", "mel"}


@pytest.mark.parametrize("room", sorted(p.stem for p in (PACKAGE / "exercises").glob("[a-z]*.py")))
def test_exercises_use_their_own_room(room):
    assert room in SECTIONS | {"pianoroll"}  # of a common room that notebook 00 teaches
    assert imported(PACKAGE / "exercises" / f"{room}.py") & SECTIONS <= {room}


def test_import_is_light():
    code = "import sys, lecture_utils; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "lecture_utils" in done.stdout.split()
    assert not {"torch", "librosa", "matplotlib", "numpy"} & set(done.stdout.split())


def test_nothing_happens_at_import():
    """No room draws, plays, seeds or opens a window when imported."""
    rooms = sorted(path.stem for path in PACKAGE.glob("[a-z]*.py") if path.stem != "install")
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


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=lambda c: c[0])
def test_ruff(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def tracked():
    """Files in git, or on disk where this is no checkout."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_repository_is_small_and_free_of_pickles():
    files = tracked()
    assert sum(path.stat().st_size for path in files) < 60e6
    assert [p.name for p in files if p.suffix in (".pkl", ".pt", ".pth", ".ckpt", ".pickle")] == []
    assert all(path.name.isascii() for path in files)


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path):
    assert rules.file_problems(path) == []


def test_every_notebook_of_the_lecture_is_known():
    assert [path.stem[:2] for path in rules.NOTEBOOKS] == sorted(
        {path.stem[:2] for path in rules.NOTEBOOKS}
    )


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
    write(notebook, tmp_path / "made.ipynb")
    return rules.file_problems(tmp_path / "made.ipynb")


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
        (lambda n: n.metadata.update(kernelspec={"name": "mine", "display_name": ""}), "python3"),
        (source("\n".join(["x = 1"] * 26)), "26 lines"),
        (lambda n: [c.update(source="x = 1\n" * 9) for c in n.cells[1::2]], "median of 9"),
        (lambda n: n.cells.__delitem__(slice(5, None)), "code cells; 25 to 45"),
        (lambda n: n.cells.extend(good_cells()[1:]), "code cells; 25 to 45"),
        (lambda n: [c.update(source="short") for c in n.cells[2::2]], "words a line of code"),
        (text("word " * 400), "words a line of code"),
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
