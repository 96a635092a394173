"""Schedules, forward and reverse steps, inpainting and the U-Net against exact or frozen values."""

import decimal
from decimal import Decimal

import numpy as np
import pytest
import torch

from lecture_utils import diffusion
from lecture_utils.diffusion import NoiseSchedule, unet

LINEAR = NoiseSchedule.linear()

# sqrt(alpha bar), sqrt(1 - alpha bar), weights of x0 and x_t, posterior variance: Ho et al.'s code
PUBLISHED = {
    0: (0.9999499987, 0.01, 1, 0, 0),
    1: (0.99989004, 0.0148292929, 0.5452914995, 0.454708499, 5.453187661e-05),
    100: (0.9461192266, 0.3238184817, 0.01889545559, 0.9810761026, 0.00205455353),
    500: (0.2789205234, 0.960314189, 0.003058057076, 0.9941043508, 0.01005133578),
    999: (0.006352818088, 0.9999798206, 0.0001283514872, 0.9899486783, 0.01999998353),
}

# One step of the package diffusers 0.42.1 from X with the noise E predicted and Z fresh, its tables
# handed to it in float64. (Its own are float32: all 1000 steps of the three schedules were compared
# once, and it is off by up to 1e-4 on the linear one, at t = 2, and 4e-4 on the cosine, at t = 999;
# in float64 by less than 1e-7.)
X, E, Z = ([[0.7, -1.3, 0.2]], [[-0.4, 0.9, 1.1]], [[1.5, -0.6, 0.3]])
X, E, Z = (torch.tensor(values) for values in (X, E, Z))
STEPS = {
    ("linear", "small", 0): [0.7040352, -1.3090654, 0.1890095],
    ("linear", "small", 1): [0.7143537, -1.3117871, 0.1933315],
    ("linear", "small", 2): [0.7168674, -1.3122747, 0.1946768],
    ("linear", "small", 100): [0.771311, -1.3343786, 0.2066938],
    ("linear", "small", 500): [0.8581438, -1.3762184, 0.2195089],
    ("linear", "small", 999): [0.9273201, -1.4162342, 0.2222331],
    ("linear", "large", 1): [0.719703, -1.3139268, 0.1944013],
    ("linear", "large", 998): [0.9271992, -1.4161603, 0.2222323],
    ("scaled_linear", "small", 2): [0.7429581, -1.3301918, 0.1885733],
    ("scaled_linear", "small", 500): [0.8079495, -1.3498428, 0.2150398],
    ("scaled_linear", "small", 999): [0.8733906, -1.3844865, 0.2207624],
    ("scaled_linear", "large", 1): [0.7524378, -1.3367397, 0.1860705],
    ("cosine", "small", 2): [0.710265, -1.3073398, 0.1969394],
    ("cosine", "small", 500): [0.7870153, -1.3397018, 0.2122637],
    ("cosine", "small", 999): [36.271653, -70.141345, -28.125865],
    ("cosine", "large", 998): [3.2990354, -4.4696107, -0.9901917],
}
JUMPS = {
    (False, 980): [0.938498, -1.776997, 0.004859],
    (False, 500): [0.81663, -1.533739, 0.100873],
    (False, 0): [0.704036, -1.309066, 0.189009],
    (True, 980): [0.701656, -1.301647, 0.198331],
    (True, 20): [0.729926, -1.038252, 0.124286],
    (True, 0): [0.704036, -1.0, 0.189009],
}


@pytest.mark.parametrize("t", PUBLISHED)
def test_tables_are_the_published_ones(t):
    left = LINEAR.alphas_cumprod[t]
    before = LINEAR.alphas_cumprod[t - 1] if t else 1.0
    of_x0 = np.sqrt(before) * LINEAR.betas[t] / (1 - left)
    of_xt = np.sqrt(1 - LINEAR.betas[t]) * (1 - before) / (1 - left)
    found = (np.sqrt(left), np.sqrt(1 - left), of_x0, of_xt, LINEAR.posterior_variance[t])
    np.testing.assert_allclose(found, PUBLISHED[t], rtol=1e-9, atol=1e-15)


def test_betas_are_the_published_formulas():
    assert LINEAR.betas.dtype == np.float64
    t = np.arange(1000)
    np.testing.assert_allclose(LINEAR.betas, 1e-4 + t * (0.02 - 1e-4) / 999, rtol=1e-12)
    root = np.sqrt(0.00085) + t * (np.sqrt(0.012) - np.sqrt(0.00085)) / 999
    scaled = NoiseSchedule.scaled_linear()
    np.testing.assert_allclose(scaled.betas, root**2, rtol=1e-12)
    assert scaled.alphas_cumprod[-1] == pytest.approx(0.00466, abs=1e-5)
    cosine = NoiseSchedule.cosine()
    share = np.cos((t[:-1] + 1 + 8) / 1008 * np.pi / 2) ** 2 / np.cos(8 / 1008 * np.pi / 2) ** 2
    np.testing.assert_allclose(cosine.alphas_cumprod[:-1], share, rtol=1e-10)
    assert cosine.betas[-1] == 0.999


def test_every_entry_of_the_tables_is_right_to_twelve_digits():
    """Against the definitions, added up in 40 digits."""
    with decimal.localcontext(prec=40):
        left, start = Decimal(1), Decimal("0.0001")
        for t in range(1000):
            beta = start + (Decimal("0.02") - start) * t / 999
            before, left = left, left * (1 - beta)
            exact = beta, left, beta * (1 - before) / (1 - left)
            ours = LINEAR.betas[t], LINEAR.alphas_cumprod[t], LINEAR.posterior_variance[t]
            np.testing.assert_allclose(ours, [float(x) for x in exact], rtol=1e-12)


@pytest.mark.parametrize(("name", "variance", "t"), STEPS)
def test_reverse_step_is_that_of_diffusers(name, variance, t):
    steps = getattr(NoiseSchedule, name)()
    found = steps.p_sample(X.double(), t, E.double(), Z.double(), variance)
    np.testing.assert_allclose(found[0], STEPS[name, variance, t], rtol=3e-8, atol=1e-7)


@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("name", ["linear", "scaled_linear", "cosine"])
def test_every_reverse_step_is_algorithm_2(name, variance):
    """All steps, float64 and float32, against the paper's form with the guessed noise."""
    steps, (x, e, z) = getattr(NoiseSchedule, name)(), (v.double() for v in (X, E, Z))
    for t, beta in enumerate(steps.betas):
        left = np.prod(1 - steps.betas[: t + 1])
        mean = (x - beta / np.sqrt(1 - left) * e) / np.sqrt(1 - beta)
        before = left / (1 - beta)
        spread = np.sqrt(beta if variance == "large" else beta * (1 - before) / (1 - left))
        exact = mean + spread * z if t else mean
        np.testing.assert_allclose(steps.p_sample(x, t, e, z, variance), exact, rtol=1e-9)
        np.testing.assert_allclose(steps.p_sample(X, t, E, Z, variance), exact, rtol=2e-6)


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "cosine"])
def test_every_jump_is_that_of_the_paper(name):
    """All steps in float64: what is left of x_t, and the rest of the guessed noise."""
    steps, x, e = getattr(NoiseSchedule, name)(), X.double(), E.double()
    left = np.append(steps.alphas_cumprod, 1)  # the last is entry -1, the clean data
    for t in range(1000):
        t_next = max(t - 50, -1)
        grow = np.sqrt(left[t_next] / left[t])
        exact = grow * x + (np.sqrt(1 - left[t_next]) - grow * np.sqrt(1 - left[t])) * e
        np.testing.assert_allclose(steps.ddim_sample(x, t, e, t_next), exact, rtol=1e-9)


@pytest.mark.parametrize(("clip", "t"), JUMPS)
def test_ddim_jump_is_that_of_diffusers(clip, t):
    found = LINEAR.ddim_sample(X, t, E, t - 20 if t else -1, clip)
    np.testing.assert_allclose(found[0], JUMPS[clip, t], atol=5e-6)


def test_forward_jump_is_many_small_steps():
    """Mean and variance of one jump, against beta after beta."""
    mean, variance = 1.0, 0.0
    for t, beta in enumerate(LINEAR.betas[:300]):
        mean, variance = np.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        jump = LINEAR.q_sample(torch.ones(1, 1), t, torch.zeros(1, 1)).item()
        assert jump == pytest.approx(mean, rel=1e-5)
        only_noise = LINEAR.q_sample(torch.zeros(1, 1), t, torch.ones(1, 1)).item()
        assert only_noise**2 == pytest.approx(variance, rel=1e-5)


def test_each_example_has_its_own_step():
    x, noise = torch.randn(2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    together = LINEAR.q_sample(x, torch.tensor([0, 500, 999]), noise)
    for k, t in enumerate((0, 500, 999)):
        assert torch.allclose(together[k], LINEAR.q_sample(x[k], t, noise[k]))
    t = torch.tensor([0, 500, 999])
    assert torch.allclose(LINEAR.predict_x0(together, t, noise), x, atol=1e-3)


@pytest.mark.parametrize(("variance", "expected"), [("small", 0.49611), ("large", 0.50075)])
def test_exact_denoiser_gives_back_a_bell(variance, expected):
    """Data N(0.3, 0.5^2): every step is a straight line plus noise, so its spread is exact."""
    spread, mean = 1.0, 0.0
    for t in range(999, -1, -1):
        left = LINEAR.alphas_cumprod[t]

        def step(x, noise, t=t, left=left):
            x = torch.tensor([[x]], dtype=torch.float64)
            whole = left * 0.25 + 1 - left
            predicted = np.sqrt(1 - left) / whole * (x - np.sqrt(left) * 0.3)
            return LINEAR.p_sample(x, t, predicted, torch.full_like(x, noise), variance).item()

        shift, slope = step(0.0, 0.0), step(1.0, 0.0) - step(0.0, 0.0)
        of_noise = step(0.0, 1.0) - shift
        mean, spread = shift + slope * mean, np.hypot(slope * spread, of_noise)
        assert of_noise == 0 if t == 0 else of_noise > 0
    assert spread == pytest.approx(expected, abs=1e-5) and mean == pytest.approx(0.3, abs=1e-3)


def test_sampling_with_the_exact_denoiser_lands_on_the_data():
    target = torch.tensor([[0.5, -0.25]])

    def predict(x, t):
        left = LINEAR.alphas_cumprod[t]
        return (x - np.sqrt(left) * target) / np.sqrt(1 - left)

    start = torch.randn(1, 2, generator=torch.Generator().manual_seed(1))
    reached = []
    for n_steps in (None, 10, 1):
        found = diffusion.sample(
            LINEAR, predict, start, n_steps, 0, on_step=lambda t, x: reached.append(t)
        )
        assert torch.allclose(found, target, atol=1e-4)
    assert reached[:1000] == list(range(998, -2, -1)) and reached[-2:] == [-1, -1]
    assert len(reached) == 1011


@pytest.mark.parametrize("n_steps", [None, 7])
def test_inpainting_leaves_what_is_known_and_puts_it_back_at_the_right_noise(n_steps):
    known = torch.full((1, 20_000), 0.7)
    mask = torch.arange(20_000)[None] % 2 == 0
    short, levels = NoiseSchedule.linear(20), []

    def look(t, x):
        left = short.alphas_cumprod[t] if t >= 0 else 1.0
        assert x[mask].mean().item() == pytest.approx(np.sqrt(left) * 0.7, abs=0.05)
        assert x[mask].std().item() == pytest.approx(np.sqrt(1 - left), abs=0.05)
        levels.append(t)

    start = torch.randn(known.shape, generator=torch.Generator().manual_seed(0))
    made = diffusion.sample(
        short, lambda x, t: x, start, n_steps, 0, known=known, mask=mask, on_step=look
    )
    assert (made[mask] == 0.7).all() and (made[~mask] != 0.7).any() and levels[-1] == -1


def test_seeds_decide():
    start = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    make = [diffusion.sample(LINEAR, lambda x, t: 0 * x, start, seed=s) for s in (1, 1, 2)]
    assert torch.equal(make[0], make[1]) and not torch.equal(make[0], make[2])


def test_time_embedding_by_hand():
    found = unet.time_embedding(torch.tensor([0, 3]), 4)
    second = [np.sin(3), np.sin(3e-4), np.cos(3), np.cos(3e-4)]
    np.testing.assert_allclose(found, [[0, 0, 1, 1], second], atol=1e-6)


def awake(model):
    """Blocks begin as shortcuts and hide what they see: give every layer something to say."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def test_unet_uses_step_and_condition_and_looks_along_the_whole_song():
    model = awake(unet.UNet(2, 3, width=8))
    x, told = torch.randn(1, 2, 8, 64), torch.randn(1, 3, 8, 64)
    t = torch.tensor([10])
    with torch.inference_mode():
        base = model(x, t, told)
        assert base.shape == x.shape
        assert not torch.allclose(base, model(x, torch.tensor([900]), told))
        assert not torch.allclose(base, model(x, t, -told))
        far = x.clone()
        far[..., 0] += 1
        assert (model(far, t, told) - base)[..., -1].abs().max() > 1e-6
    blank = unet.UNet(2, width=8)
    assert not blank(x, t).any()  # before training it predicts no noise


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LINEAR.q_sample(torch.zeros(1, 2), 1000, torch.zeros(1, 2)), "t=1000"),
        (lambda: LINEAR.q_sample(torch.zeros(1, 2), -1, torch.zeros(1, 2)), "t=-1"),
        (lambda: LINEAR.q_sample(torch.zeros(1, 2), torch.tensor([1000]), torch.zeros(1, 2)), "t:"),
        (lambda: LINEAR.q_sample(torch.zeros(1, 2), 1.5, torch.zeros(1, 2)), "t=1.5"),
        (lambda: LINEAR.q_sample(torch.zeros(1, 2), 5, torch.zeros(1, 3)), "noise"),
        (lambda: LINEAR.q_sample(np.zeros((1, 2)), 5, torch.zeros(1, 2)), "tensor"),
        (lambda: LINEAR.p_sample(X, 5, E, Z, "middle"), "variance"),
        (lambda: LINEAR.p_sample(X, 1000, E, Z), "t=1000"),
        (lambda: LINEAR.ddim_sample(X, 5, E, 5), "t_next"),
        (lambda: NoiseSchedule(np.array([0.1, 1.5])), "betas"),
        (lambda: NoiseSchedule.linear(0), "n_steps"),
        (lambda: NoiseSchedule.linear(10, -1.0), "beta_start"),
        (lambda: LINEAR.p_sample(X, 5, E, Z, ["small"]), "variance=<list>"),
        (lambda: LINEAR.p_sample(None, 5, E, Z), "data: expected a float tensor, got None"),
        (lambda: LINEAR.p_sample(X, 5, None, Z), "predicted_noise"),
        (lambda: diffusion.sample(None, lambda x, t: x, X), "schedule=None"),
        (lambda: diffusion.sample(LINEAR.betas, lambda x, t: x, X), "schedule=<ndarray>"),
        (lambda: diffusion.sample(LINEAR, None, X), "predict=None"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, None), "start: .* got None"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, X / 0), "start: has NaN"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: None, X, 5), "predicted_noise"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, X, 5, on_step=3), "on_step=3"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, X, 5, known=X, mask=5), "mask"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, X, 2000), "n_steps"),
        (lambda: diffusion.sample(LINEAR, lambda x, t: x, X, 5, known=X), "known, mask"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call()
    assert "\n" not in str(error.value)
