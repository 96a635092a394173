"""Students who all run a notebook at once on a hub: ``python tests/hub_trial.py --help``."""

import argparse
import json
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

import nbformat
import psutil
import requests
import websocket

ROOT = Path(__file__).resolve().parents[1]


#: Names that a student may type.
ODD = ["Zoë O'Neil", "a b;c&d", "..x", "张伟", "a" * 64]


class Student:
    """One student: a browser's cookies and a kernel."""

    def __init__(self, hub, name, password):
        self.hub, self.name, self.web = hub, name, requests.Session()
        form = {"username": name, "password": password}
        self.web.get(f"{hub}/hub/login")
        form["_xsrf"] = self.web.cookies.get("_xsrf", path="/hub/")
        answer = self.web.post(f"{hub}/hub/login?next=%2Fhub%2Fhome", data=form)
        answer.raise_for_status()
        self.base = f"/user/{urllib.parse.quote(name.lower(), safe='@~')}/"

    def start(self, timeout=1500):
        """Start the server; wait until it answers."""
        end = time.monotonic() + timeout
        while True:
            answer = self.web.get(f"{self.hub}{self.base}lab")
            assert answer.status_code != 404, f"{self.name}: no JupyterLab"
            if answer.ok and "/spawn-pending/" not in answer.url and "/user/" in answer.url:
                return
            if answer.status_code == 424:  # none runs (any more): the page offers to start it
                self.web.get(f"{self.hub}/hub/spawn")
            assert time.monotonic() < end, f"{self.name}: no server, {answer.url}"
            time.sleep(1)

    def call(self, method, place, **body):
        """Call the server's interface."""
        xsrf = next(c.value for c in self.web.cookies if c.name == "_xsrf" and "user" in c.path)
        headers = {"X-XSRFToken": xsrf, "Referer": f"{self.hub}{self.base}lab"}
        url = f"{self.hub}{self.base}api/{place}"
        return self.web.request(method, url, json=body or None, headers=headers)

    def open(self, notebook):
        """Start the kernel of a notebook."""
        answer = self.call("POST", "sessions", path=notebook, name=notebook, type="notebook",
                           kernel={"name": "python3"})  # fmt: skip
        answer.raise_for_status()
        kernel = answer.json()["kernel"]["id"]
        cookies = "; ".join(
            f"{c.name}={c.value}" for c in self.web.cookies
            if c.path in ("/", self.base) or c.path == urllib.parse.unquote(self.base)
        )  # fmt: skip
        address = f"{self.hub}{self.base}api/kernels/{kernel}/channels"
        self.socket = websocket.create_connection(
            address.replace("http", "ws", 1), cookie=cookies, timeout=1500
        )
        return kernel

    def run(self, code):
        """Run a cell; return its error, if any, and what it printed."""
        name = uuid.uuid4().hex
        header = {"msg_id": name, "msg_type": "execute_request", "username": "", "session": name,
                  "version": "5.3", "date": ""}  # fmt: skip
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True}  # fmt: skip
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content,
                   "channel": "shell", "buffers": []}  # fmt: skip
        self.socket.send(json.dumps(message))
        error, printed, left = None, "", {"reply", "idle"}
        while left:
            got = self.socket.recv()
            if not isinstance(got, str):
                continue
            got = json.loads(got)
            if got["parent_header"].get("msg_id") != name:
                if got["msg_type"] == "status" and "restart" in got["content"]["execution_state"]:
                    return "the kernel died", printed
                continue
            if got["msg_type"] == "error":
                error = f"{got['content']['ename']}: {got['content']['evalue']}"
            elif got["msg_type"] == "stream":
                printed += got["content"]["text"]
            elif got["msg_type"] == "execute_reply":
                left.discard("reply")
            elif got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                left.discard("idle")
        return error, printed


def memory():
    """Return each student's memory in bytes (PSS): uid -> sum over the processes."""
    found = {}
    for process in psutil.process_iter(["uids"]):
        if process.info["uids"].real >= 2**20:
            try:
                rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            except OSError:
                continue
            pss = next(int(line.split()[1]) for line in rollup.splitlines() if "Pss:" in line)
            uid = process.info["uids"].real
            found[uid] = found.get(uid, 0) + 1024 * pss
    return found


def one(options, index, told):
    """Let one student work; write down what happened."""
    name, notebook = (
        (ODD + [f"student {i:02}" for i in range(99)])[index],
        options.notebooks[index % len(options.notebooks)],
    )
    record = told[index] = {"name": name, "notebook": notebook, "errors": []}
    begun = time.monotonic()
    try:
        student = Student(options.hub, name, options.password)
        student.start()
        record["server"] = time.monotonic() - begun
        begun = time.monotonic()
        path = next((ROOT / "notebooks").glob(f"{notebook}*.ipynb"))
        student.open(path.name)
        cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        for cell in cells[: options.cells]:
            error, _ = student.run(cell.source)
            if error:
                record["errors"].append(error[:300])
            record.setdefault("first", time.monotonic() - begun)
        record["run"] = time.monotonic() - begun
    except Exception as error:  # one student's failure is counted, not raised
        record["errors"].append(f"{type(error).__name__}: {error}"[:300])


def main():
    """Run the class and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hub", default="http://127.0.0.1:8000")
    parser.add_argument("--password", required=True)
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--notebooks", nargs="+", default=["04", "08"])
    parser.add_argument("--cells", type=int, help="of each notebook, from the top; all by default")
    options = parser.parse_args()
    told, peak, free = {}, {}, psutil.virtual_memory().available
    class_ = [
        threading.Thread(target=one, args=(options, i, told)) for i in range(options.students)
    ]
    for thread in class_:
        thread.start()
    lowest = free
    while any(thread.is_alive() for thread in class_):
        for uid, size in memory().items():
            peak[uid] = max(size, peak.get(uid, 0))
        lowest = min(lowest, psutil.virtual_memory().available)
        time.sleep(5)
    for record in told.values():
        print(json.dumps(record))
    ran = [r for r in told.values() if "run" in r and not r["errors"]]
    longest = {
        key: max((r.get(key, 0) for r in ran), default=0) for key in ("server", "first", "run")
    }
    sizes = [size / 1e9 for size in sorted(peak.values())] or [0]
    print(f"{options.students} students, {options.students - len(ran)} failures")
    print(
        "longest, in seconds: server {server:.0f}, first cell {first:.0f}, all {run:.0f}".format(
            **longest
        )
    )
    print(f"GB of a student: median {sizes[len(sizes) // 2]:.2f}, most {sizes[-1]:.2f}; free "
          f"memory went from {free / 1e9:.1f} to {lowest / 1e9:.1f} GB")  # fmt: skip


if __name__ == "__main__":
    main()
