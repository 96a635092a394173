"""Walls between rooms: sections never use each other, nobody uses what is above, no circle."""

import pytest
import walls
from notebook_rules import ROOT

PACKAGE = ROOT / "lecture_utils"
USES = walls.uses(PACKAGE)


@pytest.mark.parametrize("module", USES)
def test_rooms_keep_to_themselves(module):
    used = USES[module]
    if module.split(".")[-1] == "check":
        used = used - {"exercises"}  # looks them up by name
    assert walls.trespasses(module, used) == []


def test_no_circle():
    assert walls.circles(USES) == []


@pytest.mark.parametrize("module", [m for m in USES if m.startswith("exercises.")])
def test_exercises_use_their_own_room(module):
    own = module.split(".")[1]
    assert own in walls.SECTIONS | {"pianoroll"}  # of a common room that notebook 00 teaches
    assert {walls.room(other) for other in USES[module]} & walls.SECTIONS <= {own}


def test_every_section_is_a_room():
    assert {walls.room(module) for module in USES} >= walls.SECTIONS | walls.ABOVE


# ------------------------------------------------------------- the walls themselves can fail


def made(folder, files):
    """A package of a name of its own, with these imports in its files."""
    package = folder / "house"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for parent in path.relative_to(package).parents:
            (package / parent / "__init__.py").touch()
    return walls.uses(package)


def problems(used):
    return [problem for module in used for problem in walls.trespasses(module, used[module])]


def test_imports_are_found_in_packages(tmp_path):
    used = made(tmp_path, {
        "audio.py": "import numpy\nfrom pathlib import Path",
        "gan/__init__.py": "from house.gan.losses import loss",
        "gan/losses.py": "from house import audio\nfrom house.audio import read",
        "gan/muse.py": "from house.gan import losses\ndef f():\n    import house.audio",
        "train/gan.py": "from house.gan.losses import loss",
        "wavenet/net/deep.py": "from house.audio import read",
    })  # fmt: skip
    assert used["audio"] == set()
    assert used["gan"] == {"gan.losses"}
    assert used["gan.losses"] == {"audio"}
    assert used["gan.muse"] == {"gan.losses", "audio"}
    assert used["train.gan"] == {"gan", "gan.losses"}
    assert used["wavenet.net.deep"] == {"audio"} and used["wavenet.net"] == set()
    assert problems(used) == [] and walls.circles(used) == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("gan/deep/a.py", "from house.wavenet import mu", "gan.deep.a uses the section room wave"),
        ("gan/a.py", "from house import melgan", "gan.a uses the section room melgan"),
        ("mel.py", "import house.wavenet.mu", "mel uses the section room wavenet"),
        ("notebook/a.py", "def f():\n    from house.wavenet import mu", "notebook.a uses the sec"),
        ("mel.py", "from house.train import run", "mel uses train, which is above it"),
        ("gan/a.py", "from house.train.run import Run", "gan.a uses train, which is above it"),
        (
            "listening_test/a.py",
            "from house.listening_test.vote import b",
            "listening_test.a uses listening_test.vote, which is above it",
        ),
    ],
)
def test_walls_stop_who_goes_through(tmp_path, file, text, problem):
    others = {"wavenet/mu.py": "", "train/run.py": "", "melgan.py": ""}
    others["listening_test/vote/b.py"] = "from house import melgan"
    (found,) = problems(made(tmp_path, others | {file: text}))
    assert found.startswith(problem)


def test_who_is_above_may_use_all(tmp_path):
    files = {"wavenet/mu.py": "", "gan/a.py": "", "train/b.py": "from house import gan, wavenet"}
    assert problems(made(tmp_path, files)) == []


def test_relative_imports_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="relative import"):
        made(tmp_path, {"gan/a.py": "from . import b"})


@pytest.mark.parametrize(
    ("files", "group"),
    [
        ({"a.py": "from house import b", "b.py": "import house.a"}, ["a", "b"]),
        ({"a.py": "import house.b", "b.py": "def f():\n    import house.c",
          "c.py": "from house.a import x", "d.py": "import house.a"}, ["a", "b", "c"]),
        ({"gan/__init__.py": "from house.gan import a", "gan/a.py": "from house.gan import x"},
         ["gan", "gan.a"]),
        ({"gan/a.py": "from house.b import x", "gan/c.py": "",  # through the front of gan
          "gan/__init__.py": "from house.gan.a import x", "b.py": "from house.gan import c"},
         ["b", "gan", "gan.a"]),
    ],
)  # fmt: skip
def test_circles_are_found(tmp_path, files, group):
    assert walls.circles(made(tmp_path, files)) == [group]
