"""A student's own file: whatever it is, it works or says one clear sentence."""

import numpy as np
import pytest
import soundfile

from lecture_utils.notebook import explore

RATE = 16000
TONE = 0.3 * np.sin(np.arange(RATE) * 0.2).astype(np.float32)


def uploader(render=lambda x: {"half": x / 2}):
    return explore.upload(render, RATE, {"example": TONE}, "Yours", seconds=2.0)


def chosen(path):
    return ({"name": path.name, "type": "", "size": 1, "content": memoryview(path.read_bytes())},)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_heard_by_button_and_by_path(tmp_path, suffix):
    path = tmp_path / f"me.{suffix}"
    t = np.arange(5 * 44100) / 44100
    soundfile.write(path, np.stack([0.4 * np.sin(2 * np.pi * 330 * t)] * 2, 1), 44100)
    for give in (lambda u: u._received({"new": chosen(path)}), lambda u: u.open(path)):
        upload = uploader()
        give(upload)
        assert upload.player.spec["labels"] == ["half"]
        assert upload.player.spec["seconds"] == [pytest.approx(2.0, abs=0.05)]
        assert "2.0 s used" in upload.message.value
        assert "2 channels mixed down" in upload.message.value


@pytest.mark.parametrize("name", ["me.m4a", "me.txt", "me.wav"])
def test_what_is_no_sound_is_told_and_the_last_sound_stays(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is no sound at all" * 50)
    upload = uploader()
    upload._received({"new": chosen(path)})
    assert name in upload.message.value and "lp-error" in upload.message.value
    assert upload.message.value.count("<p") == 1
    assert upload.player.spec["labels"] == ["example"]


def test_missing_file_failing_function_and_reset(tmp_path):
    upload = uploader()
    upload.open(tmp_path / "none.wav")
    assert "No sound file" in upload.message.value
    soundfile.write(tmp_path / "a.wav", TONE, RATE)

    def fails(x):
        raise ValueError("source: no pitch was found in it.")

    upload = uploader(fails)
    upload.open(tmp_path / "a.wav")
    assert "no pitch was found" in upload.message.value
    upload._received({"new": ()})
    assert upload.player.spec["labels"] == ["example"]
    page = upload._repr_mimebundle_()["text/html"]
    assert "file of your own" in page and "example" in page


def test_wrong_calls():
    with pytest.raises(TypeError, match="render"):
        explore.upload(3, RATE, {"example": TONE}, "Yours")
    with pytest.raises(ValueError, match="seconds"):
        explore.upload(lambda x: x, RATE, {"example": TONE}, "Yours", seconds=0)
