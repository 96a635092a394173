"""Packages from npm, each in one pinned version, kept in ``.cache``."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "npm"


class NpmError(Exception):
    """A package can't be had; the message says why."""


def fetch(name: str, version: str, sha256: str) -> Path:
    """Return the folder of a package; it is fetched if it is not here yet.

    Parameters
    ----------
    name, version : str
        As npm knows them.
    sha256 : str
        Of the archive that was tested.

    Raises
    ------
    NpmError
        If Node.js is missing, npm can't be reached, or has another file.
    """
    folder = CACHE / f"{name}-{version}"
    if folder.exists():
        return folder
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            raise NpmError(f"{program} is missing; install Node.js, from which {name} comes.")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", f"{name}@{version}", "--silent", "--pack-destination", str(CACHE)],
        cwd=CACHE, capture_output=True, text=True,
    )  # fmt: skip
    archive = CACHE / f"{name}-{version}.tgz"
    if done.returncode or not archive.exists():
        raise NpmError(f"npm can't fetch {name} {version}: {done.stderr.strip()[-300:]}")
    data = archive.read_bytes()
    archive.unlink()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NpmError(f"{name} {version} from npm is not the file that was tested (sha256).")
    unpacked = CACHE / f"{name}-unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(unpacked, filter="data")
    (unpacked / "package").rename(folder)
    unpacked.rmdir()
    return folder
