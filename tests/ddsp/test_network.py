"""DDSP against exact sums of sines, plain NumPy filters and hand-made cases."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lecture_utils import audio, data, ddsp, metrics, weights

RATE, HOP = 16_000, 64
DOUBLE = {"dtype": torch.float64}


def straight_lines(controls, hop=HOP):
    """Linear upsampling, the last frame held: (frames, ...) to (frames * hop, ...)."""
    place = np.arange(len(controls) * hop) / hop
    flat = controls.reshape(len(controls), -1)
    lines = [np.interp(place, np.arange(len(controls)), column) for column in flat.T]
    return np.stack(lines, 1).reshape(-1, *controls.shape[1:])


def exact_sines(f0_hz, amplitudes):
    """Every harmonic by itself, in float64 from the first to the last sample."""
    hz, lines = straight_lines(f0_hz), straight_lines(amplitudes)
    phase = 2 * np.pi * (np.cumsum(hz) - hz) / RATE
    return sum(
        lines[:, k - 1] * np.sin(k * phase) * (k * hz < RATE / 2)
        for k in range(1, lines.shape[1] + 1)
    )


def per_harmonic_cumsum(f0_hz, amplitude, distribution, hop=HOP):
    """The straightforward oscillator: a float32 cumulative sum for each harmonic."""

    def up(x):
        return F.interpolate(x, size=x.shape[-1] * hop, mode="linear")

    k = torch.arange(1, distribution.shape[-1] + 1)
    hz = up(f0_hz[:, None])[:, 0, :, None] * k
    lines = up((amplitude[..., None] * distribution).transpose(1, 2)).transpose(1, 2)
    phase = torch.cumsum(2 * np.pi * hz / RATE, 1)
    return (torch.where(hz < RATE / 2, lines, 0) * torch.sin(phase)).sum(-1)


def random_controls(frames, harmonics, seed=0, **kind):
    rng = np.random.default_rng(seed)
    amplitude, distribution = rng.uniform(0.2, 1, frames), rng.uniform(0, 1, (frames, harmonics))
    return tuple(torch.tensor(x[None], **kind) for x in (amplitude, distribution / harmonics))


# ------------------------------------------------------------------------------- oscillators


def test_exp_sigmoid():
    x = torch.tensor([-40.0, -3.0, -2.0, 0.0, 40.0], **DOUBLE)
    tiny, lower, low, middle, high = ddsp.exp_sigmoid(x).tolist()
    assert middle == pytest.approx(2 * 0.5 ** np.log(10) + 1e-7) == pytest.approx(0.4053992)
    assert tiny == pytest.approx(1e-7) and high == pytest.approx(2)
    assert low / lower == pytest.approx(10, rel=0.25)


@pytest.mark.parametrize("vibrato", [0, 0.02])
@pytest.mark.parametrize("f0", [110.3, 220, 1760])
def test_ten_seconds_against_exact_sines(f0, vibrato):
    t = np.arange(2500) / 250
    f0_hz = (f0 * (1 + vibrato * np.sin(2 * np.pi * 6 * t))).astype(np.float32)
    amplitude, distribution = random_controls(2500, 60, dtype=torch.float32)
    amplitude += 0.1 * torch.rand(amplitude.shape)
    y = ddsp.harmonic_oscillator(torch.tensor(f0_hz[None]), amplitude, distribution)
    assert y.shape == (1, 160_000) and y.dtype == torch.float32
    exact = exact_sines(f0_hz.astype(float), (amplitude[..., None] * distribution)[0].numpy())
    error = y[0].double().numpy() - exact
    assert 10 * np.log10(np.sum(exact**2) / np.sum(error**2)) >= 100
    last = slice(-16_000, None)  # no drift
    assert 10 * np.log10(np.sum(exact[last] ** 2) / np.sum(error[last] ** 2)) >= 100


def test_a_float32_phase_drifts():
    """What the oscillator avoids. (torch.cumsum adds float32 in float64 and only rounds.)"""
    n = np.arange(1, 160_001)
    step = np.full(len(n), 2 * np.pi * 220 / RATE)
    exact = np.sin(step * n)
    drifting = np.sin(np.cumsum(step, dtype=np.float32))
    error = np.square(drifting - exact)
    assert 10 * np.log10(np.mean(exact**2) / np.mean(error[:1600])) > 60
    assert 10 * np.log10(np.mean(exact**2) / np.mean(error[-1600:])) < 10


def test_nothing_above_nyquist():
    ones = torch.ones(1, 250, 10)
    y = ddsp.harmonic_oscillator(torch.full((1, 250), 3000.0), ones[..., 0], ones)[0]
    level = torch.fft.rfft(y.double()).abs() / 8000  # one bin a hertz
    peaks = torch.nonzero(level > 1e-4)[:, 0].tolist()
    assert peaks == [3000, 6000] and level[peaks].tolist() == pytest.approx([1, 1], abs=1e-5)
    for f0_hz in (8000, 12_000):
        y = ddsp.harmonic_oscillator(torch.full((1, 5), float(f0_hz)), ones[:, :5, 0], ones[:, :5])
        assert not y.any()


def test_a_glide_leaves_harmonics_out_sample_by_sample():
    f0_hz = np.concatenate([np.linspace(500, 3900, 20), [200, 7000, 200]])
    amplitude, distribution = random_controls(23, 12, **DOUBLE)
    y = ddsp.harmonic_oscillator(torch.tensor(f0_hz[None]), amplitude, distribution)
    exact = exact_sines(f0_hz, (amplitude[..., None] * distribution)[0].numpy())
    assert np.abs(y[0].numpy() - exact).max() < 1e-9


@pytest.mark.parametrize("nothing", [0.0, float("nan")])
def test_unvoiced_is_silence_and_notes_do_not_begin_with_a_glide(nothing):
    f0_hz = torch.full((2, 12), 440.0, **DOUBLE)
    f0_hz[0, 4:8], f0_hz[0, 8:], f0_hz[1] = nothing, 880.0, nothing
    ones = torch.ones(2, 12, 1, **DOUBLE)
    y = ddsp.harmonic_oscillator(f0_hz, ones[..., 0], ones).numpy()
    assert not y[1].any() and not y[0, 4 * HOP + 1 : 7 * HOP].any() and np.isfinite(y).all()
    n, fade = np.arange(HOP), np.arange(HOP) / HOP
    out = (1 - fade) * np.sin(2 * np.pi * 440 / RATE * (3 * HOP + n))
    assert np.abs(y[0, 3 * HOP : 4 * HOP] - out).max() < 1e-9
    phase = 2 * np.pi * (440 * 4 * HOP + 880 * n) / RATE
    assert np.abs(y[0, 7 * HOP : 8 * HOP] - fade * np.sin(phase)).max() < 1e-9


def test_gradients():
    """gradcheck in float64, past half the sample rate and through an unvoiced frame."""
    torch.manual_seed(0)
    f0_hz = torch.tensor([[900.0, 1000, np.nan, 1900], [300, 310, 320, 330]], **DOUBLE)
    rest = [torch.rand(shape, **DOUBLE) for shape in ((2, 4), (2, 4, 5))]
    inputs = [x.requires_grad_() for x in (f0_hz, *rest)]
    assert torch.autograd.gradcheck(
        lambda *x: ddsp.harmonic_oscillator(*x, hop_length=6), inputs, eps=1e-6
    )
    noise = torch.rand(2, 24, **DOUBLE)
    magnitudes = torch.rand(2, 4, 5, **DOUBLE).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: ddsp.filtered_noise(m, 6, noise), magnitudes)
    reverb = ddsp.Reverb(7).double()
    assert torch.autograd.gradcheck(
        lambda x, _: reverb(x), (noise.requires_grad_(), reverb.response)
    )
    target, estimate = torch.randn(2, 2, 80, **DOUBLE)
    estimate.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: ddsp.multi_scale_spectral_loss(target, x, (32, 16)), estimate
    )


# ------------------------------------------------------------------------------- noise and room


@pytest.mark.parametrize(("bands", "hop"), [(65, 64), (9, 64), (65, 20), (3, 7)])
def test_noise_against_a_time_varying_filter(bands, hop):
    rng = np.random.default_rng(0)
    frames, taps = 30, 2 * (bands - 1)
    magnitudes = rng.uniform(0, 1, (2, frames, bands)).astype(np.float32)
    noise = rng.uniform(-1, 1, (2, frames * hop)).astype(np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(taps) / taps)
    wanted = np.zeros((2, frames * hop + 2 * taps))
    for b, t in np.ndindex(2, frames):
        response = np.fft.fftshift(np.fft.irfft(magnitudes[b, t].astype(float), taps)) * window
        ringing = np.convolve(noise[b, t * hop : (t + 1) * hop].astype(float), response)
        wanted[b, t * hop : t * hop + len(ringing)] += ringing
    wanted = wanted[:, taps // 2 : taps // 2 + frames * hop]
    y = ddsp.filtered_noise(torch.tensor(magnitudes), hop, torch.tensor(noise)).numpy()
    assert y.shape == wanted.shape
    assert 10 * np.log10(np.sum(wanted**2) / np.sum((y - wanted) ** 2)) >= 100


def test_noise_has_no_delay_and_no_phase():
    x = torch.zeros(1, 640, **DOUBLE)
    x[0, 300] = 1
    assert (ddsp.filtered_noise(torch.ones(1, 10, 65, **DOUBLE), 64, x) - x).abs().max() < 1e-12
    y = ddsp.filtered_noise(torch.rand(1, 10, 65, **DOUBLE), 64, x)[0]
    assert y.abs().argmax() == 300
    assert (y[300 - 63 : 300] - y[301 : 301 + 63].flip(0)).abs().max() < 1e-12


def test_noise_is_drawn_when_none_is_given():
    torch.manual_seed(0)
    y = ddsp.filtered_noise(torch.ones(2, 500, 65))
    assert y.shape == (2, 32_000) and 0.99 < y.abs().max() <= 1
    assert not torch.equal(y[0], y[1]) and abs(float(y.std()) - 3**-0.5) < 0.01


def test_reverb_against_fft_convolution():
    rng = np.random.default_rng(0)
    x, reverb = rng.normal(0, 0.3, (2, 9000)).astype(np.float32), ddsp.Reverb(5000)
    response = rng.normal(0, 0.02, 5000).astype(np.float32)
    reverb.response.data = torch.tensor(response)
    whole = np.concatenate([[1], response]).astype(float)  # the direct sound, then the room
    n_fft = 2**14
    exact = np.fft.irfft(np.fft.rfft(x.astype(float), n_fft) * np.fft.rfft(whole, n_fft), n_fft)
    assert np.abs(reverb(torch.tensor(x)).detach().numpy() - exact[:, :9000]).max() < 1e-5
    wet = np.pad(x, ((0, 0), (0, 5000))) + reverb.wet(torch.tensor(x)).detach().numpy()
    assert np.abs(wet - exact[:, :14_000]).max() < 1e-5


# ------------------------------------------------------------------------------- loss and features


def spectral_loss_by_hand(target, estimate, n_ffts):
    loss = 0
    for n_fft in n_ffts:
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        spectra = []
        for x in (target, estimate):
            padded = np.pad(x.astype(float), ((0, 0), (n_fft // 2, n_fft // 2)))
            starts = range(0, padded.shape[1] - n_fft + 1, n_fft // 4)
            frames = np.stack([padded[:, s : s + n_fft] * window for s in starts])
            spectra.append(np.abs(np.fft.rfft(frames)))
        s, t = spectra
        loss += np.mean(np.abs(s - t)) + np.mean(np.abs(np.log(s + 1e-5) - np.log(t + 1e-5)))
    return loss


def test_spectral_loss_by_hand():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 0.1, (2, 2, 5000)).astype(np.float32)
    y[:, :2500] = 0
    loss = ddsp.multi_scale_spectral_loss(torch.tensor(x), torch.tensor(y))
    assert float(loss) == pytest.approx(spectral_loss_by_hand(x, y, ddsp.N_FFTS), rel=1e-5)
    three = ddsp.multi_scale_spectral_loss(torch.tensor(x)[:, None], torch.tensor(y)[:, None])
    assert float(three) == pytest.approx(float(loss))
    assert float(ddsp.multi_scale_spectral_loss(torch.tensor(x), torch.tensor(x))) == 0
    short = torch.full((3,), 0.5)  # shorter than every window
    assert torch.isfinite(ddsp.multi_scale_spectral_loss(short, 0 * short))


@pytest.mark.parametrize(
    ("hz", "weight_db"), [(63, -26.2), (125, -16.1), (500, -3.2), (1000, 0), (2000, 1.2), (4000, 1)]
)
def test_loudness_of_tones(hz, weight_db):
    """The A curve in the table of IEC 61672, at the nominal frequencies."""
    x = 0.1 * np.sin(2 * np.pi * hz * np.arange(8000) / RATE)
    db = ddsp.loudness(x)
    assert db.shape == (125,) and db.dtype == np.float32
    assert np.median(db) == pytest.approx(-20 - 3.01 + weight_db, abs=0.15)
    assert np.abs(db[15:-15] - np.median(db)).max() < 0.3


@pytest.mark.parametrize(("n", "hop"), [(1, 64), (64, 64), (65, 64), (1600, 64), (1601, 100)])
def test_loudness_frames_and_places(n, hop):
    silence = np.zeros(n)
    assert np.array_equal(ddsp.loudness(silence, RATE, hop), np.full(-(-n // hop), -80.0))
    if n > 1000:  # a click is loudest in the frame that is centred on it
        silence[7 * hop] = 1
        assert ddsp.loudness(silence, RATE, hop).argmax() == 7


def test_loudness_at_the_edges_and_other_rates():
    x = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)
    db = ddsp.loudness(x, 44_100, 200)
    assert len(db) == 221 and np.abs(db - db[100]).max() < 1 and abs(db[100] + 23.01) < 0.05


def test_f0_follows_exact_pitch():
    x, _ = data.load("motif", RATE)
    exact, found = data.load_array("motif_f0")[:500], ddsp.f0(x[: 500 * HOP])
    assert found.shape == exact.shape and found.dtype == np.float32
    median, coverage = metrics.f0_error_cents(exact, found)
    assert median < 6 and coverage > 0.98


def test_f0_in_pieces_equals_one(monkeypatch):
    """A long sound is cut at 20 s; here a fake tracker counts frames from the sound itself."""
    seconds = 45
    x = np.arange(seconds * RATE) / (seconds * RATE)

    def ramp(part, rate, hop, *_, **__):
        place = np.append(part, part[-1])[np.arange(1 + len(part) // hop) * hop]
        return 100 + 1000 * place, place

    monkeypatch.setattr(metrics, "f0_hz", ramp)
    found, sureness = ddsp.f0(x, return_sureness=True)
    assert np.abs(found - (100 + 1000 * x[::HOP])).max() < 0.1
    assert np.abs(sureness - x[::HOP]).max() < 1e-3
    assert np.array_equal(ddsp.f0(x), found)


@pytest.mark.parametrize("hz", [65.41, 82.4, 110.0, 220.0, 698.0, 1046.5, 1397.0, 1760.0,
                                1880.0, 2093.0, 2300.0, 2794.0, 3322.0, 3520.0, 3951.0,
                                4186.0])  # fmt: skip
def test_f0_up_to_c8(hz):
    """Sines and harmonic tones, within 10 cents, and within 2 cents away from the ends."""
    t = np.arange(4000) / RATE
    k = np.arange(1, 20)[:, None]
    partials = np.sin(2 * np.pi * k * hz * t + k) * (k * hz < 7600)
    tones = {"even": partials.sum(0), "falling": (partials / k).sum(0)}
    tones |= {"sine": partials[0], "odd": (partials / k)[::2].sum(0)}
    for name, x in tones.items():
        found = ddsp.f0(0.3 * x / np.abs(x).max())
        assert np.mean(found > 0) > 0.95, name
        off = np.abs(metrics.cents(found[found > 0], hz))
        assert off[4:-4].max() < 10 and off[16:-16].max() < 2, name


def test_f0_of_voices_and_violin_has_no_octave_errors():
    for name in ("hum", "ah", "whistle", "violin_test"):
        start = 0 if name != "violin_test" else 20
        x = data.load(name, RATE)[0][start * RATE : (start + 4) * RATE]
        exact = data.load_array(f"{name}_f0")[250 * start : 250 * (start + 4)]
        found = ddsp.f0(x)[: len(exact)]
        both = (exact[: len(found)] > 0) & (found > 0)
        error = np.abs(metrics.cents(found[both], exact[: len(found)][both]))
        assert both.sum() > 0.98 * (exact > 0).sum(), name
        assert np.median(error) < 5 and np.mean(error > 600) == 0, name


def test_f0_tells_how_sure_it_is():
    sure = {}
    for name in ("whistle", "hum", "sentence", "jazz"):
        f0_hz, sureness = ddsp.f0(data.load(name, RATE)[0][: 3 * RATE], return_sureness=True)
        assert sureness.shape == f0_hz.shape and 0 <= sureness.min() <= sureness.max() <= 1
        sure[name] = sureness[f0_hz > 0].mean()
    assert sure["whistle"] > sure["hum"] > 0.7 > sure["sentence"] > 0.35 > 0.2 > sure["jazz"]


def test_f0_of_silence_noise_gaps_and_clicks():
    assert not ddsp.f0(np.zeros(1600)).any() and ddsp.f0([0.1] * 10).shape == (1,)
    t = np.arange(8000) / RATE
    x = np.where(t < 0.25, np.sin(2 * np.pi * 300 * t), 0.0)
    found = ddsp.f0(x)
    assert np.abs(metrics.cents(found[5:50], 300)).max() < 10 and not found[75:].any()


# ------------------------------------------------------------------------------- networks


def small(n_z=0, **kind):
    torch.manual_seed(0)
    model = ddsp.Autoencoder(hidden=16, n_harmonics=20, n_z=n_z, reverb_seconds=0.1).to(**kind)
    model.reverb.response.data.normal_(0, 0.02)
    return model


def phrase(frames, n_z=0, batch=2, **kind):
    f0_hz = (300.0 + 3 * torch.arange(frames, **kind)).repeat(batch, 1)
    f0_hz[:, 20:25], f0_hz[0, 40:41] = 0, float("nan")
    loudness_db = -40 + 10 * torch.randn(batch, frames, **kind)
    z = torch.randn(batch, frames, n_z, **kind) if n_z else None
    return f0_hz, loudness_db, z, 2 * torch.rand(batch, frames * HOP, **kind) - 1


def test_parts_add_up_and_unvoiced_is_silent():
    model, (f0_hz, db, _, noise) = small(), phrase(80)
    parts = model.parts(f0_hz, db, noise=noise)
    assert list(parts) == ["harmonic", "noise", "reverb"]
    assert (sum(parts.values()) - model(f0_hz, db, noise=noise)).abs().max() < 1e-6
    dry = ddsp.Autoencoder(hidden=8, reverb_seconds=0)
    parts = dry.parts(f0_hz, db)
    assert list(parts) == ["harmonic", "noise"]
    assert not parts["harmonic"][:, 20 * HOP : 24 * HOP].any()
    assert parts["noise"][:, 21 * HOP : 24 * HOP].abs().max() < 1e-6
    assert parts["noise"][:, : 19 * HOP].abs().max() > 1e-6


def test_the_beginning_of_the_room_is_the_body_of_the_instrument():
    """Harmonics and noise go through it; what comes later is the room."""
    model, (f0_hz, db, _, noise) = small(), phrase(80)
    body = round(0.02 * RATE)
    whole = model.reverb.response.data.clone()
    both = model.parts(f0_hz, db, noise=noise)
    model.reverb.response.data[body:] = 0
    early = model.parts(f0_hz, db, noise=noise)
    assert all(torch.equal(early[name], both[name]) for name in ("harmonic", "noise"))
    assert early["reverb"].abs().max() < 1e-7 < both["reverb"].abs().max()
    model.reverb.response.data = torch.zeros_like(whole)
    dry = model(f0_hz, db, noise=noise)
    assert (both["harmonic"] + both["noise"] - dry).abs().max() > 1e-4  # a body, not bare


@pytest.mark.parametrize(("name", "hz"), [("violin", 523.0), ("flute", 523.0), ("cello", 131.0)])
def test_the_shipped_room_is_short_and_its_parts_are_heard(name, hz):
    model = weights.load(f"ddsp_{name}", ddsp.Autoencoder)
    assert len(model.reverb.response) == 960  # 60 ms
    f0_hz = torch.full((1, 250), hz)
    noise = torch.rand(1, 16000, generator=torch.manual_seed(0)) * 2 - 1
    parts = model.parts(f0_hz, torch.full((1, 250), model.facts["loud_db"]), noise=noise)
    level = {kind: audio.loudness_lufs(x[0].detach().numpy(), RATE) for kind, x in parts.items()}
    assert max(level, key=level.get) == "harmonic" and min(level.values()) > -55


def test_decoder_gives_nothing_above_nyquist():
    controls = small().decoder(torch.tensor([[500.0, 3000, 9000]]), torch.zeros(1, 3))
    assert [int((row > 0).sum()) for row in controls.harmonic_distribution[0]] == [15, 2, 0]
    assert controls.harmonic_distribution[0, :2].sum(-1).tolist() == pytest.approx([1, 1])


def test_encoder_hears_colour_but_not_level():
    model, x = small(n_z=3), torch.randn(1, 6400)
    z = model.encoder(x)
    assert z.shape == (1, 100, 3) and (model.encoder(0.1 * x) - z).abs().max() < 0.05
    later = torch.cat([x[:, :3200], x[:, 3200:].cumsum(1)], 1)
    assert (model.encoder(later) - z).abs().max() > 0.05


def test_model_fits_two_megabytes_and_comes_back(tmp_path):
    model = ddsp.Autoencoder()
    file = weights.save(tmp_path / "violin.safetensors", model, step=3)
    assert file.stat().st_size < 2e6
    again = weights.load(file, ddsp.Autoencoder)
    assert again.config == model.config and again.facts == {"step": 3}
    f0_hz, db, _, noise = phrase(10)
    assert torch.equal(again(f0_hz, db, noise=noise), model(f0_hz, db, noise=noise))


def test_a_few_steps_of_training_help():
    """Gradients reach every weight, and a tone is learned."""
    torch.manual_seed(0)
    model = ddsp.Autoencoder(hidden=24, n_harmonics=20, reverb_seconds=0.05)
    t = torch.arange(50 * HOP) / RATE
    target = (0.2 * torch.sin(2 * np.pi * 400 * t) + 0.1 * torch.sin(2 * np.pi * 800 * t))[None]
    f0_hz = torch.full((1, 50), 400.0)
    db = torch.tensor(ddsp.loudness(target))[None]
    optimizer, losses = torch.optim.Adam(model.parameters(), 3e-3), []
    for step in range(30):
        loss = ddsp.multi_scale_spectral_loss(target, model(f0_hz, db))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


# ------------------------------------------------------------------------------- bad input

F0, ONE, DIST = torch.full((1, 5), 200.0), torch.ones(1, 5), torch.ones(1, 5, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ddsp.harmonic_oscillator(-F0, ONE, DIST), "-200 Hz found; give 0 or NaN"),
        (lambda: ddsp.harmonic_oscillator(F0 / 0, ONE, DIST), "f0_hz: has NaN or infinite"),
        (lambda: ddsp.harmonic_oscillator(F0[0], ONE, DIST), "f0_hz: shape (batch, frames) needed"),
        (lambda: ddsp.harmonic_oscillator(F0, ONE[:, :4], DIST), "amplitude: shape (1, 5) needed"),
        (lambda: ddsp.harmonic_oscillator(F0, ONE, DIST[:, :4]), "shape (1, 5, harmonics) needed"),
        (lambda: ddsp.harmonic_oscillator(F0, ONE * np.nan, DIST), "amplitude: has NaN"),
        (lambda: ddsp.harmonic_oscillator(F0, ONE, DIST, 0), "not a sample rate"),
        (lambda: ddsp.harmonic_oscillator(F0, ONE, DIST, RATE, 0), "hop_length=0: give a whole"),
        (lambda: ddsp.harmonic_oscillator(F0[:, :0], ONE, DIST), "f0_hz: shape (batch, frames)"),
        (lambda: ddsp.filtered_noise(DIST, 64, ONE), "noise: shape (1, 320) needed, (1, 5) given"),
        (lambda: ddsp.filtered_noise(DIST[..., :1]), "1 band is no filter"),
        (lambda: ddsp.filtered_noise(DIST, 2.5), "hop_length=2.5: give a whole number"),
        (lambda: ddsp.Reverb(0), "n_samples=0: give a whole number"),
        (lambda: ddsp.Reverb(5)(ONE[0]), "audio: shape (batch, n) needed"),
        (lambda: ddsp.multi_scale_spectral_loss(ONE, ONE[:, :4]), "cut both to the same length"),
        (lambda: ddsp.loudness([]), "0 samples given"),
        (lambda: ddsp.loudness([0.1, np.nan]), "sample 1 is nan"),
        (lambda: ddsp.loudness([0.1], RATE, -3), "hop_length=-3: give a whole number"),
        (lambda: ddsp.f0([0.1] * 2000, f_min=300, f_max=200), "lowest first"),
        (lambda: ddsp.f0([]), "0 samples given"),
        (lambda: ddsp.Autoencoder(n_bands=200), "n_bands=200: with hop_length=64 give 65 at most"),
        (lambda: small()(F0, ONE[:, :4]), "loudness_db: shape (1, 5) needed, (1, 4) given"),
        (lambda: small()(F0, -ONE / 0), "loudness_db: has NaN or infinite"),
        (lambda: small()(F0, ONE, DIST), "z: one given; n_z is 0"),
        (lambda: small(n_z=3)(F0, ONE), "z: none given; n_z is 3"),
        (lambda: small(n_z=2)(F0, ONE, DIST), "z: shape (1, 5, 2) needed"),
    ],
)
def test_bad_input_gets_one_sentence(call, words):
    with pytest.raises((ValueError, TypeError)) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)


def test_complex_controls_are_refused():
    with pytest.raises(TypeError, match="complex numbers given"):
        ddsp.harmonic_oscillator(F0, ONE * 1j, DIST)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_uploads(tmp_path, suffix):
    """A stereo file at 44.1 kHz, as students bring it, down to controls and back to sound."""
    import soundfile

    t = np.arange(44_100) / 44_100
    x = np.stack([0.4 * np.sin(2 * np.pi * 330 * t)] * 2, axis=1)
    soundfile.write(tmp_path / f"song.{suffix}", x, 44_100)
    with pytest.warns(UserWarning, match="2 channels mixed down"):
        mono, rate = audio.read(tmp_path / f"song.{suffix}", RATE)
    f0_hz, db = ddsp.f0(mono, rate), ddsp.loudness(mono, rate)
    assert f0_hz.shape == db.shape and abs(metrics.cents(np.median(f0_hz), 330)) < 10
    y = small()(torch.tensor(f0_hz)[None], torch.tensor(db)[None])
    assert y.shape[1] >= len(mono) and torch.isfinite(y).all()


def test_training_starts_with_little_noise():
    decoder = ddsp.Decoder(hidden=8)
    for parameter in decoder.output[-1].parameters():
        torch.nn.init.zeros_(parameter)
    controls = decoder(torch.full((1, 4), 440.0), torch.full((1, 4), -30.0))
    few = 2 / (1 + np.exp(5)) ** np.log(10) + 1e-7
    assert torch.allclose(controls.noise_magnitudes, torch.tensor(few).float(), rtol=1e-4)
    assert controls.amplitude.min() > 0.3
