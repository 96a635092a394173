"""The doctor: fine here, and every illness is named with its cure."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from lecture_utils import data
from lecture_utils.setup import doctor
from lecture_utils.setup.doctor import BAD, FINE, SLOW


def test_this_machine_is_ready():
    """As a program; what makes the notebooks only slower is no failure."""
    command = [sys.executable, "-m", "lecture_utils.setup.doctor"]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[-1] == "Ready." and done.stderr == ""
    for look in doctor.LOOKS:
        name = look.__name__.removeprefix("look_at_")
        assert sum(line.split()[1:2] == [name] for line in lines) == 1


def diagnose(name):
    return next(f for f in doctor.report() if f.what == name)


def only(monkeypatch, look):
    monkeypatch.setattr(doctor, "LOOKS", [look])


def test_packages_out_of_range(monkeypatch):
    only(monkeypatch, doctor.look_at_packages)
    wanted = ["numpy>=99", "no-such-package>=1", "tqdm>=4"]
    monkeypatch.setattr(doctor, "requirements", lambda: wanted)
    found = diagnose("packages")
    assert found.status == BAD and "no-such-package is missing" in found.found
    assert "numpy" in found.found and ">=99" in found.found and "tqdm" not in found.found
    assert "make lab" in found.do


def test_torchaudio_of_another_build(monkeypatch):
    only(monkeypatch, doctor.look_at_torch)
    monkeypatch.setitem(sys.modules, "torchaudio", None)  # import raises ImportError
    found = diagnose("torch")
    assert found.status == BAD and "torchaudio does not work" in found.found
    assert "same place" in found.do


@pytest.mark.parametrize(("missing", "status"), [("MP3", SLOW), ("FLAC", BAD)])
def test_missing_codec(monkeypatch, missing, status):
    import soundfile

    only(monkeypatch, doctor.look_at_audio)
    whole = soundfile.write

    def write(file, x, sample_rate, format):
        if format == missing:
            raise ValueError("unknown format")
        whole(file, x, sample_rate, format=format)

    monkeypatch.setattr(soundfile, "write", write)
    found = diagnose("audio")
    assert found.status == status and missing in found.found and "soundfile" in found.do


def test_damaged_data(monkeypatch):
    only(monkeypatch, doctor.look_at_data)
    problems = [f"data/{name} is missing" for name in "abcde"]
    monkeypatch.setattr(data, "verify", lambda: problems)
    found = diagnose("data")
    assert found.status == BAD and "data/c is missing (and 2 more)" in found.found
    assert "git checkout" in found.do
    monkeypatch.setattr(data, "verify", lambda: (_ for _ in ()).throw(FileNotFoundError("gone")))
    assert "gone" in diagnose("data").found  # a sick look does not stop the others


def test_small_machine_is_slow_not_bad(monkeypatch):
    import psutil

    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e8))
    looks = [doctor.look_at_cores, doctor.look_at_memory, doctor.look_at_disk]
    monkeypatch.setattr(doctor, "LOOKS", looks)
    assert [finding.status for finding in doctor.report()] == [SLOW] * 3
    assert all(finding.do for finding in doctor.report()) and doctor.main() == 0


@pytest.mark.parametrize(
    ("python", "status"),
    [("python", FINE), (sys.executable, FINE), ("/opt/other/bin/python", BAD)],
)
def test_kernel_of_another_python(monkeypatch, tmp_path, python, status):
    import json

    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    only(monkeypatch, doctor.look_at_kernel)
    found = diagnose("kernel")
    assert found.status == status
    if status == BAD:
        assert python in found.found and "jupyter kernelspec remove" in found.do


def test_exit_status_and_last_line(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "LOOKS", [lambda: 1 / 0, doctor.look_at_python])
    doctor.LOOKS[0].__name__ = "look_at_luck"
    assert doctor.main() == 1
    out = capsys.readouterr().out
    assert "BAD   luck       ZeroDivisionError" in out and "Not ready: see luck above." in out
