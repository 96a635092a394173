"""The sources of ``data/``: archives, fetched or put by hand into the cache folder, unpacked."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from lecture_utils import data

#: The sources: what they are, and what is made of them.
SOURCES = {
    "sonic-pi-samples": "Debian package, for the CC0 clips",
    "asterisk-core-sounds-en-g722": "Debian package, for the speech sets and the sentence",
    "asterisk-core-sounds-it-g722": "Debian package, for two minutes of another voice",
    "fluid-soundfont-gm": "Debian package, for the violin, flute and cello of the sample bank",
    "musescore-general-soundfont": "Debian package, for the piano of the sample bank",
    "freedoom": "Debian package, for the five-track rolls",
    "librosa-0.7.2": "source archive from PyPI (.tar.gz), for the jazz clip",
}


def source(name: str) -> Path:
    """Return the folder of an unpacked source; ``apt-get`` fetches the Debian packages.

    Raises
    ------
    FileNotFoundError
        If it is neither in ``sources/`` of the cache folder nor to be had from ``apt-get``.
    """
    sources = data.cache_dir() / "sources"
    folder = sources / name
    if folder.is_dir():
        return folder
    sources.mkdir(exist_ok=True)
    archives = [*sources.glob(f"{name}_*.deb"), *sources.glob(f"{name}.tar.gz")]
    if not archives and "Debian" in SOURCES[name] and shutil.which("apt-get"):
        subprocess.run(["apt-get", "download", name], cwd=sources, capture_output=True, check=False)
        archives = [*sources.glob(f"{name}_*.deb")]
    if not archives:
        raise FileNotFoundError(
            f"{name} is not at hand ({SOURCES[name]}); put the file into {sources} and try again."
        )
    _unpack(archives[0], folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file, or a .deb (an ``ar`` archive with a tar file inside) on any system."""
    content = archive.read_bytes()
    position = 8
    while archive.suffix == ".deb":
        header, position = content[position : position + 60], position + 60
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            content = content[position : position + size]
            break
        position += size + size % 2
    unfinished = folder.with_suffix(".part")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(unfinished, filter="data")
    inner = [*unfinished.iterdir()]
    (inner[0] if inner[0].name == folder.name else unfinished).rename(folder)
