"""Small shared package of the course "Audio-domain Music Generation".

One room per lecture section, named like its notebook (a module or a folder), on a few common
ones. Import what you need::

    from lecture_utils import audio, data, griffin_lim
    from lecture_utils.notebook import check, explore, listen, plot

Nothing heavy is imported here: torch, librosa and matplotlib come in with the room that uses them.
"""

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

__version__ = "0.1.0"


def _set_numba_cache() -> None:
    """Tell numba where to keep what it compiles of librosa; it reads this once, when imported.

    `make` fills a folder in the environment. numba uses a folder only if it may also write there,
    so a user of a shared environment gets a copy of it: at home, else in a temporary folder.
    """
    shared, librosa = Path(sys.prefix, "share", "numba"), importlib.util.find_spec("librosa")
    if "NUMBA_CACHE_DIR" in os.environ or librosa is None:
        return
    if os.access(shared, os.W_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(shared)
    elif not os.access(Path(librosa.origin).parent, os.W_OK):  # else numba keeps it beside librosa
        with contextlib.suppress(OSError):
            os.environ["NUMBA_CACHE_DIR"] = str(_own_copy(shared))


def _own_copy(shared: Path) -> Path:
    """Return a folder of this user's own with what is in `shared`, if there is such a folder."""
    import atexit
    import shutil
    import tempfile

    try:
        made = shared.stat().st_mtime_ns if shared.is_dir() else 0  # a new installation, a new copy
        copy = Path.home() / ".cache" / "lecture-utils" / f"numba-{made}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=copy.parent))
    except (OSError, RuntimeError):  # no home, or one that can't be written to
        copy = new = Path(tempfile.mkdtemp(prefix="lecture-utils-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
    if new == copy or not copy.exists():
        for file in shared.glob("*/*"):
            (new / file.parent.name).mkdir(exist_ok=True)
            shutil.copyfile(file, new / file.parent.name / file.name)
    with contextlib.suppress(OSError):
        new.rename(copy)  # at once and whole; refused if another notebook has just done so
    if new != copy:
        shutil.rmtree(new, ignore_errors=True)
    return copy


_set_numba_cache()
