"""Rolls, tokens and MIDI to and fro; playing; the metrics against muspy and hand-made rolls."""

import itertools

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lecture_utils import audio, pianoroll
from lecture_utils.diffusion import songs
from lecture_utils.instruments import score
from lecture_utils.notebook import plot
from lecture_utils.pianoroll import BAND, DRUMS, PianoRoll, from_events, from_notes, to_events

SLIDE = (
    "Program_change_0 Note_on_60 Time_shift_2 Note_off_60 Note_on_60 Time_shift_2 Note_off_60 "
    "Note_on_67 Time_shift_2 Note_off_67 Note_on_67 Time_shift_2 Note_off_67"
).split()


def random_roll(seed, n_tracks=3, steps=64, density=0.1):
    """Make a roll with repeated, touching and overlapping notes, and perhaps an empty track."""
    rng = np.random.default_rng(seed)
    sounding = rng.random((n_tracks, steps, 84)) < density * rng.integers(0, 2, (n_tracks, 1, 1))
    onsets = pianoroll.starts(sounding) | (sounding & (rng.random(sounding.shape) < 0.3))
    programs = tuple(int(p) for p in rng.permutation(DRUMS + 1)[:n_tracks])
    return PianoRoll(sounding, onsets, programs, tempo=float(rng.integers(40, 200)))


def test_slide_reads_and_writes():
    roll = from_events(SLIDE)
    assert roll.notes().tolist() == [[0, 0, 2, 60], [0, 2, 4, 60], [0, 4, 6, 67], [0, 6, 8, 67]]
    assert to_events(roll) == SLIDE


def test_repeated_notes_are_not_one_long_note():
    twice = from_notes([(0, 0, 2, 60), (0, 2, 4, 60)], 4)
    once = from_notes([(0, 0, 4, 60)], 4)
    assert np.array_equal(twice.sounding, once.sounding)
    assert twice != once
    assert to_events(twice) != to_events(once)
    assert len(PianoRoll(twice.sounding).notes()) == 1  # without onsets they can't be told apart


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_tokens_lose_nothing(seed, n_tracks, steps):
    roll = random_roll(seed, n_tracks, steps)
    assert from_events(to_events(roll), tempo=roll.tempo) == roll
    notes = roll.notes().tolist()
    assert from_notes(notes, steps, roll.programs, tempo=roll.tempo) == roll


def test_repeated_notes_end_in_the_file_before_they_begin_anew(tmp_path):
    """A player that gets both at one tick the other way round would cut the new note off."""
    twice = from_notes([(0, 0, 2, 60), (0, 2, 4, 60)], 4)
    pianoroll.to_midi(twice, tmp_path / "x.mid")
    notes = [m for m in mido.MidiFile(tmp_path / "x.mid").tracks[0] if m.type.startswith("note")]
    assert [(m.type, m.time) for m in notes] == [
        ("note_on", 0), ("note_off", 48), ("note_on", 0), ("note_off", 48)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_midi_loses_nothing(tmp_path, seed):
    roll = random_roll(seed)
    if not roll.sounding.any():
        roll = from_notes([(1, 3, 5, 50)], 9, (5, DRUMS, 3), steps_per_beat=4)
    pianoroll.to_midi(roll, tmp_path / "x.mid")
    assert pianoroll.from_midi(tmp_path / "x.mid") == roll


def test_midi_says_what_a_roll_says(tmp_path):
    roll = from_notes([(0, 0, 4, 60), (1, 4, 6, 36)], 8, (40, DRUMS), tempo=90)
    pianoroll.to_midi(roll, tmp_path / "x.mid")
    found, second = [], 0.0
    for message in mido.MidiFile(tmp_path / "x.mid"):
        second += message.time
        if message.type == "note_on":
            found.append((round(second, 3), message.channel, message.note))
    assert found == [(0.0, 0, 60), (0.667, 9, 36)]
    assert second == pytest.approx(roll.seconds, abs=1e-3)


def test_corpus_is_split_by_song_and_survives_every_form(tmp_path):
    cells, song = pianoroll.corpus()
    held_out, other = pianoroll.corpus("test")
    assert cells.shape[1:] == held_out.shape[1:] == (5, 64, 84)
    assert len(cells) + len(held_out) == 1372
    assert not set(song) & set(other)
    assert len(set(other)) >= 8
    for phrase in held_out[::90]:
        roll = PianoRoll(phrase, programs=tuple(BAND.values()))
        assert from_events(to_events(roll)) == roll
        pianoroll.to_midi(roll, tmp_path / "x.mid")
        assert pianoroll.from_midi(tmp_path / "x.mid") == roll


def test_one_track_of_several():
    roll = random_roll(5)
    part = roll.only(1)
    assert part.programs == roll.programs[1:2]
    assert np.array_equal(part.sounding[0], roll.sounding[1])


def test_play_is_as_long_as_the_roll_and_in_tune():
    roll = from_notes([(0, 0, 8, 69), (1, 8, 16, 57), (2, 16, 24, 76)], 24, (0, 27, 48), tempo=120)
    x = pianoroll.play(roll)
    assert x.dtype == np.float32
    assert len(x) == 16_000 * 4  # 24 / 4 beats of half a second, and one second
    for second, hz in ((0.2, 440.0), (1.2, 220.0), (2.2, 659.26)):
        part = x[round(second * 16_000) :][:8000] * np.hanning(8000)
        spectrum = np.abs(np.fft.rfft(part, 2**17))
        strongest = np.fft.rfftfreq(2**17, 1 / 16_000)[spectrum.argmax()]
        harmonic = round(strongest / hz)
        assert 1 <= harmonic <= 6
        assert abs(1200 * np.log2(strongest / harmonic / hz)) < 8


@pytest.mark.parametrize("pitch", [28, 40, 64, 88, 100])
def test_plucked_string_is_in_tune(pitch):
    from lecture_utils.pianoroll import band

    x = band._pluck(pitch, 1.0, 16_000)
    assert abs(x.mean()) < 0.001 and np.abs(x).max() < 0.8
    hz = 440 * 2 ** ((pitch - 69) / 12)
    spectrum = np.abs(np.fft.rfft(x[:16_000] * np.hanning(16_000), 2**19))
    frequency = np.fft.rfftfreq(2**19, 1 / 16_000)
    near = np.abs(np.log2(frequency[1:] / hz)) < 1 / 24
    assert abs(1200 * np.log2(frequency[1:][near][spectrum[1:][near].argmax()] / hz)) < 10


def test_melody_is_heard_above_its_band():
    """Tracks lie within 6 LU, the flute on top; none changes the level of another."""
    song = songs.write_song(np.random.default_rng(1))
    roll = songs.to_roll(song.levels["melody"], song.levels["accompaniment"])
    parts = [pianoroll.play(roll.only(track)) for track in range(4)]
    lufs = [audio.loudness_lufs(part, 16_000) for part in parts]
    assert max(lufs) - min(lufs) < 6 and lufs[0] > max(lufs) - 1.5
    np.testing.assert_allclose(sum(parts), pianoroll.play(roll), atol=0.1)


def test_drums_strike_when_they_should_and_silence_is_silent():
    drums = from_notes([(0, 4, 5, 36), (0, 12, 13, 38)], 16, (DRUMS,), tempo=120)
    x = pianoroll.play(drums)
    assert np.abs(x[:7990]).max() < 0.01 < np.abs(x[8000:9600]).max()
    assert audio.level_db(x[24_000:25_600]) > audio.level_db(x[22_000:23_600]) + 10
    assert not pianoroll.play(PianoRoll(np.zeros((1, 16, 84)))).any()


@pytest.mark.parametrize("program", [0, 27, 33, 48, 73, 90, DRUMS])
def test_every_key_of_every_instrument_sounds(program):
    keys = [(0, k, k + 1, pitch) for k, pitch in enumerate((0, 20, 50, 90, 101, 127))]
    roll = from_notes(keys, 6, (program,), 0, 128, tempo=60)
    x = pianoroll.play(roll)
    assert np.isfinite(x).all() and np.abs(x).max() <= 0.99
    for k in range(6):
        assert audio.level_db(x[4000 * k : 4000 * (k + 1)]) > -60


def test_no_roll_clips():
    cells = pianoroll.corpus("test")[0]
    busiest = cells[cells.sum((1, 2, 3)).argmax()]
    x = pianoroll.play(PianoRoll(busiest, programs=tuple(BAND.values())))
    assert 0.1 < np.abs(x).max() <= 0.99
    assert abs(x.mean()) < 0.002


def test_drawing_shows_every_note():
    roll = random_roll(3)
    ax = pianoroll.draw(roll, labels=("a", "b", "c"))
    assert len(ax.patches) == len(roll.notes())
    assert pianoroll.draw(roll, keys=(30, 90)).get_ylim() == (28, 92)
    assert pianoroll.draw(PianoRoll(np.zeros((1, 16, 84)))).get_xlim() == (1, 2)


@pytest.mark.parametrize("height", [1.2, 1.75, 3])
@pytest.mark.parametrize("span", [3, 12, 18, 40])
def test_names_of_keys_do_not_touch(height, span):
    cells = np.zeros((1, 16, 84), bool)
    cells[0, 0, [40, 40 + span]] = True
    figure, axes = plot.subplots(4, 1, height=height)
    ax = pianoroll.draw(PianoRoll(cells), axes[2])
    axes[1].tick_params(labelleft=False)  # as in a grid of rolls, where the left one has the names
    beside = pianoroll.draw(PianoRoll(cells), axes[1])
    assert beside.get_yticks().tolist() == ax.get_yticks().tolist()
    figure.canvas.draw()
    boxes = [name.get_window_extent() for name in ax.get_yticklabels()]
    assert len(boxes) >= 1 and all(a.y1 <= b.y0 for a, b in itertools.pairwise(boxes))


# ---- metrics


def cells(notes, steps=64, n_tracks=1):
    return from_notes(notes, steps, tuple(range(n_tracks))).sounding


def test_three_octaves_of_c_are_one_pitch_class():
    assert pianoroll.used_pitch_classes(cells([(0, 0, 4, c) for c in (36, 48, 60)]))[0] == 1
    moved = pianoroll.used_pitch_classes(cells([(0, 0, 4, 36)])[..., 5:], lowest_pitch=29)
    assert moved[0] == 1
    two_bars = cells([(0, 0, 4, 60), (0, 16, 20, 60), (0, 20, 24, 64), (0, 24, 28, 76)])
    assert pianoroll.used_pitch_classes(two_bars)[0] == 1.5  # the empty bars don't count


def test_empty_bars_counts_the_empty_ones():
    assert pianoroll.empty_bars(cells([(0, 0, 17, 60)]))[0] == 0.5
    assert pianoroll.empty_bars(np.zeros((2, 64, 84))).tolist() == [1, 1]


def test_qualified_notes():
    notes = [(0, 0, 1, 60), (0, 1, 2, 60), (0, 4, 7, 62), (0, 15, 18, 64)]
    roll = from_notes(notes, 64)
    assert pianoroll.qualified_notes(roll)[0] == 0.5
    assert pianoroll.qualified_notes(roll.sounding)[0] == 1.0  # the two 60s look like one
    assert pianoroll.qualified_notes(roll, min_steps=4)[0] == 0
    assert pianoroll.qualified_notes(roll, min_steps=3)[0] == 0.5
    assert pianoroll.qualified_notes(cells([(0, 63, 64, 60)]))[0] == 0


def test_drum_pattern():
    drums = cells([(0, t, t + 1, 36) for t in (0, 2, 5, 8)])
    assert pianoroll.drum_pattern(drums)[0] == 0.75
    assert pianoroll.drum_pattern(drums, strokes=16)[0] == 1
    assert pianoroll.drum_pattern(drums, strokes=4)[0] == 0.5


def test_drum_pattern_counts_strokes_however_long_they_sound():
    notes = [(0, 0, 4, 36), (0, 5, 6, 36)]
    assert pianoroll.drum_pattern(cells(notes))[0] == 0.5
    roll = from_notes([(0, 0, 1, 36), (0, 1, 2, 36)], 16)  # two strokes, which look like one
    assert pianoroll.drum_pattern(roll)[0] == 0.5
    assert pianoroll.drum_pattern(roll.sounding)[0] == 1


def test_tonal_distance():
    def distance(one, other):
        return pianoroll.tonal_distance(cells([(0, 0, 4, one)]), cells([(0, 0, 4, other)]))[0]

    assert distance(60, 72) == pytest.approx(0, abs=1e-12)
    # by hand: circles of fifths (radius 1), minor thirds (1) and major thirds (0.5)
    want = np.sqrt(
        (2 * np.sin(np.pi * 7 * 7 / 12)) ** 2
        + (2 * np.sin(np.pi * 7 * 3 / 4)) ** 2
        + (2 * 0.5 * np.sin(np.pi * 7 / 3)) ** 2
    )
    assert distance(60, 67) == pytest.approx(want)
    assert distance(60, 67) < distance(60, 61) < distance(60, 66)
    assert distance(48, 55) == pytest.approx(distance(53, 60))  # any key
    assert np.isnan(pianoroll.tonal_distance(cells([(0, 0, 4, 60)]), np.zeros((1, 64, 84)))[0])
    apart = pianoroll.tonal_distance(cells([(0, 0, 4, 60)]), cells([(0, 4, 8, 60)]))
    assert np.isnan(apart[0])  # never in the same beat


def test_scale_consistency():
    g_major = [(0, k, k + 1, 60 + p) for k, p in enumerate((7, 9, 11, 12, 14, 16, 18))]
    assert pianoroll.scale_consistency(cells(g_major))[0] == 1
    chromatic = [(0, k, k + 1, 60 + k) for k in range(12)]
    assert pianoroll.scale_consistency(cells(chromatic))[0] == pytest.approx(7 / 12)
    assert np.isnan(pianoroll.scale_consistency(np.zeros((1, 64, 84)))[0])


def test_metrics_keep_leading_axes():
    phrases = pianoroll.corpus("test")[0][:6]
    for metric in (
        pianoroll.empty_bars, pianoroll.used_pitch_classes, pianoroll.qualified_notes,
        pianoroll.scale_consistency, pianoroll.drum_pattern,
    ):  # fmt: skip
        whole = metric(phrases)
        assert whole.shape == (6, 5)
        np.testing.assert_array_equal(whole[2], metric(phrases[2]))
    assert pianoroll.tonal_distance(phrases[:, 2], phrases[:, 3]).shape == (6,)


#: What muspy 0.5.0 found for the rolls of :func:`as_muspy_hears`, seeds 0 to 4:
#: scale_consistency, n_pitch_classes_used, drum_in_pattern_rate "duple", empty_measure_rate.
MUSPY = (
    (0.9, 4, 0.4, 0.5),
    (0.740741, 10, 0.571429, 0.5),
    (0.855263, 6, 0.566667, 0.0),
    (0.890244, 7, 0.466667, 0.0),
    (0.869565, 8, 0.474576, 0.5),
)


def some_keys(seed):
    """Make a roll of a few keys, every cell a stroke, with bars that may be empty."""
    rng = np.random.default_rng(seed)
    sounding = (rng.random((1, 64, 84)) < 0.2) & (rng.random(84) < 0.1)
    sounding &= np.repeat(rng.random(4) < 0.6, 16)[:, None]
    sounding[:, -2] = np.arange(84) == 40  # so that the last bar counts
    return PianoRoll(sounding, sounding)


def as_muspy_hears(seed):
    """Ask muspy: runs of cells are one note here, but for the scale."""
    muspy = pytest.importorskip("muspy")
    roll = some_keys(seed)
    once = PianoRoll(roll.sounding)
    strokes, notes = (
        [muspy.Note(start, pitch, stop - start, 64) for _, start, stop, pitch in r.notes().tolist()]
        for r in (roll, once)
    )
    music = muspy.Music(resolution=4, tracks=[muspy.Track(notes=strokes)])
    # of 8 steps a beat, every other one is in muspy's pattern
    drums = muspy.Music(resolution=8, tracks=[muspy.Track(notes=notes, is_drum=True)])
    # muspy counts the bar in which a note ends, even on its first line: let notes end before
    halves = [muspy.Note(2 * n.time, n.pitch, 2 * n.duration - 1, 64) for n in notes]
    finer = muspy.Music(resolution=8, tracks=[muspy.Track(notes=halves)])
    return (
        muspy.scale_consistency(music),
        muspy.n_pitch_classes_used(music),
        muspy.drum_in_pattern_rate(drums, "duple"),
        muspy.empty_measure_rate(finer, 32),
    )


@pytest.mark.parametrize("seed", range(5))
def test_metrics_agree_with_muspy(seed):
    roll = some_keys(seed)
    found = (
        pianoroll.scale_consistency(roll)[0],
        pianoroll.used_pitch_classes(roll, steps_per_bar=64)[0],
        pianoroll.drum_pattern(roll.sounding)[0],
        pianoroll.empty_bars(roll)[0],
    )
    assert found == pytest.approx(MUSPY[seed], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_muspy_still_says_so(seed):  # where it is installed: pip install muspy==0.5.0
    assert as_muspy_hears(seed) == pytest.approx(MUSPY[seed], abs=1e-6)


# ---- bad input


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["Note_on_60"], "a Program_change must come first"),
        (
            [*SLIDE[:3], "Note_off_67"],
            "Token 3, Note_off_67: there is no Note_on_67 before it in program 0; add one, or take",
        ),
        (
            [*SLIDE[:3], "Program_change_33", "Note_off_60"],
            "no Note_on_60 before it in program 33; write Program_change_0 first, or take",
        ),
        ([*SLIDE[:3], "Note_on_60"], "it is on already; write Note_off_60 first"),
        ([*SLIDE[:2], "Note_off_60"], "no Time_shift since the note's start; add one before"),
        (SLIDE[:3], "Note_on_60 is never ended"),
        ([*SLIDE, "Time_shift_-2"], "Time_shift takes 1 to"),
        ([*SLIDE, "Time_shift_0"], "Time_shift takes 1 to"),
        ([*SLIDE, "Note_on_128"], "Note_on takes 0 to 127"),
        ([*SLIDE, "Program_change_129"], "takes 0 to 128"),
        ([*SLIDE, "Pitch_60"], "Token 13, 'Pitch_60', is unknown; write Program_change, Note_on"),
        ([*SLIDE, 60], "Token 13, 60, is unknown"),
        ([*SLIDE, "Note_on_"], "is unknown"),
        (["Program_change_0"], "no time goes by"),
        ([], "no program"),
        (["Program_change_0"] + 2 * ["Time_shift_20000"], "no time goes by"),
        (["Program_change_0", "Note_on_9", "Time_shift_1", "Note_off_9"], "outside of the keys"),
    ],
)
def test_bad_tokens_get_one_sentence(tokens, words):
    with pytest.raises(ValueError, match=words) as caught:
        from_events(tokens)
    assert "\n" not in str(caught.value)


def test_tokens_must_be_a_list():
    for events in ("Program_change_0", None, 3):
        with pytest.raises(TypeError, match="give a list of tokens"):
            from_events(events)


@given(st.lists(st.sampled_from([*SLIDE, "Time_shift_-1", "Note_on_300", "x", None])))
@settings(max_examples=80, deadline=None)
def test_any_tokens_are_read_or_refused(tokens):
    try:
        roll = from_events(tokens)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert from_events(to_events(roll)) == roll


def one(**changes):
    return PianoRoll(**({"sounding": np.ones((1, 4, 84))} | changes))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: one(sounding=np.zeros((1, 0, 84))), ValueError, "none of them 0"),
        (lambda: one(sounding=np.zeros((4, 84))), ValueError, "shape .tracks, steps, pitches."),
        (lambda: one(sounding=np.full((1, 4, 84), 0.3)), ValueError, "cells are 0 or 1"),
        (lambda: one(sounding=np.full((1, 4, 84), np.nan)), ValueError, "NaN"),
        (lambda: one(sounding="x"), TypeError, "sounding: expected real numbers"),
        (lambda: one(onsets=np.ones((1, 5, 84))), ValueError, "differ in shape"),
        (lambda: one(onsets=np.zeros((1, 4, 84))), ValueError, "must start with an onset"),
        (lambda: one(programs=(0, 1)), ValueError, "one for each of the 1 tracks"),
        (lambda: one(programs=(129,)), ValueError, "program=129"),
        (lambda: one(sounding=np.ones((2, 4, 84)), programs=(3, 3)), ValueError, "told apart"),
        (lambda: one(lowest_pitch=60), ValueError, "lowest_pitch=60"),
        (lambda: one(steps_per_beat=0), ValueError, "steps_per_beat=0"),
        (lambda: one(tempo=0), ValueError, "tempo=0"),
        (lambda: one().only(1), ValueError, "track=1"),
        (lambda: from_notes([(0, 2, 2, 60)], 4), ValueError, "0 <= start < stop <= 4"),
        (lambda: from_notes([(1, 0, 2, 60)], 4), ValueError, "a track below 1"),
        (lambda: from_notes([(0, 1, 2)], 4), ValueError, "rows of four whole numbers"),
        (lambda: from_notes([(0, 0, 0.5, 60)], 4), ValueError, "rows of four whole numbers"),
        (lambda: from_notes(None, 4), TypeError, "notes: expected real numbers"),
        (lambda: from_notes([], 4, 3), TypeError, "programs=3: give one number"),
        (lambda: from_notes([], 4, lowest_pitch="C1"), TypeError, "lowest_pitch='C1'"),
        (lambda: pianoroll.play(np.ones((1, 4, 84))), TypeError, "make a pianoroll.PianoRoll"),
        (lambda: pianoroll.draw(None), TypeError, "make a pianoroll.PianoRoll"),
        (lambda: to_events([]), TypeError, "make a pianoroll.PianoRoll"),
        (lambda: pianoroll.to_midi(3, "x.mid"), TypeError, "make a pianoroll.PianoRoll"),
        (lambda: pianoroll.to_midi(one(), "none/x.mid"), FileNotFoundError, "No folder none; make"),
        (lambda: from_notes([], 4, speed=90), TypeError, "speed: no such setting .*, tempo"),
        (lambda: from_events(SLIDE, steps=4), TypeError, "steps: no such setting .* n_pitches"),
        (lambda: pianoroll.from_midi("x.mid", tempo=90), TypeError, "tempo: no such setting"),
        (lambda: pianoroll.draw(one(), keys=60), TypeError, "keys=60: give the lowest and"),
        (lambda: pianoroll.draw(one(), keys=(70, 60)), ValueError, "from 70 to 127"),
        (lambda: pianoroll.corpus("valid"), ValueError, 'give "train" or "test"'),
        (lambda: pianoroll.empty_bars(np.ones((3, 60, 84))), ValueError, "60 steps are no whole"),
        (lambda: pianoroll.empty_bars(np.ones(84)), ValueError, "a roll has shape"),
        (lambda: pianoroll.drum_pattern(np.ones((64, 84)), strokes=3), ValueError, "strokes=3"),
        (
            lambda: pianoroll.qualified_notes(np.ones((4, 84)), np.ones((5, 84))),
            ValueError,
            "shape",
        ),
        (
            lambda: pianoroll.tonal_distance(np.ones((64, 84)), np.ones((32, 84))),
            ValueError,
            "differ",
        ),
        (
            lambda: pianoroll.tonal_distance(np.ones((2, 5, 64, 84)), np.ones((2, 64, 84))),
            ValueError,
            "do not pair up",
        ),
    ],
)
def test_bad_rolls_get_one_sentence(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_bad_midi_gets_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="No MIDI file at"):
        pianoroll.from_midi(tmp_path / "none.mid")
    empty = mido.MidiFile(tracks=[mido.MidiTrack()])
    empty.save(tmp_path / "empty.mid")
    with pytest.raises(ValueError, match="empty.mid holds no notes; export it"):
        pianoroll.from_midi(tmp_path / "empty.mid")
    pianoroll.to_midi(from_events(SLIDE), tmp_path / "good.mid")
    good = (tmp_path / "good.mid").read_bytes()
    for k, content in enumerate((b"", b"MThx" + good[4:], good[:12] + b"\0\0" + good[14:],
                                 good[:12] + b"\xe7\x28" + good[14:], good[:30])):  # fmt: skip
        (tmp_path / f"{k}.mid").write_bytes(content)
        for read in (pianoroll.from_midi, score.read_midi):
            with pytest.raises(ValueError, match=rf"{k}.mid is not .*\(.+\); export it") as caught:
                read(tmp_path / f"{k}.mid")
            assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="room for 15"):
        pianoroll.to_midi(PianoRoll(np.zeros((16, 4, 84)), programs=tuple(range(16))), "x.mid")


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_damaged_midi_is_read_or_refused(tmp_path_factory, damage):
    file = tmp_path_factory.getbasetemp() / "damaged.mid"
    pianoroll.to_midi(from_notes([(0, 0, 2, 60), (1, 2, 4, 36)], 8, (7, DRUMS)), file)
    content = bytearray(file.read_bytes())
    for place, value in damage:
        content[place % len(content)] = value
    file.write_bytes(content)
    try:
        pianoroll.from_midi(file, lowest_pitch=0, n_pitches=128)
    except ValueError as error:
        assert "damaged.mid" in str(error) and "\n" not in str(error)
