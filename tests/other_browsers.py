"""Pages played in Firefox and in WebKit, with loudspeakers that nobody hears."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from firefox import Firefox

#: What the players of a page, and its models, need beside the browser itself.
PROGRAMS = {
    "firefox": ("firefox-esr", "pulseaudio"),
    "webkit": ("WebKitWebDriver", "Xvfb", "pulseaudio"),
}


def missing(name: str) -> list[str]:
    """Return the programs that this machine lacks to play in a browser."""
    found = [*PROGRAMS[name]]
    if name == "firefox" and shutil.which("firefox"):
        found.remove("firefox-esr")
    return [program for program in found if shutil.which(program) is None]


@contextlib.contextmanager
def speakers(folder: Path):
    """A sound server of our own, which plays into nothing; yield what its users need to know."""
    server = folder / "pulse"
    server.mkdir()
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    command += ["--load=module-null-sink", f"--load=module-native-protocol-unix socket={server}/s"]
    environment = {"HOME": str(folder), "PULSE_RUNTIME_PATH": str(server)}
    with _running(command, environment, folder / "pulse.txt"):
        _wait(lambda: (server / "s").exists(), folder / "pulse.txt")
        yield {"PULSE_SERVER": f"unix:{server}/s"}


class WebKit:
    """A page in WebKitGTK's own small browser: ``async with WebKit(...)``, as with Firefox."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder, self.environment = folder, {"HOME": str(folder)} | environment

    async def __aenter__(self):
        self.folder.mkdir()
        self.open_programs = contextlib.ExitStack()
        screen, log = self.folder / "screen.txt", self.folder / "log.txt"
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
        self.open_programs.enter_context(_running(command, {}, screen))
        _wait(lambda: screen.read_text().strip().isdigit(), screen)
        environment = self.environment | {"DISPLAY": f":{screen.read_text().strip()}"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/session"
        command = ["WebKitWebDriver", "--host=127.0.0.1", f"--port={port}"]
        self.open_programs.enter_context(_running(command, environment, log))
        _wait(lambda: _answers(port), log)
        found = await self.call("", capabilities={})
        self.address += "/" + found["sessionId"]
        await self.call("/timeouts", script=600_000)
        return self

    async def __aexit__(self, *_error):
        with contextlib.suppress(OSError):
            await self.call("", method="DELETE")
        self.open_programs.close()

    async def call(self, path: str, method: str = "POST", **parameters):
        body = json.dumps(parameters).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, body, method=method)

        def send():
            try:
                with urllib.request.urlopen(request, timeout=620) as answer:
                    return json.load(answer)["value"]
            except urllib.error.HTTPError as error:
                raise AssertionError(error.read().decode()) from error

        return await asyncio.to_thread(send)

    async def open(self, path: Path):
        await self.call("/url", url=path.as_uri())

    async def run(self, script: str):
        """Return what an asynchronous function of this text returns."""
        whole = f"""const done = arguments[arguments.length - 1];
            (async () => {{ {script} }})().then((found) => done({{ found }}),
              (error) => done({{ error: String(error) }}));"""
        answer = await self.call("/execute/async", script=whole, args=[])
        assert "error" not in answer, answer["error"]
        return answer.get("found")

    async def click(self, element: str, tries: int = 10):
        """Click on what an expression names, as a mouse does: a script's click starts no sound.

        Pictures that arrive meanwhile may push it out of the window; then once more.
        """
        seen = f"{element}.scrollIntoView({{ block: 'center', behavior: 'instant' }})"
        found = await self.run(f"{seen}; return {element}")
        try:
            await self.call(f"/element/{next(iter(found.values()))}/click")
        except AssertionError as error:
            if "not interactable" not in str(error) or tries == 1:
                raise
            await asyncio.sleep(0.3)
            await self.click(element, tries - 1)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path):
    with log.open("w") as out:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(ready, log: Path, seconds: float = 30):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"it did not start: {log.read_text()[-500:]}"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def play(name: str, paths: list[Path], compute: str, listen: str) -> list:
    """Play pages in a browser; return of each its players, its seconds and what went wrong.

    `compute` is a function for the page, which returns sentences; `listen` one for a player.
    """
    kind = {"firefox": Firefox, "webkit": WebKit}[name]
    with contextlib.ExitStack() as stack:
        place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(place))
        environment = stack.enter_context(speakers(folder))
        async with kind(folder / "profile", environment) as page:
            return [await _play(page, path, compute, listen) for path in paths]


async def _play(page: Firefox | WebKit, path: Path, compute: str, listen: str) -> tuple:
    start = time.monotonic()
    await page.open(path)
    await page.run("""while (document.querySelector("[data-spec]:not([data-on])"))
        await new Promise((done) => setTimeout(done, 50));""")
    said = await page.run(f"return ({compute})()")
    problems = [text for text in said if "could not" in text]
    every = "document.querySelectorAll('.lp:has(.lp-play)')"
    count = await page.run(f"return {every}.length")
    for index in range(count):
        player = f"{every}[{index}]"
        await page.click(f"{player}.querySelector('.lp-play')")
        trouble = await page.run(f"return ({listen})({player})")
        if trouble:
            problems.append(trouble)
    return count, time.monotonic() - start, problems
