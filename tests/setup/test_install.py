"""Installing: quick when all is there, repaired when half made, one sentence when it can't be."""

import errno
import fcntl
import functools
import http.server
import importlib.metadata
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from lecture_utils.setup import install
from lecture_utils.setup.install import InstallError

ROOT = Path(install.__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"
#: uv is quick; pip is what most have.
UV = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

#: A build backend without a network: one .pth file that points at the checkout.
BACKEND = """
import os, tomllib, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    assert os.environ["TMPDIR"] == os.path.join(os.getcwd(), ".venv", "tmp")
    name = "toy-1.0-py3-none-any.whl"
    info = "toy-1.0.dist-info/"
    with open("pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    needs = "".join(f"Requires-Dist: {line}\\n" for line in project["dependencies"])
    for extra, lines in project.get("optional-dependencies", {}).items():
        needs += f"Provides-Extra: {extra}\\n"
        needs += "".join(f"Requires-Dist: {line}; extra == '{extra}'\\n" for line in lines)
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
requires = ["setuptools>=90"]
build-backend = "backend"
backend-path = ["."]
[project]
name = "toy"
version = "1.0"
dependencies = [{}]
"""


def checkout(folder, dependencies='"torch>=2", "torchaudio"'):
    """A checkout of a course that needs little."""
    (folder / "lecture_utils" / "setup").mkdir(parents=True)
    for name in ("__init__.py", "setup/__init__.py", "setup/install.py"):
        shutil.copy(ROOT / "lecture_utils" / name, folder / "lecture_utils" / name)
    (folder / install.CONSTRAINTS.relative_to(ROOT)).write_text("torch==2.1\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT.format(dependencies))
    return folder


def environment(**more):
    """The machine's environment without its own ways to packages, and without uv."""
    own = ("PIP_", "UV_", "TORCH", "VERSIONS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return (
        kept | {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"} | more
    )


def start(folder, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "lecture_utils.setup.install"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**more),
    )  # fmt: skip


def call(folder, **more):
    begin = time.monotonic()
    process = start(folder, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err, time.monotonic() - begin


# ------------------------------------------------------------------ two indexes on this machine


def wheel(folder, name, version, text=""):
    """An index with one package more: an empty module, or one with this text."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info/"
    with zipfile.ZipFile(folder / name / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}/__init__.py", text)
        file.writestr(info + "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}")
        file.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        file.writestr(info + "RECORD", "")


@contextmanager
def serve(folder):
    """The address at which a folder is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """A registry with large builds, tested and newest, and an index with small ones."""
    registry, small = tmp_path_factory.mktemp("registry"), tmp_path_factory.mktemp("small")
    for version in ("2.1", "2.2"):
        wheel(registry, "torch", version)
        wheel(small, "torch", version + "+cpu")
    wheel(registry, "torchaudio", "2.1")
    wheel(registry, "ruler", "1")
    wheel(small, "torchaudio", "2.1+cpu")
    for name in ("pip", "setuptools", "wheel"):  # what uv gives a new environment
        wheel(registry, name, "99")
    wheel(small, "setuptools", "1")  # PyTorch's index has old copies of other packages, too
    with serve(registry) as one, serve(small) as other:
        cache = str(tmp_path_factory.mktemp("cache"))
        yield {
            "PIP_INDEX_URL": one, "UV_DEFAULT_INDEX": one, "TORCH_INDEX": other,
            "UV_CACHE_DIR": cache,
        }  # fmt: skip


def versions(folder):
    (site,) = (folder / ".venv").glob("lib/python*/site-packages")
    found = importlib.metadata.distributions(path=[str(site)])
    return {d.name: d.version for d in found if d.name.startswith("torch")}


@pytest.fixture(scope="module")
def made(tmp_path_factory, indexes):
    """Installed where the index of small builds can't be reached."""
    folder = checkout(tmp_path_factory.mktemp("a place") / "Übung")
    return folder, call(folder, **indexes | {"TORCH_INDEX": NOBODY})


def test_installs_then_returns_at_once(made):
    folder, (status, out, err, _) = made
    assert (status, err) == (0, "") and "Installing" in out and out.endswith("Installed.\n")
    assert versions(folder) == {"torch": "2.1", "torchaudio": "2.1"}
    assert (folder / ".venv" / "install.log").is_file() and not (folder / ".venv" / "tmp").exists()
    status, out, err, seconds = min((call(folder) for _ in range(3)), key=lambda r: r[3])
    assert (status, out, err) == (0, "", "") and seconds < 2


RULERS = '\n[project.optional-dependencies]\nrulers = ["ruler>=1"]\n'


@pytest.mark.parametrize(("tool", "there"), [("pip", False), ("uv", True)])
def test_rulers_are_added_if_they_can_be_had(tmp_path, indexes, tool, there):
    """And if not, the course is installed all the same, and says so."""
    folder = checkout(tmp_path / "course")
    with (folder / "pyproject.toml").open("a") as file:
        file.write(RULERS if there else RULERS.replace("ruler>", "absent>"))
    more = UV if tool == "uv" else {}
    status, out, err, _ = call(folder, **indexes | more)
    assert (status, err) == (0, "") and out.endswith("Installed.\n")
    (site,) = (folder / ".venv").glob("lib/python*/site-packages")
    assert (site / "ruler").is_dir() == there
    assert ("Without rulers that judge sound: " in out) == (not there)
    assert call(folder)[:3] == (0, "", "")


def test_small_build_where_it_can_be_reached(made, indexes, tmp_path):
    """With pip into what is there; then with uv, anew: the other build, and the newest."""
    folder = shutil.copytree(made[0], tmp_path / "course", symlinks=True)
    uninstall = [
        folder / ".venv/bin/python",
        "-m",
        "pip",
        "uninstall",
        "-qy",
        "torch",
        "torchaudio",
    ]
    subprocess.run(uninstall, check=True)
    status, out, err, _ = call(folder, TORCH="cpu", **indexes)
    assert (status, err) == (0, "") and "small build" in out
    assert versions(folder) == {"torch": "2.1+cpu", "torchaudio": "2.1+cpu"}
    status, out, err, _ = call(folder, TORCH="cuda", VERSIONS="newest", **indexes | UV)
    assert (status, err) == (0, "") and "PyTorch's build is to be cuda; it is made anew" in out
    assert versions(folder) == {"torch": "2.2", "torchaudio": "2.1"}
    status, out, err, _ = call(folder, TORCH="cpu", **indexes | UV)
    assert (status, err) == (0, "") and "small build" in out
    assert versions(folder) == {"torch": "2.1+cpu", "torchaudio": "2.1+cpu"}


def test_build_that_can_not_be_had_takes_nothing_away(made):
    status, _, err, _ = call(made[0], TORCH="cpu", TORCH_INDEX=NOBODY)
    assert status == 1 and f"{NOBODY} can't be reached; TORCH=cuda takes" in err
    assert versions(made[0]) and call(made[0])[1] == ""  # still ready


@pytest.mark.parametrize(
    ("wanted", "there", "system", "gpu", "reached", "index"),
    [
        ("", "", "Linux", False, True, "small"),
        ("", "", "Linux", False, False, ""),
        ("", "", "Linux", True, True, ""),
        ("", "", "Darwin", False, True, ""),
        ("", "cpu", "Linux", True, True, "small"),
        ("", "cpu", "Linux", False, False, ""),  # another package may be had all the same
        ("", "cuda", "Linux", False, True, ""),
        ("cpu", "", "Linux", True, True, "small"),
        ("cpu", "cuda", "Linux", False, True, "small"),
        ("cuda", "cpu", "Linux", False, True, ""),
        ("cpu", "cpu", "Linux", False, False, None),
    ],
)
def test_choice_of_index(monkeypatch, indexes, wanted, there, system, gpu, reached, index):
    small = indexes["TORCH_INDEX"] if reached else NOBODY
    monkeypatch.setattr(install, "CPU_INDEX", small)
    monkeypatch.setattr(install, "has_gpu", lambda: gpu)
    monkeypatch.setattr(install.platform, "system", lambda: system)
    if index is None:
        with pytest.raises(InstallError, match="can't be reached; TORCH=cuda"):
            install.find_index(wanted, there)
    else:
        assert install.find_index(wanted, there) == (small if index else "")


def test_index_that_never_answers(monkeypatch):
    """A server that takes the call and says nothing costs seconds, not minutes."""
    import socket

    monkeypatch.setattr(install, "has_gpu", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(install, "CPU_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}")
        begin = time.monotonic()
        assert install.find_index("") == "" and time.monotonic() - begin < 10


# ----------------------------------------------------------------------------- repaired


def test_half_made_is_repaired(made, indexes, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "course", symlinks=True)
    venv = folder / ".venv"
    (venv / "bin" / "python").unlink()  # as if the machine's Python had gone
    status, out, _, _ = call(folder, TORCH="cuda", **indexes | UV)
    assert status == 0 and "Repairing: .venv does not work" in out and versions(folder)
    with (folder / "pyproject.toml").open("a") as file:  # no new dependency: no network needed
        file.write("# a new line\n")
    status, out, _, _ = call(folder, **UV)
    assert status == 0 and "Repairing" not in out and "Installed." in out
    package = next(venv.glob("lib/python*/site-packages/torchaudio/__init__.py"))
    package.unlink()  # a new file: uv's own copy has the same content, and is to keep it
    package.write_text("= half a line")  # as if cut off: pip sees nothing
    (venv / "installed.txt").unlink()
    status, out, _, _ = call(folder, TORCH="cuda", **indexes | UV)
    assert status == 0 and "torchaudio does not import; it is made anew" in out
    assert package.read_text() == ""


def test_moved_folder_needs_no_network(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "else where", symlinks=True)
    status, out, err, _ = call(folder)
    assert (status, err) == (0, "") and "Repairing" not in out and "Installing" not in out
    (link,) = (folder / ".venv").glob("lib/python*/site-packages/toy.pth")
    assert link.read_text() == str(folder)


def test_second_call_waits_for_the_first(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "course", symlinks=True)
    (folder / ".venv" / "installed.txt").unlink()
    with (folder / "pyproject.toml").open("ab") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = start(folder)
        assert "waiting" in second.stdout.readline()
        time.sleep(3)  # in which it would have begun
        assert second.poll() is None and not (folder / ".venv" / "tmp").exists()
    out, _ = second.communicate(timeout=60)
    assert second.returncode == 0 and out.endswith("Installed.\n")


def test_pip_holds_the_lock_when_its_caller_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "PROJECT", tmp_path / "pyproject.toml")
    with install.alone():
        pip = subprocess.Popen(["sleep", "60"], close_fds=False)
    with (tmp_path / "pyproject.toml").open("ab") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pip.kill()
        pip.wait()
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("there", "index", "broken", "made"),
    [
        (False, "", ["torch"], [""]),  # new from PyPI: no second try would help
        (False, "small", ["torchaudio", ""], ["small", ""]),  # small builds that do not fit
        (True, "small", ["torch", ""], ["small", "small"]),  # cut off earlier
        (True, "small", ["torch", "torch"], ["small", "small"]),
    ],
)
def test_damage_means_one_new_environment(monkeypatch, tmp_path, there, index, broken, made):
    """Whatever pip thinks is installed, a package that does not import is not."""
    venv, filled, states = tmp_path / ".venv", [], iter(broken)
    if there:
        venv.mkdir()
    monkeypatch.setattr(install, "VENV", venv)
    monkeypatch.setattr(install, "STAMP", venv / "installed.txt")
    monkeypatch.setattr(install, "fill", lambda i: (filled.append(i), venv.mkdir(exist_ok=True)))
    monkeypatch.setattr(install, "run_installer", lambda **_: "something is missing")
    monkeypatch.setattr(install, "find_index", lambda wanted, there="": index)
    monkeypatch.setattr(install, "runs", lambda code: True)
    monkeypatch.setattr(install, "execute", lambda *command, env: None)
    monkeypatch.setattr(install, "broken_import", lambda: next(states))
    if broken[-1]:
        with pytest.raises(InstallError, match="torch does not import though it was just"):
            install.install("")
    else:
        install.install("")
    assert filled == made and (venv / "installed.txt").exists() == (not broken[-1])


# ----------------------------------------------------------------------------- one sentence


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_registry_out_of_reach(made, tmp_path, tool):
    """A real pip, and a real uv, against an address where nobody answers."""
    folder = shutil.copytree(made[0], tmp_path / "course", symlinks=True)
    (folder / "pyproject.toml").write_text(PROJECT.format('"torch", "nobody-has-this"'))
    nobody = {"PIP_INDEX_URL": NOBODY, "UV_DEFAULT_INDEX": NOBODY, "UV_HTTP_RETRIES": "0"}
    status, _, err, _ = call(folder, TORCH="cuda", **nobody | (UV if tool == "uv" else {}))
    assert status == 1 and "Traceback" not in err
    (sentence,) = err.strip().splitlines()
    assert "registry can't be reached" in sentence and ".venv/install.log" in sentence
    assert not (folder / ".venv" / "installed.txt").exists()


def test_unknown_build(made):
    status, _, err, _ = call(made[0], TORCH="rocm")
    assert status == 1 and err == "\nNot installed: TORCH is cpu or cuda, not rocm.\n"


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("Failed to establish a new connection: NewConnectionError ...", "can't be reached"),
        ("Temporary failure in name resolution\nNo matching distribution found for x", "can't be"),
        ("ERROR: No matching distribution found for torch<2.15,>=2.11", "PyTorch has no build"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "can't be written"),
        ("... ensurepip is not available ...", "apt install python3-venv"),
        ("error: something new\nother lines\n", "it stopped with 'something new'"),
        (
            "error: No solution found\n  cause: Because torch==2 has no wheels",
            "PyTorch has no build",
        ),
        ("WARNING: a word of pip's, which was then killed", "it was stopped; call make again"),
    ],
)
def test_causes(story, words):
    assert words in install.cause(story)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space."),
        (errno.EACCES, "files here can't be written; copy the course into a folder of your own."),
        (errno.EROFS, "files here can't be written; copy the course into a folder of your own."),
    ],
)
def test_system_says_no(monkeypatch, capsys, number, words):
    def refuse():
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(install, "ready", lambda wanted: False)
    monkeypatch.setattr(install, "alone", refuse)
    assert install.main() == 1
    assert capsys.readouterr().err == f"\nNot installed: {words}\n"


@pytest.mark.parametrize(
    ("system", "index", "torch", "free", "enough"),
    [
        ("Linux", "", "", 10e9, False),
        ("Linux", "", "", 12e9, True),
        ("Linux", "small", "", 4e9, True),
        ("Linux", "small", "", 3e9, False),
        ("Linux", "", "cuda", 3e9, True),
        ("Darwin", "", "", 4e9, True),
        ("Darwin", "", "", 3e9, False),
    ],
)
def test_disk(monkeypatch, tmp_path, system, index, torch, free, enough):
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "torch_build", lambda: torch)
    monkeypatch.setattr(install, "run_installer", lambda index: "")
    monkeypatch.setattr(install.platform, "system", lambda: system)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    if enough:
        install.fill(index)
    else:
        with pytest.raises(InstallError, match=f"has {free / 1e9:.1f} GB free, [0-9.]+ are needed"):
            install.fill(index)


def program(folder, name, script):
    """A program that is a shell script."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def make(folder, *arguments):
    for name in ("sh", "make", "id", "uname"):
        (folder / name).symlink_to(shutil.which(name))
    return subprocess.run(
        [shutil.which("make"), "install", *arguments],
        cwd=ROOT, capture_output=True, text=True, env={"PATH": str(folder), "SHELL": "/bin/sh"},
    )  # fmt: skip


OLD = 'case "$1" in -V) echo Python 3.9.18;; *) exit 1;; esac'


@pytest.mark.parametrize(
    ("arguments", "other", "words"),
    [
        ([], "exit 127", "3.11 or newer is needed, and python3 is Python 3.9.18; install one"),
        (["PYTHON=python3"], "exit 0", "is needed, and python3 is Python 3.9.18; install one"),
        (["PYTHON=nowhere"], "exit 0", "is needed, and nowhere is not there; install one"),
    ],
)
def test_old_python_is_sent_away(tmp_path, arguments, other, words):
    """Also where the newer one beside it does not run; and the one that was asked for is meant."""
    program(tmp_path, "python3", OLD)
    program(tmp_path, "python3.12", other)
    done = make(tmp_path, *arguments)
    assert done.returncode != 0 and done.stdout == "" and words in done.stderr.splitlines()[0]


def test_newer_python_beside_an_old_one_is_taken(tmp_path):
    program(tmp_path, "python3", OLD)
    program(tmp_path, "python3.12", 'test "$1" = -c || echo "took $*"')
    done = make(tmp_path)
    assert (done.returncode, done.stdout) == (0, "took -m lecture_utils.setup.install\n")
