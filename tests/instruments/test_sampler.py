"""The sampler against known pitch, level and timing; the shipped renders against their recipes."""

import json

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, firwin, oaconvolve, sosfilt

from lecture_utils import audio, data
from lecture_utils.build_data import renders
from lecture_utils.build_data import soundfonts as build_bank
from lecture_utils.instruments import performance, piano, sampler, score
from lecture_utils.instruments.performance import CONTROL_RATE, Line, Note, Stroke

SOLOISTS = [("violin", 69), ("flute", 74), ("cello", 50)]


def pitch_error_cents(x, f0_hz, rate=16_000):
    """Find how far the sound is from the curve: demodulate four harmonics along its phase."""
    voiced = np.flatnonzero(f0_hz)
    f0 = np.interp(np.arange(len(x)) * CONTROL_RATE / rate, voiced, f0_hz[voiced])
    phase = 2 * np.pi * np.cumsum(f0) / rate
    total, weights = np.zeros(len(x)), np.full(len(x), 1e-12)
    for h in range(1, 5):
        z = oaconvolve(x * np.exp(-1j * h * phase), np.hanning(rate // 25), mode="same")
        slope = np.angle(z[1:] * np.conj(z[:-1])) * rate / (2 * np.pi * h)
        power = np.abs(z[1:]) ** 2 * h**2
        total[1:] += slope * power
        weights[1:] += power
    smooth = oaconvolve(np.stack([total, weights]), np.hanning(rate // 50)[None], "same", axes=1)
    ratio = smooth[0] / np.maximum(smooth[1], 1e-12) / f0
    cents = 1200 * np.log2(np.maximum(1 + ratio, 0.1))
    frames = voiced[voiced * rate // CONTROL_RATE < len(x)]
    return cents[frames * rate // CONTROL_RATE]


def peaks_over_local_level(x):
    """Second difference over its level in the 50 ms around: a click sticks out."""
    d = np.diff(np.asarray(x, np.float64), 2)
    return np.abs(d) / (np.sqrt(np.maximum(uniform_filter1d(d**2, 800), 0)) + 1e-5)


@pytest.mark.parametrize(("instrument", "midi"), SOLOISTS)
def test_pitch_is_the_curve(instrument, midi):
    t = np.arange(4 * CONTROL_RATE) / CONTROL_RATE
    f0_hz = 440 * 2 ** ((midi - 69 + 0.25 * np.sin(2 * np.pi * 5.5 * t) + 0.5 * t) / 12)
    x = sampler.render_solo(instrument, f0_hz, np.full(len(t), 0.7))
    error = pitch_error_cents(x, f0_hz)[25:-25]
    assert np.median(np.abs(error)) < 3
    assert np.mean(np.abs(error) < 15) > 0.98
    wrong = pitch_error_cents(x, f0_hz * 2 ** (20 / 1200))[25:-25]  # the measure can tell
    assert np.median(wrong) == pytest.approx(-20, abs=3)


@pytest.mark.parametrize("instrument", ["violin", "flute", "cello"])
def test_pitch_of_practice_phrases(instrument):
    line = performance.phrases(0.5, instrument, seed=7)
    x = sampler.render_solo(instrument, *line, seed=7)
    error = np.abs(pitch_error_cents(x, line.f0_hz))
    assert np.median(error) < 4
    assert np.mean(error < 50) > 0.98
    assert np.abs(x).max() < 1
    assert abs(x.mean()) < 1e-4
    assert peaks_over_local_level(x).max() < 8


def test_pitch_against_pyin():
    librosa = pytest.importorskip("librosa")
    x = sampler.note("violin", 69.5, 1.5)
    f0, voiced, _ = librosa.pyin(x, fmin=300, fmax=700, sr=16_000, resolution=0.02)
    cents = 1200 * np.log2(f0[voiced][3:-3] / (440 * 2 ** (0.5 / 12)))
    assert abs(np.median(cents)) < 6


@pytest.mark.parametrize(("instrument", "midi"), SOLOISTS)
def test_level_and_brightness_follow_the_stated_law(instrument, midi):
    def bands(dynamics):
        x = sampler.note(instrument, midi, 2.0, dynamics)[8000:-4000]
        low = oaconvolve(x, firwin(127, 1200, fs=16_000), mode="same")
        high = sosfilt(butter(8, 2600, "high", fs=16_000, output="sos"), x)
        return audio.level_db(low), audio.level_db(high)

    (soft_low, soft_high), (loud_low, loud_high) = bands(0.4), bands(0.9)
    assert loud_low - soft_low == pytest.approx(26 * 0.5, abs=0.3)
    assert loud_high - soft_high == pytest.approx((26 + 20) * 0.5, abs=0.6)


@pytest.mark.parametrize(("instrument", "midi"), SOLOISTS)
def test_long_tone_is_steady_and_seamless(instrument, midi):
    x = sampler.note(instrument, midi, 12.0)[8000:-8000]
    levels = [audio.level_db(part) for part in np.split(x[: len(x) // 1600 * 1600], len(x) // 1600)]
    assert np.std(levels) < 1.2
    assert peaks_over_local_level(x).max() < 6
    clicked = x.copy()
    clicked[60_000:] *= -1
    clicked[90_000] += 0.2
    assert peaks_over_local_level(clicked).max() > 8  # the measure can tell


@pytest.mark.parametrize(("instrument", "midi"), SOLOISTS)
def test_a_tone_begins_softly_as_a_bow_or_a_breath_does(instrument, midi):
    x = sampler.note(instrument, midi, 1.0)
    level = np.sqrt(uniform_filter1d(x.astype(np.float64) ** 2, 160))
    whole = np.median(level[4000:12_000])
    rise_ms = (np.argmax(level > 0.9 * whole) - np.argmax(level > 0.1 * whole)) / 16
    assert 18 < rise_ms < 80  # a switch would take less, a swell more


def test_slurred_tones_join_without_a_dip():
    notes = [(midi, 0.5) for midi in (62, 66, 69, 74, 71, 67, 64, 60, 64, 69)]
    line = sampler.line("violin", notes, vibrato_cents=0)
    x = sampler.render_solo("violin", *line)
    level = 10 * np.log10(uniform_filter1d(x.astype(np.float64) ** 2, 480))
    joins = [64 * stroke.start for stroke in line.strokes if not stroke.attack]
    dips = [level[n - 400 : n + 1200].min() - np.median(level[n - 4000 : n - 800]) for n in joins]
    assert len(joins) > 5 and min(dips) > -2


def test_silence_before_between_and_after():
    f0_hz = np.zeros(500)
    f0_hz[100:200] = f0_hz[300:400] = 440.0
    x = sampler.render_solo("flute", f0_hz, np.full(500, 0.8))
    assert len(x) == 32_000
    part = CONTROL_RATE // 10  # a note rings on for 0.1 s; the resampler leaks at -100 dB
    for start, stop in ((0, 98), (200 + part + 2, 298), (400 + part + 2, 500)):
        assert np.abs(x[start * 64 : stop * 64]).max() < 1e-5
    assert audio.level_db(x[110 * 64 : 200 * 64]) > -25


def test_same_seed_same_sound():
    f0_hz, dynamics = np.full(500, 300.0), np.full(500, 0.6)
    a, b, c = (sampler.render_solo("violin", f0_hz, dynamics, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.01


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_any_sample_rate(rate):
    x = sampler.note("violin", "A4", 1.0, sample_rate=rate)
    assert x.shape == (rate,)
    spectrum = np.abs(np.fft.rfft(x * np.hanning(rate), 8 * rate))
    assert np.argmax(spectrum[: 8 * 600]) / 8 == pytest.approx(440, abs=1)


def test_level_of_a_note_does_not_depend_on_the_others():
    f0_hz, dynamics = np.zeros(1000), np.full(1000, 0.5)
    f0_hz[:400] = 220.0
    alone = sampler.render_solo("violin", f0_hz, dynamics)
    f0_hz[600:], dynamics[600:] = 880.0, 1.0
    together = sampler.render_solo("violin", f0_hz, dynamics)
    np.testing.assert_allclose(together[:30_000], alone[:30_000], atol=1e-6)
    keys = [(0, 1, 60, 80), (2, 3, 72, 120)]
    assert np.abs(piano.render_piano(keys)[:16_000]).max() == pytest.approx(
        np.abs(piano.render_piano(keys[:1])[:16_000]).max(), rel=1e-5
    )


# --- lines -----------------------------------------------------------------------------------


def test_typed_melody_has_the_typed_notes():
    notes = [("A4", 1), ("C5", 2), (None, 1), (74, 1), ("Bb4", 1)]
    line = sampler.line("violin", notes, tempo=120, vibrato_cents=0)
    assert len(line.f0_hz) == len(line.dynamics) == 6 * 125
    for start, stop, midi in ((0, 1, 69), (1, 3, 72), (4, 5, 74), (5, 6, 70)):
        f0 = line.f0_hz[int(125 * start) + 40 : int(125 * stop) - 5]
        assert np.median(1200 * np.log2(f0 / (440 * 2 ** ((midi - 69) / 12)))) == pytest.approx(
            0, abs=20
        )
    assert not line.f0_hz[375:500].any()
    assert not line.dynamics[375:500].any()
    assert len(sampler.melody("violin", notes, tempo=120)) == 48_000


def test_to_midi_agrees_with_librosa():
    librosa = pytest.importorskip("librosa")
    for name in ("C-1", "A0", "C4", "Bb3", "C#5", "Cb4", "G9"):
        assert sampler.to_midi(name) == librosa.note_to_midi(name)


def test_detached_notes_have_gaps_and_slurred_ones_none():
    notes = [("A4", 1), ("B4", 1), ("E5", 1)]
    slurred = sampler.line("violin", notes, slurred=True)
    detached = sampler.line("violin", notes, slurred=False)
    assert (slurred.f0_hz > 0).all()
    assert not slurred.strokes[-1].attack
    assert len(detached.strokes) == 3
    assert all(stroke.attack for stroke in detached.strokes)
    assert np.mean(detached.f0_hz > 0) == pytest.approx(0.88, abs=0.01)


@given(st.integers(0, 2**32), st.sampled_from(["violin", "flute", "cello"]))
@settings(max_examples=15, deadline=None)
def test_phrases_can_always_be_played(seed, instrument):
    line = performance.phrases(0.3, instrument, seed)
    assert len(line.f0_hz) == len(line.dynamics) == 4500
    sampler._check_curves(instrument, line.f0_hz, line.dynamics)
    ends = [0]
    for stroke in line.strokes:
        assert ends[-1] <= stroke.start < stroke.stop
        assert (line.f0_hz[stroke.start : stroke.stop] > 0).all()
        ends.append(stroke.stop)
    assert sum(s.stop - s.start for s in line.strokes) == np.count_nonzero(line.f0_hz)
    low, high, _ = performance.INSTRUMENTS[instrument]
    midi = 69 + 12 * np.log2(line.f0_hz[line.f0_hz > 0] / 440)
    assert midi.min() > low - 1
    assert midi.max() < high + 1


# --- piano -----------------------------------------------------------------------------------


def test_piano_keys_are_in_tune_and_grow_with_strength():
    for midi in (45, 57, 64, 81):
        x = sampler.note("piano", midi, 1.0)
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 19))
        hz = np.arange(len(spectrum)) * 16_000 / (1 << 19)
        f = 440 * 2 ** ((midi - 69) / 12)
        near = np.flatnonzero(np.abs(hz / f - 1) < 0.04)
        assert abs(1200 * np.log2(hz[near[spectrum[near].argmax()]] / f)) < 15
    levels = [audio.level_db(sampler.note("piano", 60, 1.0, d)) for d in (0.1, 0.4, 0.7, 1.0)]
    assert (np.diff(levels) > 3).all()


def piano_lufs(midi, velocity, seconds):
    x = piano.render_piano([(0, seconds, midi, velocity)])
    return audio.loudness_lufs(x[:6400], 16_000)  # one block of BS.1770, so nothing is gated


@pytest.mark.parametrize("seconds", [0.25, 1.0])
def test_neighbouring_piano_keys_are_alike_and_harder_is_louder(seconds):
    velocities = (20, 40, 60, 80, 89, 90, 100, 127)
    levels = np.array(
        [[piano_lufs(midi, v, seconds) for v in velocities] for midi in range(21, 109)]
    )
    assert np.abs(np.diff(levels, axis=0)).max() < 3
    assert np.diff(levels, axis=1).min() > 0


def test_a_piano_note_is_one_recording():
    """A sum of two recordings of a key would cancel in places: they do not agree in phase."""
    soft, loud = (piano.render_piano([(0, 1, 65, v)])[:16_000] for v in (89, 90))
    for x, layer in ((soft, "mf"), (loud, "ff")):
        key = piano._piano_key(layer, 65.0, 16_000)[:16_000]
        assert np.corrcoef(x, key)[0, 1] > 0.99


def test_piano_damper_and_pedal():
    notes = [(0.0, 0.5, 60, 90), (3.0, 3.5, 60, 90)]
    dry = piano.render_piano(notes)
    wet = piano.render_piano(notes, pedal=[(0.2, 2.0)])
    after = slice(int(1.0 * 16_000), int(1.8 * 16_000))
    assert audio.level_db(dry[after]) < -70
    assert audio.level_db(wet[after]) > -50
    assert len(dry) == int(5.5 * 16_000)


def test_midi_reader_follows_the_tempo_map(tmp_path):
    song = mido.MidiFile(ticks_per_beat=100)
    tempi, notes = mido.MidiTrack(), mido.MidiTrack()
    song.tracks += [tempi, notes]
    tempi.append(mido.MetaMessage("set_tempo", tempo=600_000))
    tempi.append(mido.MetaMessage("set_tempo", tempo=300_000, time=200))
    notes.append(mido.Message("note_on", note=60, velocity=50, time=100))
    notes.append(mido.Message("note_on", note=64, velocity=70, time=50))
    notes.append(mido.Message("note_off", note=60, time=100))
    notes.append(mido.Message("note_on", note=64, velocity=0, time=50))  # also ends it
    song.save(tmp_path / "song.mid")
    expected = [[0.6, 1.35, 60, 50, 1.0], [0.9, 1.5, 64, 70, 1.5]]
    np.testing.assert_allclose(score.read_midi(tmp_path / "song.mid"), expected, atol=1e-9)


@pytest.mark.parametrize("name", data.names("score"))
def test_humanised_scores_stay_playable(name):
    written = score.read_midi(data.path(name))
    notes, pedal = score.humanise(written, seed=3, transpose=2, tempo=1.1, pedal=True)
    again, _ = score.humanise(written, seed=3, transpose=2, tempo=1.1, pedal=True)
    np.testing.assert_array_equal(notes, again)
    assert (notes[:, 0] < notes[:, 1]).all()
    assert sorted(notes[:, 2]) == sorted(written[:, 2] + 2)
    assert np.std(notes[:, 3]) > 5
    assert notes[:, 1].max() * 1.1 == pytest.approx(written[:, 1].max(), rel=0.05)
    if len(pedal):
        assert (pedal[:, 0] < pedal[:, 1]).all()
        assert (pedal[1:, 0] > pedal[:-1, 1]).all()


# --- what is shipped -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["motif", "violin_test", *renders.VOICES])
def test_shipped_lines_are_what_the_recipe_renders(name):
    if name in renders.VOICES:
        x, line = renders.voice(name)
    else:
        x, line = getattr(renders, name)()
    # other processors round differently (1e-7 seen); 16-bit files round by 1.5e-5
    np.testing.assert_allclose(data.load(name)[0], x, atol=2e-4)
    np.testing.assert_allclose(data.load_array(f"{name}_f0"), line.f0_hz, rtol=1e-6)
    np.testing.assert_allclose(data.load_array(f"{name}_dynamics"), line.dynamics, atol=1e-6)
    error = np.abs(pitch_error_cents(x, line.f0_hz))
    if name != "whistle":  # one partial: its harmonics are noise
        assert np.median(error) < 4


def test_shipped_piano_test_is_what_the_recipe_renders():
    np.testing.assert_allclose(data.load("piano_test")[0], renders.piano_test(), atol=2e-4)


def test_training_never_hears_the_test_pieces(monkeypatch):
    played, real = [], renders._performance
    monkeypatch.setattr(
        renders, "_performance", lambda name, *a, **k: played.append(name) or real(name, *a, **k)
    )
    renders.piano_performances()  # all that piano_training and the recipe wavenet_score play
    assert len(set(played)) == 7
    assert not set(played) & set(renders.PIANO_TEST)
    assert len({renders.MOTIF_SEED, renders.TEST_SEED, renders.TRAINING_SEED}) == 3


def test_bank_is_steady():
    bank = json.loads(data.path("bank").read_text(encoding="utf-8"))
    for instrument in ("violin", "flute", "cello"):
        roots = sorted(row["f0_hz"] for row in bank[instrument])
        assert max(np.diff(12 * np.log2(roots))) < 6.5  # never bent by more than a third
        for row in bank[instrument]:
            assert row["residual_cents"] < build_bank.MAX_RESIDUAL_CENTS
            x, rate = data.load(f"bank_{row['file'].removesuffix('.flac')}")
            x = x[row["steady"] :].astype(np.float64)
            assert build_bank.constant_f0(x, rate, row["f0_hz"]) == pytest.approx(
                row["f0_hz"], rel=1e-4
            )
            level = np.sqrt(uniform_filter1d(x**2, 3200))[1600:-1600]
            assert 20 * np.log10(level.max() / level.min()) < 4


def test_flattening_removes_known_vibrato_and_swell():
    rate = 44_100
    t = np.arange(2 * rate) / rate
    f0 = 300 * 2 ** (25 / 1200 * np.sin(2 * np.pi * 5 * t))
    phase = 2 * np.pi * np.cumsum(f0) / rate
    swell = 1 + 0.5 * np.sin(2 * np.pi * 2 * t)
    x = swell * sum(np.sin(h * phase) / h for h in range(1, 7))
    measured = build_bank.instantaneous_f0(x, rate, 300.0)[4000:-4000]
    assert np.abs(1200 * np.log2(measured / f0[4000:-4000])).max() < 5  # smoothed over 30 ms
    y, median = build_bank.flatten_pitch(x, rate, 300.0)
    y, _ = build_bank.flatten_pitch(y, rate, median)
    wander = build_bank.instantaneous_f0(y, rate, 300.0)[4000:-4000]
    assert np.ptp(1200 * np.log2(wander)) < 2
    assert build_bank.constant_f0(y, rate, 300.0) == pytest.approx(300, rel=3e-4)
    flat, _ = build_bank.flatten_level(x, rate)
    level = np.sqrt(uniform_filter1d(flat**2, 4410))[6000:-6000]
    assert 20 * np.log10(level.max() / level.min()) < 1


# --- bad input -------------------------------------------------------------------------------

ONES = np.ones(100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sampler.note("violine", 69), "did you mean 'violin'"),
        (lambda: sampler.note("kazoo", 69), "choose from violin, flute, cello"),
        (lambda: sampler.note("violin", "H4"), "'H4' is no pitch"),
        (lambda: sampler.note("violin", None), "None is no pitch"),
        (lambda: sampler.note("violin", np.nan), "nan is no pitch"),
        (lambda: sampler.note("violin", 20), "the violin plays"),
        (lambda: sampler.note("violin", 69, 0), "seconds=.*from 0.04 to 600"),
        (lambda: sampler.note("piano", 69, dynamics=1.5), "0 to 1"),
        (lambda: sampler.note("violin", 69, sample_rate=-1), "is not a sample rate"),
        (lambda: sampler.render_solo("violin", ONES * 440, ONES[1:]), "one shape"),
        (lambda: sampler.render_solo("violin", [], []), "one shape"),
        (lambda: sampler.render_solo("violin", ONES * np.nan, ONES), "NaN"),
        (lambda: sampler.render_solo("violin", ONES * 440, ONES * 2), r"stay in 0\.\.1"),
        (lambda: sampler.render_solo("violin", -ONES, ONES), "0 is silence"),
        (lambda: sampler.render_solo("violin", ONES * 440, ONES, [Stroke(90, 110)]), "within"),
        (lambda: sampler.render_solo("violin", ONES * 0, ONES, [Stroke(0, 9)]), "voiced frames"),
        (lambda: sampler.melody("violin", []), "at least one note"),
        (lambda: sampler.melody("violin", [(None, 1)]), "at least one note"),
        (lambda: sampler.melody("violin", [("A4", 1)], tempo=0), "tempo=0: give a number from 1"),
        (lambda: sampler.melody("violin", [("A4", 0)]), "give 0.06 to 60 s"),
        (lambda: sampler.melody("violin", [("A4", 1)], dynamics=9), "dynamics"),
        (lambda: piano.render_piano([]), "rows"),
        (lambda: piano.render_piano([(0, 1, 60)]), "rows"),
        (lambda: piano.render_piano([(0, 1, 60, 80), (1, 1, 60, 80)]), "note 1, .*start < stop"),
        (lambda: piano.render_piano([(0, 1, 300, 80)]), "key 21..108"),
        (lambda: piano.render_piano([(0, 1, 60, np.nan)]), "velocity 1..127"),
        (lambda: performance.phrases(np.nan), "minutes=nan: give a number from 0.2 to 120"),
        (lambda: performance.perform([Note(1, 0, 60)], 2, "violin"), "one after another"),
        (lambda: performance.perform([Note(0, 2, 60), Note(1, 3, 60)], 3, "violin"), "another"),
        (lambda: score.humanise(np.zeros((3, 4))), "rows from read_midi"),
        (lambda: score.read_midi("nowhere.mid"), "No MIDI file"),
        (lambda: score.read_midi(__file__), "not a readable MIDI file"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_line_is_made_of_plain_arrays():
    line = sampler.line("cello", [("C3", 1)])
    assert isinstance(line, Line)
    assert line.f0_hz.dtype == line.dynamics.dtype == np.float64


@pytest.mark.parametrize(
    "call",
    [
        lambda: sampler.note("violin", None),
        lambda: sampler.note("violin", "A4", "long"),
        lambda: sampler.note("violin", "A4", dynamics=None),
        lambda: sampler.note("violin", "A4", vibrato_cents=np.nan),
        lambda: sampler.note("violin", 1e9),
        lambda: sampler.note("violin", True),
        lambda: sampler.note("violin", "A4", seed=-1),
        lambda: sampler.melody("violin", None),
        lambda: sampler.melody("violin", ["A4"]),
        lambda: sampler.melody("violin", [("A4", None)]),
        lambda: sampler.melody("violin", [("A4", 1)], tempo="fast"),
        lambda: sampler.melody("violin", [(None, 1)]),
        lambda: sampler.render_solo("violin", "abc", np.ones(9)),
        lambda: sampler.render_solo("violin", np.full(99, 440), np.ones(99), strokes=3),
        lambda: piano.render_piano("x"),
        lambda: piano.render_piano([(0, 1, 60, 80)], pedal=[1, 2, 3]),
        lambda: piano.render_piano(None),
        lambda: performance.phrases(None),
        lambda: performance.phrases(np.inf),
        lambda: score.read_midi(None),
        lambda: score.humanise([[1, 2]], tempo=None),
        lambda: score.humanise(None),
    ],
)
def test_odd_values_get_one_sentence(call):
    with pytest.raises((TypeError, ValueError)) as info:
        call()
    text, last = str(info.value), info.traceback[-1].path
    assert "\n" not in text and text.endswith(".")
    assert "lecture_utils" in str(last), f"from inside {last}: {text}"
