"""MIDI files from elsewhere: what a synthesiser plays is what is read, in notes and rolls."""

import base64

import matplotlib.pyplot as plt
import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lecture_utils import data, pianoroll
from lecture_utils.instruments import score
from lecture_utils.notebook import listen

BEAT = 480


def on(note, at, velocity=80, channel=0):
    return at, mido.Message("note_on", note=note, velocity=velocity, channel=channel)


def off(note, at, channel=0):
    return at, mido.Message("note_off", note=note, channel=channel)


def control(number, value, at, channel=0):
    return at, mido.Message("control_change", control=number, value=value, channel=channel)


def meta(at, kind, **values):
    return at, mido.MetaMessage(kind, **values)


def end(at):
    return meta(at, "end_of_track")


def write(path, *tracks):
    """Write tracks of ``(beat, message)``."""
    midi = mido.MidiFile(ticks_per_beat=BEAT)
    for track in tracks:
        track = sorted(track, key=lambda row: row[0])
        part, now = mido.MidiTrack(), 0
        for beat, message in track:
            part.append(message.copy(time=round(beat * BEAT) - now))
            now = round(beat * BEAT)
        midi.tracks.append(part)
    midi.save(path)
    return path


#: What sounds, as (key, start, stop) in beats, at 120 beats a minute.
KINDS = {
    "ended as usual": ([on(60, 0), off(60, 1), end(4)], [(60, 0, 1)]),
    "never ended": ([on(60, 0), on(64, 1), off(64, 2), end(4)], [(60, 0, 4), (64, 1, 2)]),
    "all notes off": ([on(60, 0), on(64, 1), control(123, 0, 2), end(4)], [(60, 0, 2), (64, 1, 2)]),
    "all sound off": ([on(60, 0), control(120, 0, 3), end(4)], [(60, 0, 3)]),
    "mono mode": ([on(60, 0), control(126, 0, 2), end(4)], [(60, 0, 2)]),
    "off by velocity 0": ([on(60, 0), on(60, 1, velocity=0), end(4)], [(60, 0, 1)]),
    "pedal": ([control(64, 127, 0), on(60, 0), off(60, 0.5), control(64, 0, 4), end(5)],
              [(60, 0, 4)]),
    "pedal before and after": ([on(60, 0), off(60, 1), control(64, 64, 1.5), on(62, 2), off(62, 3),
                                control(64, 63, 4), on(64, 4), off(64, 5), end(6)],
                               [(60, 0, 1), (62, 2, 4), (64, 4, 5)]),
    "pedal never lifted": ([control(64, 100, 0), on(60, 0), off(60, 1), end(4)], [(60, 0, 4)]),
    "pedal lifted under a key": ([control(64, 127, 0), on(60, 0), control(64, 0, 1), off(60, 3),
                                  end(4)], [(60, 0, 3)]),
    "pedal and a new stroke": ([control(64, 127, 0), on(60, 0), off(60, 1), on(60, 2), off(60, 3),
                                end(4)], [(60, 0, 2), (60, 2, 4)]),
    "pedal of another channel": ([control(64, 127, 0, channel=3), on(60, 0), off(60, 1), end(4)],
                                 [(60, 0, 1)]),
    "pedal against all notes off": ([control(64, 127, 0), on(60, 0), control(123, 0, 1),
                                     control(64, 0, 2), end(4)], [(60, 0, 2)]),
    "controllers reset": ([control(64, 127, 0), on(60, 0), off(60, 1), control(121, 0, 2), end(4)],
                          [(60, 0, 2)]),
    "struck twice": ([on(60, 0), on(60, 1), off(60, 2), off(60, 3), end(4)],
                     [(60, 0, 2), (60, 1, 3)]),
    "an end too many": ([off(60, 0), on(60, 1), off(60, 2), off(60, 3), end(4)], [(60, 1, 2)]),
    "local control": ([on(60, 0), control(122, 0, 1), off(60, 2), end(4)], [(60, 0, 2)]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_notes_last_as_long_as_they_sound(tmp_path, kind):
    track, expected = KINDS[kind]
    file = write(tmp_path / "x.mid", track)
    rows = score.read_midi(file)
    found = [(int(key), 2 * start, 2 * stop) for start, stop, key, _, _ in rows]
    assert found == sorted(expected, key=lambda row: row[1])
    roll = pianoroll.from_midi(file)
    cells = np.zeros((4 * int(track[-1][0]), 128), bool)
    for key, start, stop in expected:
        cells[round(4 * start) : round(4 * stop), key] = True
    assert np.array_equal(roll.sounding[0], cells[:, 24:108])
    assert len(roll.notes()) == len(expected)


def test_what_is_never_ended_lasts_to_the_end_of_its_own_track(tmp_path):
    file = write(tmp_path / "x.mid", [on(60, 0), end(2)], [on(40, 0, channel=1), end(6)])
    assert score.read_midi(file)[:, [1, 2]].tolist() == [[1.0, 60], [3.0, 40]]


def test_a_tempo_that_comes_late_holds_from_there(tmp_path):
    """Two beats at 120 a minute, two at 60: three seconds, not four."""
    tempo = meta(2, "set_tempo", tempo=1_000_000)
    file = write(tmp_path / "x.mid", [tempo, end(2)], [on(60, 0), off(60, 3), end(4)])
    assert score.read_midi(file)[0, :2].tolist() == [0.0, 2.0]
    assert pianoroll.from_midi(file).seconds == pytest.approx(3.0)
    both = [meta(0, "set_tempo", tempo=400_000), meta(0, "set_tempo", tempo=500_000), tempo]
    file = write(tmp_path / "y.mid", [*both, on(60, 0), off(60, 3), end(4)])
    assert pianoroll.from_midi(file).seconds == pytest.approx(3.0)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (7, 16)])
def test_meters_are_read_and_written(tmp_path, meter):
    roll = pianoroll.from_notes([(0, 0, 3, 60)], 24, tempo=90, meter=meter)
    assert roll.steps_per_bar == 16 * meter[0] / meter[1]
    pianoroll.to_midi(roll, tmp_path / "x.mid")
    (written,) = [m for m in mido.MidiFile(tmp_path / "x.mid") if m.type == "time_signature"]
    assert (written.numerator, written.denominator) == meter
    assert pianoroll.from_midi(tmp_path / "x.mid") == roll
    assert roll != pianoroll.from_notes([(0, 0, 3, 60)], 24, tempo=90, meter=(9, 8))
    ax = pianoroll.draw(roll)
    assert ax.get_xlim()[1] == pytest.approx(1 + 24 / roll.steps_per_bar)
    plt.close(ax.figure)


def test_the_meter_of_an_upbeat_is_not_that_of_the_piece(tmp_path):
    upbeat = meta(0, "time_signature", numerator=1, denominator=4)
    waltz = meta(1, "time_signature", numerator=3, denominator=4)
    file = write(tmp_path / "x.mid", [upbeat, waltz, on(60, 0), off(60, 7), end(7)])
    assert pianoroll.from_midi(file).meter == (3, 4)


@pytest.mark.parametrize(
    ("meter", "error", "words"),
    [((3, 5), ValueError, "lower number"), ((0, 4), ValueError, "meter=0"),
     ("3/4", TypeError, "two numbers"), ((3, 4, 4), TypeError, "two numbers"),
     ((3.5, 4), TypeError, "meter=3.5")],
)  # fmt: skip
def test_wrong_meters_get_one_sentence(meter, error, words):
    with pytest.raises(error, match=words):
        pianoroll.from_notes([(0, 0, 3, 60)], 24, meter=meter)


def test_wrong_bytes_and_signatures_do_not_refuse_the_file(tmp_path):
    key = meta(0, "key_signature", key="C")
    sixth = meta(0, "time_signature", numerator=4, denominator=4)
    file = write(tmp_path / "x.mid", [key, sixth, on(60, 0, 77), off(60, 1), end(2)])
    content = file.read_bytes()
    for wrong in (b"\x08\x00", b"\xf8\x00", b"\x00\x07", b"\x7f\x7f"):
        file.write_bytes(content.replace(b"\xff\x59\x02\x00\x00", b"\xff\x59\x02" + wrong))
        assert file.read_bytes() != content
        assert score.read_midi(file)[0].tolist() == [0, 0.5, 60, 77, 0]
    file.write_bytes(content.replace(bytes([0x90, 60, 77]), bytes([0x90, 60, 0xFF])))
    assert score.read_midi(file)[0].tolist() == [0, 0.5, 60, 127, 0]
    for wrong in (b"\x00\x02", b"\x04\xfe"):  # none over four, four over nothing known
        file.write_bytes(content.replace(b"\xff\x58\x04\x04\x02", b"\xff\x58\x04" + wrong))
        assert pianoroll.from_midi(file).meter == (4, 4)


@pytest.mark.parametrize("name", data.names("score"))
def test_shipped_scores_come_back(tmp_path, name):
    roll = pianoroll.from_midi(data.path(name), lowest_pitch=0, n_pitches=128)
    assert roll.meter == {"bethena": (3, 4), "gymnopedie_no1": (3, 4), "arabesque_no1": (4, 4)}.get(
        name, (2, 4)
    )
    rows = score.read_midi(data.path(name))
    assert roll.seconds == pytest.approx(rows[:, 1].max(), rel=0.02)
    pianoroll.to_midi(roll, tmp_path / "x.mid")
    assert pianoroll.from_midi(tmp_path / "x.mid", lowest_pitch=0, n_pitches=128) == roll


messages = st.one_of(
    st.builds(on, st.integers(58, 62), st.just(0), st.integers(0, 127), st.integers(8, 10)),
    st.builds(off, st.integers(58, 62), st.just(0), st.integers(8, 10)),
    st.builds(control, st.sampled_from([7, 64, 64, 64, 120, 121, 123]), st.integers(0, 127),
              st.just(0), st.integers(8, 10)),
    st.builds(lambda p, c: (0, mido.Message("program_change", program=p, channel=c)),
              st.integers(0, 3), st.integers(8, 10)),
    st.builds(lambda t: meta(0, "set_tempo", tempo=t), st.integers(50_000, 2_000_000)),
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(messages, st.integers(0, 900)), max_size=30), st.integers(1, 3))
def test_any_file_gives_every_stroke_once(tmp_path_factory, events, n_tracks):
    tracks = [[] for _ in range(n_tracks)]
    for k, ((_, message), wait) in enumerate(events):
        tracks[k % n_tracks].append(message.copy(time=wait))
    file = tmp_path_factory.getbasetemp() / "any.mid"
    mido.MidiFile(ticks_per_beat=BEAT, tracks=[mido.MidiTrack(t) for t in tracks]).save(file)
    strokes = sum(m.type == "note_on" and m.velocity > 0 for t in tracks for m in t)
    if not strokes:
        with pytest.raises(ValueError, match="holds no notes"):
            score.read_midi(file)
        return
    rows = score.read_midi(file)
    assert len(rows) == strokes and (rows[:, 1] > rows[:, 0]).all() and (rows[:, 3] > 0).all()
    roll = pianoroll.from_midi(file)
    assert 0 < len(roll.notes()) <= strokes
    pianoroll.to_midi(roll, file)
    assert pianoroll.from_midi(file) == roll


def test_a_figure_of_notes_offers_them_as_midi(tmp_path):
    rolls = {
        "band": pianoroll.from_notes([(0, 0, 4, 60), (1, 2, 3, 38)], 8, (40, 128), tempo=77),
        "silent": pianoroll.from_notes([], 8),
        "too many": pianoroll.from_notes([(0, 0, 1, 60)], 8, tuple(range(16))),
    }
    sound = np.ones(16000)
    draws = (pianoroll.lanes(rolls), lambda ax, _x, name: pianoroll.draw(rolls[name], ax))
    for draw in draws:
        shown = {n: listen.play(sound, 16000, n, figure=draw, alt="x").spec["pictures"][0]
                 for n in rolls}  # fmt: skip
        assert "midi" not in shown["silent"] and "midi" not in shown["too many"]
        kind, text = shown["band"]["midi"].split(",")
        assert kind == "data:audio/midi;base64"
        (tmp_path / "band.mid").write_bytes(base64.b64decode(text))
        assert pianoroll.from_midi(tmp_path / "band.mid") == rolls["band"]
