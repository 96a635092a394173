"""Find the course's sounds, scores, curves and weights by name, and prove that they are unaltered.

Everything under ``data/`` is listed in ``data/manifest.json``: one line a file, with title, source,
author, licence, the command that made it, and its SHA-256. Used by every notebook.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

from lecture_utils import arguments, audio

#: The data folder of the checkout (the package is installed in place, with ``pip install -e .``).
ROOT = Path(__file__).resolve().parent.parent / "data"

#: Files that describe data and are named by the entries of the manifest, or by it alone.
_DOCUMENTS = {"manifest.json", "README.md"}

#: Sounds that were loaded and are still in use, with their names.
_loaded: list[tuple[weakref.ref, str]] = []


def manifest() -> list[dict]:
    """Return the manifest: one dict a file, in name order (read anew when the file changes).

    Raises
    ------
    FileNotFoundError
        If there is no manifest beside the package.
    ValueError
        If the manifest is not readable JSON.
    """
    file = ROOT / "manifest.json"
    if not file.is_file():
        raise FileNotFoundError(f"No manifest at {file}; {_advice('data/manifest.json')}.")
    return [dict(e) for e in _read_manifest(file, file.stat().st_mtime_ns)]


@functools.lru_cache(maxsize=4)
def _read_manifest(file: Path, _changed: int) -> list[dict]:
    try:
        files = json.loads(file.read_text(encoding="utf-8"))["files"]
        if not all({"name", "kind", "file"} <= e.keys() for e in files):
            raise ValueError("an entry has no name, kind or file")
        return files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is damaged ({error}); {_advice('data/manifest.json')}.") from None


def _advice(wanted: str) -> str:
    """Say how a file or folder of the course comes back: a clone has git, an unpacked ZIP not."""
    course = ROOT.parent
    if (course / ".git").exists():
        return f"bring it back with `git checkout {wanted}` in {course}"
    if (course / "pyproject.toml").is_file():
        return f"unpack the course's ZIP again in another folder and copy {wanted} from it"
    return "this package lies outside of the course: install it in the course's folder, `make lab`"


def names(kind: str | None = None) -> list[str]:
    """List the names in the manifest, all or of one kind.

    Parameters
    ----------
    kind : str, optional
        "course" (the two sounds of the whole course), "clip", "voice", "test", "curve", "bank",
        "score", "rolls" or "weights".

    Raises
    ------
    ValueError
        If no file is of that kind.
    """
    kinds = sorted({e["kind"] for e in manifest()})
    if kind is not None and arguments.text(kind, "kind") not in kinds:
        raise ValueError(f"No data of kind {kind!r}; the kinds are {', '.join(kinds)}.")
    return sorted(e["name"] for e in manifest() if kind in (None, e["kind"]))


def entry(name: str) -> dict:
    """Return what the manifest says about one file: title, author, licence, seconds, ...

    Raises
    ------
    ValueError
        If the name is unknown; the nearest names are given.
    """
    name = name if isinstance(name, str) else arguments.shown(name)
    found = next((e for e in manifest() if e["name"] == name), None)
    if found is None:
        near = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "data.names() lists what there is."
        raise ValueError(f"No data named {name!r}; {hint}")
    return found


def path(name: str) -> Path:
    """Return the file of `name`, checked against its SHA-256 (once, until the file changes).

    Raises
    ------
    ValueError
        If the name is unknown, or the file is not the one that the course ships.
    FileNotFoundError
        If the file is missing.
    """
    file = ROOT / entry(name)["file"]
    problem = _problem(entry(name))
    if problem:
        error = ValueError if file.is_file() else FileNotFoundError
        raise error(f"{problem}; {_advice('data/' + entry(name)['file'])}.")
    return file


def _problem(listed: dict) -> str | None:
    file = ROOT / listed["file"]
    if not file.is_file():
        return f"data/{listed['file']} ({listed['name']}) is missing"
    if sha256(file) != listed.get("sha256"):
        return f"data/{listed['file']} ({listed['name']}) was altered: its SHA-256 is another"
    return None


def sha256(file: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits (cached until the file changes)."""
    status = os.stat(file)
    return _sha256(str(file), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _sha256(file: str, _size: int, _changed: int) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load(name: str, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Load a sound by name.

    Parameters
    ----------
    name : str
        For example "sentence", "motif" or "guitar"; see :func:`names`.
    sample_rate : int, optional
        Wanted rate in Hz; the file's own by default.

    Returns
    -------
    x : np.ndarray
        Shape ``(n,)``, float32.
    sample_rate : int
        In Hz.

    Raises
    ------
    ValueError, FileNotFoundError
        See :func:`path`; also if `name` is no sound.
    """
    if not entry(name)["file"].endswith((".flac", ".wav")):
        raise ValueError(
            f"{name!r} is no sound but {entry(name)['kind']}; use data.path({name!r})."
        )
    x, sample_rate = audio.read(path(name), sample_rate)
    _loaded[:] = [pair for pair in _loaded if pair[0]() is not None]
    _loaded.append((weakref.ref(_owner(x)), name))
    return x, sample_rate


def name_of(x: object) -> str | None:
    """Return the name under which a sound, or the one that it was cut from, was loaded, if any.

    What was computed from a loaded sound has no name. Players tell by it whose sound is saved.
    """
    owner = _owner(x)
    found = (name for array, name in _loaded if array() is owner is not None)
    return next(found, None)


def _owner(x: object) -> object:
    """Return the array whose samples a part of it shows."""
    while isinstance(getattr(x, "base", None), np.ndarray):
        x = x.base
    return x


def load_array(name: str) -> np.ndarray | dict[str, np.ndarray]:
    """Load a shipped array: a curve from ``.npy``, or every array of an ``.npz`` as a dict.

    Raises
    ------
    ValueError, FileNotFoundError
        See :func:`path`; also if `name` is no array.
    """
    file = entry(name)["file"]
    if not file.endswith((".npy", ".npz")):
        raise ValueError(f"{name!r} is no array; use data.load or data.path.")
    loaded = np.load(path(name), allow_pickle=False)
    return {key: loaded[key] for key in loaded} if file.endswith(".npz") else loaded


def verify() -> list[str]:
    """Compare ``data/`` with the manifest; one sentence for each missing, altered or unlisted file.

    Hidden files are left out. An empty list means that all is well.
    """
    listed = manifest()
    problems = [problem for problem in map(_problem, listed) if problem]
    documents = {e[key] for e in listed for key in ("notice", "card") if key in e} | _DOCUMENTS
    problems += [f"data/{d} is missing" for d in sorted(documents) if not (ROOT / d).is_file()]
    known = {e["file"] for e in listed} | documents
    problems += [f"data/{file} is not listed in the manifest" for file in files() - known]
    return sorted(problems)


def files() -> set[str]:
    """Return the files under ``data/`` as relative paths with forward slashes; hidden ones not."""
    found = (file.relative_to(ROOT) for file in ROOT.rglob("*") if file.is_file())
    return {f.as_posix() for f in found if not any(part.startswith(".") for part in f.parts)}


def cache_dir() -> Path:
    """Return the folder for rendered training sets, made if needed.

    ``$LECTURE_CACHE`` if set; else ``.cache`` in the checkout (git ignores it); else, where the
    checkout cannot be written to, ``~/.cache/lecture-utils``.

    Raises
    ------
    OSError
        If none of them can be written to.
    """
    wanted = os.environ.get("LECTURE_CACHE")
    folders = [Path(wanted)] if wanted else [ROOT.parent / ".cache", _user_cache()]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    raise OSError(
        f"No writable cache folder (tried {', '.join(map(str, folders))}); "
        "set LECTURE_CACHE to one with 500 MB free."
    )


def _user_cache() -> Path:
    return Path.home() / ".cache" / "lecture-utils"
