"""One list of dependencies: pyproject.toml. Everything else agrees with it."""

import ast
import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from notebook_rules import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lecture_utils.setup import install

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"]]
TEST = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]

#: Imported directly though a direct dependency brings it along by its own contract.
COMES_WITH = {
    "numpy": "librosa",
    "scipy": "librosa",
    "numba": "librosa",
    "soxr": "librosa",
    "IPython": "ipywidgets",
    "traitlets": "ipywidgets",
    "cycler": "matplotlib",
    "jupyter_client": "jupyterlab",
    "nbformat": "nbval",
    "nbclient": "jupyterlab",
    "nbconvert": "jupyterlab",
    "packaging": "pytest",
    "yaml": "jupyterlab",
}


def test_environment_yml_installs_what_pyproject_lists():
    file = ROOT / "environment.yml"
    environment = yaml.safe_load(file.read_text(encoding="utf-8"))
    python, pip, own = environment["dependencies"]
    assert pip == "pip" and own == {"pip": ["-e .[test]"]}
    assert python.startswith("python ") and "prefix" not in environment
    conda, ours = SpecifierSet(python[6:].strip()), SpecifierSet(PROJECT["requires-python"])
    for minor in range(8, 30):
        inside = conda.contains(f"3.{minor}.1")
        assert not inside or ours.contains(f"3.{minor}.1")
    assert conda.contains("3.11.0") and ours.contains("3.11.0")
    assert not re.search(r"=[a-z0-9]+_\d+", file.read_text()), "a build string"


def test_install_knows_the_oldest_python():
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(
        ">=" + ".".join(map(str, install.OLDEST))
    )


@pytest.mark.parametrize("requirement", DIRECT + TEST, ids=str)
def test_installed_versions_are_in_range(requirement):
    version = importlib.metadata.version(requirement.name)
    assert requirement.specifier.contains(version, prereleases=True)


def test_course_needs_what_it_names():
    names = {requirement.name for requirement in DIRECT}
    assert names >= {"jupyterlab", "torch", "torchaudio", "librosa", "ipywidgets", "matplotlib"}
    assert "nbval" in names


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda r: r.name)
def test_dependencies_import_under_their_own_names(requirement):
    """install.py checks them by these names."""
    assert importlib.util.find_spec(requirement.name.replace("-", "_"))


def test_everything_imported_is_listed():
    extras = sum(PROJECT["optional-dependencies"].values(), [])
    listed = {r.name.replace("-", "_").lower() for r in [*DIRECT, *map(Requirement, extras)]}
    own = {"lecture_utils"} | {path.stem for path in (ROOT / "tests").rglob("*.py")}
    found = set()
    for folder in ("lecture_utils", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found.add(node.module.split(".")[0])
    unlisted = found - set(sys.stdlib_module_names) - own - listed - set(COMES_WITH)
    assert unlisted == set()


@pytest.mark.parametrize(("name", "parent"), COMES_WITH.items())
def test_what_comes_with_a_dependency_does(name, parent):
    """Follow the requirements of `parent` down to the package that brings `name`."""
    brought = {
        d.lower().replace("_", "-") for d in importlib.metadata.packages_distributions()[name]
    }
    seen, waiting = set(), [parent]
    while waiting:
        current = waiting.pop().lower().replace("_", "-")
        if current in seen:
            continue
        seen.add(current)
        for line in importlib.metadata.requires(current) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    assert brought & seen


def test_make_calls_what_exists():
    """Every target in the help is there, and nothing in it is misspelt."""
    text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^make (\w+)", text, re.M)
    assert {"lab", "test", "doctor", "bench", "data", "lint", "clean"} <= set(targets)
    for target in targets:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for module in re.findall(r"-m (lecture_utils\.\w+)", done.stdout):
            assert importlib.util.find_spec(module)
        for file in re.findall(r"(tests/\w+\.py)", done.stdout):
            assert (ROOT / file).is_file()


@pytest.mark.parametrize(
    ("root", "screen", "options"),
    [
        ("0", "", ["--allow-root", "--no-browser"]),
        ("1000", ":0", []),
        ("1000", "", ["--no-browser"]),
    ],
)
def test_lab_fits_user_and_screen(tmp_path, root, screen, options):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {root}\n")
    (tmp_path / "id").chmod(0o755)
    script = subprocess.run(
        ["make", "-n", "lab", f"DISPLAY={screen}", "WAYLAND_DISPLAY="],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    ).stdout  # fmt: skip
    for option in ("--allow-root", "--no-browser"):
        assert (option in script) == (option in options)
    assert "news_url=None" in script and "nbformat.sign notebooks/*.ipynb" in script


@pytest.mark.parametrize(
    ("user", "browser", "calls"),
    [
        ("0", True, ["make test"]),
        ("0", False, ["apt-get update", "apt-get install", "make test"]),
        ("1000", False, []),  # neither root nor sudo: a sentence
    ],
)
def test_ci_brings_its_browser(tmp_path, user, browser, calls):
    programs = {"id": f"echo {user}", "sudo": "exit 1", "timeout": 'shift 2; "$@"', "env": '"$@"'}
    programs |= {name: f'echo {name} "$@"' for name in ("make", "apt-get")}
    programs |= {"chromium": ""} if browser else {}
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [shutil.which("bash"), ROOT / ".ci" / "run"], capture_output=True, text=True,
        cwd=tmp_path, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert [" ".join(line.split()[:2]) for line in said] == calls
    if not calls:
        assert done.returncode == 1 and "only root can install it" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
