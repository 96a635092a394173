"""The stage holds the short path, and the sound check tells what it heard."""

import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from notebook_rules import NOTEBOOKS

from lecture_utils.setup import sound_check, stage
from lecture_utils.setup.doctor import FINE, SLOW

RATE = 16000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_short_path_alone_is_on_stage(path):
    there = {c.source: c.metadata.get("tags", []) for c in nbformat.read(path, 4).cells}
    check, *cells = stage.short_path(path).cells
    assert "sentence" in check.source and len(cells) >= 7
    assert all("short" in there[cell.source] for cell in cells)
    assert len(cells) == sum("short" in tags for tags in there.values()) < len(there)


def test_notebook_by_number_or_a_sentence():
    assert stage.find("08").stem == "08_ddsp" and stage.find("04_phase").stem[:2] == "04"
    for name in ("88", "0", ""):
        with pytest.raises(ValueError, match="no single notebook.*05_griffin_lim, "):
            stage.find(name)


def room(sent, delay, gain, noise):
    rng = np.random.default_rng(0)
    heard = noise * rng.standard_normal(len(sent))
    start = int(delay * RATE)
    heard[start:] += gain * sent[: len(sent) - start]
    return heard.clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize(("delay", "gain", "noise"), [(0.03, 0.5, 1e-4), (0.4, 0.05, 0.01)])
def test_sweep_is_found_in_a_room(delay, gain, noise):
    sent = sound_check.sweep(RATE)
    found, level, clear = sound_check.measure(sent, room(sent, delay, gain, noise), RATE)
    assert found == pytest.approx(delay, abs=1e-3) and clear > 20
    assert level == pytest.approx(20 * np.log10(gain), abs=0.5)


class Devices(SimpleNamespace):
    """sounddevice with a room between its loudspeaker and its microphone."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def query_devices(self, kind):
        if kind not in self.have:
            raise ValueError(f"no {kind} device")
        return {"name": "Room", "default_samplerate": 16000.0}

    def playrec(self, sent, rate, channels, blocking):
        return room(sent, *self.acoustics)[:, None]

    def play(self, sent, rate, blocking):
        self.played = sent


@pytest.mark.parametrize(
    ("have", "acoustics", "status", "words"),
    [
        (["output", "input"], (0.05, 0.3, 1e-3), FINE, "heard at -10 dB, 50 ms late"),
        (["output", "input"], (0.5, 0.3, 1e-3), SLOW, "Bluetooth"),
        (["output", "input"], (0.05, 0.0, 1e-3), SLOW, "did not hear Room -> turn it up"),
        (["output", "input"], (0.05, 0.0, 0.0), SLOW, "did not hear Room"),
        (["output", "input"], (0.05, 30.0, 1e-3), SLOW, "clips"),
        (["output"], None, SLOW, "no microphone listens"),
        ([], None, SLOW, "no sound output -> connect loudspeakers"),
    ],
)
def test_sound_check_says_what_it_heard(monkeypatch, have, acoustics, status, words):
    devices = Devices(have=have, acoustics=acoustics)
    monkeypatch.setitem(sys.modules, "sounddevice", devices)
    found = stage.doctor.Finding("sound", *sound_check.look_at_sound())
    assert found.status == status and words in str(found)
    assert hasattr(devices, "played") == (have == ["output"])


def test_without_sounddevice_it_is_by_ear(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # import raises ImportError
    status, found, do = sound_check.look_at_sound()
    assert status == SLOW and "not tried" in found and "press play" in do
