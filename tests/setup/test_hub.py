"""A student of the hub gets a home and limits; what one does leaves the others alone."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_rules import NOTEBOOKS, ROOT
from packaging.requirements import Requirement

from lecture_utils.setup.hub import limits

HUB = ROOT / "lecture_utils" / "setup" / "hub"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the hub needs Linux")


NAME = "Zoë O'Neil"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A student's home; without root, or with a Python that is root's alone, of the same user."""
    for folder in (tmp_path, *tmp_path.parents) if os.getuid() == 0 else ():
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    try:
        subprocess.run(
            [sys.executable, "-c", "import psutil"], check=True, **rights(limits.uid(NAME))
        )
    except (PermissionError, subprocess.CalledProcessError):
        monkeypatch.setattr(limits, "uid", lambda student: None)
    home = tmp_path / limits.slug(NAME)
    limits.prepare(home, limits.uid(NAME))
    return home


def rights(owner):
    return {"user": owner, "group": owner, "extra_groups": []} if owner else {}


def confined(home, code):
    """Start Python as the student does."""
    return subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=limits.confine(home, limits.uid(NAME)),  # noqa: PLW1509
    )  # fmt: skip


def test_names_of_folders_are_safe_and_differ():
    names = ["zoë", "zoe", "Zoe", "..", ".", "../../etc", "a" * 500, "", "张伟", "a;b", "\udcff"]
    slugs = [limits.slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all(
        s and len(s) < 60 and set(s) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for s in slugs
    )


def test_home_has_the_notebooks_and_keeps_what_was_changed(home, monkeypatch):
    notebooks = home / "notebooks"
    assert {p.name for p in NOTEBOOKS} <= {p.name for p in notebooks.iterdir()}
    first, second = (notebooks / path.name for path in NOTEBOOKS[:2])
    first.write_text("mine")
    second.unlink()
    limits.prepare(home, limits.uid(NAME))
    assert first.read_text() == "mine" and second.read_bytes() == NOTEBOOKS[1].read_bytes()
    assert home.stat().st_mode & 0o077 == 0
    if limits.uid(NAME):
        assert home.stat().st_uid == second.stat().st_uid == limits.uid(NAME) > 2**20


def test_root_writes_through_no_link_of_a_student(home, tmp_path):
    if not limits.uid(NAME):
        pytest.skip("needs root, and a Python that all may run")
    target = tmp_path / "of_root"
    (home / "notebooks" / NOTEBOOKS[0].name).unlink()
    (home / "notebooks" / NOTEBOOKS[0].name).symlink_to(target)
    with pytest.raises(subprocess.CalledProcessError):
        limits.prepare(home, limits.uid(NAME))
    assert not target.exists()


def test_memory_ends_in_an_error_of_this_student_only(home):
    code = """
import os, resource
try:
    x = bytearray(4 * 2**30)
except MemoryError:
    print("MemoryError", os.getuid(), os.getcwd(), resource.getrlimit(resource.RLIMIT_CPU)[0])
"""
    said = confined(home, code).communicate()[0].split()
    assert said == ["MemoryError", str(limits.uid(NAME) or os.getuid()), str(home), "3600"]


def test_full_home_can_be_emptied_and_used_again(home, monkeypatch):
    code = """
for line in iter(input, "end"):
    try:
        with open("big", "ab") as file:
            file.write(bytes(200_000))
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""
    child, full = confined(home, code), limits.used(home) + 300_000

    def write():
        child.stdin.write("\n")
        child.stdin.flush()
        return child.stdout.readline().strip()

    hold = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from lecture_utils.setup.hub import limits
limits.DISK = {full}
print(limits.hold_disk({child.pid}, Path({str(home)!r})))
"""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    def look():
        done = subprocess.run(
            [sys.executable, "-c", hold], capture_output=True, text=True, **rights(limits.uid(NAME))
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    try:
        assert write() == "written" and look() > 0
        assert write() == "File too large"
        (home / "second").write_bytes(bytes(200_000))
        assert look() == 0 and write() == "File too large"
        (home / "big").unlink()
        (home / "second").unlink()
        assert look() > 200_000 and write() == "written"
    finally:
        child.stdin.write("end\n")
        child.communicate(timeout=10)


def test_third_notebook_is_refused_in_a_sentence(monkeypatch):
    from tornado.web import HTTPError

    from lecture_utils.setup.hub.kernels import FewKernels

    async def third():
        manager = FewKernels()
        monkeypatch.setattr(FewKernels, "__len__", lambda self: 2)
        monkeypatch.setattr(FewKernels, "__contains__", lambda self, kernel: False)
        await manager.start_kernel(kernel_name="python3")

    with pytest.raises(HTTPError, match="close one first") as caught:
        asyncio.run(third())
    assert caught.value.status_code == 409


def test_versions_are_pinned_and_fit_the_course():
    pins = [
        Requirement(line) for line in (HUB / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]  # fmt: skip
    assert "jupyterhub" in {pin.name for pin in pins}
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    names = (ROOT / "lecture_utils" / "setup" / "constraints.txt").read_text().splitlines()
    course = {line.split("==")[0]: line.split("==")[1].split()[0] for line in names if "==" in line}
    for pin in pins:
        assert course.get(pin.name, str(pin.specifier)[2:]) == str(pin.specifier)[2:]


def load(monkeypatch, tmp_path, **environment):
    """Let JupyterHub's own loader read the configuration."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed; `make hub` adds it")
    from traitlets.config.loader import PyFileConfigLoader

    for name, value in (
        {"HUB_FOLDER": str(tmp_path), "OPEN": "", "PASSWORD": ""} | environment
    ).items():
        monkeypatch.setenv(name, value)
    return PyFileConfigLoader(str(HUB / "jupyterhub_config.py")).load_config()


def test_configuration_is_for_this_machine_unless_opened(monkeypatch, tmp_path, capsys):
    config = load(monkeypatch, tmp_path, PORT="8300", STUDENTS="1000000")
    assert config.JupyterHub.bind_url == "http://127.0.0.1:8300"
    password = config.SharedPasswordAuthenticator.user_password
    said = capsys.readouterr().out
    assert len(password) >= 8 and f"password {password}" in said and "GB of disk are free" in said
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0
    again = load(monkeypatch, tmp_path, OPEN="1", PORT="")
    assert again.JupyterHub.bind_url == "http://0.0.0.0:8000"
    assert again.SharedPasswordAuthenticator.user_password == password
    assert again.JupyterHub.cleanup_servers is False


def test_server_of_a_student_has_limits_and_a_home_of_its_own(monkeypatch, tmp_path):
    config = load(monkeypatch, tmp_path)
    spawner = config.JupyterHub.spawner_class
    one, other = (spawner(user=type("User", (), {"name": n})()) for n in ("Zoë", "../Zoë"))
    environment = one.user_env({"PATH": "/bin"})
    assert environment["OMP_NUM_THREADS"] == "1" and environment["PATH"] == "/bin"
    home = Path(environment["HOME"])
    assert home.parent == Path(other.user_env({})["HOME"]).parent == tmp_path / "homes"
    assert home.name != Path(other.user_env({})["HOME"]).name
    assert Path(environment["NUMBA_CACHE_DIR"]).is_relative_to(home)
    called = []
    monkeypatch.setattr(limits, "confine", lambda home, owner: called.append((home, owner)))
    one.make_preexec_fn("Zoë")
    assert called == [(home, limits.uid("Zoë"))]
