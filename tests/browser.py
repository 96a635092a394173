"""A real browser for tests: Chromium, static pages and a JupyterLab of its own on loopback."""

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that hears a file, if the page may use it
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Path of the browser; without one the test is skipped, but never where CI is set."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = f"no Chromium on this machine (looked for {', '.join(NAMES)})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def browser():
    """Start Chromium."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        voice = Path(folder) / "voice.wav"
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={voice}"]
        instance = playwright.chromium.launch(executable_path=path, args=flags)
        instance.voice = voice  # read anew whenever the microphone is opened
        yield instance
        instance.close()


@contextmanager
def served(folder):
    """Serve a folder on loopback; yield its address."""
    handler = functools.partial(QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_arguments):
        pass


class Watched:
    """A page that remembers errors and requests to other machines."""

    def __init__(self, instance, width=1200, height=1000):
        self.page = instance.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(20_000)
        self.errors, self.offsite = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)

    def _request(self, request):
        own = request.url.startswith(("file:", "data:", "blob:", "about:"))
        if not own and "://127.0.0.1" not in request.url:
            self.offsite.append(request.url)

    def check(self):
        assert self.errors == [] and self.offsite == []

    def close(self):
        self.page.close()


class SoundPlayer:
    """One player of the course in a page."""

    def __init__(self, page, index=0, root=None):
        self.page, self.root = page, root or page.locator(".lp:visible").nth(index)
        self.root.scroll_into_view_if_needed()

    def run(self, script):
        """Evaluate JavaScript; ``p`` is the player."""
        return self.root.evaluate(f"async (root) => {{ const p = root.player; {script} }}")

    @property
    def state(self):
        return self.run("return p.state")

    def wait(self, condition, timeout=5):
        """Wait until ``condition(state)`` holds; return the state."""
        end = time.monotonic() + timeout
        while not condition(state := self.state):
            assert time.monotonic() < end, f"the player stays at {state}"
            time.sleep(0.02)
        return state

    def play(self, timeout=5):
        self.root.locator(".lp-play").click()
        return self.wait(lambda state: state["playing"] and state["position"] > 0.05, timeout)

    def rms(self, seconds=0.15):
        """Level of what goes out to the loudspeakers, and its frequency by zero crossings."""
        return self.run(
            f"""const a = p.transport.context.createAnalyser(); a.fftSize = 4096;
            p.transport.master.connect(a);
            await new Promise((done) => setTimeout(done, {1000 * seconds}));
            const x = new Float32Array(4096); a.getFloatTimeDomainData(x);
            try {{ p.transport.master.disconnect(a); }} catch {{ /* it was made anew meanwhile */ }}
            let sum = 0, crossings = 0;
            for (let i = 1; i < 4096; i++) {{
                sum += x[i] ** 2; crossings += x[i - 1] < 0 && x[i] >= 0;
            }}
            return [Math.sqrt(sum / 4095), crossings * p.transport.context.sampleRate / 4095];"""
        )

    def picture(self):
        """Return the drawn waveform and spectrogram, to see whether they change."""
        return self.run(
            "return [...root.querySelectorAll('canvas')].map((c) => c.toDataURL()).join()"
        )

    def labels(self):
        """Names on the version buttons, as text."""
        return self.root.locator(".lp-version").all_inner_texts()


class Lab(Watched):
    """JupyterLab in a browser, on a folder of its own."""

    def __init__(self, instance, folder, url, token):
        super().__init__(instance)
        self.folder, self.url, self.token = folder, url, token

    def open_notebook(self, notebook):
        """Open a copy of a notebook file, or a new one of code cells, and wait for its kernel."""
        if isinstance(notebook, Path):
            name = notebook.name
            shutil.copy(notebook, self.folder / name)
        else:
            name = f"made_{len(list(self.folder.glob('*.ipynb')))}.ipynb"
            write_notebook(self.folder / name, notebook)
        self.page.goto(f"{self.url}/lab/tree/{name}?reset&token={self.token}")
        self.page.locator("text=Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)

    def objects(self, *kinds):
        """Count the living objects of each kind in the page, after collecting garbage."""
        session, counts = self.page.context.new_cdp_session(self.page), []
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
            self.page.wait_for_timeout(100)
        for kind in kinds:
            prototype = session.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})
            prototype = prototype["result"]["objectId"]
            found = session.send("Runtime.queryObjects", {"prototypeObjectId": prototype})
            count = {"functionDeclaration": "function () { return this.length; }"}
            count |= {"objectId": found["objects"]["objectId"], "returnByValue": True}
            counts.append(session.send("Runtime.callFunctionOn", count)["result"]["value"])
        session.detach()
        return counts

    def command(self, name, arguments=None):
        """Run a command of JupyterLab and wait for it."""
        return self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => true)",
            [name, arguments or {}],
        )

    def run_all(self, timeout=180):
        """Run every cell; fail at an error in an output."""
        self.page.set_default_timeout(1000 * timeout)
        self.command("notebook:run-all-cells")
        self.page.set_default_timeout(20_000)
        outputs = [output for cell in self.cells() for output in cell.get("outputs", [])]
        errors = [o["evalue"] for o in outputs if o["output_type"] == "error"]
        assert errors == []
        assert all(c["execution_count"] for c in self.cells() if c["cell_type"] == "code")

    def cells(self):
        """Return the open notebook's cells as they would be saved."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.context.model.toJSON().cells"
        )


def write_notebook(path, cells):
    """Write code cells as a notebook without outputs."""
    import nbformat.v4 as v4

    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    notebook = v4.new_notebook(cells=[v4.new_code_cell(c) for c in cells], metadata=metadata)
    path.write_text(json.dumps(notebook), encoding="utf-8")


@contextmanager
def jupyterlab(instance, folder):
    """Start a JupyterLab server on loopback that reads no settings of the user's; yield a Lab."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, url, notebooks = "test", f"http://127.0.0.1:{port}", folder / "notebooks"
    notebooks.mkdir()
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--IdentityProvider.token={token}", "--expose-app-in-browser"),
        *("--LabApp.news_url=None", f"--ServerApp.root_dir={notebooks}"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out)
    try:
        _wait_for_server(server, f"{url}/api?token={token}", log)
        lab = Lab(instance, notebooks, url, token)
        yield lab
        lab.close()
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for_server(server, address, log, timeout=60):
    end = time.monotonic() + timeout
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            late = server.poll() is not None or time.monotonic() > end
            assert not late, f"JupyterLab did not start:\n{log.read_text()[-2000:]}"
            time.sleep(0.1)
