"""Installing: quick when all is there, repaired when half made, one sentence when it can't be."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lecture_utils.setup import install
from lecture_utils.setup.install import InstallError

ROOT = Path(install.__file__).resolve().parents[2]

#: A build backend without a network: one .pth file that points at the checkout.
BACKEND = """
import os, tomllib, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "toy-1.0-py3-none-any.whl"
    info = "toy-1.0.dist-info/"
    with open("pyproject.toml", "rb") as file:
        lines = tomllib.load(file)["project"]["dependencies"]
    needs = "".join(f"Requires-Dist: {line}\\n" for line in lines)
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("toy.pth", os.getcwd())
        wheel.writestr(info + "METADATA",
                       "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n" + needs)
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: toy\\n"
                       "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "toy"
version = "1.0"
dependencies = [{}]
"""


def checkout(folder, dependencies=""):
    """A checkout of a course without dependencies."""
    (folder / "lecture_utils" / "setup").mkdir(parents=True)
    for name in ("__init__.py", "setup/__init__.py", "setup/install.py"):
        shutil.copy(ROOT / "lecture_utils" / name, folder / "lecture_utils" / name)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT.format(dependencies))
    return folder


def call(folder, python=sys.executable, **environment):
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **environment}
    start = time.monotonic()
    done = subprocess.run(
        [python, "-m", "lecture_utils.setup.install"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **offline}, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr, time.monotonic() - start


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("course"))
    return folder, call(folder)


def test_installs_then_returns_at_once(made):
    folder, (status, out, err, _) = made
    assert status == 0 and "Installing" in out and "Installed." in out and err == ""
    assert (folder / ".venv" / "install.log").is_file()
    status, out, err, seconds = min((call(folder) for _ in range(3)), key=lambda r: r[3])
    assert (status, out, err) == (0, "", "") and seconds < 2


def test_half_made_is_repaired(made):
    folder, _ = made
    venv = folder / ".venv"
    (venv / "bin" / "python").unlink()  # as if the machine's Python had gone
    status, out, _, _ = call(folder)
    assert status == 0 and "Repairing" in out and install.probe(venv / "bin" / "python")
    with (folder / "pyproject.toml").open("a") as file:  # dependencies changed: pip looks again
        file.write("# a new line\n")
    status, out, _, _ = call(folder)
    assert status == 0 and "Repairing" not in out and "Installed." in out


def test_damaged_package_means_a_new_environment(monkeypatch, tmp_path):
    """Whatever pip thinks is installed, a package that does not import is not."""
    calls, states = [], iter(["torch", ""])
    monkeypatch.setattr(install, "make_venv", lambda folder: (calls.append("venv"), folder.mkdir()))
    monkeypatch.setattr(install, "pip_install", lambda python, root: calls.append("pip"))
    monkeypatch.setattr(install, "broken_imports", lambda python, root: next(states))
    monkeypatch.setattr(install, "runs", lambda python, code: True)
    (tmp_path / "pyproject.toml").write_text("")
    install.install(tmp_path)
    assert calls == ["venv", "pip", "venv", "pip"]
    states = iter(["torch", "torch"])
    (tmp_path / "pyproject.toml").write_text("#")
    with pytest.raises(InstallError, match="torch does not import though it was just installed"):
        install.install(tmp_path)


def test_imports_are_really_tried(made, tmp_path):
    folder, _ = made
    python = folder / ".venv" / "bin" / "python"
    assert install.runs(python, "import pip") and not install.runs(python, "import torch")
    (tmp_path / "pyproject.toml").write_text(PROJECT.format('"pip>=1", "no-such>=2,<3"'))
    assert install.broken_imports(python, tmp_path) == "no_such"
    (tmp_path / "pyproject.toml").write_text(PROJECT.format('"pip>=1"'))
    assert install.broken_imports(python, tmp_path) == ""


def test_registry_out_of_reach(tmp_path):
    """A real pip against an address where nobody answers."""
    folder = checkout(tmp_path / "course", '"a-package-that-nobody-has"')
    status, out, err, _ = call(
        folder, PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0",
        PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="",
    )  # fmt: skip
    assert status == 1 and "Traceback" not in err
    (sentence,) = err.strip().splitlines()
    assert "registry can't be reached" in sentence and ".venv/install.log" in sentence
    assert not (folder / ".venv" / "installed.txt").exists()


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("Failed to establish a new connection: NewConnectionError ...", "can't be reached"),
        ("Temporary failure in name resolution\nNo matching distribution found for x", "can't be"),
        ("ERROR: No matching distribution found for torch<2.15,>=2.11", "PyTorch has no build"),
        ("ERROR: No matching distribution found for mido>=1.3", "has no mido>=1.3 for this"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "can't be written"),
        ("ERROR: something new\n", "pip stopped with 'something new'"),
        ("", "pip stopped"),
    ],
)
def test_causes(story, words):
    assert words in install.cause(story)


@pytest.mark.parametrize(
    ("system", "torch", "free", "enough"),
    [
        ("Linux", False, 10e9, False),
        ("Linux", False, 12e9, True),
        ("Linux", True, 3e9, True),
        ("Linux", True, 1e9, False),
        ("Darwin", False, 5e9, True),
        ("Darwin", False, 3e9, False),
    ],
)
def test_disk(monkeypatch, tmp_path, system, torch, free, enough):
    monkeypatch.setattr(install.platform, "system", lambda: system)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    if torch:
        (tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "torch").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT.format('"torch>=2"'))
    if enough:
        install.check_disk(tmp_path)
    else:
        with pytest.raises(InstallError, match=f"has {free / 1e9:.1f} GB free and"):
            install.check_disk(tmp_path)


@pytest.mark.parametrize("version", [(3, 6), (3, 8), (3, 10)])
def test_old_python_is_sent_away(monkeypatch, version):
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    with pytest.raises(InstallError, match=rf"3\.11 or newer is needed, this is 3\.{version[1]}"):
        install.find_python(version)
    assert install.find_python((3, 11)) == install.find_python((3, 14)) == ""


def test_newer_python_beside_an_old_one_is_taken(monkeypatch):
    """But only if it runs: some shims stand in the path and lead nowhere."""
    known = {"python3.13": "/nowhere/python3.13", "python3.11": sys.executable}
    monkeypatch.setattr(install.shutil, "which", known.get)
    assert install.find_python((3, 10)) == sys.executable


def old_pythons():
    """Pythons older than 3.11 on this machine."""
    places = [shutil.which(f"python3.{minor}") for minor in range(6, 11)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places += [str(p) for minor in range(6, 11) for p in pyenv.glob(f"3.{minor}.*/bin/python")]
    return [p for p in places if p and (3, 6) <= install.probe(p) < (3, 11)]


def test_real_old_pythons_read_the_file(tmp_path):
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python older than 3.11 on this machine")
    folder = checkout(tmp_path / "course")
    for python in {pythons[0], pythons[-1]}:
        status, _, err, _ = call(folder, python, PATH=str(tmp_path))
        assert status == 1 and len(err.strip().splitlines()) == 1, err
        assert "Python 3.11 or newer is needed" in err


def test_no_python_and_no_venv_module(tmp_path, monkeypatch):
    done = subprocess.run(
        ["make", "install", "PYTHON=python-nowhere"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and "there is no python-nowhere" in done.stderr
    answer = SimpleNamespace(returncode=1, stdout="... ensurepip is not available ...")
    monkeypatch.setattr(install.subprocess, "run", lambda *a, **k: answer)
    with pytest.raises(InstallError, match="apt install python3-venv"):
        install.make_venv(tmp_path / ".venv")
