"""Run every cell of every notebook (a pytest plugin around nbval): ``pytest -p harness DIR``.

``make notebooks`` calls it with ``PYTHONPATH=tests``. The network is cut off for the notebooks; two
run at a time with ``-n 2 --dist loadfile``. On top of what
nbval does, a cell fails if it takes longer than its budget, if its notebook has used too much time
or memory, if it writes to stderr, if it shows a picture without alt text or a sound that is not as
announced, or if the kernel has died. The rest of a notebook is skipped after its first failure. At
the end every code cell on disk must have passed.

Time is that of the kernel's processor or of the clock, whichever is less: a busy machine makes a
cell wait but gives it no more to do. By the clock three times the budget is allowed, so that a cell
that only waits is caught too. On a much slower machine set LECTURE_TIME_FACTOR=2.

The short path of each notebook is run, too, by itself (``short_paths.py``).

With ``--site FOLDER`` (``make notebooks SITE=1``) a notebook that has passed is kept for the site,
and ``make site`` need not run it once more. What only the site needs, the states of sliders, is
computed between the cells, after each of them was measured and judged.
"""

import functools
import os
import re
import time
from pathlib import Path
from queue import Empty

import nbval.kernel
import nbval.plugin
import notebook_rules as rules
import psutil
import pytest
import short_paths
from kept_for_site import Kept

from lecture_utils.setup.site.execute import LONGEST

CELL_SECONDS, NOTEBOOK_SECONDS, PEAK_MB = 20.0, 120.0, 1500
FACTOR = float(os.environ.get("LECTURE_TIME_FACTOR", "1"))
TIMEOUT = 120 * FACTOR
PROBE = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"

_passed = {}


class PatientKernel(nbval.kernel.RunningKernel):
    """nbval's kernel; one that dies before its first word is started anew.

    Two kernels that start at the same moment can be given the same port, and then one dies.
    """

    def __init__(self, *args, **options):
        for starts_left in (2, 1, 0):
            try:
                super().__init__(*args, **options)
                break
            except RuntimeError:
                if not starts_left:
                    raise


def pytest_addoption(parser):
    parser.addoption("--site", type=Path, help="folder in which what was run is kept for the site")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    nbval.plugin.RunningKernel = PatientKernel
    config.option.nbval_lax = config.option.nbval_current_env = True
    config.option.nbval_cell_timeout = config.option.nbval_kernel_startup_timeout = TIMEOUT
    # For the kernels: no network, and the package beside these tests.
    paths = Path(__file__).parent / "no_network", rules.ROOT
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as in JupyterLab
    # Two processes that fill one cache of numba's at once can leave it crashing for ever after.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    os.environ["NUMBA_CACHE_DIR"] = str(rules.ROOT / ".cache" / "numba" / worker)
    _passed.clear()


def pytest_collection_modifyitems(items):
    """Let the longest notebooks begin, or one of them runs alone at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    broken = getattr(item.parent, "broken", None)
    if broken is not None:
        pytest.skip(f"the notebook stopped at cell {broken}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not hasattr(item, "cell_num"):
        return (yield)
    notebook, start = item.parent, time.monotonic()
    try:
        process = _watch(notebook, item.config.option.site)
        before = _processor_seconds(process)
        yield
        wall = time.monotonic() - start
        seconds = min(wall, _processor_seconds(process) - before)
        notebook.seconds = getattr(notebook, "seconds", 0.0) + seconds
        peak = peak_mb(process)
        item.user_properties.append(("cell", [str(item.path), item.cell_num, seconds, wall, peak]))
        problems = rules.output_problems(item.cell.source, item.test_outputs)
        problems += _excesses(item, seconds, wall, peak)
        if problems:
            item.raise_cell_error("; ".join(problems))
        if notebook.kept:
            notebook.kept.add(item.cell_num)
    except pytest.skip.Exception:
        raise
    except BaseException as error:
        notebook.broken = item.cell_num
        if isinstance(error, KernelError):
            item.raise_cell_error(str(error))
        raise


class KernelError(Exception):
    """The kernel is gone, or not behind the guard."""


def _watch(notebook, site):
    """Return the kernel's process; the first time, make sure that it is watched and guarded."""
    kernel = notebook.kernel
    process = psutil.Process(kernel.km.provisioner.pid)
    if not hasattr(notebook, "watched"):
        notebook.watched = True
        kernel.await_reply = functools.partial(_await_reply, kernel, process)
        reply = kernel.kc.execute_interactive(
            PROBE, store_history=False, timeout=TIMEOUT, output_hook=lambda message: None
        )
        if "the network is cut off" not in reply["content"].get("evalue", ""):
            raise KernelError("the network is not cut off in this kernel")
        short = notebook.path.name.startswith(short_paths.PREFIX)
        notebook.kept = Kept(notebook, site) if site and not short else None
    return process


def _await_reply(kernel, process, msg_id, timeout=None):
    """Wait as nbval does, but notice a dead kernel at once and stop one that eats the memory."""
    end = time.monotonic() + (timeout or TIMEOUT)
    while time.monotonic() < end:
        try:
            message = kernel.kc.get_shell_msg(timeout=0.5)
        except Empty:
            if not kernel.is_alive():
                raise KernelError("the kernel died (out of memory, or a crash)") from None
            if process.memory_info().rss > 2e6 * PEAK_MB:
                kernel.km.shutdown_kernel(now=True)
                raise KernelError(f"stopped: more than {2 * PEAK_MB} MB of memory") from None
        else:
            if message["parent_header"].get("msg_id") == msg_id:
                return
    raise Empty


def _processor_seconds(process):
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def peak_mb(process):
    """Largest resident memory of a process so far, in MB (where no peak is kept: that of now)."""
    status = Path(f"/proc/{process.pid}/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024 / 1e6
    memory = process.memory_info()
    return getattr(memory, "peak_wset", memory.rss) / 1e6


def _excesses(item, seconds, wall, peak):
    budget = FACTOR * rules.budget(item.cell, CELL_SECONDS)
    if seconds > budget or wall > 3 * budget:
        yield f"it takes {seconds:.1f} s of processor and {wall:.1f} s in all; {budget:g} s allowed"
    if item.parent.seconds > FACTOR * NOTEBOOK_SECONDS:
        yield f"the notebook takes more than {FACTOR * NOTEBOOK_SECONDS:g} s"
    if peak > PEAK_MB:
        yield f"the notebook takes {peak:.0f} MB of memory; {PEAK_MB} MB allowed"


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        for path, number, *costs in (v for k, v in report.user_properties if k == "cell"):
            _passed.setdefault(path, {})[number] = costs


def _on_disk(config):
    """Every notebook under the given folders, by path."""
    for argument in config.args:
        place = Path(config.invocation_params.dir, argument.split("::")[0]).resolve()
        found = [place] if place.is_file() else sorted(place.rglob("*.ipynb"))
        yield from (path for path in found if ".ipynb_checkpoints" not in path.parts)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        return
    for path in _on_disk(session.config):
        if len(_passed.get(str(path), {})) < len(rules.code_cells(rules.read(path))):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("notebooks, with the network cut off")
    row = "{:<28}{:>9}{:>9}{:>8}{:>8}{:>15}{:>12}".format
    terminalreporter.line(
        row("notebook", "cells", "seconds", "clock", "MB", "slowest cell", "words/line")
    )
    for path in _on_disk(config):
        notebook = rules.read(path)
        count, cells = len(rules.code_cells(notebook)), _passed.get(str(path), {})
        columns = list(zip(*cells.values(), strict=True)) or [(0,), (0,), (0,)]
        slowest = max(cells, key=lambda number: cells[number][0], default=None)
        terminalreporter.line(
            row(
                path.stem,
                f"{len(cells)}/{count}",
                f"{sum(columns[0]):.1f}",
                f"{sum(columns[1]):.1f}",
                f"{max(columns[2]):.0f}",
                "" if slowest is None else f"{slowest}: {cells[slowest][0]:.1f} s",
                f"{rules.words_per_line(notebook):.1f}",
            )
            + ("" if len(cells) == count else "  NOT EVERY CELL RAN")
        )
