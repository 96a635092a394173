"""Timbre transfer: the tune arrives in range and in tune, or one sentence says why."""

import numpy as np
import pytest
import soundfile

from lecture_utils import audio, data, ddsp, metrics, weights
from lecture_utils.ddsp import timbre_transfer
from lecture_utils.instruments import sampler
from lecture_utils.notebook import explore

RATE = 16000


@pytest.fixture(scope="module")
def violin():
    return weights.load("ddsp_violin", ddsp.Autoencoder)


@pytest.mark.parametrize("source", [55.0, 147.0, 440.0, 1500.0])
def test_a_tune_moves_by_whole_octaves_and_one_level(source):
    f0_hz = np.array([0, source, 1.1 * source, 0.9 * source, 0, source], np.float32)
    loudness_db = np.array([-80, -50, -40, -45, -80, -42, -60], np.float32)
    f0, db = timbre_transfer.fit_controls(f0_hz, loudness_db, 440.0, -25.0)
    octaves = np.log2(f0[f0_hz > 0] / f0_hz[f0_hz > 0])
    assert np.allclose(octaves, np.round(octaves[0]), atol=1e-5)
    assert 440 / 2**0.5 <= np.median(f0[f0 > 0]) <= 440 * 2**0.5
    assert len(db) == 6 and np.allclose(np.diff(db), np.diff(loudness_db[:6]))
    assert np.median(db[f0_hz > 0]) == pytest.approx(-25)
    assert np.array_equal(f0 > 0, f0_hz > 0)


@pytest.mark.parametrize(
    ("name", "instrument"),
    [("hum", "violin"), ("ah", "violin"), ("whistle", "violin"), ("hum", "flute")],
)
def test_the_output_follows_the_fitted_source(name, instrument):
    model = weights.load(f"ddsp_{instrument}", ddsp.Autoencoder)
    n_frames = 750  # 3 s; `make bench` measures all of it
    x, f0_hz = data.load(name, RATE)[0][: n_frames * 64], data.load_array(f"{name}_f0")[:n_frames]
    wanted, _ = timbre_transfer.fit_controls(
        f0_hz, ddsp.loudness(x), model.facts["pitch_hz"], model.facts["level_db"]
    )
    y = timbre_transfer.transfer(model, x, f0_hz)
    assert np.abs(y).max() < 1
    found = metrics.f0_hz(y, f_max=3000)
    n = min(len(found), len(wanted[::4]))
    cents, share = metrics.f0_error_cents(wanted[::4][:n], found[:n])
    assert cents <= 15 and share > 0.95
    level = np.median(ddsp.loudness(y)[: len(wanted)][wanted > 0])
    assert abs(level - model.facts["level_db"]) < 3


def test_tracked_pitch_is_as_good_as_known(violin):
    x, f0_hz = data.load("ah", RATE)[0][: 2 * RATE], data.load_array("ah_f0")[:500]
    found = metrics.f0_hz(timbre_transfer.transfer(violin, x), f_max=3000)
    n = min(len(found), len(f0_hz[::4]))
    cents, _ = metrics.f0_error_cents(2 * f0_hz[::4][:n], found[:n])
    assert cents <= 15


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (np.zeros(RATE), "no pitch was found"),
        (np.zeros(0), "0 samples given"),
        (np.full(RATE, np.nan), "NaN"),
    ],
)
def test_what_has_no_pitch_gets_one_sentence(violin, sound, words):
    with pytest.raises(ValueError) as error:
        timbre_transfer.transfer(violin, sound)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_weights_must_tell_where_they_play():
    with pytest.raises(ValueError, match="has no pitch_hz"):
        timbre_transfer.transfer(ddsp.Autoencoder(hidden=4), np.ones(RATE))


def _two_notes(seconds):
    return sampler.note("violin", "A4", seconds) + sampler.note("violin", "E5", seconds)


_HUM = data.load("hum", RATE)[0]


@pytest.mark.parametrize(
    ("sound", "rate"),
    [
        (_HUM[RATE : RATE + 1600], RATE),  # 0.1 s
        (np.tile(_HUM, 58), RATE),  # ten minutes
        (np.stack([audio.resample(_HUM[: 3 * RATE], RATE, 44100)] * 2, 1), 44100),  # stereo
        (_two_notes(1.0), RATE),
        (np.zeros(3 * RATE), RATE),
        (np.zeros(10), RATE),
        (np.zeros((0, 2)), RATE),
    ],
)
def test_any_file_is_heard_or_told(violin, tmp_path, sound, rate):
    path = tmp_path / "me.wav"
    soundfile.write(path, sound, rate)
    upload = explore.upload(
        lambda x: {"mine": x, "violin": timbre_transfer.transfer(violin, x)},
        RATE, {"example": _HUM}, "Yours", seconds=4.0,
    )  # fmt: skip
    upload.open(path)
    heard = upload.player.spec["labels"] == ["mine", "violin"]
    assert heard == ("s used" in upload.message.value)
    assert heard or upload.player.spec["labels"] == ["example"]
    assert heard or "lp-error" in upload.message.value
    assert upload.message.value.count("<p") == 1
    has_sound = len(sound) > 0 and np.any(sound)
    assert heard == bool(has_sound)
    if heard:
        assert max(upload.player.spec["seconds"]) <= 4.1
