"""MuseGAN's parts: the penalty by hand, what noise reaches, given tracks, the recipe."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lecture_utils import gan, pianoroll, weights
from lecture_utils.gan.critic import intervals
from lecture_utils.train import muse_gan as train_gan
from lecture_utils.train import run
from lecture_utils.train.recipes import RECIPES


@pytest.mark.parametrize("size", [0.0, 0.3, 2.0])
def test_penalty_of_a_linear_critic_is_its_slope(size):
    torch.manual_seed(0)
    w = torch.randn(24)
    w = size * w / w.norm()
    real, fake = torch.randn(2, 5, 2, 12)
    found = gan.gradient_penalty(lambda x: x.flatten(1) @ w, real, fake)
    assert found.item() == pytest.approx((size - 1) ** 2, abs=1e-6)


def test_penalty_is_taken_between_real_and_fake():
    """The critic |x|^2 / 2 has the slope x."""
    real, fake = torch.full((1, 4), 2.0), torch.full((1, 4), 1.0)
    for mix, place in ((0.0, 1.0), (1.0, 2.0), (0.25, 1.25)):
        found = gan.gradient_penalty(lambda x: (x**2).sum(1) / 2, real, fake, torch.tensor([mix]))
        assert found.item() == pytest.approx((2 * place - 1) ** 2, abs=1e-5)


def test_losses_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -1.0])
    assert gan.critic_loss(real, fake).item() == pytest.approx(-2.5)
    assert gan.generator_loss(fake).item() == pytest.approx(0.5)


def small():
    torch.manual_seed(0)
    return gan.Generator(noise=8, hidden=16).eval()


@pytest.mark.parametrize("part", gan.NOISE)
def test_private_noise_reaches_its_track_alone_and_shared_noise_all(part):
    model = small()
    base = model.noise(1, seed=0)
    other = {name: x.clone() for name, x in base.items()}
    which = (..., 2, slice(None)) if "private" in part else ...
    other[part][which] += 1
    with torch.inference_mode():
        touched = (model(other) != model(base)).flatten(2).any(-1)[0]
    assert touched.nonzero()[:, 0].tolist() == ([2] if "private" in part else [0, 1, 2, 3, 4])


def test_noise_is_alive_at_the_start():
    """Phrases of an untrained generator differ: no signal has died on its way."""
    torch.manual_seed(0)
    model = gan.Generator()
    with torch.no_grad():
        soft = model(model.noise(64, seed=0))
    deviation = torch.logit(soft).std(0).mean()
    assert 0.2 < deviation < 3
    assert 0.01 < soft.mean() < 0.2  # sparse, as music is


def test_statistics_are_kept_for_evaluation():
    norm = gan.PerTrackNorm(3)
    x = 4 * torch.randn(5, 200, 3) + 2
    trained = norm(x)
    assert trained.mean(1).abs().max() < 1e-5 and (trained.std(1) - 1).abs().max() < 0.01
    norm.eval()
    assert torch.allclose(norm(x), trained, atol=1e-5)
    assert torch.allclose(norm(x[:, :1]), trained[:, :1], atol=1e-5)  # no batch needed


def test_noise_that_is_constant_in_time_gives_four_equal_bars():
    model = small()
    noise = model.noise(2, seed=1)
    for part in (model.shared_in_time, model.private_in_time):
        torch.nn.init.zeros_(part.fresh.weight)
    with torch.inference_mode():
        bars = model(noise).unflatten(2, (4, 16))
    assert torch.allclose(bars, bars[:, :, :1].expand_as(bars), atol=1e-6)
    assert (bars[:, :, 0] != bars[:, :, 0].flip(0)).any()


def test_given_track_comes_back_and_the_others_answer_it():
    model, rng = small(), np.random.default_rng(0)
    noise = model.noise(2, seed=0)
    one, other = rng.random((2, 2, 5, 64, 84)) < 0.02
    made = [gan.generate(model, noise, given, track=3) for given in (one, other)]
    assert np.array_equal(made[0][:, 3], one[:, 3])
    assert np.array_equal(made[1][:, 3], other[:, 3])
    alone = gan.generate(model, noise)
    assert alone.dtype == bool and alone.shape == (2, 5, 64, 84)
    with torch.inference_mode():
        masks = torch.eye(5)[[3, 3]]
        soft = [model(noise, torch.from_numpy(x).float(), masks) for x in (one, other)]
    change = (soft[0] - soft[1]).abs().amax((0, 2, 3))
    assert (change[[0, 1, 2, 4]] > 0.01).all()  # what is given matters to all the others


def with_choice(model, bars):
    """Let every player take for each bar the vector of the bar named (0..3)."""
    for part in (model.shared_in_time, model.private_in_time):
        torch.nn.init.zeros_(part.choice.weight)
        with torch.no_grad():
            part.choice.bias.copy_(
                9 * torch.eye(4)[list(bars)].flatten().expand_as(part.choice.bias)
            )
    return model


@pytest.mark.parametrize("bars", [(0, 0, 0, 0), (0, 1, 0, 1), (0, 1, 0, 3), (0, 1, 2, 3)])
def test_a_bar_comes_again_exactly_where_its_vector_is_taken_up(bars):
    model = with_choice(small(), bars)
    with torch.inference_mode():
        made = model(model.noise(3, seed=1)).unflatten(2, (4, 16)).transpose(1, 2)
    for k, source in enumerate(bars):
        assert torch.allclose(made[:, k], made[:, source], atol=1e-5)
    for k in range(4):
        for j in range(k):
            alike = torch.allclose(made[:, k], made[:, j], atol=1e-4)
            assert alike == (bars[k] == bars[j])


def test_a_bar_never_takes_up_a_later_one_and_noise_decides():
    model = small()
    x = model.noise(400, seed=2)["shared_in_time"][None]
    path = model.shared_in_time
    with torch.no_grad():
        path.fresh.weight.zero_()
        path.fresh.bias.copy_(
            torch.arange(4.0).repeat_interleave(8)
        )  # a fresh vector tells its bar
        taken = path(x)[0, ..., 0].round()
    assert (taken <= torch.arange(4)).all()
    assert all(len(taken[:, k].unique()) == k + 1 for k in range(4))


def test_the_choice_of_bars_learns():
    model = small()
    model(model.noise(4, seed=0)).square().mean().backward()
    for part in (model.shared_in_time, model.private_in_time):
        assert part.choice.weight.grad.abs().sum() > 0


def test_intervals_by_hand():
    struck = torch.zeros(64, 84)
    for step, key in ((3, 40), (8, 42), (9, 30), (20, 60)):
        struck[step, key] = 1
    found = intervals(struck)
    assert found.shape == (64, 26)
    notes = {(8, 2): 1, (9, -12): 1, (20, None): 1}  # None: more than an octave
    for step in range(64):
        for column, interval in enumerate((*range(-12, 13), None)):
            wanted = notes.get((step, interval), 0)
            assert found[step, column].item() == pytest.approx(wanted, abs=0.02)


def judged(damage, steps=50):
    """Train a critic on real and damaged phrases; how often it is right about unseen pairs."""
    torch.manual_seed(0)
    critic = gan.Critic(32)
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.5, 0.9))
    seen, unseen = (train_gan.Phrases(part).cells.float() for part in ("train", "validation"))
    damaged = damage(seen)
    for _ in range(steps):
        real, fake = (x[torch.randint(len(seen), (12,))] for x in (seen, damaged))
        loss = gan.critic_loss(critic(real), critic(fake))
        loss = loss + 10 * gan.gradient_penalty(critic, real, fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    damaged = damage(unseen)
    changed = (unseen != damaged).flatten(1).any(1)
    with torch.no_grad():
        return (critic.eval()(unseen) > critic(damaged))[changed].float().mean().item()


def test_critic_sees_that_a_pattern_does_not_come_again():
    """Every bar is real, mostly of the same song: only side by side they are seen to differ."""

    def other_third_bar(x):
        x = x.clone()
        x[:, 0, 32:48] = x.roll(1, 0)[:, 0, 32:48]
        return x

    assert judged(other_third_bar) > 0.8


def test_recipe_trains_stops_and_goes_on(tmp_path):
    recipe = train_gan.GanRecipe(
        noise=4, hidden=8, critic_hidden=4, n_steps=4, batch=4, watch_every=4,
        snapshots=(0.5, 0.75),
    )  # fmt: skip
    whole = train_gan.train_gan("muse_gan", recipe, tmp_path / "whole")
    train_gan.train_gan("muse_gan", recipe, tmp_path / "parts", n_steps=2)
    parts = train_gan.train_gan("muse_gan", recipe, tmp_path / "parts", resume=True)
    assert whole.step == parts.step == 4
    one, two = (load_file(tmp_path / f / "muse_gan.safetensors") for f in ("whole", "parts"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert len((tmp_path / "whole" / "log.csv").read_text().splitlines()) == 2
    kept = sorted(path.name for path in (tmp_path / "whole" / "snapshots").iterdir())
    assert kept == [
        f"muse_gan_{w}_{k}.safetensors" for w in ("critic", "generator") for k in (2, 3)
    ]
    early = weights.load(tmp_path / "whole" / "snapshots" / kept[2], gan.Generator)
    assert early.facts["step"] == 2


def test_recipe_goes_on_from_the_shipped_generator_and_critic(tmp_path, monkeypatch):
    makers, judges = {3: gan.Generator(8, 16), 9: small()}, {3: gan.Critic(4), 9: gan.Critic(4)}
    shipped = {"muse_gan": makers, "muse_gan_critic": judges}
    monkeypatch.setattr(weights, "load_snapshots", lambda name, kind: shipped[name])
    recipe = train_gan.GanRecipe(
        noise=8, hidden=16, critic_hidden=4, batch=2, rate_generator=0, rate_critic=0, snapshots=()
    )
    run = train_gan.train_gan("muse_gan", recipe, tmp_path, n_steps=1, from_weights=True)
    for part, kept in (("generator", makers[9]), ("critic", judges[9])):
        for one, other in zip(run.parts[part].parameters(), kept.parameters(), strict=True):
            assert torch.equal(one, other)


def test_moves_by_hand():
    x = torch.zeros(2, 5, 64, 84)
    x[:, 0, ::4, 12] = 1  # drums do not count
    x[0, 4, :4, 40] = x[0, 4, 4:6, 42] = x[0, 4, 6:12, 41] = 1  # two up, one down
    found = gan.moves(x)
    assert found.shape == (4, 26) and (found[:3] == 0).all()
    assert found[3, 12 + 2] == pytest.approx(0.5, abs=0.01)
    assert found[3, 12 - 1] == pytest.approx(0.5, abs=0.01)


def test_of_a_chord_the_highest_note_moves():
    x = torch.zeros(1, 5, 64, 84)
    x[0, 1, :4, [40, 44, 47]] = x[0, 1, 4:8, [38, 41, 48]] = 1
    found = gan.moves(x)[0]
    assert found[12 + 1] == pytest.approx(1, abs=0.02)
    real = pianoroll.habits(x.bool().numpy())
    assert real["small intervals"] == 1 and real["leaps"] == 0


def test_moves_tell_of_every_cell_what_a_note_would_change():
    """Their slope at an empty step is not 0: a tune can move there."""
    x = torch.zeros(1, 5, 64, 84)
    x[0, 2, [0, 2], 40] = 1
    x.requires_grad_()
    gan.moves(x)[1, 12 + 2].backward()
    assert x.grad[0, 2, 6, 42] > 0.5 and x.grad[0, 2, 6, 41] < 0.1


def test_harmonies_by_hand():
    x = torch.zeros(2, 5, 64, 84)
    x[:, 0, :, 12] = 1  # drums do not count
    x[0, 1, :16, 40] = x[0, 3, :12, 47 - 24] = 1  # bass a fifth above the keys, without octaves
    x[0, 3, 12:20, 40] = x[1, 3, :, 44] = 1  # four steps on the same key; then nobody else plays
    found = gan.harmonies(x)
    assert found.shape == (6, 12)
    wanted = torch.zeros(6, 12)
    wanted[1, 7], wanted[1, 0] = 12 / 16, 4 / 16  # of keys and bass, the second pair
    assert torch.allclose(found, wanted, atol=1e-5)


def test_amounts_by_hand():
    x = torch.zeros(2, 5, 64, 84)
    x[0, 2, 4:12, [40, 44]] = x[1, 4, :, 50] = 1
    found = gan.amounts(x)
    wanted = torch.zeros(2, 5)
    wanted[:, 2] = torch.tensor([2, 16]) / 32
    wanted[:, 4] = torch.tensor([1, 64]) / 32
    assert torch.allclose(found, wanted)


def test_shares_are_matched_in_the_mean_of_batches_not_in_each():
    """Two kinds of phrases that are each one-sided, but right together, are left as they are."""
    real = torch.full((4, 26), 0.5 / 13)
    matched, kinds = train_gan.Matched(real), torch.zeros(2, 4, 26)
    kinds[0, :, ::2] = kinds[1, :, 1::2] = 1 / 13
    for k in range(600):
        slope = kinds[k % 2].clone().requires_grad_()
        matched(slope).backward()
    assert matched.missed() < 0.03 and slope.grad.abs().max() < 0.05


def test_what_is_too_frequent_becomes_rarer_and_what_is_missing_more_frequent():
    real, moves = torch.zeros(4, 26), torch.zeros(4, 26)
    real[:, 14], moves[:, 24] = 1, 1
    matched = train_gan.Matched(real)
    for _ in range(3):
        given = moves.clone().requires_grad_()
        matched(given).backward()
    assert (given.grad[:, 24] == 1).all() and (given.grad[:, 14] == -1).all()
    assert (given.grad.abs().sum(-1) == 2).all()  # what is right is left alone
    assert matched.missed() == pytest.approx(4 * 2 * (1 - 0.99**3), rel=1e-4)


def test_calibrated_bars_come_again_as_often_as_in_the_songs():
    model = small()
    cells = torch.zeros(4, 5, 64, 84, dtype=torch.bool)
    for k, bars in enumerate((range(4), (0, 0, 2, 3), (0, 1, 0, 3), range(4))):
        for bar, kind in enumerate(bars):
            cells[k, :, 16 * bar + kind, 30:] = True
    wanted = pianoroll.bars_again(cells.numpy())[:, :3]
    train_gan.calibrate(model, cells, n=200)
    found = pianoroll.bars_again(gan.generate(model, model.noise(200, seed=0)))[:, :3]
    assert (wanted == [0.25, 0.25, 0]).all() and np.abs(found - wanted).max() < 0.05


def test_notes_are_rounded_after_the_first_part_only(tmp_path, monkeypatch):
    rounded, seen = gan.binary, []
    monkeypatch.setattr(gan, "binary", lambda x: seen.append(len(x)) or rounded(x))
    recipe = train_gan.GanRecipe(
        noise=4, hidden=8, critic_hidden=4, n_steps=4, batch=4, watch_every=9, snapshots=(),
        shades=0.5,
    )  # fmt: skip
    train_gan.train_gan("muse_gan", recipe, tmp_path, n_steps=2)
    assert not seen
    train_gan.train_gan("muse_gan", recipe, tmp_path, resume=True)
    assert seen == [4] * 2 * recipe.critic_steps


def test_rates_fall_to_the_end_of_the_minutes(tmp_path, monkeypatch):
    rates, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda o: rates.append(o.param_groups[0]["lr"]) or step(o)
    )
    # a clock of its own: a tenth of a second a step, however busy the machine is
    clock = itertools.count()
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: next(clock) / 10))
    recipe = train_gan.GanRecipe(
        noise=4, hidden=8, critic_hidden=4, n_steps=10**6, batch=2, watch_every=10**6, snapshots=()
    )
    train_gan.train_gan("muse_gan", recipe, tmp_path, minutes=0.05)
    assert rates[0] == recipe.rate_critic
    assert rates[-3] < 0.2 * recipe.rate_critic and rates[-1] < 0.2 * recipe.rate_generator


def test_critic_learns_to_tell_phrases_from_noise():
    torch.manual_seed(0)
    critic = gan.Critic(8)
    real = train_gan.Phrases().cells[:16].float()
    fake = (torch.rand_like(real) < real.mean()).float()
    optimizer = torch.optim.Adam(critic.parameters(), 5e-3, betas=(0.5, 0.9))
    gaps = []
    for _ in range(30):
        scores = critic(real), critic(fake)
        loss = gan.critic_loss(*scores) + 10 * gan.gradient_penalty(critic, real, fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        gaps.append((scores[0].mean() - scores[1].mean()).item())
    assert scores[0].shape == (16,) and gaps[-1] > gaps[0] + 0.5


def test_recipe_learns_from_the_training_songs_in_all_its_keys(tmp_path, monkeypatch):
    draw, seen, watched = train_gan.Phrases.draw, [], []

    def spied(phrases, batch, transpose):
        seen.append((phrases.cells, transpose))
        return draw(phrases, batch, transpose)

    monkeypatch.setattr(train_gan.Phrases, "draw", spied)
    monkeypatch.setattr(train_gan, "distance_to", lambda c, g, cells: watched.append(cells) or 0.0)
    recipe = train_gan.GanRecipe(
        noise=4, hidden=8, critic_hidden=4, n_steps=1, batch=2, watch_every=1, snapshots=()
    )
    train_gan.train_gan("muse_gan", recipe, tmp_path)
    parts = [train_gan.Phrases(part).cells for part in ("train", "validation")]
    assert len(seen) >= 2
    assert all(torch.equal(cells, parts[0]) and by == 3 for cells, by in seen)
    assert len(watched) == 1 and torch.equal(watched[0], parts[1])


def test_what_is_chosen_by_is_no_song_of_the_training_or_the_test():
    cells, song = pianoroll.corpus("train")
    train, validation, test = (
        train_gan.Phrases(part).cells.numpy() for part in ("train", "validation", "test")
    )
    assert np.array_equal(test, pianoroll.corpus("test")[0])
    assert len(train) + len(validation) == len(cells) and 0.15 < len(validation) / len(cells) < 0.25
    kept_back = np.unique(song)[2::6]
    assert np.array_equal(validation, cells[np.isin(song, kept_back)])
    assert np.array_equal(train, cells[~np.isin(song, kept_back)])


def test_phrases_are_drawn_in_seven_keys():
    phrases = train_gan.Phrases()
    phrases.cells = torch.zeros(1, 5, 64, 84, dtype=torch.bool)
    phrases.cells[0, :, 0, 40] = True
    phrases.cells[0, :, 1, [1, 82]] = True
    drawn = phrases.draw(200, 3)
    keys = drawn[:, :, 0].argmax(-1)
    assert (keys[:, 0] == 40).all()  # drums keep their keys
    assert (keys[:, 1:] == keys[:, 1:2]).all()  # the others move together
    assert set(keys[:, 1].tolist()) == set(range(37, 44))
    for one, key in zip(drawn[:, 1:, 1], keys[:, 1], strict=True):  # none comes in again elsewhere
        there = [k for k in (key - 39, key + 42) if 0 <= k < 84]
        assert (one.sum(-1) == len(there)).all() and one[:, there].all()
    assert (phrases.draw(20, 0) == phrases.cells).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: gan.gradient_penalty(lambda x: x, torch.ones(2, 3), torch.ones(2, 4)), "shape"),
        (lambda m: gan.gradient_penalty(lambda x: x, torch.ones(2, 3), torch.ones(2, 3)), "scores"),
        (lambda m: gan.generate(m, {}), "noise"),
        (lambda m: gan.generate(m, None), "noise"),
        (lambda m: gan.generate(m, {"shared": 1}), "noise"),
        (lambda m: gan.generate(m.train(), m.noise(1, 0)), "eval"),
        (lambda m: gan.generate(m, m.noise(1, 0), np.full((1, 5, 64, 84), 0.3), 3), "given: cells"),
        (lambda m: m(m.noise(1, 0), torch.zeros(1, 5, 64, 84)), "is_given"),
        (lambda m: m(gan.Generator(4, 8).noise(1)), "noise: not of this model"),
        (lambda m: m({}), "noise"),
        (
            lambda m: m(m.noise(1, 0), torch.zeros(1, 4, 64, 84), torch.zeros(1, 4)),
            r"given: shape \(1, 5, 64, 84\) needed, \(1, 4, 64, 84\) given",
        ),
        (
            lambda m: m(m.noise(1, 0), torch.zeros(1, 5, 64, 84), torch.zeros(5)),
            r"is_given: shape \(1, 5\) needed, \(5,\) given",
        ),
        (
            lambda m: gan.Critic(4)(torch.zeros(2, 4, 64, 84)),
            r"x: shape \(batch, 5, 64, 84\) needed",
        ),
        (lambda m: gan.Critic(4)(torch.zeros(5, 64, 84)), r"x: shape \(batch, 5, 64, 84\) needed"),
        (
            lambda m: gan.Critic(4)(torch.zeros(0, 5, 64, 84)),
            r"x: shape \(batch, 5, 64, 84\) needed",
        ),
        (
            lambda m: gan.modes_found(torch.zeros(9, 3), torch.zeros(8, 2)),
            r"points \(9, 3\), places",
        ),
        (lambda m: gan.modes_found(torch.zeros(9), torch.zeros(8, 2)), r"points \(9,\), places"),
        (lambda m: gan.interpolate(m.noise(1, 0), m.noise(3, 1), 0.5), "as many"),
        (lambda m: gan.interpolate(m.noise(1, 0), {}, 0.5), "noise"),
        (lambda m: gan.generate(m, m.noise(1, 0), track=1), "given, track"),
        (lambda m: gan.generate(m, m.noise(1, 0), np.zeros((1, 5, 64, 84)), 7), "track"),
        (lambda m: gan.generate(m, m.noise(1, 0), np.zeros((1, 4, 64, 84)), 1), "given"),
        (lambda m: m.noise(0), "batch"),
        (lambda m: gan.interpolate(m.noise(1, 0), m.noise(1, 1), 2.0), "way"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(small())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: gan.gradient_penalty(m, np.ones((2, 3)), np.ones((2, 3))), "real: expected a"),
        (lambda m: gan.gradient_penalty(m, torch.ones(2, 3), np.ones((2, 3))), "fake: expected a"),
        (lambda m: gan.gradient_penalty(m, *torch.ones(2, 2, 3), [0.5, 0.5]), "mix: expected a"),
        (lambda m: gan.modes_found(np.zeros((9, 2)), torch.zeros(8, 2)), "points: expected a"),
        (lambda m: gan.modes_found(torch.zeros(9, 2), [[0, 0]]), "places: expected a torch tensor"),
        (lambda m: gan.Critic(4)(np.zeros((2, 5, 64, 84))), "x: expected a torch tensor"),
        (lambda m: gan.Critic(4)(torch.zeros(2, 5, 64, 84).bool()), r"x: .* use .float\(\) first"),
        (lambda m: m(m.noise(1), np.zeros((1, 5, 64, 84)), torch.zeros(1, 5)), "given: expected a"),
        (lambda m: m(m.noise(1), torch.zeros(1, 5, 64, 84), [[1] * 5]), "is_given: expected a"),
    ],
)
def test_wrong_types_get_one_sentence(call, message):
    with pytest.raises(TypeError, match=message) as error:
        call(small())
    assert "\n" not in str(error.value)


def test_modes_found_by_hand():
    places = torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    points = torch.cat([torch.zeros(97, 2), torch.tensor([[1.0, 0.19], [1, -0.19], [0, 0.79]])])
    assert gan.modes_found(points, places) == 2
    assert gan.modes_found(points, places, share=0.021) == 1
    assert gan.modes_found(points, places, radius=0.25, share=0.01) == 3


def test_binary_neurons_round_and_hand_the_slope_through():
    soft = torch.tensor([0.1, 0.49, 0.51, 0.9], requires_grad=True)
    rounded = gan.binary(soft)
    assert rounded.tolist() == [0, 0, 1, 1]
    (rounded * torch.arange(4.0)).sum().backward()
    assert soft.grad.tolist() == [0, 1, 2, 3]


def test_norm_by_hand():
    """Mean 0 and deviation 1 over the rows, the same for a feature of any size but a tiny one."""
    norm = gan.PerTrackNorm(3)
    x = torch.randn(5, 4000, 3) * torch.tensor([3.0, 1.0, 1e-5**0.5]) + 2
    y = norm(x).detach()
    assert y.mean(1).abs().max() < 1e-3
    deviation = y.std(1, correction=0).mean(0)
    assert deviation[:2] == pytest.approx([1, 1], rel=1e-3)
    assert deviation[2].item() == pytest.approx(0.5**0.5, rel=0.03)  # 1e-5 is added to its variance
    norm.eval()
    other = torch.randn(5, 7, 3)
    mean, variance = x.mean(1, keepdim=True), x.var(1, keepdim=True, correction=0)
    assert torch.allclose(norm(other), (other - mean) / (variance + 1e-5).sqrt(), atol=1e-4)


def test_a_key_is_down_above_one_half():
    model = gan.Generator(4, 8).eval()
    noise = model.noise(1, seed=0)
    for logit, share in ((-0.01, 0), (0.01, 1)):
        torch.nn.init.zeros_(model.bars.keys.weight)
        torch.nn.init.constant_(model.bars.keys.bias, logit)
        assert gan.generate(model, noise).mean() == share


def test_the_recipe_fits_what_is_shipped():
    recipe = RECIPES["muse_gan"]
    generator = gan.Generator(recipe.noise, recipe.hidden)
    for name, model in (
        ("muse_gan", generator),
        ("muse_gan_critic", gan.Critic(recipe.critic_hidden)),
    ):
        shipped = weights.load_snapshots(name, type(model))
        model.load_state_dict(shipped[max(shipped)].state_dict())
