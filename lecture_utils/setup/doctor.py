"""Is this machine ready for the course? ``make doctor`` runs this.

One line for each thing looked at, with what to do if it is not fine. The exit status is 1 if
something stops the notebooks, 0 otherwise.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FINE, SLOW, BAD = "fine", "slow", "BAD"
ROOT = Path(__file__).resolve().parents[2]

#: Free memory and disk that the notebooks want, in bytes.
MEMORY, DISK = 2e9, 1e9

_AGAIN = "run `make lab` again"
_ANEW = "`make clean`, then `make lab`, makes the environment anew"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: fine, slow (it works, with patience) or BAD, and what to do."""

    what: str
    status: str
    found: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.status:5} {self.what:10} {self.found}" + (self.do and f" -> {self.do}")


def report() -> list[Finding]:
    """Look at everything the course needs; nothing found raises."""
    found = []
    for look in LOOKS:
        name = look.__name__.removeprefix("look_at_")
        try:
            found.append(Finding(name, *look()))
        except Exception as error:  # the sick machine must not stop its doctor
            text = (str(error).splitlines() or ["no message"])[0]
            do = _AGAIN if isinstance(error, ImportError) else _ANEW
            found.append(Finding(name, BAD, f"{type(error).__name__}: {text}", do))
    return found


def main() -> int:
    """Print the report; return the exit status."""
    found = report()
    print(*found, sep="\n")
    bad = [finding.what for finding in found if finding.status == BAD]
    print(f"\nNot ready: see {', '.join(bad)} above." if bad else "\nReady.")
    return 1 if bad else 0


def requirements(root: Path = ROOT) -> list[str]:
    """Return the dependencies in ``pyproject.toml``, as ``name>=version,<version``."""
    with (root / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["dependencies"]


def look_at_python() -> tuple[str, ...]:
    """Version and place of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036
        return BAD, version, "Python 3.11 or newer is needed"
    return FINE, f"{version} in {sys.prefix}"


def look_at_packages() -> tuple[str, ...]:
    """Every direct dependency within the range of pyproject.toml."""
    from packaging.requirements import Requirement

    wanted, problems = [Requirement(line) for line in requirements()], []
    for requirement in wanted:
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if problems:
        return BAD, "; ".join(problems), _AGAIN
    return FINE, f"all {len(wanted)} within their ranges"


def look_at_torch() -> tuple[str, ...]:
    """PyTorch and torchaudio load and work together."""
    import torch

    versions = f"torch {torch.__version__}"
    try:
        import torchaudio

        torchaudio.functional.lowpass_biquad(torch.zeros(1, 64), 16000, 1000.0)
    except (OSError, ImportError, RuntimeError) as error:
        text = (str(error).splitlines() or ["no message"])[0]
        return (
            BAD,
            f"{versions}, but torchaudio does not work with it ({text[:120]})",
            "take both from the same place (README.md, 'Start'), or `make clean` and `make lab`",
        )
    return FINE, f"{versions}, torchaudio {torchaudio.__version__}"


def look_at_librosa() -> tuple[str, ...]:
    """Librosa works, and keeps what it compiles."""
    import librosa
    import numpy as np

    try:
        librosa.stft(np.ones(4096, np.float32))  # reads the functions that numba is to keep
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return BAD, str(error), "set NUMBA_CACHE_DIR to a folder that you may write to"
    folder = os.environ.get("NUMBA_CACHE_DIR", "its own folder")
    return FINE, f"librosa {librosa.__version__}, compiled functions in {folder}"


def look_at_audio() -> tuple[str, ...]:
    """FLAC, OGG and MP3 can be written and read."""
    import numpy as np
    import soundfile

    tone, broken = 0.1 * np.sin(np.arange(16000) / 5), []
    for kind in ("WAV", "FLAC", "OGG", "MP3"):
        try:
            file = io.BytesIO()
            soundfile.write(file, tone, 16000, format=kind)
            file.seek(0)
            if abs(len(soundfile.read(file)[0]) - len(tone)) > 4000:
                broken.append(kind)
        except (soundfile.LibsndfileError, ValueError):
            broken.append(kind)
    version = f"libsndfile {soundfile.__libsndfile_version__}"
    if "WAV" in broken or "FLAC" in broken:
        return BAD, f"{version} has no {', '.join(broken)}", "`pip install -U soundfile`"
    if broken:  # only for files of your own
        return SLOW, f"{version} has no {', '.join(broken)}", "`pip install -U soundfile`"
    return FINE, f"{version} reads WAV, FLAC, OGG, MP3"


def look_at_data() -> tuple[str, ...]:
    """Every shipped file is there, unaltered, and listed."""
    from lecture_utils import data

    do = "`git checkout data` brings the files back"
    if not (ROOT / ".git").exists():
        do = "unpack the course again in another folder and copy its `data` over this one"
    try:
        problems = data.verify()
    except (FileNotFoundError, ValueError) as error:  # the manifest itself
        return BAD, str(error), do
    if problems:
        rest = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        return BAD, "; ".join(problems[:3]) + rest, do
    return FINE, f"{len(data.manifest())} files are the ones in the manifest"


def look_at_cores() -> tuple[str, ...]:
    """At least two processor cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if cores < 2:
        return SLOW, f"{cores}", "allow the notebooks twice the time they name"
    return FINE, f"{cores}"


def look_at_memory() -> tuple[str, ...]:
    """Enough memory is free for one notebook."""
    import psutil

    free = psutil.virtual_memory().available
    if free < MEMORY:
        return SLOW, f"{free / 1e9:.1f} GB free", "close other programs; a notebook takes 1.5 GB"
    return FINE, f"{free / 1e9:.1f} GB free"


def look_at_disk() -> tuple[str, ...]:
    """Training sets can be cached."""
    from lecture_utils import data

    try:
        folder = data.cache_dir()
    except (OSError, RuntimeError) as error:
        return SLOW, str(error), "only training needs it"
    free = shutil.disk_usage(folder).free
    if free < DISK:
        return SLOW, f"{free / 1e9:.1f} GB free for {folder}", "free some before you train"
    return FINE, f"{free / 1e9:.1f} GB free"


def look_at_kernel() -> tuple[str, ...]:
    """Notebooks start this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    python = spec.argv[0]
    if python in ("python", "python3", f"python3.{sys.version_info[1]}"):  # Jupyter's own Python
        return FINE, "python3 is this Python"
    if Path(python).absolute() != Path(sys.executable).absolute():
        return (
            BAD,
            f"the kernel python3 in {spec.resource_dir} starts {python}, not {sys.executable}",
            "`jupyter kernelspec remove python3` takes the wrong one away",
        )
    return FINE, f"python3 is {python}"


LOOKS: list[Callable[[], tuple[str, ...]]] = [
    look_at_python,
    look_at_packages,
    look_at_torch,
    look_at_librosa,
    look_at_audio,
    look_at_data,
    look_at_cores,
    look_at_memory,
    look_at_disk,
    look_at_kernel,
]

if __name__ == "__main__":
    sys.exit(main())
