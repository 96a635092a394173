"""All unit tests: no network, no window, no time limit that a busy machine would miss."""

import importlib.util
import os
import re
from pathlib import Path

import hypothesis
import pytest
import sizes

HERE = Path(__file__).resolve().parent
os.environ["MPLBACKEND"] = "agg"
# Two processes that fill one cache of numba's at once can leave it crashing for ever after.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(HERE.parent / ".cache" / "numba" / WORKER)

hypothesis.settings.register_profile("course", deadline=None, print_blob=True)
hypothesis.settings.load_profile("course")

_guard = importlib.util.spec_from_file_location("guard", HERE / "no_network" / "sitecustomize.py")
_guard.loader.exec_module(importlib.util.module_from_spec(_guard))


def seen_in_jupyterlab(nodeid):
    """By its name: ``test_lab_...`` in one of the files of browser tests."""
    return re.search(r"test_browser\w*\.py::test_lab_", nodeid) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let the tests of a file stay together, and those that are seen in JupyterLab."""
    from xdist.scheduler import LoadFileScheduling

    class WithLab(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "lab" if seen_in_jupyterlab(nodeid) else super()._split_scope(nodeid)

    return WithLab(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items):
    """Begin with what is seen in JupyterLab, which takes longest."""
    items.sort(key=lambda item: not seen_in_jupyterlab(item.nodeid))
    for item in items:
        assert ("lab" in getattr(item, "fixturenames", ())) == seen_in_jupyterlab(item.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    """Report the size of the package."""
    terminalreporter.write_line(sizes.report(HERE.parent / "lecture_utils"))


@pytest.fixture(scope="session")
def chrome():
    """One Chromium for all browser tests: Playwright starts only once in a process."""
    import browser

    with browser.browser() as instance:
        yield instance


@pytest.fixture(scope="session")
def lab(chrome, tmp_path_factory):
    """One JupyterLab for all browser tests, seen in Chromium."""
    import browser

    with browser.jupyterlab(chrome, tmp_path_factory.mktemp("lab")) as running:
        yield running
