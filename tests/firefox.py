"""Firefox for tests, spoken to in WebDriver BiDi: the protocol that it understands by itself."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

#: No sound server and no sound card: as on a machine without an audio device.
SILENT = {"PULSE_SERVER": "unix:/nowhere", "ALSA_CONFIG_PATH": "/dev/null"}


class Firefox:
    """A page in Firefox, in which a click counts as a student's: ``async with Firefox(...)``."""

    def __init__(self, folder: Path, environment: dict[str, str], settings: tuple[str, ...] = ()):
        path = next(filter(None, map(shutil.which, ("firefox", "firefox-esr"))), None)
        if path is None:
            pytest.skip("no Firefox on this machine")
        self.command = [path, "--headless", "--no-remote", "--profile", str(folder)]
        self.command += ["--remote-debugging-port", "0"]
        self.environment = os.environ | {"HOME": str(folder)} | environment
        self.folder, self.count = folder, 0
        self.settings = ("network.dns.disabled", *settings)

    async def __aenter__(self):
        self.folder.mkdir()
        lines = [f'user_pref("{name}", true);\n' for name in self.settings]
        (self.folder / "user.js").write_text("".join(lines))
        log = self.folder / "log.txt"
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=errors, stderr=errors
            )
        while not (found := re.search(r"BiDi listening on (ws://\S+)\n", log.read_text())):
            assert self.process.poll() is None, f"Firefox has ended: {log.read_text()}"
            await asyncio.sleep(0.1)
        self.socket = await websocket_connect(f"{found[1]}/session")
        await self.call("session.new", capabilities={})
        tree = await self.call("browsingContext.getTree")
        self.context = tree["contexts"][0]["context"]
        return self

    async def __aexit__(self, *_error):
        self.process.terminate()
        await asyncio.to_thread(self.process.wait, 30)

    async def call(self, method: str, **parameters):
        self.count += 1
        request = {"id": self.count, "method": method, "params": parameters}
        await self.socket.write_message(json.dumps(request))
        while True:
            answer = json.loads(await self.socket.read_message())
            if answer.get("id") == self.count:
                assert answer["type"] == "success", answer
                return answer["result"]

    async def open(self, path: Path):
        await self.call(
            "browsingContext.navigate", context=self.context, url=path.as_uri(), wait="complete"
        )

    async def run(self, script: str):
        """Return what an asynchronous function of this text returns."""
        result = await self.call(
            "script.evaluate",
            expression=f"(async () => {{ {script} }})().then(JSON.stringify)",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result.get("exceptionDetails", result)
        return json.loads(result["result"].get("value", "null"))

    async def click(self, element: str):
        """Click on what an expression names."""
        await self.run(f"{element}.click()")

    async def until(self, condition: str, seconds: float = 30):
        """Wait until an expression is true in the page."""
        for _ in range(int(10 * seconds)):
            if await self.run(f"return Boolean({condition})"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never came true: {condition}")


def beside(work: Coroutine) -> object:
    """Run a coroutine in a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor() as pool:
        return pool.submit(asyncio.run, work).result()
