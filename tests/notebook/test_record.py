"""A student's own file: whatever it is, it works or says one clear sentence."""

import io
import warnings

import numpy as np
import pytest
import soundfile

from lecture_utils.notebook import explore

RATE = 16000
TONE = 0.3 * np.sin(np.arange(RATE) * 0.2).astype(np.float32)


def recorder(render=lambda x: {"half": x / 2}):
    """The widget after the example, with the function that gets what is recorded."""
    made = explore.record(lambda x: {"example": x}, RATE, TONE, "Yours", seconds=2.0)
    made.explorer._render = lambda: render(made.sound)
    return made


def send(made, content, what="sound", turn=1, piece=2**16, name="yours", notes=(), start=0):
    """Send sound as ``record.js`` does, each piece when it is asked for; return what comes back."""
    answers, heard = [], made.recorder._heard
    made.recorder.send = lambda message, buffers=(): answers.append((message, buffers))
    begin = {"kind": "begin", "what": what, "turn": turn, "name": name, "size": len(content)}
    begin |= {"seconds": 0} if what == "file" else {"notes": list(notes), "start": start}
    heard(None, begin, [])
    while answers and "from" in answers[-1][0]:
        first = answers.pop()[0]["from"]
        part = memoryview(content[first : first + piece])
        heard(None, {"kind": "piece", "turn": turn, "from": first}, [part])
    return answers


def choose(made, name, content, turn=1, piece=2**16):
    """A file that the browser can't decode: Python does, and the page sends its beginning back."""
    for message, (samples,) in send(made, content, "file", turn, piece, name):
        used = samples[: 2 * int(made._seconds * RATE)]
        send(made, used, turn=turn + 1, name=message["name"], notes=message["notes"])


def wav(seconds=1.0, rate=RATE):
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(int(seconds * rate)) * 0.2), rate, format="WAV")
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_heard_by_button_and_by_path(tmp_path, suffix):
    path = tmp_path / f"me.{suffix}"
    t = np.arange(5 * 44100) / 44100
    soundfile.write(path, np.stack([0.4 * np.sin(2 * np.pi * 330 * t)] * 2, 1), 44100)
    for give in (lambda m: choose(m, path.name, path.read_bytes()), lambda m: m.open(path)):
        made = recorder()
        give(made)
        assert made.player.spec["labels"] == ["half"]
        assert made.player.spec["seconds"] == [pytest.approx(2.0, abs=0.05)]
        assert "2.0 s used" in made.message.value
        assert "2 channels mixed down" in made.message.value


@pytest.mark.parametrize("name", ["me.m4a", "me.txt", "me.wav"])
def test_what_is_no_sound_is_told_and_the_last_sound_stays(name):
    made = recorder()
    choose(made, name, b"this is no sound at all" * 50)
    assert name in made.message.value and "lp-error" in made.message.value
    assert made.message.value.count("<p") == 1
    assert made.player.spec["labels"] == ["example"]


ODD_NAMES = [
    *("..", ".", "", "../../escape.wav", "a\\b\\..", "nul\0.wav", "x" * 300 + ".wav", "\udcff.wav"),
    *("ä" * 200 + ".wav", "<img src=x onerror=alert(1)>.wav", "line\nbreak.wav", " "),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_taken(name):
    for content in (wav(), b"no sound"):
        made = recorder()
        choose(made, name, content)
        told = made.message.value
        assert (made.player.spec["labels"] == ["half"]) == (content != b"no sound")
        assert told.count("<") == 2 and "\n" not in told  # a paragraph, and nothing else
        assert made.recorder.working == ""


def test_a_large_file_comes_whole_and_later_ones_too():
    sizes = []
    made = recorder(lambda x: sizes.append(len(x)) or {"all": x})
    made._seconds = 600.0
    choose(made, "long.wav", wav(400), piece=2**20)  # 12.8 MB
    choose(made, "short.wav", wav(1))
    assert sizes == [400 * RATE, RATE] and "short.wav: 1.0 s used." in made.message.value


def test_a_new_file_replaces_one_that_is_still_coming():
    made, content = recorder(), wav(2)
    made.recorder.send = lambda message: None
    begin = {"kind": "begin", "what": "file", "turn": 1, "name": "a.wav", "size": 10**6}
    made.recorder._heard(None, begin, [])
    choose(made, "b.wav", content, turn=2)
    late = memoryview(b"late")
    made.recorder._heard(None, {"kind": "piece", "turn": 1, "from": 0}, [late])
    assert "b.wav: 2.0 s used." in made.message.value


def test_versions_are_brought_to_one_loudness_if_wanted():
    def render(x):
        return {"mine": x, "soft, with an offset": 0.1 * x + 0.3}

    made = explore.record(render, RATE, TONE, "Yours", match_levels=True)
    choose(made, "mine.wav", wav())
    mine, soft = made.player.spec["levels"]
    assert soft == pytest.approx(mine, abs=0.05) and made.player.spec["gains"][1] == 20


def test_work_is_shown_while_it_lasts():
    seen = []
    made = recorder(lambda x: seen.append(made.recorder.working) or {"x": x})
    choose(made, "mine.wav", wav())
    assert seen == ["mine.wav"] and made.recorder.working == ""


def test_a_full_disk_is_told(monkeypatch):
    def full(**_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    made = recorder()
    choose(made, "mine.wav", wav())
    assert "No space left on device" in made.message.value
    monkeypatch.undo()
    choose(made, "mine.wav", wav())
    assert "1.0 s used" in made.message.value


@pytest.mark.parametrize(
    ("error", "told"), [(KeyboardInterrupt(), "Stopped."), (ValueError(), "ValueError.")]
)
def test_an_interrupt_or_an_error_without_words_gets_a_sentence(error, told):
    def fails(x):
        raise error

    made = recorder(fails)
    choose(made, "mine.wav", wav())
    assert f">{told} The last good sound stays.<" in made.message.value
    assert made.player.spec["labels"] == ["example"] and made.recorder.working == ""


def test_missing_file_and_failing_function(tmp_path):
    made = recorder()
    made.open(tmp_path / "none.wav")
    assert "No sound file" in made.message.value
    soundfile.write(tmp_path / "a.wav", TONE, RATE)

    def fails(x):
        raise ValueError("source: no pitch was found in it.")

    made = recorder(fails)
    made.open(tmp_path / "a.wav")
    assert "no pitch was found" in made.message.value
    assert made.player.spec["labels"] == ["example"]
    page = made.page()
    assert "Run the cell to record yourself" in page and "example" in page


def pcm(x):
    return np.round(32767 * x).astype("<i2").tobytes()


def test_a_recording_comes_as_it_is():
    made = recorder(lambda x: {"mine": x})
    assert (made.sound == TONE).all()
    told = ["It is <b>clipped</b>."]
    assert send(made, pcm(TONE), notes=told, start=4.5, piece=1000) == []
    np.testing.assert_allclose(made.sound, TONE, atol=1e-4)
    said = made.message.value
    assert "yours: 1.0 s used, from 4.5 s on. It is &lt;b&gt;clipped" in said


def test_soft_sounds_are_raised_and_that_is_said():
    made = recorder(lambda x: {"mine": x})
    send(made, pcm(0.01 * TONE))
    level = made.player.spec["levels"][0]
    assert level == pytest.approx(-23, abs=0.3) and "It was soft: made 3" in made.message.value
    peak = np.zeros(RATE)
    peak[100] = 0.8  # it would clip
    send(made, pcm(0.01 * TONE + peak), turn=2)
    assert np.abs(made.sound).max() <= 1 and "soft" not in made.message.value
    send(made, pcm(TONE), turn=3)
    assert "soft" not in made.message.value


def test_silence_is_told():
    made = recorder()
    send(made, pcm(0 * TONE), name="a.wav")
    assert "a.wav: these seconds are silent; choose others. The last" in made.message.value
    assert (made.sound == TONE).all()


def test_controls_move_what_was_recorded():
    made = explore.record(
        lambda x, gain: {"mine": gain * x}, RATE, TONE, "Yours",
        figure=lambda ax, sounds, gain: ax.plot(sounds["mine"]), alt="A wave",
        gain=explore.slider(0.1, 1.0, 0.1, 1.0),
    )  # fmt: skip
    send(made, pcm(0.5 * TONE))
    level = made.player.spec["levels"][0]
    made.explorer.controls["gain"].value = 0.5
    assert made.player.spec["levels"][0] == pytest.approx(level - 6, abs=0.1)
    assert "gain 0.5" in made.player.spec["pictures"][0]["alt"]


def test_warnings_of_the_function_are_told():
    def warns(x):
        warnings.warn("this <is> odd", UserWarning, stacklevel=1)
        return x

    made = recorder(warns)
    send(made, pcm(TONE))
    assert "yours: 1.0 s used.</p>" in made.message.value
    assert made.message.value.endswith('<p class="lp-error">this &lt;is&gt; odd</p>')


def test_a_part_of_a_file_is_opened(tmp_path):
    soft_then_loud = np.repeat([0.5, 1], 4 * RATE) * np.tile(TONE, 8)
    soundfile.write(tmp_path / "a.wav", soft_then_loud, RATE, subtype="FLOAT")
    made = recorder(lambda x: {"mine": x})
    made.open(tmp_path / "a.wav", start=3)
    np.testing.assert_allclose(made.sound, soft_then_loud[3 * RATE : 5 * RATE], atol=1e-6)
    assert "2.0 s used, from 3.0 s on." in made.message.value


def test_wrong_calls():
    with pytest.raises(TypeError, match="render"):
        explore.record(3, RATE, TONE, "Yours")
    with pytest.raises(ValueError, match="seconds"):
        explore.record(lambda x: x, RATE, TONE, "Yours", seconds=0)
