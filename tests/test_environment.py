"""One list of dependencies: pyproject.toml. Everything else agrees with it."""

import ast
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from notebook_rules import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lecture_utils.setup import install
from lecture_utils.setup.site import __main__ as site

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"]]
TEST = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
RULERS = [Requirement(line) for line in PROJECT["optional-dependencies"]["rulers"]]
SITE = [Requirement(line) for line in PROJECT["optional-dependencies"]["site"]]

#: What Firefox and WebKit need in CI.
OTHERS = ["firefox-esr", "WebKitWebDriver", "Xvfb", "pulseaudio"]

#: JupyterLab's settings for the course.
JUPYTER = "lecture_utils/setup/jupyter"

#: Imported directly though a direct dependency brings it along by its own contract.
COMES_WITH = {
    "numpy": "librosa",
    "scipy": "librosa",
    "numba": "librosa",
    "xdist": "pytest-xdist",
    "soxr": "librosa",
    "PIL": "matplotlib",
    "mpl_toolkits": "matplotlib",
    "IPython": "ipywidgets",
    "traitlets": "ipywidgets",
    "cycler": "matplotlib",
    "jupyter_client": "jupyterlab",
    "nbformat": "nbval",
    "nbclient": "jupyterlab",
    "nbconvert": "jupyterlab",
    "packaging": "pytest",
    "yaml": "jupyterlab",
    "tornado": "jupyterlab",
    "jupyter_server": "jupyterlab",
    "requests": "jupyterlab",
    "websocket": "jupyterlab",
}


def test_environment_yml_installs_what_pyproject_lists():
    file = ROOT / "environment.yml"
    environment = yaml.safe_load(file.read_text(encoding="utf-8"))
    python, pip, own = environment["dependencies"]
    constraints = install.CONSTRAINTS.relative_to(ROOT).as_posix()
    assert pip == "pip" and own == {"pip": [f"-c {constraints}", "-e .[test]"]}
    assert python.startswith("python ") and "prefix" not in environment
    conda, ours = SpecifierSet(python[6:].strip()), SpecifierSet(PROJECT["requires-python"])
    for minor in range(8, 30):
        inside = conda.contains(f"3.{minor}.1")
        assert not inside or ours.contains(f"3.{minor}.1")
    assert conda.contains("3.11.0") and ours.contains("3.11.0")
    assert not re.search(r"=[a-z0-9]+_\d+", file.read_text()), "a build string"
    assert environment["variables"] == {"JUPYTER_CONFIG_PATH": JUPYTER}


def test_make_knows_the_oldest_python():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    oldest = re.search(r"sys\.version_info < \((\d+), (\d+)\)", text)
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={oldest[1]}.{oldest[2]}")
    assert f"Python {oldest[1]}.{oldest[2]} or newer is needed" in text


@pytest.mark.parametrize("requirement", DIRECT + TEST, ids=str)
def test_installed_versions_are_in_range(requirement):
    version = importlib.metadata.version(requirement.name)
    assert requirement.specifier.contains(version, prereleases=True)


def test_every_version_was_tested():
    """`make lock` has to follow a change of pyproject.toml."""
    lines = install.CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    for requirement in DIRECT + TEST + RULERS:
        (pin,) = [p for p in pins if p.name == requirement.name]  # one for every system
        (version,) = pin.specifier
        assert version.operator == "==" and pin.marker is None
        assert requirement.specifier.contains(version.version, prereleases=True)
    assert len(pins) > 100 and all(len(p.specifier) == 1 and p.url is None for p in pins)


def test_site_is_built_with_tested_versions():
    """They fit the others: what both lists name has one version."""
    text = (ROOT / "lecture_utils/setup/site/constraints.txt").read_text(encoding="utf-8")
    pins = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    versions = {pin.name: str(pin.specifier) for pin in pins}
    assert all(requirement.specifier.contains(versions[requirement.name].removeprefix("=="))
               for requirement in SITE)  # fmt: skip
    lines = install.CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    for pin in (Requirement(line) for line in lines if not line.startswith("#")):
        assert versions.get(pin.name, str(pin.specifier)) == str(pin.specifier)


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
    by_hand = {"pesq"}  # needs a C compiler, so no extra brings it; a sentence tells who calls it
    by_hand |= {"jupyterhub"}  # `make hub` adds it
    unlisted = found - set(sys.stdlib_module_names) - own - listed - set(COMES_WITH) - by_hand
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
    targets = re.findall(r"^make (\w+)", text, re.MULTILINE)
    assert {"lab", "test", "doctor", "bench", "data", "lint", "lock", "canary"} <= set(targets)
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
    assert f'JUPYTER_CONFIG_PATH="{JUPYTER}' in script
    assert "nbformat.sign notebooks/*.ipynb" in script


#: Prints the settings that JupyterLab knows, and its defaults.
SETTINGS = """
import json, pathlib, sys
from jupyterlab_server.settings_utils import get_settings
lab = pathlib.Path(sys.prefix, "share", "jupyter", "lab")
extensions = [str(lab.parent / "labextensions")]
found, warnings = get_settings(
    str(lab), str(lab / "schemas"), "/nowhere", labextensions_path=extensions)
print(json.dumps({s["id"]: s["schema"].get("properties") for s in found["settings"]}))
"""


def test_jupyterlab_takes_the_settings():
    """JupyterLab itself is asked: it passes over what it does not know."""
    environment = os.environ | {"JUPYTER_CONFIG_PATH": JUPYTER, "JUPYTER_CONFIG_DIR": "/nowhere"}

    def ask(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    known = ask("-c", SETTINGS)
    notification = known["@jupyterlab/apputils-extension:notification"]["fetchNews"]
    assert notification["default"] == "false"
    assert "false" in [choice["const"] for choice in notification["oneOf"]]
    save = known["@jupyter-widgets/jupyterlab-manager:plugin"]["saveState"]
    assert (save["type"], save["default"]) == ("boolean", True)
    server = ask("-m", "jupyterlab", "--show-config-json", "--allow-root")
    assert server["ServerApp"]["tornado_settings"] == {"websocket_max_message_size": 300_000_000}
    assert server["LabApp"]["news_url"] is None
    assert server["LabApp"]["check_for_updates_class"] == "jupyterlab.NeverCheckForUpdate"


def start(tmp_path, monkeypatch, **answers):
    """What the package sets for numba in an environment that this user may write to, or not."""
    import lecture_utils

    monkeypatch.setattr(lecture_utils.sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setattr(lecture_utils.os, "access", lambda place, how: answers["writable"])
    monkeypatch.setenv("HOME", str(tmp_path / "home") if answers["home"] else "/dev/null/nowhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    lecture_utils._set_numba_cache()
    folder = os.environ.get("NUMBA_CACHE_DIR")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    return folder and Path(folder)


@pytest.mark.parametrize("home", [True, False])
def test_users_of_a_shared_environment_get_its_compiled_functions(tmp_path, monkeypatch, home):
    shared = tmp_path / "environment" / "share" / "numba"
    (shared / "librosa_1").mkdir(parents=True)
    (shared / "librosa_1" / "stft.nbi").write_bytes(b"compiled")
    assert start(tmp_path, monkeypatch, writable=True, home=home) == shared
    own = start(tmp_path, monkeypatch, writable=False, home=home)
    assert own.is_relative_to(tmp_path / "home" / ".cache") == home and own != shared
    assert (own / "librosa_1" / "stft.nbi").read_bytes() == b"compiled"
    (own / "mine").touch()
    again = start(tmp_path, monkeypatch, writable=False, home=home)
    assert (again / "mine").exists() == home  # kept from one notebook to the next
    assert len(list(own.parent.glob("*"))) == (1 if home else 3)  # nothing half copied is left
    os.utime(shared, (1, 1))  # installed anew
    assert start(tmp_path, monkeypatch, writable=False, home=home) not in (own, again)


def test_numba_chooses_where_it_may_write(tmp_path, monkeypatch):
    """As with conda; and what the user has set stays."""
    import lecture_utils

    (tmp_path / "environment").mkdir()
    monkeypatch.setattr(lecture_utils.importlib.util, "find_spec", lambda name: None)
    assert start(tmp_path, monkeypatch, writable=False, home=True) is None
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/mine")
    lecture_utils._set_numba_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == "/mine"


@pytest.mark.parametrize(
    ("user", "there", "lacking", "status", "installed"),
    [
        ("0", ["chromium", "node", "npm", *OTHERS], [], 0, []),
        ("0", ["chromium", "node", "npm"], [], 0, ["firefox-esr", "webkit2gtk-driver", "xvfb"]),
        ("0", ["node", "npm"], [], 0, ["chromium", "firefox-esr"]),
        ("0", ["chromium"], [], 0, ["nodejs npm", "webkit2gtk-driver"]),
        ("0", ["chromium", "node", "npm"], ["firefox-esr"], 0, []),  # it can't be had: so without
        ("0", ["chromium"], ["nodejs"], 100, []),
        ("1000", ["chromium", "node", "npm"], [], 0, []),
        ("1000", ["chromium", *OTHERS], [], 1, []),  # neither root nor sudo: a sentence
    ],
)
def test_ci_brings_what_it_needs(tmp_path, user, there, lacking, status, installed):
    refuse = f'case "$*" in *{lacking[0]}*) exit 100;; esac; ' if lacking else ""
    programs = {"id": f"echo {user}", "sudo": "exit 1", "timeout": 'shift 2; "$@"', "env": '"$@"'}
    programs |= {"make": 'echo make "$@"', "apt-get": f'{refuse}echo apt-get "$@"'}
    for name, line in (programs | dict.fromkeys(there, "")).items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [shutil.which("bash"), ROOT / ".ci" / "run"], capture_output=True, text=True,
        cwd=tmp_path, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    said = done.stdout.splitlines()
    calls = " ".join(line for line in said if line.startswith("apt-get install"))
    assert all(f" {name}" in calls for name in installed)
    assert installed or not calls
    assert ("apt-get update -q" in said) == bool(installed or lacking)
    if status == 0:
        assert said[-1] == "make hub-packages test site play SITE=1"
        assert ("Without: firefox-esr" in done.stdout) == ("firefox-esr" in lacking)
    if status == 1:
        assert "Only root can install what is missing: apt-get install nodejs npm" in done.stderr


def test_ci_builds_the_site_from_the_notebooks_that_it_has_tested():
    """They are not run twice: `make notebooks` keeps them where `make site` looks for them."""
    script = subprocess.run(
        ["make", "-n", "notebooks", "SITE=1"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f"--site {(site.BUILD / 'executed').relative_to(ROOT)}" in script
