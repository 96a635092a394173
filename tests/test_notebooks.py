"""The notebook harness: every guard bites, on notebooks made for it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

import harness
import nbformat
import notebook_rules
import pytest
from nbformat import v4

from lecture_utils.notebook import wav
from lecture_utils.setup.site import execute

PLAYER = """import numpy as np
from lecture_utils.notebook import listen, plot
x = 0.1 * np.sin(np.arange(16000))"""
PICTURE = "figure, ax = plot.subplots()\n_ = ax.plot([1, 2])\n"
CHECK = """class check:
    def exercise(name, answer):
        print(name, "correct" if answer else "not tried yet")
"""

#: notebook -> (cells, (number of the failing cell, words of its report) or None).
CASES = {
    "fine": (
        [
            PLAYER,
            "listen.play(x, 16000, caption='a tone')",
            PICTURE + "plot.show(figure, 'a line')",
            CHECK + "check.exercise('toy.double', None)",
            "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
            "socket.create_connection(server.getsockname()).close()",
        ],
        None,
    ),
    "error": (["1", "1 / 0", "print('later')"], (1, "ZeroDivisionError")),
    "slow": (
        ["# budget-1\nimport time\nwhile time.process_time() < 3: pass"],
        (0, "s of processor"),
    ),
    "waits": (["# budget-1\nimport time; time.sleep(3.2)"], (0, "s in all; 1 s allowed")),
    "memory": (["import numpy\nx = numpy.ones(1_500_000_000, 'u1')"], (0, "1500 MB allowed")),
    "dies": (["import os; os._exit(1)"], (0, "the kernel died")),
    "network": (
        ["import urllib.request as u; u.urlopen('http://example.org')"],
        (0, "the network is cut off: no way to 'example.org'"),
    ),
    "child": (
        [
            "import subprocess, sys\nprobe = 'import socket; socket.getaddrinfo(\"a.org\", 80)'\n"
            "subprocess.run([sys.executable, '-c', probe], check=True, capture_output=True)"
        ],
        (0, "CalledProcessError"),
    ),
    "warns": (["import warnings; warnings.warn('old')"], (0, "writes to stderr: ")),
    "picture": ([PLAYER, PICTURE], (1, "a picture without alt text")),
    "image": (
        ["from IPython.display import HTML", "HTML('<img src=\"https://a.b/c.png\">')"],
        (1, "an image without alt text; use plot.show(figure, alt); https://a.b/c.png comes"),
    ),
    "caption": ([PLAYER, "listen.play(x, 16000)"], (1, "a player without caption")),
    "silent": ([PLAYER, "listen.play(0 * x, 16000, caption='a tone')"], (1, "it is silent")),
    "bare_audio": (
        [PLAYER, "from IPython.display import Audio", "Audio(x, rate=16000)"],
        (2, "a sound outside of a player"),
    ),
    "announced": (
        [PLAYER, "p = listen.play(x, 16000, caption='a tone')\np.spec['seconds'] = [2]\np"],
        (1, "1.00 s of sound, not 2.00 s"),
    ),
    "solved": (
        [CHECK + "check.exercise('toy.double', 2)"],
        (0, "stub does not answer 'not tried yet'"),
    ),
    "skipped": (["1", "# NBVAL_SKIP\n1 / 0"], (None, "1/2")),
}


def write(path, cells):
    notebook = v4.new_notebook(metadata={"kernelspec": {"name": "elsewhere", "display_name": "x"}})
    for source in cells:
        cell = v4.new_code_cell(source)
        if source.startswith("# budget-"):
            cell.metadata["tags"] = [source.splitlines()[0][2:]]
        notebook.cells.append(cell)
    nbformat.write(notebook, path)


def run(folder, *options):
    """Run the harness as make does; return exit status, outcome by notebook and cell, output."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "harness", str(folder), "-v", "--color=no",
         "-p", "no:cacheprovider", *options],
        cwd=notebook_rules.ROOT, capture_output=True, text=True, timeout=300,
        # The limits as they are, also where a slow machine stretches them for the real notebooks.
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "LECTURE_TIME_FACTOR": "1"},
    )  # fmt: skip
    outcomes = {}
    for outcome, name in re.findall(
        r"(?m)^\[gw\d\] \[ *\d+%\] ([A-Z]+) .*?(\w+)(?:\.|::)ipynb::Cell \d+ *$", done.stdout
    ):
        outcomes.setdefault(name, []).append(outcome)
    return done.returncode, outcomes, done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    for name, (cells, _) in CASES.items():
        write(folder / f"{name}.ipynb", cells)
    return run(folder, "-n", "2", "--dist", "loadfile")


@pytest.mark.parametrize("name", CASES)
def test_guard_bites(report, name):
    status, outcomes, text = report
    cells, expected = CASES[name]
    assert status == 1
    if expected is None:
        assert outcomes[name] == ["PASSED"] * len(cells)
        assert re.search(rf"(?m)^{name} +{len(cells)}/{len(cells)} .*\d$", text)
        return
    number, words = expected
    if number is None:
        assert re.search(rf"(?m)^{name} +{words} .*NOT EVERY CELL RAN", text)
        return
    rest = ["SKIPPED"] * (len(cells) - number - 1)
    assert outcomes[name] == ["PASSED"] * number + ["FAILED"] + rest
    # a long path leaves pytest's headings a single underscore on either side
    parts = re.split(r"\n_+ (?=\S+::Cell \d+ _+\n)", text)
    own = [part for part in parts if f"{name}.ipynb" in part.splitlines()[0]]
    assert words in own[0]


def test_what_has_passed_is_kept_for_the_site(tmp_path):
    """As the site's builder runs it, with states of sliders and numbers of networks."""
    path, kept, ours = tmp_path / "02_diffusion_recap.ipynb", tmp_path / "kept", tmp_path / "ours"
    cells = [
        "import numpy as np, torch\nfrom lecture_utils import progress\n"
        "from lecture_utils.notebook import explore\ndenoiser = torch.nn.Linear(2, 1)",
        "print('a')\nfor _ in progress.bar(range(3), 'rounds'): pass\nprint('b')\ndisplay(1)\n2",
        "torch.nn.init.ones_(denoiser.weight)\n"
        "explore.sound(lambda f: np.sin(f * np.arange(8000)) / 9, 8000, caption='a tone',"
        " f=explore.slider(1, 3, 1, 2))",
        "_ = torch.nn.init.ones_(denoiser.bias)",
    ]
    write(path, cells)
    write(tmp_path / "other.ipynb", ["1", "1 / 0"])
    status, *_ = run(tmp_path, "--site", str(kept))
    assert status == 1 and [file.name for file in kept.iterdir()] == [path.name]
    before = (kept / path.name).stat().st_mtime_ns
    execute.execute_all([path], kept)
    assert (kept / path.name).stat().st_mtime_ns == before  # it is not run once more
    execute.execute_all([path], ours)
    mine, theirs = (nbformat.read(folder / path.name, 4) for folder in (kept, ours))
    assert mine.metadata.lecture_models == theirs.metadata.lecture_models
    assert set(mine.metadata.lecture_models) == {"denoiser"}
    for cell, other in zip(mine.cells, theirs.cells, strict=True):
        assert [o.output_type for o in cell.outputs] == [o.output_type for o in other.outputs]
        for output, wanted in zip(cell.outputs, other.outputs, strict=True):
            assert output.get("text") == wanted.get("text")
            assert set(output.get("data", {})) == set(wanted.get("data", {}))
    texts = [o.get("text") or o.data["text/plain"] for o in mine.cells[1].outputs]
    assert texts[0] == "a\n" and "3/3" in texts[1] and texts[2:] == ["b\n", "1", "2"]
    sounds = [
        [x.tolist() for x, _ in wav.clips(o.data["text/html"])]
        for n in (mine, theirs) for o in n.cells[2].outputs if o.data.get("text/html")
    ]  # fmt: skip
    assert len(sounds) == 2 and len(sounds[0]) == 3 and sounds[0] == sounds[1]


def item(seconds=0.0, tags=()):
    cell = nbformat.v4.new_code_cell("1", metadata={"tags": list(tags)})
    return SimpleNamespace(cell=cell, parent=SimpleNamespace(seconds=seconds))


def test_whole_notebook_has_limits(monkeypatch):
    monkeypatch.setattr(harness, "FACTOR", 1)
    assert list(harness._excesses(item(119), 19, 50, 1400)) == []
    assert "the notebook takes more than 120 s" in next(harness._excesses(item(121), 1, 1, 9))
    assert len(list(harness._excesses(item(), 25, 25, 9))) == 1
    assert list(harness._excesses(item(0, ["budget-30"]), 25, 25, 9)) == []
    monkeypatch.setattr(harness, "FACTOR", 2)
    assert list(harness._excesses(item(121), 39, 50, 1400)) == []


class Kernel:
    """A kernel that never answers."""

    def __init__(self):
        self.kc = self.km = self
        self.alive, self.stopped = True, False

    def get_shell_msg(self, timeout):
        raise Empty

    def is_alive(self):
        return self.alive

    def shutdown_kernel(self, now):
        self.stopped = now


def test_memory_is_watched_while_a_cell_runs():
    kernel, process = Kernel(), SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=3.1e9))
    with pytest.raises(harness.KernelError, match="more than 3000 MB"):
        harness._await_reply(kernel, process, "id", 5)
    assert kernel.stopped
    process.memory_info = lambda: SimpleNamespace(rss=1e9)
    with pytest.raises(Empty):
        harness._await_reply(kernel, process, "id", 0.01)


def test_peak_memory_is_a_peak():
    code = "import numpy as n; x = n.ones(300_000_000, 'u1'); del x; print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        process = harness.psutil.Process(child.pid)
        peak = harness.peak_mb(process)
        assert process.memory_info().rss < 200e6
        child.communicate(b"\n")
    assert 300 < peak < 500 or not Path("/proc").is_dir()


def test_make_runs_the_harness_on_every_notebook():
    """What `make notebooks` calls, and that nothing on disk is outside of it."""
    # without what a `make` around these tests was told
    told = {"MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "SITE"}
    script = subprocess.run(
        ["make", "-n", "notebooks"], cwd=notebook_rules.ROOT, capture_output=True, text=True,
        env={name: value for name, value in os.environ.items() if name not in told},
    ).stdout  # fmt: skip
    assert "-p harness notebooks " in script and "--site" not in script
    found = {
        path
        for path in notebook_rules.ROOT.rglob("*.ipynb")
        if not any(
            part.startswith(".") or part == "build"  # where the site's executed copies lie
            for part in path.relative_to(notebook_rules.ROOT).parts
        )
    }
    assert found == set(notebook_rules.NOTEBOOKS)


@pytest.mark.parametrize("n_deaths", [2, 3])
def test_a_kernel_that_dies_at_its_start_gets_two_more_chances(monkeypatch, n_deaths):
    starts = []

    def start(**options):
        starts.append(options)
        if len(starts) <= n_deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return None, None

    monkeypatch.setattr(harness.nbval.kernel, "start_new_kernel", start)
    monkeypatch.setattr(harness.PatientKernel, "_ensure_iopub_up", lambda self: None)
    if n_deaths == 2:
        harness.PatientKernel("python")
    else:
        with pytest.raises(RuntimeError, match="died"):
            harness.PatientKernel("python")
    assert len(starts) == 3
