"""Songs by rule keep to their own levels; the cascade cuts, tells and joins windows rightly."""

import numpy as np
import pytest
import torch

from lecture_utils import pianoroll, weights
from lecture_utils.diffusion import cascade, songs, unet
from lecture_utils.diffusion import metrics as song_metrics
from lecture_utils.train import cascade as train_diffusion


def some(n=20, **given):
    rng = np.random.default_rng(3)
    return [songs.write_song(rng, **given) for _ in range(n)]


def test_songs_keep_to_the_levels_above():
    for song in some():
        levels, bars = song.levels, sum(songs.BARS[letter] for letter in song.form)
        assert bars <= 32 and song.form.strip("i")[0] == "A"
        for name, image in levels.items():
            rows = 12 if name == "form" else 32
            assert image.shape == (
                len(songs.CHANNELS[name]), rows, bars * songs.PER_BAR[name]
            )  # fmt: skip
        assert song_metrics.sketch_agreement(levels["melody"], levels["sketch"]) == 1
        assert song_metrics.chord_tone_rate(levels["melody"], levels["accompaniment"]) == 1
        assert (levels["melody"][1] >= levels["melody"][0]).all()
        assert (levels["melody"][1].sum(0) <= 1).all()  # one voice
        roll = songs.to_roll(levels["melody"], levels["accompaniment"])
        scale = {(song.key + k) % 12 for k in ((0, 2, 3, 5, 7, 8, 10) if song.minor else
                                              (0, 2, 4, 5, 7, 9, 11))}  # fmt: skip
        leading = {(song.key + 11) % 12}  # of the dominant, in minor
        pitches = roll.only(0).notes()[:, 3]
        assert {p % 12 for p in pitches.tolist()} <= scale | leading


def test_sections_of_one_letter_are_alike():
    (song,) = some(1, form="iABA")
    a = slice(8 * 4, 8 * 12), slice(8 * 20, 8 * 28)
    for level in ("melody", "accompaniment"):
        assert np.array_equal(song.levels[level][..., a[0]], song.levels[level][..., a[1]])
    b = song.levels["melody"][..., 8 * 12 : 8 * 20]
    assert song_metrics.likeness(song.levels["melody"][..., a[0]], b) < 0.5
    assert not song.levels["melody"][..., : 8 * 4].any()  # the intro has none


def test_form_is_read_back_from_its_image_even_blurred():
    rng = np.random.default_rng(0)
    for song in some():
        image = song.levels["form"]
        assert songs.read_form(image) == (song.form, song.key, song.minor)
        noisy = np.clip(image + rng.normal(0, 0.1, image.shape), 0, 1)
        assert songs.read_form(noisy) == (song.form, song.key, song.minor)


def test_measures_by_hand():
    melody = np.zeros((2, 32, 16))
    sketch = np.zeros((2, 32, 4))
    for column, row in ((0, 8), (4, 10), (8, 8)):
        melody[:, row, column] = 1
    for column, row in ((0, 8), (1, 9), (2, 8)):
        sketch[0, row, column] = 1
    assert song_metrics.sketch_agreement(melody, sketch) == pytest.approx(2 / 3)
    chords = np.zeros((5, 32, 16))
    chords[1, 20, :8] = 1  # an octave above row 8
    assert song_metrics.chord_tone_rate(melody, chords) == pytest.approx(1 / 3)
    assert song_metrics.likeness(melody[..., :8], melody[..., 8:]) == pytest.approx(1 / 2)
    assert song_metrics.returns(melody, bars=1) == pytest.approx(1 / 2)
    assert np.isnan(song_metrics.sketch_agreement(melody, 0 * sketch))


def test_a_melody_agrees_only_where_it_strikes_nothing_but_the_sketched_note():
    """Four half bars: just the note; the note and another; another; none struck."""
    melody, sketch = np.zeros((2, 32, 16)), np.zeros((2, 32, 4))
    sketch[0, 8] = 1
    melody[:, 8, [0, 4]] = 1
    melody[:, 20, [4, 8]] = 1
    assert song_metrics.sketch_agreement(melody, sketch) == pytest.approx(1 / 4)
    melody[:, 30, 2] = 1  # what is struck between the half bars is ornament
    melody[1, 8, 12] = 1  # held over, not struck
    assert song_metrics.sketch_agreement(melody, sketch) == pytest.approx(1 / 4)


def test_band_figures_by_hand():
    """Two bars: a rest and two keys at once; a triad, two notes, a fourth note; bars of drums."""
    melody, band = np.zeros((2, 32, 24), bool), np.zeros((5, 32, 24), bool)
    melody[:, 8, 0], melody[1, 8, 1:12] = True, True
    melody[:, [8, 12], 12] = True  # two keys at once; then silence
    band[:2, [8, 12, 15], 0] = True  # C major, held
    band[1, [8, 12, 15], 1:4] = True
    for column, row in ((4, 8), (5, 23), (6, 27)):  # E minor, one by one, an octave up and down
        band[:2, row, column] = True
    band[:2, [8, 12], 8] = True  # no triad
    band[:2, [8, 12, 15, 18], 12] = True  # a seventh chord
    band[4, [2, 10], 0] = True
    band[4, 3, 8], band[4, 10, 8] = True, True  # the kick, a row too high
    band[4, 18, 16] = True
    found = song_metrics.band_figures(melody, band)
    assert found["melody silent"] == pytest.approx(11 / 24)
    assert found["double strikes"] == pytest.approx(1 / 2)
    assert found["complete triads"] == pytest.approx(2 / 4)
    assert found["equal drum bars"] == pytest.approx(1 / 2)
    assert all(np.isnan(list(song_metrics.band_figures(0 * melody, 0 * band).values())[1:]))


def test_band_figures_of_songs_by_rule():
    found = [
        song_metrics.band_figures(song.levels["melody"], song.levels["accompaniment"])
        for song in some(form="ABA")
    ]
    assert {tuple(x.values())[:3] for x in found} == {(0, 0, 1)}
    assert all(0.6 < x["equal drum bars"] < 0.7 for x in found)


def test_a_half_bar_of_a_sketch_has_one_reduced_note_but_for_an_intro():
    form, here = songs.form_image("iA", 0, False), slice(6, 10)
    x = np.full((2, 32, 4), -1.0)
    x[0, 4, 0] = 0.9  # of the intro's last bar
    x[0, [4, 9], 2] = 0.9, 0.3  # two candidates
    x[0, 7, 3] = -0.5  # a faint one
    x[1, [0, 4, 7], 1] = 0.2
    lit = cascade._lit(x, "sketch", form, here)
    assert [np.flatnonzero(column).tolist() for column in lit[0].T] == [[], [], [4], [7]]
    assert np.array_equal(lit[1], x[1] > 0)
    assert np.array_equal(cascade._lit(x, "melody", form, here), x > 0)


def test_roll_holds_what_the_images_do():
    melody, accompaniment = np.zeros((2, 32, 8), bool), np.zeros((5, 32, 8), bool)
    melody[:, 8, 0], melody[1, 8, 1] = True, True
    melody[:, 8, 2] = True  # struck again
    accompaniment[2:4, 0, 4] = True
    accompaniment[4, 2, 6] = True
    roll = songs.to_roll(melody, accompaniment)
    expected = [[0, 0, 2, 60], [0, 2, 3, 60], [2, 4, 5, 28], [3, 6, 7, 36]]
    assert roll.notes().tolist() == expected and roll.programs[3] == pianoroll.DRUMS
    sketch = np.zeros((2, 32, 2), bool)
    sketch[0, 12] = sketch[1, [0, 4]] = True
    notes = songs.sketch_roll(sketch).notes().tolist()
    assert [0, 0, 4, 64] in notes and [0, 4, 8, 64] in notes and [1, 4, 8, 56] in notes


def test_condition_puts_every_level_on_one_grid():
    (song,) = some(1, form="AB")
    told = cascade.condition("accompaniment", song.levels)
    assert told.shape == (7 + 2 + 2, 32, 16 * 8) and told.min() == -1 and told.max() == 1
    for column in (0, 3, 4, 63, 100):
        assert np.array_equal(told[7:9, :, column] > 0, song.levels["sketch"][..., column // 4])
        tonic = np.nonzero(told[0, :, column] > 0)[0] + songs.LOWEST
        assert {int(p) % 12 for p in tonic} == {song.key}
    assert np.array_equal(told[9:] > 0, song.levels["melody"])
    assert cascade.condition("form", {}).shape[0] == cascade.condition_channels("form") == 0


class Recorder(torch.nn.Module):
    """Stands for a network: remembers what it was shown, and predicts that all is noise."""

    def __init__(self, level):
        super().__init__()
        self.config = {
            "channels": cascade.N_CHANNELS[level],
            "condition_channels": cascade.condition_channels(level),
        }
        self.seen = []

    def forward(self, x, t, told):
        self.seen.append((x.clone(), t, told))
        return x


class Teller(Recorder):
    """Guesses 0.1 where it is told something, and 0 where it is not."""

    def forward(self, x, t, told):
        super().forward(x, t, told)
        return 0.1 * (told > -1).flatten(1).any(1)[:, None, None, None] * torch.ones_like(x)


def test_guidance_enlarges_what_the_levels_above_make_of_the_guess(monkeypatch):
    (song,) = some(1, form="A")
    seen = []

    def sampled(schedule, predict, x, *settings, **more):
        seen.append(predict(x, 5))
        return x

    monkeypatch.setattr(cascade.process, "sample", sampled)
    for guidance in (0, 1, 1.5, None):
        cascade.generate(Teller("sketch"), "sketch", song.levels, guidance=guidance)
    cascade.generate(Teller("sketch"), "sketch", song.levels, told=False, guidance=3)
    guessed = [x.unique().item() for x in seen]
    default = 0.1 * cascade.GUIDANCE["sketch"]
    assert guessed == pytest.approx([0, 0.1, 0.15, default, 0])


@pytest.mark.parametrize(("level", "form", "n"), [("melody", "AB", 3), ("sketch", "AABAAo", 2)])
def test_windows_slide_by_half_and_keep_what_is_made(level, form, n):
    (song,) = some(1, form=form)
    model = Recorder(level)
    made = cascade.generate(model, level, song.levels, n_steps=2)
    assert made.shape == song.levels[level].shape and made.dtype == bool
    seen = [call for call in model.seen if call[1][0].item() == 699]
    assert len(seen) == n
    size = cascade.WINDOW_BARS[level] * cascade.PER_BAR[level]
    whole = cascade.condition(level, song.levels)
    for k, (_, _, told) in enumerate(seen):
        expected = whole[..., k * size // 2 : k * size // 2 + size]
        assert np.array_equal(told[0, ..., : expected.shape[-1]], expected)
        assert (told[0, ..., expected.shape[-1] :] == -1).all()
    assert len({x[0, 0, 0, -1].item() for x, _, _ in seen}) == n  # every window its own noise
    again = cascade.generate(Recorder(level), level, song.levels, n_steps=2)
    assert np.array_equal(made, again)
    other = cascade.generate(Recorder(level), level, song.levels, n_steps=2, seed=1)
    assert not np.array_equal(made, other)


def test_inpainting_keeps_the_columns_and_hiding_hides():
    (song,) = some(1, form="AA")
    known, keep = song.levels["melody"], np.ones(16 * 8, bool)
    keep[40:48] = False
    made = cascade.generate(Recorder("melody"), "melody", song.levels, n_steps=2, known=known,
                            keep=keep)  # fmt: skip
    assert np.array_equal(made[..., keep], known[..., keep])
    assert not np.array_equal(made, known)
    model = Recorder("melody")
    cascade.generate(model, "melody", song.levels, n_steps=2, told=False)
    assert all((told == -1).all() for _, _, told in model.seen)


@pytest.mark.parametrize(("first", "last"), [(10, 12), (9, 11), (3, 4), (30, 32)])
def test_a_gap_is_filled_in_a_window_that_sees_what_follows(first, last):
    (song,) = some(1, form="ABAB")
    known, keep = song.levels["melody"], np.ones(32 * 8, bool)
    keep[first * 8 : last * 8] = False
    model = Recorder("melody")
    cascade.generate(model, "melody", song.levels, n_steps=1, known=known, keep=keep)
    assert len(model.seen) == 1  # no window without a gap
    told = cascade.condition("melody", song.levels)
    seen = model.seen[0][2][0]
    starts = [k for k in range(0, 28, 4) if np.array_equal(seen, cascade.window(told, "melody", k))]
    assert any(k <= first and (last < k + 8 or last == 32) for k in starts)


def test_same_noise_or_fresh_and_the_flat_model_may_have_it_too():
    (song,) = some(1, form="ABA")
    for level, above in (("sketch", song.levels), ("flat", {"form": song.levels["form"]})):
        for same in (True, False):
            model = Recorder(level)
            made = cascade.generate(model, level, above, n_steps=1, same_noise=same)
            assert made.shape[-1] == 24 * cascade.PER_BAR[level]
            # bars 5 and 21: in the only window, or in the new halves of the first and the fifth
            later = (0, 20 * 2) if level == "sketch" else (4, 4 * 8)
            column = 4 * cascade.PER_BAR[level]
            first, again = (model.seen[k][0][0, ..., c : c + 8] for k, c in ((0, column), later))
            repeated = torch.equal(first, again)
            assert repeated == same


@pytest.mark.parametrize("level", ["accompaniment", "flat"])
def test_only_the_drums_of_a_section_begin_every_bar_from_one_noise(level):
    (song,) = some(1, form="AB")
    for same in (True, False):
        model = Recorder(level)
        cascade.generate(model, level, song.levels, n_steps=1, same_noise=same)
        in_a, in_b = model.seen[0][0][0], model.seen[2][0][0]  # bars 1 to 8, 9 to 16
        for channel in range(len(in_a)):
            first, second, next_section = (
                x[channel, :, at : at + 8] for x, at in ((in_a, 0), (in_a, 8), (in_b, 32))
            )
            assert torch.equal(first, second) == (same and channel == len(in_a) - 1)
            assert not torch.equal(first, next_section)


@pytest.mark.parametrize("level", ["form", "flat", "melody"])
def test_recipe_resumes_exactly_and_learns(level, tmp_path):
    recipe = train_diffusion.DiffusionRecipe(level, width=8, n_steps=8, batch=2, watch_every=4)
    whole = train_diffusion.train_diffusion("toy", recipe, tmp_path / "whole")
    train_diffusion.train_diffusion("toy", recipe, tmp_path / "parts", n_steps=5)
    train_diffusion.train_diffusion("toy", recipe, tmp_path / "parts", resume=True)
    rows = [(tmp_path / f / "log.csv").read_text().splitlines() for f in ("whole", "parts")]
    assert [r.split(",")[2:] for r in rows[0]] == [r.split(",")[2:] for r in rows[1]]
    assert whole.step == 8 and len(rows[0]) == 3
    file = tmp_path / "whole" / "toy.safetensors"
    model = weights.load(file, unet.UNet)
    assert model.config == {
        "channels": cascade.N_CHANNELS[level],
        "condition_channels": cascade.condition_channels(level),
        "width": 8,
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: songs.write_song(np.random.default_rng(0), form="AXA"), "unknown 'X'"),
        (lambda s: songs.write_song(np.random.default_rng(0), form=""), "from 1 to 128 bars"),
        (lambda s: songs.write_song(np.random.default_rng(0), form="A" * 17), "128 bars"),
        (lambda s: songs.write_song(0), "rng=0: give a generator"),
        (lambda s: songs.write_song(None, form="A"), "rng=None"),
        (lambda s: songs.random_form(3), "rng=3"),
        (lambda s: songs.random_form(np.random.default_rng(0), 8), "max_bars=8"),
        (lambda s: songs.form_image("A", 12, False), "key=12"),
        (lambda s: songs.form_image(["A"], 0, False), "give a text"),
        (lambda s: songs.read_form(np.zeros((7, 12, 8))), "no section"),
        (lambda s: songs.read_form(np.zeros((7, 11, 8))), "expected shape"),
        (lambda s: songs.to_roll(), "at least one"),
        (lambda s: songs.to_roll(np.zeros((2, 32, 8)), np.zeros((5, 32, 9))), "accompaniment"),
        (lambda s: cascade.condition("melody", {"form": s["form"]}), "'sketch' is missing"),
        (lambda s: cascade.condition("melody", s | {"sketch": s["sketch"][..., :4]}), "bars"),
        (lambda s: cascade.condition("chorus", s), "level='chorus'"),
        (lambda s: cascade.condition(["melody"], s), "level=<list>"),
        (lambda s: cascade.condition("melody", None), "levels: expected a dict"),
        (lambda s: cascade.image("melody", s["melody"]), "levels: expected a dict"),
        (lambda s: cascade.image("melody", {"melody": "x"}), "melody: expected"),
        (lambda s: cascade.image("flat", s | {"melody": s["melody"][..., :64]}), "differ"),
        (lambda s: cascade.average(["melody"]), "level=<list>"),
        (lambda s: cascade.window(None, "melody", 0), "x: expected"),
        (lambda s: cascade.window(s["melody"], "melody", -1), "bar=-1"),
        (lambda s: cascade.generate(Recorder("melody"), "melody", s["melody"]), "levels: "),
        (lambda s: cascade.generate(Recorder("melody"), "melody", s, n_steps=0), "n_steps=0"),
        (lambda s: cascade.generate(Recorder("flat"), "flat", bars="four"), "bars='four'"),
        (lambda s: cascade.generate(Recorder("flat"), "flat", {"form": 1}), "form"),
        (lambda s: train_diffusion.draw("chorus", 1, np.random.default_rng(0)), "level='chorus'"),
        (lambda s: train_diffusion.draw("form", 0, np.random.default_rng(0)), "batch=0"),
        (lambda s: train_diffusion.draw("form", 1, 0), "rng=0"),
        (lambda s: cascade.generate(Recorder("form"), "melody", s), "model"),
        (lambda s: cascade.generate(Recorder("flat"), "flat"), "bars"),
        (lambda s: cascade.generate(Recorder("sketch"), "melody", s), "model"),
        (lambda s: cascade.generate(Recorder("melody"), "sketch", s), "model"),
        (lambda s: cascade.generate(None, "melody", s), "model"),
        (lambda s: cascade.generate(Recorder("melody"), "melody", s, bars=9), "16 bars"),
        (lambda s: cascade.generate(Recorder("form"), "form", bars=16), "32 bars"),
        (lambda s: cascade.condition("melody", s | {"sketch": s["sketch"][:, :20]}), "sketch"),
        (lambda s: song_metrics.sketch_agreement(s["melody"][..., :8], s["sketch"]), "differ"),
        (lambda s: song_metrics.chord_tone_rate(s["melody"], s["accompaniment"][..., :8]), "diff"),
        (lambda s: song_metrics.likeness(s["melody"], s["melody"][..., :8]), "differ"),
        (lambda s: song_metrics.likeness(s["melody"], s["sketch"][:, :20]), "melody"),
        (lambda s: song_metrics.returns(s["melody"], 0), "bars=0"),
        (lambda s: song_metrics.band_figures(s["melody"], s["accompaniment"][..., :8]), "diff"),
        (lambda s: song_metrics.band_figures(s["sketch"], s["accompaniment"]), "differ"),
        (lambda s: cascade.generate(Recorder("sketch"), "sketch", s, guidance=-1), "guidance=-1"),
        (lambda s: songs.sketch_roll(np.zeros((3, 32, 4))), "sketch"),
        (lambda s: songs.to_roll(5), "melody"),
        (lambda s: unet.UNet(0), "channels=0"),
        (lambda s: unet.UNet(2, -1), "condition_channels=-1"),
        (lambda s: unet.UNet(2, width=12), "width=12"),
        (lambda s: unet.UNet(2, width=8)(torch.zeros(1, 2, 6, 8), torch.zeros(1)), "fours"),
        (lambda s: unet.UNet(2, 1, 8)(torch.zeros(1, 2, 8, 8), torch.zeros(1)), "condition"),
        (lambda s: unet.UNet(2, width=8)(np.zeros((1, 2, 8, 8)), torch.zeros(1)), "x: expected"),
        (lambda s: unet.UNet(2, width=8)(torch.zeros(1, 2, 8, 8), 5), "t: expected"),
        (
            lambda s: unet.UNet(2, 1, 8)(
                torch.zeros(1, 2, 8, 8), torch.zeros(1), torch.zeros(1, 1, 8, 4)
            ),
            "does not fit",
        ),
        (lambda s: unet.time_embedding(torch.zeros(1), 2), "size"),
        (
            lambda s: cascade.generate(Recorder("melody"), "melody", s, known=s["melody"]),
            "known, keep",
        ),
        (
            lambda s: cascade.generate(
                Recorder("melody"), "melody", s, known=s["melody"], keep=np.ones(3, bool)
            ),
            "expected",
        ),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    (song,) = some(1, form="AB")
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call(song.levels)
    assert "\n" not in str(error.value)


def test_walk_begins_with_noise_around_the_average_and_letters_share_theirs():
    """The start of a level: mean and spread of the schedule's last step; A is A again."""
    (song,) = some(1, form="ABA")
    model = Recorder("sketch")
    cascade.generate(model, "sketch", song.levels, n_steps=1)
    x = model.seen[0][0][0, ..., : 24 * 2]
    left = cascade.SCHEDULE.alphas_cumprod[-1]
    mean = cascade.average("sketch")[:, 0, 0]
    assert mean.shape == (2,) and (mean < -0.7).all()
    for channel in range(2):
        expected = np.sqrt(left) * mean[channel].item()
        assert x[channel].mean().item() == pytest.approx(expected, abs=0.1)
    assert x.std().item() == pytest.approx(np.sqrt(1 - left), abs=0.05)
    assert torch.equal(x[..., :16], x[..., 32:]) and not torch.equal(x[..., :16], x[..., 16:32])


def test_a_song_ends():
    """On long notes of its tonic; in an outro the last bar, in an intro the first two, no drums."""
    for song in some(form="iABo"):
        melody, band = song.levels["melody"], song.levels["accompaniment"]
        for column in range(-8, 0):
            rows = np.flatnonzero(melody[0, :, column])
            assert len(rows) == (column in (-8, -4))
            assert all((row + songs.LOWEST) % 12 == song.key for row in rows)
        assert band[4, :, -16:-8].any() and not band[4, :, -8:].any()
        assert not band[4, :, : 2 * 8].any() and band[4, :, 2 * 8 : 3 * 8].any()
    for song in some(5, form="AB"):
        assert song.levels["accompaniment"][4, :, -8:].any()


@pytest.mark.parametrize(("share", "hidden"), [(0.0, 0), (1.0, 8)])
def test_some_examples_are_told_nothing_of_the_levels_above(monkeypatch, tmp_path, share, hidden):
    seen, forward = [], unet.UNet.forward

    def spied(model, x, t, told):
        seen.append((told == -1).flatten(1).all(1).sum().item())
        return forward(model, x, t, told)

    monkeypatch.setattr(unet.UNet, "forward", spied)
    recipe = train_diffusion.DiffusionRecipe(
        "melody", width=8, n_steps=1, batch=8, share_untold=share, watch_every=9
    )
    train_diffusion.train_diffusion("toy", recipe, tmp_path)
    assert seen == [hidden]


@pytest.mark.parametrize(("value", "notes"), [(0.49, 0), (0.51, 1)])
def test_a_cell_counts_above_one_half(value, notes):
    melody = np.zeros((2, 32, 8))
    melody[:, 8, 0] = value
    assert len(songs.to_roll(melody).notes()) == notes
    sketch = np.zeros((2, 32, 2))
    sketch[0, 8, 0] = value
    assert len(songs.sketch_roll(sketch).notes()) == notes


def test_a_section_must_be_lit_to_be_read():
    image = songs.form_image("A", 0, False)
    image[2:] *= 0.3 / image[2:].max()
    assert songs.read_form(image)[0] == "A"
    image[2:] *= 0.2 / 0.3
    with pytest.raises(ValueError, match="no section"):
        songs.read_form(image)
