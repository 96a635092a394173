"""Make ``.venv`` ready for the course: ``python3 -m lecture_utils.setup.install``, called by make.

It runs before anything is installed, with whatever Python the machine has: standard library only,
and syntax that a Python too old for the course can read as far as the sentence that says so.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]

#: Free disk in bytes: PyTorch for Linux brings the CUDA libraries along (measured: 6.8 GB, and
#: 3.3 GB of packed files beside it until they are unpacked); elsewhere, or once it is there, less.
NEED_LINUX, NEED_OTHER, NEED_WITH_TORCH = 11e9, 4e9, 2e9

LOG = "install.log"

#: What pip's log says, and what that means; the first that fits is told.
CAUSES = (
    ("No space left on device|disk quota exceeded", "the disk is full; free some space"),
    (
        "NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|"
        "Temporary failure in name resolution|Network is unreachable|Connection refused|"
        "Connection reset|SSLError|Max retries exceeded|HTTP error [45]",
        "the package registry can't be reached; connect to the network (or set the proxy)",
    ),
    (
        "No matching distribution found for torch",
        "PyTorch has no build for this machine ({machine}); see README.md, 'Start', for Macs with "
        "Intel chips and very new Pythons (3.11 to 3.13 are fine: make lab PYTHON=python3.12)",
    ),
    (
        "No matching distribution found for (?P<what>[^\\s(]+)",
        "the package registry has no {what} for this machine ({machine})",
    ),
    ("Permission denied", "files can't be written; make the folder your own (chown) or copy it"),
)

#: librosa compiles some functions at first use and keeps them; two notebooks doing so at once can
#: leave a broken copy that crashes every kernel after. So it is done here, once and alone.
WARM_UP = """
import numpy, librosa
for kind in ("float32", "float64"):
    x = numpy.sin(numpy.arange(16000) / 10).astype(kind)
    librosa.griffinlim(abs(librosa.stft(x)), n_iter=2)
    librosa.pyin(x, fmin=100, fmax=500, sr=16000)
"""


class InstallError(Exception):
    """Installation can't go on; the message is the one sentence to print."""


def main() -> int:
    """Install what is missing; return the exit status."""
    try:
        newer = find_python(sys.version_info[:2])
        if newer:
            return subprocess.call([newer, "-m", "lecture_utils.setup.install"], cwd=str(ROOT))
        install(ROOT)
    except (InstallError, OSError) as error:
        print(f"\nNot installed: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; call it again to go on from here.", file=sys.stderr)
        return 130
    return 0


def find_python(version: tuple) -> str:
    """Return "" if `version` will do, else the path of a newer Python on this machine.

    Raises
    ------
    InstallError
        If there is none.
    """
    if tuple(version) >= OLDEST:
        return ""
    for minor in (13, 12, 11):
        path = shutil.which(f"python3.{minor}")
        if path and probe(path)[:2] >= OLDEST:
            return path
    raise InstallError(
        f"Python 3.11 or newer is needed, this is {version[0]}.{version[1]}; install one from "
        "python.org or your system's packages and call make again (make lab PYTHON=python3.12)"
    )


def probe(python: str) -> tuple:
    """Return the version of a Python as (major, minor, micro), or () if it does not run."""
    code = "import sys; print(*sys.version_info[:3])"
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return ()
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()


def install(root: Path) -> None:
    """Bring ``root/.venv`` up to ``root/pyproject.toml``; return at once if it is.

    Raises
    ------
    InstallError
        If that is not possible; the reason is one sentence.
    """
    folder = root / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    version = probe(python)
    if stamp.is_file() and stamp.read_text() == fingerprint(root, version):
        return
    check_disk(root)
    if folder.exists() and (version < OLDEST or not runs(python, "import pip")):
        print("Repairing: .venv does not work and is made anew.", flush=True)
        shutil.rmtree(str(folder))
    if not folder.exists():
        make_venv(folder)
    pip_install(python, root)
    broken = broken_imports(python, root)
    if broken:  # an installation that was cut off may look complete to pip
        print(f"Repairing: {broken} is damaged; .venv is made anew.", flush=True)
        shutil.rmtree(str(folder))
        make_venv(folder)
        pip_install(python, root)
        broken = broken_imports(python, root)
        if broken:
            raise InstallError(
                f"{broken} does not import though it was just installed; pip's whole story is in "
                f".venv/{LOG}"
            )
    runs(python, WARM_UP)
    stamp.write_text(fingerprint(root, probe(python)))
    print("Installed.", flush=True)


def fingerprint(root: Path, version: tuple) -> str:
    """Return what an installation depends on: dependencies, Python and place, as a hash."""
    text = (root / "pyproject.toml").read_bytes() + repr((version, str(root))).encode()
    return hashlib.sha256(text).hexdigest()


def check_disk(root: Path) -> None:
    """Raise InstallError unless the disk has room for what is missing."""
    places = ("lib/python*/site-packages/torch", "Lib/site-packages/torch")
    have_torch = any(any((root / ".venv").glob(place)) for place in places)
    want_torch = '"torch' in (root / "pyproject.toml").read_text(encoding="utf-8")
    linux = platform.system() == "Linux"
    need = NEED_LINUX if linux else NEED_OTHER
    if have_torch or not want_torch:
        need = NEED_WITH_TORCH
    for place, share in ((root, need), (Path(tempfile.gettempdir()), need / 3)):
        free = shutil.disk_usage(str(place)).free
        if free < share:
            small = "; see README.md, 'Start', for the small PyTorch" if linux else ""
            raise InstallError(
                f"the disk of {place} has {free / 1e9:.1f} GB free and {share / 1e9:.1f} GB are "
                f"needed; free some space{small}"
            )


def make_venv(folder: Path) -> None:
    """Make an empty virtual environment."""
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        shutil.rmtree(str(folder), ignore_errors=True)
        if "ensurepip" in done.stdout:
            raise InstallError(
                "this Python can't make virtual environments; on Debian and Ubuntu: "
                "sudo apt install python3-venv"
            )
        reason = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise InstallError(f"no virtual environment could be made in {folder.parent}: {reason}")


def pip_install(python: Path, root: Path) -> None:
    """Install the course with its tests; pip shows its progress, and its whole story in the log."""
    print("Installing the course into .venv; this takes some minutes.", flush=True)
    log = root / ".venv" / LOG
    if log.exists():
        log.unlink()
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    environment.setdefault("PIP_NO_CACHE_DIR", "1")  # leaves no second copy of 3 GB at home
    command = [str(python), "-m", "pip", "--log", str(log), "--no-input"]
    done = subprocess.run(
        command + ["install", "-e", ".[test]"],
        cwd=str(root),
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode:
        story = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        raise InstallError(f"{cause(story)}; pip's whole story is in .venv/{LOG}")


def cause(story: str) -> str:
    """Say in a sentence why pip failed, from its log."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    for pattern, meaning in CAUSES:
        found = re.search(pattern, story, re.IGNORECASE)
        if found:
            return meaning.format(machine=machine, **found.groupdict())
    errors = re.findall(r"ERROR: (.+)", story)
    return f"pip stopped with '{errors[-1].strip()}'" if errors else "pip stopped"


def broken_imports(python: Path, root: Path) -> str:
    """Return the first direct dependency that does not import, or ""."""
    print("Checking that everything imports ...", flush=True)
    import tomllib

    with (root / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    names = [re.split(r"[^\w-]", line)[0].replace("-", "_") for line in project["dependencies"]]
    for name in [*names, "lecture_utils"]:
        if not runs(python, f"import {name}"):
            return name
    return ""


def runs(python: Path, code: str) -> bool:
    """Tell whether a line of Python runs without an error."""
    done = subprocess.run(
        [str(python), "-I", "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
