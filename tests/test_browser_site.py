"""Pages of the site in a browser: opened from the disk, served, and without scripts."""

import itertools
import time
from pathlib import Path

import numpy as np
import play_site
import pytest
import soundfile
import torch
from browser import SoundPlayer, Watched, served

from lecture_utils import (
    audio,
    data,
    diffusion,
    fourier_vocoder,
    gan,
    griffin_lim,
    mel,
    phase,
    weights,
)
from lecture_utils.diffusion import unet
from lecture_utils.notebook import explore, listen, live, mushra
from lecture_utils.setup.site import course, networks, states
from lecture_utils.setup.site.media import Media, lighten

SR = 16000
PACKAGE = Path(course.__file__).parent
T = np.arange(2 * SR) / SR
LOW, HIGH = (0.15 * np.sin(2 * np.pi * f * T).astype(np.float32) for f in (400, 800))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page with one of everything, as the builder makes it, but without the theme."""
    folder, patch = tmp_path_factory.mktemp("site"), pytest.MonkeyPatch()
    patch.setattr(explore.Explorer, "page", states.page)

    def draw(ax, *_rest, k=1):
        ax.plot([0, k])

    explorer = explore.sound(
        lambda f: 0.1 * np.sin(2 * np.pi * f * T), SR, figure=lambda ax, x, f: draw(ax, k=f),
        alt="A line", f=explore.slider(200, 600, 100, 400), caption="A tone",
    )  # fmt: skip
    picture = explore.picture(draw, "A line", k=explore.choice([1, 2], label="slope"))
    sounds = {"reference": LOW, "a": HIGH, "b": 0.5 * LOW}
    parts = [
        listen.compare({"low": LOW, "high": HIGH}, SR, caption="Two tones")._repr_html_(),
        explore.steps({1: LOW, 2: HIGH}, SR, figure=draw, alt="A line")
        ._repr_html_(),
        listen.compare({"low": LOW, "high": HIGH}, SR, blind=True, seed=1)._repr_html_(),
        mushra.rate(sounds, SR, "tones", "1", "Rate", seed=1).static()._repr_html_(),
        explorer.page(), picture.page(),
        explore.flipbook({1: draw, 2: draw}, "A line")._repr_html_(),
    ]  # fmt: skip
    patch.undo()
    media = Media(folder / "_media")
    body = "\n".join(lighten(part, media) for part in parts)
    (folder / "course.css").write_text(course.style_sheet())
    (folder / "course.js").write_text(course.script())
    head = '<link rel="stylesheet" href="course.css"><script defer src="course.js"></script>'
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>{head}{body}'
    (folder / "page.html").write_text(page)
    return folder


def test_every_player_of_a_page_plays(chrome, site):
    """As `make play` plays the whole site."""
    watched = Watched(chrome)
    found = play_site.play_page(watched, site / "page.html")
    assert found["problems"] == [] and (found["players"], found["states"]) == (5, 2)
    assert found["before"] < 120e3 < found["bytes"]
    watched.close()


def test_sounds_come_late_and_exact(chrome, site):
    watched, requested = Watched(chrome), []
    watched.page.on("request", lambda request: requested.append(request.url))
    with served(site) as address:
        watched.page.goto(f"{address}/page.html")
        player = SoundPlayer(watched.page)
        assert not [url for url in requested if "_media" in url and url.endswith((".js", ".flac"))]
        watched.page.keyboard.press("Tab")
        link = player.root.get_by_text("save WAV")
        assert link.is_hidden()  # nothing is there yet
        player.play()
        level, frequency = player.rms()
        assert level == pytest.approx(0.15 / np.sqrt(2), rel=0.05) and abs(frequency - 400) < 15
        player.root.press("2")
        player.wait(lambda state: state["gains"][1] > 0.999)
        assert abs(player.rms()[1] - 800) < 15
        samples = player.run(
            "return [...new Int16Array(p.transport.wavs[0], 44)]"  # before the browser resamples
        )
        assert samples == np.round(LOW * 32768).astype(int).tolist()
        with watched.page.expect_download() as saved:
            link.click()
        x, _ = soundfile.read(saved.value.path())  # of the second version
        assert np.abs(x - HIGH)[80:-80].max() < 1 / 32768
    watched.check()
    watched.close()


def test_states_change_while_they_play(chrome, site):
    watched = Watched(chrome)
    watched.page.goto((site / "page.html").as_uri())
    host = watched.page.locator(".lp-states").first
    player = SoundPlayer(watched.page, root=host.locator(".lp:has(.lp-play)"))
    slider = host.get_by_role("slider", name="f", exact=True)
    assert slider.get_attribute("aria-valuetext") == "400"
    source = player.root.locator(".lp-image").get_attribute("src")
    slider.fill("0")  # before anything is loaded
    assert "f 200" in host.locator(".lp-setting").inner_text()
    player.play()
    assert abs(player.rms()[1] - 200) < 15
    player.run("p.transport.setLoop(true)")  # it goes on, however slow the machine is
    slider.fill("4")
    end = time.monotonic() + 20
    while abs(player.rms()[1] - 600) > 15:
        assert time.monotonic() < end, "the sound of the new position is not heard"
    assert player.root.locator(".lp-image").get_attribute("src") != source
    other = watched.page.locator(".lp-states").nth(1)
    before = other.locator("img").get_attribute("src")
    other.get_by_role("button", name="2").click()
    assert other.locator("img").get_attribute("src") != before
    watched.check()
    watched.close()


def test_without_scripts_sounds_and_pictures_remain(chrome, site):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "page.html").as_uri())
    assert page.locator("audio:visible").count() == 2 + 2 + 2 + 3 + 1
    assert page.locator("img:visible").count() == 2 + 1 + 1 + 2
    sources = [a.get_attribute("src") for a in page.locator("audio").all()]
    assert all((site / source).read_bytes()[:4] == b"fLaC" for source in sources)
    context.close()


def test_a_page_out_of_its_folder_says_what_to_do(chrome, site, tmp_path):
    """As when it is opened inside a ZIP file."""
    for name in ("page.html", "course.js", "course.css"):
        (tmp_path / name).write_bytes((site / name).read_bytes())
    watched = Watched(chrome)
    watched.page.goto((tmp_path / "page.html").as_uri())
    root = watched.page.locator(".lp").first
    root.locator(".lp-play").click()
    trouble = root.locator(".lp-trouble")
    trouble.wait_for()
    assert "unpack the whole folder" in trouble.inner_text()
    assert root.locator(".lp-play").inner_text().endswith("play")
    watched.check()
    watched.close()


def cases():
    """What the models compute with, small enough for a test."""
    x = data.load("motif", SR)[0][: SR + 100]
    spectrum = audio.stft(x)
    random = phase.random_phase(spectrum.shape, 0)
    torch.manual_seed(0)
    sizes = (34, 128, 128, 128, 2)
    layers = [torch.nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    steps = [step for layer in layers for step in (layer, torch.nn.SiLU())][:-1]
    return x, spectrum, random, torch.nn.Sequential(*steps)


@pytest.fixture(scope="module")
def models(chrome):
    """A page with the scripts of the models, and nothing else."""
    page = chrome.new_page()
    page.goto("about:blank")
    page.add_script_tag(
        content=live.file("fft.js")
        + "".join((PACKAGE / name).read_text() for name in ("models.js", "vocoder.js"))
    )
    yield page
    page.close()


def rows(array):
    """As JavaScript takes a (bins, frames) array: frame after frame."""
    return np.asarray(array, np.float64).T.ravel().tolist()


def test_phase_and_griffin_lim_in_the_page_equal_python(models):
    x, spectrum, random, _ = cases()
    for n_fft, hop in ((1024, 256), (512, 128), (2048, 512)):
        other = phase.random_phase(audio.stft(x, n_fft, hop).shape, 1)
        wanted = phase.replace(
            x, phase.mix(np.angle(audio.stft(x, n_fft, hop)), other, 0.7), n_fft, hop
        )
        script = "([x, o, n, h]) => [...scramblePhase(Float64Array.from(x), 0.7, o, n, h)]"
        got = models.evaluate(script, [x.tolist(), rows(other), n_fft, hop])
        assert np.abs(got - wanted).max() < 1e-5 < 1e-2 < np.abs(wanted - x).max()
    for momentum in (0, 0.99):
        wanted, errors = griffin_lim.griffin_lim(
            np.abs(spectrum), 32, momentum, init=random, length=len(x), history=True
        )
        found, told = models.evaluate(
            """([m, p, n, momentum]) => {
            const search = griffinLim(new Stft(n, 1024, 256), Float64Array.from(m),
              Float64Array.from(p), 32, momentum), errors = [];
            let step;
            while (!(step = search.next()).done) errors.push(step.value);
            return [[...step.value], errors]; }""",
            [rows(np.abs(spectrum)), rows(random), len(x), momentum],
        )
        assert np.abs(found - wanted).max() < 1e-3
        assert told == pytest.approx(errors[:-1], rel=1e-3)


def small(outputs):
    """A network as notebook 01 has them, as steep as after a training."""
    torch.manual_seed(outputs)
    layers = [torch.nn.Linear(*size) for size in ((2, 64), (64, 64), (64, outputs))]
    for layer in layers:
        layer.weight.data *= 2
    return torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])


def test_game_of_two_networks_in_the_page_equals_python(models):
    generator, discriminator = small(2), small(1)
    noise = torch.randn(500, 2, generator=torch.manual_seed(0))
    with torch.inference_mode():
        made = generator(noise)
        wanted = [made, discriminator(made)]
    places = made[:8]
    count = gan.modes_found(made, places, 0.05, 0.02)
    layers = [
        [{"weight": one.weight.ravel().tolist(), "bias": one.bias.tolist()} for one in network[::2]]
        for network in (generator, discriminator)
    ]
    *got, found = models.evaluate(
        """([[generator, discriminator], noise, places]) => {
        const made = reluNetwork(generator, noise);
        return [[...made], [...reluNetwork(discriminator, made)],
          modesFound(made, places, 0.05, 0.02)]; }""",
        [layers, noise.ravel().tolist(), places.ravel().tolist()],
    )
    for mine, theirs in zip(got, wanted, strict=True):
        assert np.abs(mine - theirs.ravel().numpy()).max() < 1e-5 < 0.1 < theirs.abs().max()
    assert found == count and 0 < count < 8


def test_denoiser_in_the_page_equals_python(models):
    *_, network = cases()
    schedule = diffusion.NoiseSchedule.linear()
    start, fresh = torch.randn(30, 2), torch.randn(1000, 30, 2)
    layers = [
        {"weight": layer.weight.ravel().tolist(), "bias": layer.bias.tolist()}
        for layer in network
        if isinstance(layer, torch.nn.Linear)
    ]

    @torch.inference_mode()
    def guess(x, t):
        return network(torch.cat([x, unet.time_embedding(torch.full((len(x),), t), 32)], 1))

    class Given(diffusion.NoiseSchedule):
        def p_sample(self, x, t, predicted, noise, *settings):
            return super().p_sample(x, t, predicted, fresh[999 - t], *settings)

    for jumps, plan in ((1, schedule), (20, schedule), (None, Given(schedule.betas))):
        wanted = diffusion.sample(plan, guess, start, jumps).ravel().numpy()
        got = models.evaluate(
            """([layers, start, jumps, fresh]) => {
            const model = new Denoiser(layers), n = start.length;
            let last, i = 0;
            for (last of denoise(model, noiseSchedule(), start, jumps,
              () => fresh.slice(n * i, n * ++i)));
            return [...last[1]]; }""",
            [layers, start.ravel().tolist(), jumps, fresh.ravel().tolist()],
        )
        assert np.abs(got - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_new_vocoder_in_the_page_equals_python(models):
    x = data.load("sentence", SR)[0][: 100 * 256]
    log_mel = mel.log_mel(x)
    networks = [
        weights.load(f"fourier_{name}_universal", kind)
        for name, kind in (
            ("magnitude", fourier_vocoder.MagnitudeNetwork),
            ("repair", fourier_vocoder.RepairNetwork),
        )
    ]
    wanted = fourier_vocoder.vocode(log_mel, *networks)
    mine, made = models.evaluate(
        """([{ bands, magnitude, repair }, x, logMel]) => {
        const read = (text) => readWeights(
          Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
        const vocoder = new FourierVocoder(bands, read(magnitude), read(repair));
        const making = vocoder.vocode(Float64Array.from(logMel));
        let step;
        while (!(step = making.next()).done);
        const stft = new Stft(x.length, 1024, 256, true);
        return [[...vocoder.logMel(stft, Float64Array.from(x))], [...step.value]]; }""",
        [course.vocoder_numbers(), x.tolist(), rows(log_mel)],
    )
    loud = np.array(rows(log_mel)) > np.log(1e-3)  # below that, float32 rounds differently
    assert np.abs(mine - np.array(rows(log_mel)))[loud].max() < 1e-3
    assert np.abs(made - wanted).max() < 1e-3 < 0.1 < np.abs(wanted).max()


def test_live_page_computes_and_plays(chrome, tmp_path):
    media = Media(tmp_path / "_media")
    pair, points = (small(2), small(1)), torch.randn(9, 2)
    games = {"a crescent": (points, {0: pair, 20: pair}), "eight places": (points, {0: pair})}
    kept = networks.numbers({"denoiser": cases()[-1], "games": games})
    text = course.live_page(media, tmp_path, kept)
    (tmp_path / "course.js").write_text(course.script())
    head = '<script defer src="course.js"></script><script defer src="live.js"></script>'
    (tmp_path / "live.html").write_text(f"<!doctype html><meta charset=utf-8>{head}{text}")
    watched = Watched(chrome)
    page = watched.page
    page.goto((tmp_path / "live.html").as_uri())
    labels = {"phase": "% random phase", "griffinLim": "found in", "vocoder": "from the 80 bands"}
    for model, label in labels.items():
        host = page.locator(f"[data-live={model}]")
        host.locator("input[type=range]").first.fill("8")
        host.locator("input[type=range]").first.dispatch_event("change")
        host.get_by_text("Computed in").wait_for()
        player = SoundPlayer(page, root=host.locator(".lp:has(.lp-play)"))
        assert label in player.root.locator(".lp-version").nth(1).inner_text()
        player.play()
        assert player.rms(0.3)[0] > 1e-3
    keyboard = page.locator(".lp-keyboard")  # its script waits until the reader gets near
    keyboard.scroll_into_view_if_needed()
    keyboard.locator(".lp-piano").focus()
    page.keyboard.down("KeyQ")
    page.wait_for_function("document.querySelector('.lp-keyboard .lp-down')")
    page.keyboard.up("KeyQ")
    host = page.locator("[data-live=games]")
    sliders = host.get_by_role("slider")
    assert sliders.first.get_attribute("aria-valuetext") == "20"  # the last moment
    sliders.nth(1).fill("-3")
    sliders.nth(2).fill("2.5")
    with torch.inference_mode():
        x, y = pair[0](torch.tensor([-3, 2.5])).tolist()
    told = f"Step 20. The blue noise (-3.0, 2.5) becomes the point ({x:.1f}, {y:.1f})"
    host.get_by_text(told).wait_for()
    host.locator("canvas").click(position={"x": 5, "y": 5})  # far out in the noise
    host.get_by_text("The blue noise (-3.4, 3.4)").wait_for()
    sliders.first.fill("0")
    host.get_by_text("Step 0.").wait_for()
    host.get_by_role("button", name="eight places").click()
    host.get_by_text("of 8 places are found").wait_for()
    host.get_by_role("button", name="new noise").click()
    assert len(host.evaluate("(host) => [...host.made]")) == 800
    host = page.locator("[data-live=diffusion]")
    host.get_by_role("button", name="4 jumps").click()
    host.get_by_text("300 points in 4 steps").wait_for()
    assert len(host.evaluate("(host) => [...host.points]")) == 600
    watched.check()
    watched.close()
