"""Simulated phones and a vote's server of one's own: for tests, and for the figures of 60 phones.

``python tests/phones.py [PHONES]`` starts a real server, lets so many phones vote at once, kills it
with -9 in the middle, starts it again, and prints what was lost, how long answers took, and how
much memory the server used.
"""

import asyncio
import contextlib
import http.client
import json
import os
import random
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import bind_sockets

from lecture_utils.listening_test.vote import Votes, read_test
from lecture_utils.listening_test.vote.handler import Room
from lecture_utils.listening_test.vote.server import serve
from lecture_utils.listening_test.vote.votes import begin
from lecture_utils.notebook import wav

STIMULI = ["reference", "anchor35", "MelGAN", "HiFi-GAN"]


def folder_of_test(folder, trials=("sentence", "motif"), stimuli=STIMULI, seconds=0.5):
    """Write a test of tones without the course's sounds."""
    folder.mkdir(parents=True, exist_ok=True)
    listed, t = {}, np.arange(int(8000 * seconds)) / 8000
    for trial in trials:
        listed[trial] = {}
        for place, stimulus in enumerate(stimuli):
            file = f"{trial}_{place}.wav"
            tone = 0.1 * np.sin(2 * np.pi * (200 + 100 * place) * t).astype("f4")
            (folder / file).write_bytes(wav.pack(tone, 8000))
            listed[trial][stimulus] = file
    about = {"test": "tones", "title": "Which is best?", "trials": listed}
    (folder / "test.json").write_text(json.dumps(about))
    return folder


class Server:
    """A server in a thread of this process; ``room`` is what its requests share."""

    def __init__(self, folder, port=0, new=False):
        self.votes = begin(folder, read_test(folder), new)
        self.sockets = bind_sockets(port, "127.0.0.1")
        self.port = self.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.room = Room(read_test(folder), self.votes, f"{self.url}/")
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    async def _run(self):
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = serve(self.room, self.sockets)
        self._started.set()
        await self._stopped.wait()
        server.stop()
        await server.close_all_connections()

    def stop(self):
        """Answer no more."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        self.votes.close()


@contextlib.contextmanager
def running(folder, **options):
    """Run a server until the end of the block."""
    server = Server(folder, **options)
    try:
        yield server
    finally:
        server.stop()


class Phone:
    """A phone that speaks HTTP as the page does; each method returns status and answer."""

    def __init__(self, server, place="own", code=None):
        self.host = server.url.removeprefix("http://")
        self.headers = {"X-Vote": "1", "X-Listener": code or secrets.token_hex(8), "X-Place": place}
        self.round = None

    def ask(self, method, path, body=None, headers=None):
        """Send a request; a header of None is left out."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        wanted = {**self.headers, "Content-Type": "application/json", **(headers or {})}
        body = json.dumps(body) if isinstance(body, dict) else body
        sent = {name: value for name, value in wanted.items() if value is not None}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        content, kind = answer.read(), answer.getheader("Content-Type", "")
        connection.close()
        return answer.status, json.loads(content) if "json" in kind else content

    def test(self):
        """Get the test."""
        status, found = self.ask("GET", "/api/test")
        assert status == 200, found
        self.round = found["round"]
        return found

    def vote(self, score=50, trial="sentence", label="A", stamp=1, headers=None, **changes):
        """Send a vote, with other fields if wanted."""
        if self.round is None:
            self.test()
        vote = {"round": self.round, "trial": trial, "label": label, "score": score}
        vote |= {"time_ms": 1000, "stamp": stamp} | changes
        return self.ask("POST", "/api/vote", vote, headers)


@contextlib.contextmanager
def process(folder, *options, port=0, **how):
    """Start ``python -m lecture_utils.listening_test.vote``; yield it once it answers."""
    command = [sys.executable, "-m", "lecture_utils.listening_test.vote", str(folder)]
    command += [f"--port={port}", *options]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
    )
    try:
        started.lines = []
        for line in started.stdout:
            started.lines.append(line)
            if line.startswith("Phones open:"):
                started.url = line.split()[-1].rstrip("/")
            if line.startswith("Stop it"):
                break
        else:
            raise AssertionError("".join(started.lines))
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


async def crowd(url, codes, rounds, answered, pause=1.0):
    """Let phones vote at once; `answered` gets (code, trial, label, score, stamp, seconds)."""
    client = AsyncHTTPClient(force_instance=True, max_clients=len(codes))

    async def send(body, headers):
        while True:  # as the page does when it is told to wait
            begun = time.perf_counter()
            answer = await client.fetch(
                f"{url}/api/vote", method="POST", body=body, headers=headers, raise_error=False
            )
            if answer.code != 429:
                answer.rethrow()
                return time.perf_counter() - begun
            await asyncio.sleep(0.5 + random.random())

    async def phone(code):
        headers = {"X-Vote": "1", "X-Listener": code, "X-Place": "own"}
        headers["Content-Type"] = "application/json"
        found = await client.fetch(f"{url}/api/test", headers=headers)
        test = json.loads(found.body)
        cells = [(t["trial"], label) for t in test["trials"] for label in t["scores"]]
        for number in range(rounds):
            for trial, label in random.sample(cells, len(cells)):
                score, stamp = random.randrange(101), time.time_ns() // 1000
                vote = {"round": test["round"], "trial": trial, "label": label, "score": score}
                body = json.dumps(vote | {"time_ms": number, "stamp": stamp})
                for _repeat in range(1 + (random.random() < 0.1)):  # some are sent twice
                    seconds = await send(body, headers)
                    answered.append((code, trial, label, score, stamp, seconds))
                await asyncio.sleep(2 * pause * random.random())

    done = await asyncio.gather(*map(phone, codes), return_exceptions=True)
    client.close()
    return [error for error in done if isinstance(error, Exception)]


def lost(votes, answered):
    """Return the acknowledged votes that are not stored, unless a newer one is."""
    newest = {}
    for code, trial, label, score, stamp, _seconds in answered:
        key = code, trial, votes.labels(code, trial)[label]
        newest[key] = max(newest.get(key, (0, 0)), (stamp, score))
    with contextlib.closing(sqlite3.connect(votes.path)) as database:
        rows = database.execute("SELECT listener, trial, stimulus, stamp, score FROM votes")
        stored = {tuple(row[:3]): tuple(row[3:]) for row in rows}
    found = {key: stored.get(key, (0, 0)) for key in newest}
    return [key for key in newest if found[key][0] <= newest[key][0] and found[key] != newest[key]]


def main(phones=60):
    """Print the figures."""
    folder = folder_of_test(Path(tempfile.mkdtemp()), stimuli=[*STIMULI, "DDSP", "Griffin-Lim"])
    codes, answered, memory = [secrets.token_hex(8) for _ in range(phones)], [], []

    def vote(server, rounds, kill_after=None):
        watched = psutil.Process(server.pid)
        if kill_after:
            threading.Timer(kill_after, os.kill, (server.pid, signal.SIGKILL)).start()
        else:
            memory.append(watched.memory_info().rss / 1e6)
        errors = asyncio.run(crowd(server.url, codes, rounds, answered))
        if not kill_after:
            memory.append(watched.memory_info().rss / 1e6)
        return errors

    with process(folder) as server:
        errors = vote(server, 50, kill_after=4.0)
    print(f"killed with -9: {len(answered)} votes acknowledged, {len(errors)} phones broken off")
    print(f"lost: {len(lost(Votes(folder), answered))}")
    with process(folder) as server:
        print("started again:", server.lines[-2].strip())
        for _ in range(4):
            assert vote(server, 2) == []
    votes = Votes(folder)
    seconds = [seconds for *_vote, seconds in answered]
    counts = votes.counts()
    print(f"{len(answered)} votes acknowledged, lost: {len(lost(votes, answered))}")
    print(
        f"rows {counts['votes']}, of {phones * 12} possible: double {counts['votes'] - phones * 12}"
    )
    middle, most = np.percentile(seconds, [50, 95])
    print(f"answers: median {1000 * middle:.1f} ms, 95 % within {1000 * most:.1f} ms")
    print("memory, MB:", " ".join(f"{mb:.1f}" for mb in memory))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
