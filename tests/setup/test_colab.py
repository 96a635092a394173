"""Copies of the notebooks for Colab, and the files for Binder."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
import yaml
from notebook_rules import NOTEBOOKS, ROOT

from lecture_utils.setup.site import colab


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    return colab.write(tmp_path_factory.mktemp("colab"), "someone/course")


def test_copies_differ_in_their_first_cell_and_their_links_only(copies):
    assert [path.name for path in copies] == [path.name for path in NOTEBOOKS]
    for copy, path in zip(copies, NOTEBOOKS, strict=True):
        ours, notebook = nbformat.read(path, 4), nbformat.read(copy, 4)
        nbformat.validate(notebook)
        assert len(notebook.cells) == len(ours.cells) + 1
        for cell, own in zip(notebook.cells[1:], ours.cells, strict=True):
            assert cell.id == own.id
            if cell.cell_type == "code":
                assert cell.source == own.source
                continue
            links = re.findall(r"\]\(([^)]*)\)", cell.source)
            assert all(link.startswith(("https://", "#", "mailto:")) for link in links)
            assert re.sub(r"\]\(.*?\)", "", cell.source) == re.sub(r"\]\(.*?\)", "", own.source)


def test_links_lead_to_what_is_there():
    line = "![a](images/05_stft_grid.svg) [b](05_griffin_lim.ipynb) [c](glossary.md#stft)"
    raw = (
        "https://raw.githubusercontent.com/a/b/main/notebooks/images/05_stft_grid.svg?sanitize=true"
    )
    assert colab.on_the_web(line, "a/b") == (
        f"![a]({raw}) [b](https://colab.research.google.com/github/a/b/blob/colab/"
        "05_griffin_lim.ipynb) [c](https://github.com/a/b/blob/main/notebooks/glossary.md#stft)"
    )
    with pytest.raises(ValueError, match="give owner/name"):
        colab.write(ROOT, "course")


def run(copies, tmp_path, **environment):
    """Run the first cell as Colab would: its folder is a copy, its course a clone of this one."""
    cell = "".join(json.loads(copies[0].read_text(encoding="utf-8"))["cells"][0]["source"])
    cell = cell.replace("/content", str(tmp_path)).replace(
        "https://github.com/someone/course", f"file://{tmp_path / 'origin'}"
    )
    cell += "\nimport lecture_utils; print(os.getcwd(), lecture_utils.__file__, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", cell], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PIP_DRY_RUN": "1", "PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-2:]


def test_first_cell_fetches_the_course_on_colab_alone(copies, tmp_path):
    """It needs no network here: what it installs is there."""
    origin = tmp_path / "origin"
    (origin / "lecture_utils").mkdir(parents=True)
    (origin / "notebooks").mkdir()
    (origin / "lecture_utils" / "__init__.py").touch()
    (origin / "notebooks" / "glossary.md").touch()
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm 1"):
        subprocess.run(["git", *words.split()], cwd=origin, check=True)
    assert run(copies, tmp_path) == [str(tmp_path), str(ROOT / "lecture_utils" / "__init__.py")]
    assert not (tmp_path / "course").exists()
    for _again in range(2):
        folder, package = run(copies, tmp_path, COLAB_RELEASE_TAG="release")
        assert folder == str(tmp_path / "course" / "notebooks")
        assert package == str(tmp_path / "course" / "lecture_utils" / "__init__.py")


def test_binder_has_what_repo2docker_wants():
    """repo2docker copies environment.yml before the course: nothing in it may name a path."""
    folder = ROOT / ".binder"
    environment = yaml.safe_load((folder / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["python =3.11", "pip"]
    for name in ("postBuild", "start"):
        assert (folder / name).read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
        assert os.access(folder / name, os.X_OK)
    text = (folder / "postBuild").read_text(encoding="utf-8")
    assert (ROOT / re.search(r"--constraint (\S+)", text)[1]).is_file()


def test_binder_starts_with_the_course_settings():
    start = ROOT / ".binder" / "start"
    command = 'test -f "$JUPYTER_CONFIG_PATH/jupyter_server_config.json" && echo yes'
    done = subprocess.run(
        [start, "sh", "-c", command],
        env=os.environ | {"REPO_DIR": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "yes\n"
