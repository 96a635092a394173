"""One notebook on stage: ``make stage NOTEBOOK=08``.

The doctor, a sound check, then JupyterLab on a copy that holds the short path only: large fonts,
nothing else on the screen, every cell of it run, so that all players are ready.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import nbformat
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.sign import NotebookNotary

from lecture_utils.setup import doctor, sound_check

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SETTINGS = ROOT / "lecture_utils" / "setup" / "jupyter"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 600  # for one cell
#: Settings of JupyterLab as its user would make them; fonts are read from there only.
FONTS = {"code-font-size": "20px", "content-font-size1": "22px", "ui-font-size1": "15px"}
LAB = {
    "apputils-extension/themes": {"overrides": FONTS},
    "application-extension/shell": {"startMode": "single"},
    "statusbar-extension/plugin": {"visible": False},
}

#: The cell before the first one; a tone by which the level of the loudspeakers is set.
CHECK = """def sound_check():
    import numpy as np
    from lecture_utils import audio, data
    from lecture_utils.notebook import listen

    voice, rate = data.load("sentence", 16000)
    tone = np.sin(2 * np.pi * 1000 * np.arange(len(voice)) / rate)
    sounds = {"1 kHz": audio.match_level(tone, voice), "a voice": voice}
    return listen.compare(sounds, rate, caption="Sound check before the class")


sound_check()
"""


def main() -> int:
    """Look at the machine, warm the notebook, open it; stay until Ctrl-C; return the status."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.setup.stage")
    parser.add_argument("notebook", nargs="?", default="08", help="number or name; 08 by default")
    parser.add_argument("--port", type=int, default=8888)
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    options = parser.parse_args()
    try:
        path = find(options.notebook)
    except ValueError as error:
        parser.error(str(error))
    if subprocess.run([sys.executable, "-m", "lecture_utils.setup.doctor"]).returncode:
        return 1
    print(doctor.Finding("sound", *sound_check.look_at_sound()), flush=True)
    with tempfile.TemporaryDirectory(prefix="stage-", ignore_cleanup_errors=True) as folder:
        try:
            with server(Path(folder), options.port) as (running, address, token):
                warm(short_path(path), Path(folder, path.name), address, token)
                print(f"\nReady: {address}/doc/tree/{path.name}?token={token}")
                print("It is a copy: what you change in it is gone when you stop with Ctrl-C.")
                if not options.no_browser:
                    show(f"{address}/doc/tree/{path.name}?token={token}")
                running.wait()
        except (RuntimeError, CellExecutionError) as error:
            print(f"\nNot ready: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nThe stage is empty again.")
    return 0


def find(name: str) -> Path:
    """Return the notebook whose name begins with `name`; a ValueError lists them if none does."""
    found = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if p.name.startswith(name)]
    if not name or len(found) != 1:
        names = ", ".join(p.stem for p in sorted(NOTEBOOKS.glob("*.ipynb")))
        raise ValueError(f"no single notebook is called {name!r}; there are {names}")
    return found[0]


def short_path(path: Path) -> nbformat.NotebookNode:
    """Return a sound check and the cells of a notebook that have the tag ``short``."""
    notebook = nbformat.read(path, 4)
    cells = [c for c in notebook.cells if "short" in c.metadata.get("tags", [])]
    check = nbformat.v4.new_code_cell(CHECK)
    check.metadata["jupyter"] = {"source_hidden": True}
    notebook.cells = [check, *cells]
    return notebook


@contextlib.contextmanager
def server(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen, str, str]]:
    """Start JupyterLab on `folder` with the stage's settings; yield it, its address and token."""
    token, log = secrets.token_urlsafe(16), folder / "server.log"
    shutil.copytree(NOTEBOOKS / "images", folder / "images")
    shutil.copy(NOTEBOOKS / "glossary.md", folder)
    hidden = folder / ".jupyter"
    for plugin, values in LAB.items():
        file = hidden / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": f"{SETTINGS / 'stage'}{os.pathsep}{SETTINGS}",
        "JUPYTER_RUNTIME_DIR": str(hidden),
        "JUPYTERLAB_SETTINGS_DIR": str(hidden / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(hidden / "workspaces"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", str(folder), "--no-browser", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--IdentityProvider.token={token}", "--allow-root"),
    ]
    with log.open("w") as out:
        running = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        yield running, address_of(running, hidden, log), token
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()


def address_of(running: subprocess.Popen, runtime: Path, log: Path) -> str:
    """Wait until the server has written its address (the port may be another, if one is taken)."""
    end = time.monotonic() + 60
    while not (files := list(runtime.glob("jpserver-*.json"))):
        if running.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-500:]}")
        time.sleep(0.1)
    time.sleep(0.2)
    return json.loads(files[0].read_text())["url"].rstrip("/")


class Running(AsyncKernelManager):
    """A kernel that the server has started and keeps."""

    has_kernel = True


def warm(
    notebook: nbformat.NotebookNode, file: Path, address: str, token: str
) -> nbformat.NotebookNode:
    """Run the notebook in the kernel that its page will have; store it as `file`, with outputs."""
    body = {"path": file.name, "name": file.name, "type": "notebook", "kernel": {"name": "python3"}}
    request = urllib.request.Request(
        f"{address}/api/sessions", json.dumps(body).encode(), {"Authorization": f"token {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        kernel = json.load(answer)["kernel"]["id"]
    count = len(notebook.cells)

    def tell(cell_index: int, **_cell: nbformat.NotebookNode) -> None:
        print(f"\rWarming {file.stem}: cell {cell_index + 1} of {count}", end="", flush=True)

    client = NotebookClient(notebook, km=Running(), timeout=SECONDS, on_cell_start=tell)
    client.kc = AsyncKernelClient(
        connection_file=str(file.parent / ".jupyter" / f"kernel-{kernel}.json")
    )
    client.kc.load_connection_file()
    client.kc.start_channels()
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
        print()
    NotebookNotary().sign(notebook)  # as if each cell had been run in the page
    nbformat.write(notebook, file)
    return notebook


def show(address: str) -> None:
    """Open a page: in Chromium without the browser's own bars, else in a usual window."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        subprocess.Popen(
            [browser, f"--app={address}", "--start-fullscreen"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    else:
        webbrowser.open(address)
        print("F11 (on a Mac: Control-Command-F) fills the screen.")


if __name__ == "__main__":
    sys.exit(main())
