"""Run the notebooks for the site; what has not changed since the last time is not run again.

``make notebooks SITE=1`` keeps what the tests have run here, too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = ROOT / "notebooks"
CACHES = ROOT / ".cache" / "numba"
#: Run before the first cell, and not shown.
FIRST_CELL = "import lecture_utils.setup.site.states as _site\n_site.install()"
#: Run after the last cell of a notebook: what it has trained is kept for the page ``live``, under
#: the names that the page's scripts know.
LAST_CELLS = {
    "01_gans_and_musegan": """
ahead = play_game(ring, discriminator_loss, generator_loss, fast, keep=stages)
networks.give({"games": {
    "a crescent": (real, game), "eight places": (ring_data, ahead),
    "eight places, slow discriminator": (ring_data, collapsed),
}})""",
    "02_diffusion_recap": "networks.give({'denoiser': denoiser})",
}
SECONDS = 600  # for one cell
#: They come first, or one of them runs alone at the end.
LONGEST = ("02_diffusion_recap", "03_wavenet", "10_what_came_next")


class StoppedError(Exception):
    """A notebook has stopped; the message says which, and why."""


def execute_all(paths: list[Path], folder: Path, jobs: int = 2) -> list[Path]:
    """Run notebooks, `jobs` at a time, into `folder`; return the files with outputs.

    Raises
    ------
    StoppedError
        If a cell fails. Notebooks that were done before are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs, thread_name_prefix="site") as pool:
        first = sorted(paths, key=lambda path: path.stem not in LONGEST)
        list(pool.map(lambda path: _execute(path, folder / path.name), first))
    return [folder / path.name for path in paths]


def last_cell(path: Path) -> str:
    """Return what is to be run after the last cell of a notebook; "" for nothing."""
    last = LAST_CELLS.get(path.stem)
    return f"from lecture_utils.setup.site import networks\n{last}" if last else ""


def keep(notebook: nbformat.NotebookNode, key: str, target: Path, models: dict | None) -> None:
    """Write a notebook with its outputs, the :func:`key` of them, and what its last cell gave."""
    if models is not None:
        notebook.metadata["lecture_models"] = models
    notebook.metadata["lecture_site"] = key
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def _execute(path: Path, target: Path) -> None:
    now = key(path)
    if target.exists() and nbformat.read(target, 4).metadata.get("lecture_site") == now:
        return
    print(f"running {path.name}", flush=True)
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST_CELL))
    if last := last_cell(path):
        notebook.cells.append(nbformat.v4.new_code_cell(last))
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=_environment())
    except CellExecutionError as error:
        raise StoppedError(f"{path.name} stopped: {error.ename}: {error.evalue}") from error
    except DeadKernelError as error:
        raise StoppedError(f"{path.name} stopped: its kernel died.") from error
    models = None
    if last:
        *_, output = notebook.cells.pop().outputs
        models = output.data["application/json"]
    del notebook.cells[0]
    keep(notebook, now, target, models)


def _environment() -> dict[str, str]:
    """Return a kernel's environment: one thread, and compiled functions that no other one fills.

    Two kernels that keep compiled functions in one folder at once can leave it broken for ever.
    """
    shared, own = Path(sys.prefix, "share", "numba"), CACHES / threading.current_thread().name
    if shared.is_dir() and not own.exists():
        shutil.copytree(shared, own)
    return os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(own)}


def key(path: Path) -> str:
    """Return a hash of what the outputs of a notebook depend on."""
    setup = ROOT / "lecture_utils" / "setup"
    # Not scripts and style sheets: the site has its own copy of them.
    package = [p for p in (ROOT / "lecture_utils").rglob("*.py") if not p.is_relative_to(setup)]
    files = [path, ROOT / "data" / "manifest.json", Path(__file__).with_name("states.py")]
    digest = hashlib.sha256(LAST_CELLS.get(path.stem, "").encode())
    for file in [*files, *sorted(package)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()
