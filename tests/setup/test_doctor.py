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

    def write(file, x, sample_rate, **options):
        if options["format"] == missing:
            raise ValueError("unknown format")
        whole(file, x, sample_rate, **options)

    monkeypatch.setattr(soundfile, "write", write)
    found = diagnose("audio")
    assert found.status == status and missing in found.found and "soundfile" in found.do


def test_damaged_data(monkeypatch):
    only(monkeypatch, doctor.look_at_data)
    problems = [f"data/{name} is missing" for name in "abcde"]
    monkeypatch.setattr(data, "verify", lambda: problems)
    found = diagnose("data")
    assert found.status == BAD and "data/c is missing (and 2 more)" in found.found
    assert ("git checkout" in found.do) == (doctor.ROOT / ".git").exists()


@pytest.mark.parametrize(
    ("git", "advice"), [(True, "`git checkout data`"), (False, "unpack the course again")]
)
def test_damaged_manifest(monkeypatch, tmp_path, git, advice):
    """In a clone, and in an unpacked ZIP, which has no git; `make lab` would help in neither."""
    only(monkeypatch, doctor.look_at_data)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(data, "ROOT", tmp_path)
    if git:
        (tmp_path / ".git").touch()
    (tmp_path / "manifest.json").write_text("{")
    for words in ("manifest.json is damaged", "No manifest at"):
        found = diagnose("data")
        assert found.status == BAD and words in found.found and advice in found.do
        assert "make lab" not in found.do
        (tmp_path / "manifest.json").unlink(missing_ok=True)


def test_read_only_machine(monkeypatch):
    """A shared course and no home: said once, with what helps; training alone needs a cache."""
    import librosa

    def refuse(*args):
        raise RuntimeError("cannot cache function '__o_fold': no locator available")

    monkeypatch.setattr(doctor, "LOOKS", [doctor.look_at_librosa, doctor.look_at_disk])
    monkeypatch.setenv("LECTURE_CACHE", "/dev/null/nowhere")
    assert [finding.status for finding in doctor.report()] == [FINE, SLOW]
    assert "LECTURE_CACHE" in diagnose("disk").found
    monkeypatch.setattr(librosa, "stft", refuse)
    found = diagnose("librosa")
    assert found.status == BAD and "set NUMBA_CACHE_DIR" in found.do


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
    assert doctor.main() == 1  # a sick look does not stop the others
    out = capsys.readouterr().out
    assert "BAD   luck       ZeroDivisionError" in out and "Not ready: see luck above." in out
