"""A student's own file: whatever it is, it works or says one clear sentence."""

import io

import numpy as np
import pytest
import soundfile

from lecture_utils.notebook import explore

RATE = 16000
TONE = 0.3 * np.sin(np.arange(RATE) * 0.2).astype(np.float32)


def uploader(render=lambda x: {"half": x / 2}):
    return explore.upload(render, RATE, {"example": TONE}, "Yours", seconds=2.0)


def choose(upload, name, content, piece=2**16, turn=1):
    """Send a file as ``upload.js`` does: each piece when it is asked for."""
    asked = []
    upload.button.send = asked.append
    heard = upload.button._heard
    heard(None, {"kind": "begin", "turn": turn, "name": name, "size": len(content)}, [])
    while asked:
        start = asked.pop()["from"]
        part = memoryview(content[start : start + piece])
        heard(None, {"kind": "piece", "turn": turn, "from": start}, [part])


def wav(seconds=1.0, rate=RATE):
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(int(seconds * rate)) * 0.2), rate, format="WAV")
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_heard_by_button_and_by_path(tmp_path, suffix):
    path = tmp_path / f"me.{suffix}"
    t = np.arange(5 * 44100) / 44100
    soundfile.write(path, np.stack([0.4 * np.sin(2 * np.pi * 330 * t)] * 2, 1), 44100)
    for give in (lambda u: choose(u, path.name, path.read_bytes()), lambda u: u.open(path)):
        upload = uploader()
        give(upload)
        assert upload.player.spec["labels"] == ["half"]
        assert upload.player.spec["seconds"] == [pytest.approx(2.0, abs=0.05)]
        assert "2.0 s used" in upload.message.value
        assert "2 channels mixed down" in upload.message.value


@pytest.mark.parametrize("name", ["me.m4a", "me.txt", "me.wav"])
def test_what_is_no_sound_is_told_and_the_last_sound_stays(name):
    upload = uploader()
    choose(upload, name, b"this is no sound at all" * 50)
    assert name in upload.message.value and "lp-error" in upload.message.value
    assert upload.message.value.count("<p") == 1
    assert upload.player.spec["labels"] == ["example"]


ODD_NAMES = [
    *("..", ".", "", "../../escape.wav", "a\\b\\..", "nul\0.wav", "x" * 300 + ".wav", "\udcff.wav"),
    *("ä" * 200 + ".wav", "<img src=x onerror=alert(1)>.wav", "line\nbreak.wav", " "),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_taken(name):
    for content in (wav(), b"no sound"):
        upload = uploader()
        choose(upload, name, content)
        told = upload.message.value
        assert (upload.player.spec["labels"] == ["half"]) == (content != b"no sound")
        assert told.count("<") == 2 and "\n" not in told  # a paragraph, and nothing else
        assert upload.button.working == ""


def test_a_large_file_comes_whole_and_later_ones_too():
    sizes = []
    upload = uploader(lambda x: sizes.append(len(x)) or {"all": x})
    upload._seconds = 600
    choose(upload, "long.wav", wav(400), piece=2**20)  # 12.8 MB
    choose(upload, "short.wav", wav(1))
    assert sizes == [400 * RATE, RATE] and "short.wav: 1.0 s used." in upload.message.value


def test_a_new_file_replaces_one_that_is_still_coming():
    upload, content = uploader(), wav(2)
    upload.button.send = lambda message: None
    upload.button._heard(None, {"kind": "begin", "turn": 1, "name": "a.wav", "size": 10**6}, [])
    choose(upload, "b.wav", content, turn=2)
    late = memoryview(b"late")
    upload.button._heard(None, {"kind": "piece", "turn": 1, "from": 0}, [late])
    assert "b.wav: 2.0 s used." in upload.message.value


def test_versions_are_brought_to_one_loudness_if_wanted():
    def render(x):
        return {"mine": x, "soft, with an offset": 0.1 * x + 0.3}

    upload = explore.upload(render, RATE, {"example": TONE}, "Yours", match_levels=True)
    choose(upload, "mine.wav", wav())
    mine, soft = upload.player.spec["levels"]
    assert soft == pytest.approx(mine, abs=0.05) and upload.player.spec["gains"][1] == 20


def test_work_is_shown_while_it_lasts():
    seen = []
    upload = uploader(lambda x: seen.append(upload.button.working) or {"x": x})
    choose(upload, "mine.wav", wav())
    assert seen == ["mine.wav"] and upload.button.working == ""


def test_a_full_disk_is_told(monkeypatch):
    def full(**_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    upload = uploader()
    choose(upload, "mine.wav", wav())
    assert "No space left on device" in upload.message.value
    monkeypatch.undo()
    choose(upload, "mine.wav", wav())
    assert "1.0 s used" in upload.message.value


@pytest.mark.parametrize(
    ("error", "told"), [(KeyboardInterrupt(), "Stopped."), (ValueError(), "ValueError.")]
)
def test_an_interrupt_or_an_error_without_words_gets_a_sentence(error, told):
    def fails(x):
        raise error

    upload = uploader(fails)
    choose(upload, "mine.wav", wav())
    assert f">{told} The last good sound stays.<" in upload.message.value
    assert upload.player.spec["labels"] == ["example"] and upload.button.working == ""


def test_missing_file_and_failing_function(tmp_path):
    upload = uploader()
    upload.open(tmp_path / "none.wav")
    assert "No sound file" in upload.message.value
    soundfile.write(tmp_path / "a.wav", TONE, RATE)

    def fails(x):
        raise ValueError("source: no pitch was found in it.")

    upload = uploader(fails)
    upload.open(tmp_path / "a.wav")
    assert "no pitch was found" in upload.message.value
    assert upload.player.spec["labels"] == ["example"]
    page = upload.page()
    assert "file of your own" in page and "example" in page


def test_wrong_calls():
    with pytest.raises(TypeError, match="render"):
        explore.upload(3, RATE, {"example": TONE}, "Yours")
    with pytest.raises(ValueError, match="seconds"):
        explore.upload(lambda x: x, RATE, {"example": TONE}, "Yours", seconds=0)
