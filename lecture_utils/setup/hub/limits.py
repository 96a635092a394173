"""What a student of the hub gets, and where it ends: a home, memory, processor time, disk.

No containers are needed. If root starts the hub, each student is a user (a number) of his own;
otherwise all are the user who has started it, and can read each other's files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
#: Bytes of memory for one process, bytes of disk in a home, seconds of a processor for one process.
MEMORY, DISK, PROCESSOR = 3 * 2**30, 2**30, 3600
#: Numbers of users from here on belong to students.
FIRST_UID = 2**20


def slug(student: str) -> str:
    """Return a name for a folder: readable, different for different students, safe for any name."""
    digest = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{re.sub('[^a-z0-9]+', '-', student.lower())[:30]}-{digest[:8]}".lstrip("-")


def uid(student: str) -> int | None:
    """Return the student's number as a user, None if the hub may not give any."""
    return FIRST_UID + int(slug(student)[-8:-1], 16) if os.getuid() == 0 else None


def prepare(home: Path, owner: int | None) -> None:
    """Make a home and let the student's own rights fill it: root follows no link of a student."""
    home.mkdir(0o700, exist_ok=True)
    if owner is not None:
        os.chown(home, owner, owner)
    command = [sys.executable, Path(__file__), str(home)]
    subprocess.run(command, preexec_fn=confine(home, owner), check=True)


def fill(home: Path) -> None:
    """Copy what is not there yet: the notebooks, and the compiled functions of librosa."""
    (home / "tmp").mkdir(exist_ok=True)
    for source in sorted((ROOT / "notebooks").rglob("*")):
        target = home / "notebooks" / source.relative_to(ROOT / "notebooks")
        if source.is_file() and ".ipynb_checkpoints" not in source.parts and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    shared, own = Path(sys.prefix, "share", "numba"), home / ".cache" / "numba"
    if shared.is_dir():
        shutil.copytree(shared, own, dirs_exist_ok=True, copy_function=shutil.copyfile)


def confine(home: Path, owner: int | None) -> Callable[[], None]:
    """Return what a process does between fork and exec: limits first, then another user."""

    def enter() -> None:
        os.nice(10)  # the hub answers first
        with contextlib.suppress(OSError):  # where memory ends all the same, the hub goes last
            Path("/proc/self/oom_score_adj").write_text("500")
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR + 60))
        resource.setrlimit(resource.RLIMIT_FSIZE, (DISK, DISK))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if owner is not None:
            resource.setrlimit(resource.RLIMIT_NPROC, (300, 300))
            os.setgroups([])
            os.setgid(owner)
            os.setuid(owner)
        os.umask(0o077)
        os.chdir(home)

    return enter


def used(home: Path) -> int:
    """Return the bytes on disk below `home`."""
    total = 0
    for folder, _folders, files in os.walk(home):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118
    return total


def hold_disk(pid: int, home: Path) -> int:
    """Let a server and its kernels write files only as large as what is left; return that."""
    left = max(0, DISK - used(home))
    with contextlib.suppress(psutil.Error):
        server = psutil.Process(pid)
        for process in [server, *server.children(recursive=True)]:
            with contextlib.suppress(OSError):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (left, DISK))
    return left


def problems(folder: Path, students: int) -> list[str]:
    """Return sentences on what stands in the way of a class: rights, memory, disk."""
    found, reader = [], FIRST_UID if os.getuid() == 0 else None
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import jupyterhub, lecture_utils.arguments"
    )
    ids = {} if reader is None else {"user": reader, "group": reader, "extra_groups": []}
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, **ids)
        readable = done.returncode == 0
    except PermissionError:
        readable = False
    if not readable:
        found.append(
            f"Students can't read {ROOT} or {sys.prefix} or the Python in it: put the course "
            "where everybody may read (such as /srv) and install it with /usr/bin/python3."
        )
    if reader is None:
        found.append(
            "All students are one user, because root has not started this: they can read "
            "each other's files. Only for a class that trusts each other."
        )
        if os.access(ROOT / "lecture_utils", os.W_OK):
            found.append(f"Students can change {ROOT}: let somebody else own it, or start as root.")
    memory, disk = psutil.virtual_memory().available, shutil.disk_usage(folder).free
    if memory < students * 0.9e9:
        found.append(
            f"{memory / 1e9:.0f} GB of memory are free, enough for about "
            f"{memory / 0.9e9:.0f} notebooks at once."
        )
    if disk < students * DISK:
        found.append(
            f"{disk / 1e9:.0f} GB of disk are free; {students} full homes need "
            f"{students * DISK / 1e9:.0f}."
        )
    return found


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
