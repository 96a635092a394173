"""The learned instruments that run in the page, against Python's, and how keys become curves."""

import json
import re
import shutil
import subprocess
import zlib
from base64 import b64decode, b64encode

import numpy as np
import pytest
import torch

from lecture_utils import data, ddsp, metrics, weights
from lecture_utils.ddsp import timbre_transfer
from lecture_utils.notebook import explore, keyboard, live

SR, HOP = 16000, 64

# An AudioWorklet without a browser: `call` presses keys, `seconds(n)` returns what follows.
WORKLET = """
const said = [];
let Made;
globalThis.AudioWorkletProcessor = class { port = { postMessage: (data) => said.push(data) }; };
globalThis.registerProcessor = (name, made) => (Made = made);
Object.assign(globalThis, { sampleRate: given.rate, currentFrame: 0 });
"""
PLAY = """
const worklet = new Made();
const call = (name, ...values) => worklet.port.onmessage({ data: { call: name, with: values } });
const { config, facts, sizes, numbers } = given.model;
call("load", "it", { config, facts, tensors: await unpackTensors(numbers, sizes) });
call("choose", "it");
const seconds = (n, input) => {
  const sound = [];
  for (let i = 0; i < n * sampleRate; i += 128) {
    const out = new Float32Array(128);
    worklet.process([input ? [input.subarray(i, i + 128)] : []], [[out]]);
    sound.push(...out);
    currentFrame += 128;
  }
  return sound;
};
"""


@pytest.fixture(scope="module")
def page(request):
    """Run JavaScript with the package's scripts: in node, or where there is none in Chromium."""

    def run(body, before="", **given):
        scripts = "".join(map(live.file, ("sound.js", "instrument.js", *keyboard.ENGINE)))
        code = f"{before}{scripts}; return JSON.stringify(await (async () => {{{body}}})());"
        given = json.dumps(given)
        if node := shutil.which("node"):
            program = f"(async () => {{ const given = {given}; {code} }})().then(console.log);"
            done = subprocess.run([node, "-"], input=program, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-2000:]
            return json.loads(done.stdout)
        tab = request.getfixturevalue("chrome").new_page()
        text = tab.evaluate(f"async (text) => {{ const given = JSON.parse(text); {code} }}", given)
        tab.close()
        return json.loads(text)

    return run


@pytest.fixture(scope="module", params=["violin", "flute", "cello"])
def model(request):
    return weights.load(f"ddsp_{request.param}", ddsp.Autoencoder)


@pytest.fixture(scope="module")
def violin():
    return weights.load("ddsp_violin", ddsp.Autoencoder)


def test_numbers_arrive_as_they_were(page, violin):
    packed = keyboard.pack(violin)
    assert len(packed["numbers"]) < 0.8e6 and len(b64decode(packed["numbers"])) < 0.6e6
    body = """const tensors = await unpackTensors(given.numbers, given.sizes);
        return Object.fromEntries(Object.entries(tensors).map(([k, v]) => [k, [...v]]));"""
    got = page(body, numbers=packed["numbers"], sizes=packed["sizes"])
    wanted = violin.state_dict()
    assert list(got) == list(wanted)
    assert all((np.float32(got[name]) == x.numpy().ravel()).all() for name, x in wanted.items())


def test_every_float16_is_read(page):
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)]
    planes = zlib.compress(every.view(np.uint8).reshape(-1, 2).T.tobytes())
    body = "return [...(await unpackTensors(given.text, [['x', given.n]])).x];"
    got = page(body, text=b64encode(planes).decode(), n=len(every))
    assert (np.float16(got) == every).all()


def test_the_page_plays_what_python_plays(page, model):
    """Controls and sound, with the same noise: a phrase with rests, vibrato and glides."""
    f0 = timbre_transfer.hold_pitch(data.load_array("motif_f0"))[:600]
    loudness = ddsp.loudness(data.load("motif", SR)[0])[:600]
    noise = torch.rand(1, 600 * HOP, generator=torch.manual_seed(0)) * 2 - 1
    curves = [torch.from_numpy(curve)[None] for curve in (f0, loudness)]
    with torch.inference_mode():
        controls = model.decoder(*curves)
        wanted = model(*curves, noise=noise)[0].numpy()
    body = """const { config, sizes, numbers } = given.model;
        const model = { config, tensors: await unpackTensors(numbers, sizes) };
        const [f0, loudness, noise] = given.curves.map((x) => Float32Array.from(x));
        const { controls, sound } = renderCurves(model, f0, loudness, noise);
        return { controls, sound: [...sound] };"""
    arrays = [x.tolist() for x in (f0, loudness, noise[0].numpy())]
    got = page(body, model=keyboard.pack(model), curves=arrays)
    amplitudes = controls.amplitude[..., None] * controls.harmonic_distribution
    both = torch.cat([amplitudes, controls.noise_magnitudes], -1)[0].numpy()
    assert both.max() > 0.02 and np.abs(wanted).max() > 0.2
    np.testing.assert_allclose(got["controls"], both, atol=1e-4)
    np.testing.assert_allclose(got["sound"], wanted, atol=1e-3)


def played(page, model, body, rate=48000, **given):
    """Return what `body` returns: it may call the worklet."""
    return page(PLAY + body, WORKLET, model=keyboard.pack(model), rate=rate, **given)


@pytest.mark.parametrize(
    ("name", "rate"),
    [("violin", 48000), ("violin", 44100), ("violin", 16000), ("flute", 48000), ("cello", 48000)],
)
def test_a_key_is_a_note_in_tune_with_its_own_loudness(page, name, rate):
    model = weights.load(f"ddsp_{name}", ddsp.Autoencoder)
    body = """call("begin", "a", 69, 100);
        const sound = seconds(1);
        call("end", "a");
        return [sound, seconds(1.3), said];"""
    sound, after, said = played(page, model, body, rate)
    held = np.array(sound) / 0.75  # the headroom
    pitch = metrics.f0_hz(np.float32(held[rate // 4 :]), rate)
    assert abs(metrics.cents(np.nanmedian(pitch), 440)) < 5
    found = ddsp.loudness(held, rate, rate // 250)
    wanted = model.facts["loud_db"] + 26 * 0.75 * (100 / 127 - 1)
    assert np.median(found[100:]) == pytest.approx(wanted, abs=2)
    assert found[15] > found[200] - 8  # 60 ms after the key
    assert abs(held[: rate // 200]).max() > 1e-6  # it begins within 5 ms
    assert np.abs(after[-rate // 8 :]).max() < 1e-6  # the room has died away
    assert [0 < s["at"] < 0.01 for s in said if "begun" in s] == [True]


def test_harder_is_louder_and_vibrato_as_wide_as_set(page, violin):
    body = """call("set", { vibrato: 40 });
        call("begin", "a", 69, given.velocity);
        return seconds(1.5);"""
    soft, loud = (played(page, violin, body, velocity=v) for v in (30, 120))
    levels = [np.median(ddsp.loudness(np.array(x), 48000, 192)[100:]) for x in (soft, loud)]
    assert levels[1] - levels[0] == pytest.approx(26 * 0.75 * 90 / 127, abs=2)
    pitch = metrics.f0_hz(np.float32(loud), 48000, 192)[150:-10]
    assert np.nanpercentile(metrics.cents(pitch, 440), [2, 98]) == pytest.approx([-40, 40], abs=6)


def test_six_notes_at_once_and_none_clips(page, violin):
    body = """const keys = [55, 62, 67, 71, 74, 79, 83];
        for (const midi of keys.slice(0, given.n)) call("begin", `${midi}`, midi, 127);
        const sound = seconds(1);
        return [sound, worklet.gain, worklet.current.notes.map((note) => note.midi)];"""
    two, gain, _ = played(page, violin, body.replace("55, 62", "62, 63"), n=2)  # the loudest
    assert 0.5 < np.abs(two).max() < 0.95 and gain == 1  # the limiter has nothing to do
    for n in (6, 7):  # the seventh takes the place of the first
        sound, _, notes = played(page, violin, body, n=n)
        assert np.abs(sound).max() <= 0.9501 and notes == [55, 62, 67, 71, 74, 79, 83][n - 6 : n]
    spectrum = np.abs(np.fft.rfft(np.array(sound)[24000:] * np.hanning(24000)))
    for midi in notes:
        place = round(440 * 2 ** ((midi - 69) / 12) / 2)  # bins of 2 Hz
        around = np.median(spectrum[place - 50 : place + 50])
        assert spectrum[place - 3 : place + 4].max() > 30 * around


@pytest.mark.parametrize("name", ["hum", "ah", "whistle"])
def test_pitch_and_loudness_of_a_voice_in_the_page(page, name):
    x = data.load(name, SR)[0][: 4 * SR]
    body = """const x = Float32Array.from(given.x), tracker = new Tracker(16000), rows = [];
        for (let i = 0; i + 64 <= x.length; i += 64) {
          tracker.write(x.subarray(i, i + 64), 64);
          const { hz, unsure } = tracker.pitch();
          rows.push([hz, unsure, tracker.loudness()]);
        }
        return rows;"""
    hz, unsure, level = np.array(page(body, x=x.tolist())).T
    f0, late = ddsp.f0(x, f_max=2500), 5  # frames: the middle of what is compared lies 20 ms back
    sung = (unsure[late:] < 0.2) & (f0[:-late] > 0)
    assert sung.sum() > 0.95 * (f0 > 0).sum()
    off = np.abs(metrics.cents(hz[late:][sung], f0[:-late][sung]))
    assert np.median(off) < 5 and np.mean(off > 50) < 0.02
    truth = data.load_array(f"{name}_f0")[: len(hz) - late]
    own = np.abs(metrics.cents(hz[late:][truth > 0], truth[truth > 0]))
    assert np.median(own) < 5 and np.mean(own > 50) < 0.01
    assert np.abs(level[4:] - ddsp.loudness(x)[:-4])[200:].mean() < 1


def test_a_voice_plays_the_violin(page, violin):
    x = data.load("hum", 48000)[0][: 3 * 48000]
    body = """call("sing", true);
        return seconds(3, Float32Array.from(given.x));"""
    sound = np.float32(played(page, violin, body, x=x.tolist()))
    found = metrics.f0_hz(sound[: 3 * 48000], 48000, 192)
    truth = data.load_array("hum_f0")[: len(found)]
    errors = [  # the sound comes some frames late
        metrics.f0_error_cents(truth[: len(found) - late], found[late:]) for late in range(3, 15)
    ]
    error, coverage = min(errors)
    assert error < 15 and coverage > 0.85


def test_silence_gives_silence(page, violin):
    body = """call("sing", true);
        const noise = Float32Array.from({ length: 48000 }, () => 0.001 * (Math.random() - 0.5));
        return Math.max(...seconds(1), ...seconds(1, noise).map(Math.abs));"""
    assert played(page, violin, body) < 1e-4


def test_the_page_holds_the_code_and_a_picture(violin):
    page = explore.keyboard({"a </script> violin": violin}, 'Play "it"')._repr_html_()
    assert len(re.findall("</script>", page)) == 1 and page.endswith("</script>")
    assert re.search(r'<img alt="[^"]*piano[^"]*"', page) and "Trust Notebook" in page
    assert "Play &quot;it&quot;" in page.split("<script>")[0]


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({}, "one to four"),
        ([1], "one to four"),
        ({"x": ddsp.Autoencoder(hidden=8)}, "do not tell where they play"),
        ({"x": ddsp.Autoencoder(hidden=8, n_z=2)}, "without z"),
        ({"x": ddsp.Autoencoder(hidden=8, sample_rate=22050)}, "16000 Hz"),
        ({"x": "violin"}, "ddsp.Autoencoder"),
    ],
)
def test_bad_input_gets_one_sentence(models, words):
    with pytest.raises(ValueError, match=words):
        explore.keyboard(models)
