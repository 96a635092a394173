"""Make ``.venv`` ready for the course: ``python -m lecture_utils.setup.install``, called by make.

pip does the work, or uv where it is present. Here is what they lack: one sentence when it can't be
done, one installation at a time, the choice of PyTorch's build, a check that everything imports.
It runs before anything is installed: standard library only.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PROJECT = ROOT / "pyproject.toml"
#: The versions that were tested, made by ``make lock``.
CONSTRAINTS = ROOT / "lecture_utils" / "setup" / "constraints.txt"
#: Written when all is done: a hash of what the installation depends on.
STAMP = VENV / "installed.txt"

#: PyTorch's own index of builds without CUDA; PyPI's builds for Linux carry 4 GB of it.
CPU_INDEX = os.environ.get("TORCH_INDEX") or "https://download.pytorch.org/whl/cpu"
#: The newest versions are wanted, not the tested ones: ``make canary``.
NEWEST = os.environ.get("VERSIONS") == "newest"

#: What pip, uv or Python say, and what that means; the first that fits is told.
CAUSES = {
    "No space left on device|quota exceeded": "the disk is full; free some space",
    "Permission denied|Read-only file system|Operation not permitted": "files here can't be "
    "written; copy the course into a folder of your own",
    "ensurepip": "Python lacks venv; on Debian and Ubuntu: sudo apt install python3-venv",
    "Connection|Connect(Error|Timeout)|ReadTimeout|ProxyError|SSLError|HTTP error|dns error|name "
    "resolution|Network is unreachable|Max retries exceeded|error sending request": "the package "
    "registry can't be reached; connect to the network (or set the proxy)",
    "(distribution found for|Because) torch\\b": "PyTorch has no build for Python "
    f"{platform.python_version()} on {platform.system()} {platform.machine()}; see README.md",
}

#: Names what it imports; the last name printed is the one that failed.
IMPORTS = "import importlib, sys\nfor n in sys.argv[1:]: print(n), importlib.import_module(n)"

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
    """Any function below may raise this: it can't go on; the message is the sentence to print."""


def main() -> int:
    """Install what is missing; return the exit status."""
    try:
        wanted = os.environ.get("TORCH", "") if platform.system() == "Linux" else ""
        if wanted not in ("", "cpu", "cuda"):
            raise InstallError(f"TORCH is cpu or cuda, not {wanted}")
        if not ready(wanted):
            with alone():
                if not ready(wanted):  # another call may just have made it so
                    install(wanted)
    except (InstallError, OSError) as error:
        reason = error if isinstance(error, InstallError) else cause(str(error))
        print(f"\nNot installed: {reason}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; call it again to go on from here.", file=sys.stderr)
        return 130
    return 0


def ready(wanted: str) -> bool:
    """Tell whether ``.venv`` is complete, stands where it was made, and has the wanted PyTorch."""
    complete = PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()
    return complete and wanted in ("", torch_build())


def fingerprint() -> str:
    """Return a hash of what an installation depends on: versions, place and Python."""
    rest = repr((str(ROOT), os.path.realpath(PYTHON), NEWEST)).encode()
    return hashlib.sha256(PROJECT.read_bytes() + CONSTRAINTS.read_bytes() + rest).hexdigest()


def torch_build() -> str:
    """Return the build of PyTorch in ``.venv``: "cpu", "cuda", or "" if there is none."""
    for file in VENV.glob("lib/python*/site-packages/torch-*.dist-info"):
        return "cpu" if "+cpu" in file.name else "cuda"
    return ""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until no other call installs here.

    The lock is on a file that is always there. It goes when the last process that holds it ends:
    this one, and pip should this one be killed.
    """
    with PROJECT.open("ab") as held:
        os.set_inheritable(held.fileno(), True)
        with contextlib.suppress(ImportError):  # Windows has no fcntl
            import fcntl

            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another call of make installs here; waiting for it ...", flush=True)
                fcntl.flock(held, fcntl.LOCK_EX)
        yield


def install(wanted: str) -> None:
    """Bring ``.venv`` up to ``pyproject.toml``, with PyTorch's build `wanted` ("": any)."""
    if VENV.exists() and not runs("import pip"):
        remove(".venv does not work")
    index, fresh, other = "", False, wanted and torch_build() not in ("", wanted)
    # A folder that was moved, or a new line in pyproject.toml, needs no network.
    if NEWEST or other or not VENV.exists() or run_installer(offline=True):
        index = find_index(wanted, torch_build())
        if other:
            remove(f"PyTorch's build is to be {wanted}")
        fresh = not VENV.exists()
        fill(index)
    broken = broken_import()
    if broken and (index or not fresh):
        # An installation that was cut off may look complete to pip; and if a new one does not
        # import, what PyTorch's index has does not fit together.
        remove(f"{broken} does not import")
        fill("" if fresh else find_index(wanted))
        broken = broken_import()
    if broken:
        raise InstallError(f"{broken} does not import though it was just installed")
    add_rulers(index)
    warm = VENV / "share" / "numba"  # where the package looks for it
    warm.mkdir(parents=True, exist_ok=True)
    execute(PYTHON, "-Ic", WARM_UP, env=os.environ | {"NUMBA_CACHE_DIR": str(warm)})
    os.utime(warm)  # who has a copy of it sees that it has changed
    STAMP.write_text(fingerprint())
    print("Installed.", flush=True)


def add_rulers(index: str) -> None:
    """Add the packages that judge sound, where they can be had without a compiler.

    The course runs without them. So it is told, and no error, where they can't be had.
    """
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    names = [name_of(line) for line in project.get("optional-dependencies", {}).get("rulers", [])]
    if not names:
        return
    print("Adding the rulers that judge sound ...", flush=True)
    if run_installer(offline=True, rulers=names):
        story = run_installer(index=index, rulers=names)
        if story:
            print(
                f"Without rulers that judge sound: {cause(story)}. The notebooks run all the same, "
                "some tables have fewer columns. Later on: make clean, then call make again.",
                flush=True,
            )


def name_of(requirement: str) -> str:
    """Return the package's name from a line such as "torch>=2.11"."""
    return re.split(r"[^\w-]", requirement)[0]


def remove(why: str) -> None:
    """Say why, and take the environment away."""
    print(f"Repairing: {why}; it is made anew.", flush=True)
    shutil.rmtree(VENV)


def find_index(wanted: str, there: str = "") -> str:
    """Return the index to take PyTorch from beside PyPI, or ""; say which build that means.

    What was asked for counts, then the build that is there, then whether there is a GPU.
    """
    build = wanted or there
    if build == "cuda" or platform.system() != "Linux" or (not build and has_gpu()):
        print("PyTorch: the build of the package registry.", flush=True)
        return ""
    code = "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=4).read(1)"
    with contextlib.suppress(subprocess.TimeoutExpired):  # a name may take long to resolve
        if not execute(sys.executable, "-c", code, f"{CPU_INDEX}/torch/", timeout=5).returncode:
            print("PyTorch: the small build, without CUDA (TORCH=cuda: with it).", flush=True)
            return CPU_INDEX
    if wanted:
        raise InstallError(f"{CPU_INDEX} can't be reached; TORCH=cuda takes PyTorch from elsewhere")
    print("PyTorch: the large build, with CUDA; the index of small ones can't be reached.")
    return ""


def has_gpu() -> bool:
    """Tell whether the driver of a graphics card for CUDA is there."""
    return bool(shutil.which("nvidia-smi")) or Path("/proc/driver/nvidia").exists()


def fill(index: str) -> None:
    """Install everything into ``.venv``, which is made if there is none."""
    need = 3.5 if index or platform.system() != "Linux" else 11  # GB, packed files included
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < need and not torch_build():
        raise InstallError(f"the disk has {free:.1f} GB free, {need} are needed; free some space")
    if not VENV.exists():
        uv, python = shutil.which("uv"), sys.executable
        maker = [uv, "venv", "--seed", "--python", python] if uv else [python, "-m", "venv"]
        done = execute(*maker, VENV)
        if done.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise InstallError(cause(done.stdout + done.stderr))
    print("Installing the course into .venv; this takes some minutes.", flush=True)
    story = run_installer(index)
    if story:
        raise InstallError(f"{cause(story)}; the whole story is in .venv/install.log")


def run_installer(
    index: str = "", offline: bool = False, rulers: tuple[str, ...] | list[str] = ()
) -> str:
    """Let pip or uv install the course with its tests; return what went wrong, "" if nothing.

    With `rulers`, the packages of that extra are added: only as they are, nothing is compiled, and
    a registry that does not answer is not asked again and again.
    """
    uv, temporary = shutil.which("uv"), VENV / "tmp"
    command = [uv, "pip", "install", "--python", PYTHON] if uv else [PYTHON, "-m", "pip", "install"]
    command += ["--upgrade"] if NEWEST else ["-c", CONSTRAINTS]
    command += ["--no-build-isolation", "--quiet"] if offline else []
    command += ["--extra-index-url", index] if index else []
    environment = {"PIP_NO_CACHE_DIR": "1"} | os.environ  # leaves no second copy of 3 GB at home
    environment |= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"PIP_UPGRADE_STRATEGY": "eager", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    environment |= {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"} if offline else {}
    command += [word for name in rulers for word in ("--only-binary", name)]
    environment |= {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "10"} if rulers else {}
    environment["TMPDIR"] = str(temporary)  # the system's own may be small
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    command += ["-e", ".[test,rulers]" if rulers else ".[test]"]
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=environment, close_fds=False,
        stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    shutil.rmtree(temporary, ignore_errors=True)
    (VENV / "install.log").write_text(done.stderr, encoding="utf-8")
    return (done.stderr or "killed") if done.returncode else ""


def broken_import() -> str:
    """Return the first direct dependency that does not import, or ""."""
    print("Checking that everything imports ...", flush=True)
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    names = [*map(name_of, project["dependencies"]), "lecture_utils"]
    names = [name.replace("-", "_") for name in names]
    done = execute(PYTHON, "-Iuc", IMPORTS, *names)
    return (done.stdout.split() or ["Python"])[-1] if done.returncode else ""


def cause(story: str) -> str:
    """Say in a sentence why it failed, from what was printed."""
    for pattern, meaning in CAUSES.items():
        if re.search(pattern, story, re.IGNORECASE):
            return meaning
    errors = re.findall(r"(?i)error: (.+)", story)
    told = f"it stopped with '{errors[-1].strip()}'" if errors else "it was stopped"
    return f"{told}; call make again"


def execute(*command: str | Path, **options: float | dict) -> subprocess.CompletedProcess:
    """Run a command quietly; what it prints is in the result."""
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def runs(code: str) -> bool:
    """Tell whether a line of Python runs in ``.venv`` without an error."""
    return PYTHON.exists() and execute(PYTHON, "-Ic", code).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
