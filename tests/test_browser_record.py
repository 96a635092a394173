"""A student records, or chooses a file: in a real browser, with a microphone that hears a file."""

import base64
import io
import json
import os
import time
import zlib

import browser
import firefox
import numpy as np
import pytest
import soundfile
from browser import Watched
from firefox import Firefox

from lecture_utils import data, metrics
from lecture_utils.notebook import live
from lecture_utils.notebook.record import Recorder

RATE = 16000

# 0.3 s of 440 Hz as a telephone keeps it: AAC in MP4
M4A = (
    "c-muNV30{GsVwj{aa3SnU}6B#nZ^0JKy1Xoz`&7Kl$y%Gz$}oPl2~$&iNPnaEZNLR&&Wd0(7=d+DPmrf!b*{I`ESpbzB"
    "T&f<tZqnaPellVVZ33(LK3GcTCfsu_Z^!u-nbD+V0s}rJ1RnhnAXrnB)AWa__#|A3vV#-FiFeY1-4Mt45bqje=E;F6uH"
    "PfV5d&h{w_?H#ZlZ*4ac5ePCppa;vk{W!Iv)k$&_4&;CFE`q_Ky<Lv*7|F6Hk&a`}e{QvI%@z2-khu8f7XaDE_@wr*=9"
    "bXsQp11idS7D>Q?`zwinEvxBFM~y`FQ5DJd9TfTf9uQVt<U@0eBSfj<fs15bM>)vYk8;LoU9wG682JQyC=(C6`>Fb6}1"
    "<J3KJ%6ckE<oc`2XQ>(U4XI~cya*Kx5n^u7OYp7Huyb>G))+nPOH&r`Kc_S>5`{BP}7#;<!GSbfN-#!Q<hxnpVK#8jaK"
    "$7OT9W1n`rPV1MNs_k_u(EsDd8R_2@CqFoBzpruf!;SOr3H(2nIRCyw{o@De-!I7j_`&!41^=HkAj$sYjPUyf_8&jUe!"
    "sx~aYg~d8+{EAccDo8tW*F0ivRzY-<uuuWRk}u72a9fvQ?E;m4qPR!lyqSrXC)i0h1OgnmajpwU7zU8UPJBFtf=C2!hT"
    "YU{upr)C{YebnpN5|2naECSCGW@sRGcy}S3=g*h8nutl6>61#aJ!8F}T<=)3RFCQf|zLc<2GMypMDEvq{n)yNCN5M-5c"
    "3iq0eUq6VEV|M0(m<Y7?11u;12rPi41JRsKLq9+DVbpp6l1@X@S{t2hP-F<AI2bkjtNd1wbz~(?le`I<f-H-kZ!pprA+"
    "3;rnIhTl~cFlZ)`fP_M?2ZS^0yD6K`%#ueoJpZCrWZ#8Ou6^L`df*_nIZALMgS%eVgE^mwz`<qys?Z_d8(N8s6c<0|<k"
    "nR9dZN-DG)FMj~cC+~9e^UHwwBPX{kBZUD4Fu!16VANq?WB?%qU_@1g&UawI3z&e&wxlRA8_13+$p+iWjA<IsUL-L_(("
    "P4AO(`h`(lV(z#U%(GAahxudKtIorer1p849^6=zh0rU|<kC5PAg6(alK7DT2uq=a=Ros|*J6Q#=y$QgTv3Y8Vr8GxO4"
    "b41wZY6hl=~AmTD9MX6~>Uf?M$%29wiPNldcDF?{TDlREbK~fWyTVRri;cZ3+0hm*Pz$~>mr5GG-4Gj&dKuH!LE$$!+m"
    "UNm2!mL0MRuPV{rwnXB79$hL>%}GDV1h;s11mUqz_u_Q0J#?El4K;CL6{9n>j34dkbDRdp9{njfw&%uK|!AZ#3IEd$@x"
    "g;fTCBbIK3bR#3{<p$${F>`2RoH)}-_T280Z<t+u5pC7`e{%}p(Vg^40^1OX$pD6ya*2RV{BGJ&Z80HO8Vs{"
)

# The page of the recorder alone; what it would send to Python is kept in `sent`.
PAGE = """<!doctype html><meta charset="utf-8"><style>{css}</style><div class="lp-explore"></div>
<script type="module">{script}
const values = {values}, heard = {{}};
window.sent = [];
const model = {{ get: (name) => values[name], off() {{}}, on(name, call) {{ heard[name] = call; }},
  send: (message, _callbacks, pieces) => window.sent.push([message, pieces]) }};
window.hear = (message) => heard["msg:custom"](message, []);
window.close = renderRecorder({{ model, el: document.querySelector(".lp-explore") }});
window.another = () => renderRecorder({{ model, el: document.body }});
</script>"""

# Every microphone that was opened, to see that it is let go.
TRACKS = """window.tracks = [];
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};"""


def write_page(folder):
    """Write the recorder in a page of its own, with recordings of 1.5 s at most."""
    script = str(Recorder._esm).rsplit("export default", 1)[0]
    values = {"rate": RATE, "seconds": 1.0, "most": 1.5, "limit": 2e8, "accept": "", "working": ""}
    page = PAGE.format(css=live.file("player.css"), script=script, values=json.dumps(values))
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def recorder(chrome, tmp_path):
    write_page(tmp_path)
    with browser.served(tmp_path) as url:
        watched = Watched(chrome)

        def show(before=TRACKS):
            watched.page.add_init_script(before)
            watched.page.context.grant_permissions(["microphone"])
            watched.page.goto(f"{url}/page.html")
            return watched.page

        yield show
        watched.check()
        watched.close()


def speak(chrome, x, rate=48000):
    soundfile.write(chrome.voice, x, rate, subtype="PCM_16")


def tone(seconds, hz=440.0, peak=0.3, rate=48000):
    return peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def status(page, text):
    page.locator(".lp-recorder [role=status]").filter(has_text=text).wait_for()


def let_go(page):
    page.wait_for_function("() => tracks.length && tracks.every((t) => t.readyState === 'ended')")


def test_a_recording_is_what_the_microphone_heard(recorder, chrome):
    speak(chrome, tone(6) + tone(6, 11_000))  # the second is too high for 16 kHz
    page = recorder()
    page.locator(".lp-record").click()
    status(page, "Wait for the count.")
    settings = page.evaluate("tracks[0].getSettings()")
    wanted = ("echoCancellation", "noiseSuppression", "autoGainControl")
    assert not any(settings[name] for name in wanted)
    for text in ("3", "2", "1", "of 1.5 s"):
        page.locator(".lp-clock").filter(has_text=text).wait_for()
    assert -6 < page.evaluate("document.querySelector('meter').value") < -4
    status(page, "Ended after 1.5 s: that is the most.")
    let_go(page)
    assert page.evaluate("sent.length") == 0  # nothing leaves the page unheard
    page.get_by_role("button", name="listen").click()
    page.wait_for_function("() => window.lecturePlayer.playing")
    page.get_by_role("slider", name="start of the 1 seconds").fill("0.4")
    page.get_by_role("button", name="use it").click()
    begin = page.evaluate("sent[0][0]")
    assert begin["size"] == 2 * RATE and begin["start"] == 0.4 and begin["notes"] == []
    page.evaluate("hear({ turn: sent[0][0].turn, from: 0 })")
    page.wait_for_function("() => sent.length === 2")
    x = np.array(page.evaluate("[...new Int16Array(sent[1][1][0])]")) / 32768
    blocks = x.reshape(-1, 1600) * np.hanning(1600)  # most of them are whole on a busy machine, too
    power = 20 * np.log10(np.median(np.abs(np.fft.rfft(blocks)), axis=0) / 400 + 1e-9)
    assert abs(power[44] - 20 * np.log10(0.3)) < 0.5 and power[500] < -60


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.zeros(48000 * 6), "The recording is silent: the microphone may be muted"),
        (np.clip(tone(6, peak=3), -1, 1), "It is clipped: too loud for the microphone."),
    ],
    ids=["silent", "clipped"],
)
def test_silence_and_clipping_are_told(recorder, chrome, x, told):
    speak(chrome, x)
    page = recorder()
    page.locator(".lp-record").click()
    status(page, told)
    use = page.get_by_role("button", name="use it")
    assert use.is_visible() == ("clipped" in told)
    if use.is_visible():
        use.click()
        assert page.evaluate("sent[0][0].notes") == [told]


ERROR = """navigator.mediaDevices.getUserMedia = () => new Promise((_, reject) =>
  setTimeout(() => reject(new DOMException("", "{}")), 50));"""
NONE = "Object.defineProperty(window, 'isSecureContext', { value: false });"
DUMB = "AudioContext.prototype.resume = function () { this.suspend(); };"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (ERROR.format("NotFoundError"), "No microphone was found. Connect one"),
        (ERROR.format("NotReadableError"), "Another program may be using it"),
        (ERROR.format("AbortError"), "The microphone does not answer"),
        (NONE, "This page is not secure"),
        (DUMB, "It needs a sound output, too"),
    ],
    ids=["missing", "held", "broken", "insecure", "no output"],
)
def test_without_a_microphone_a_sentence_says_why(recorder, before, told):
    page = recorder(before)
    for _ in range(1 if before == DUMB else 2):  # it can be tried again
        page.locator(".lp-record").click()
        status(page, told)
        assert page.locator(".lp-record").inner_text() == "\u25cf record"
        assert not page.locator(".lp-working").count()


def test_a_refused_microphone_is_told(recorder):
    page = recorder()
    page.context.clear_permissions()
    page.locator(".lp-record").click()
    status(page, "The browser gives this page no microphone. Allow it at the left end")
    page.context.grant_permissions(["microphone"])
    page.locator(".lp-record").click()
    status(page, "Wait for the count.")
    page.locator(".lp-record").click()
    status(page, "Nothing was recorded: press record, wait for the count")
    let_go(page)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("tracks[0].dispatchEvent(new Event('ended'))", "The microphone was unplugged"),
        ("hide()", "ended because this page went out of sight"),
        (
            "another(), document.querySelectorAll('.lp-record')[1].click()",
            "Another recorder began.",
        ),
        ("window.close()", ""),
    ],
    ids=["unplugged", "out of sight", "another one", "cell run again"],
)
def test_the_microphone_is_let_go(recorder, chrome, act, told):
    speak(chrome, tone(6))
    hide = """window.hide = () => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    };"""
    page = recorder(TRACKS + hide)
    page.locator(".lp-record").click()
    page.locator(".lp-clock").filter(has_text="2").wait_for()
    page.evaluate(f"() => {{ {act} }}")
    page.wait_for_function("() => tracks[0].readyState === 'ended'")
    page.locator(".lp-recorder [role=status]").first.filter(has_text=told).wait_for()


def test_firefox_without_a_sound_output_says_so(tmp_path):
    """There it can't record. What it records with one was seen by hand."""

    async def press_record():
        settings = ("media.navigator.streams.fake", "media.navigator.permission.disabled")
        async with Firefox(tmp_path / "profile", firefox.SILENT, settings) as page:
            await page.open(write_page(tmp_path))
            await page.until("document.querySelector('.lp-record')")
            await page.run("document.querySelector('.lp-record').click()")
            await page.until("document.querySelector('.lp-error')")
            return await page.run("return document.querySelector('.lp-error').innerText")

    text = firefox.beside(press_record())
    assert "The browser passes no sound on. It needs a sound output, too" in text


# ---------------------------------------------------------------------------- in JupyterLab

CELLS = [
    "from lecture_utils import data, ddsp, weights\n"
    "from lecture_utils.ddsp import timbre_transfer\n"
    "from lecture_utils.notebook import explore\n"
    "violin = weights.load('ddsp_violin', ddsp.Autoencoder)\n"
    "hum = data.load('hum', 16000)[0]\n"
    "_ = timbre_transfer.transfer(violin, hum[:16000])",
    "def render(x):\n"
    "    return {'mine': x, 'violin': timbre_transfer.transfer(violin, x)}\n\n"
    "explore.record(render, 16000, hum, 'Your violin')",
    "explore.record(lambda x: {'mine': x}, 16000, hum, 'Your sound', seconds=3)",
]


@pytest.fixture(scope="module")
def notebook(lab):
    lab.page.context.grant_permissions(["microphone"])
    lab.page.add_init_script(TRACKS)
    lab.open_notebook(CELLS)
    lab.run_all()
    return lab


@pytest.fixture
def plain(notebook):
    """The recorder whose sound stays as it is."""
    return notebook.page.locator(".lp-explore").nth(1)


def said(box):
    """What recorder and Python tell when the work is done."""
    box.page.wait_for_function("() => !document.querySelector('.lp-working')", timeout=60_000)
    return " ".join(box.locator("p[role]:not(.lp-trouble)").all_inner_texts()).strip()


def sounds(box):
    """The sounds of the live player, as NumPy arrays."""
    wavs = box.locator(".lp").evaluate(
        "(root) => root.player.transport.wavs.map((wav) => [...new Int16Array(wav, 44)])"
    )
    return [np.float32(wav) / 32768 for wav in wavs]


def choose(box, path):
    box.locator(".lp-file input").set_input_files(path)
    return said(box)


def test_lab_five_seconds_of_voice_play_the_violin(notebook, chrome):
    hum = data.load("hum", RATE)[0]
    speak(chrome, np.concatenate([np.zeros(3 * RATE), hum[: 7 * RATE]]), RATE)
    page, box = notebook.page, notebook.page.locator(".lp-explore").first
    box.scroll_into_view_if_needed()
    box.locator(".lp-record").click()
    page.wait_for_function("() => parseFloat(document.querySelector('.lp-clock').innerText) >= 5")
    box.locator(".lp-record").click()
    started = time.monotonic()
    box.get_by_role("button", name="use it").click()
    assert box.locator(".lp").is_hidden()  # out of sight goes the old result
    assert "your recording: 5." in said(box)
    seconds = time.monotonic() - started
    mine, played = map(metrics.f0_hz, sounds(box))
    error, coverage = metrics.f0_error_cents(mine, played[: len(mine)])
    print(f"5 s of voice on the violin after {seconds:.1f} s; {error:.1f} cents off")
    assert error < 15 and coverage > 0.9
    assert seconds < 5 * float(os.environ.get("LECTURE_TIME_FACTOR", "1"))
    let_go(page)
    notebook.check()


# What a browser records by itself: an oscillator of 440 Hz, in the container asked for.
RECORDED = """async (type) => {
  const context = new AudioContext(), out = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 440 });
  tone.connect(new GainNode(context, { gain: 0.3 })).connect(out);
  tone.start();
  const recorder = new MediaRecorder(out.stream, { mimeType: type });
  const parts = [], ended = new Promise((end) => { recorder.onstop = end; });
  recorder.ondataavailable = ({ data }) => {
    parts.push(data);
    if (new Blob(parts).size > 8000 && recorder.state === "recording") recorder.stop();
  };
  recorder.start(100);
  await ended;
  return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
}"""


def written(x, rate=44100, **options):
    file = io.BytesIO()
    soundfile.write(file, x, rate, **options)
    return file.getvalue()


def test_lab_takes_files_of_every_kind(notebook, plain, tmp_path):
    x = tone(1, rate=44100)
    streamed = bytearray(written(x, format="FLAC"))
    streamed[21:26] = bytes([streamed[21] & 0xF0, 0, 0, 0, 0])  # of unknown length
    six, wav = np.stack([x] * 6, 1), {"format": "WAV"}
    cut = written(tone(3, rate=44100), format="MP3")
    kinds = {
        "24.wav": written(x, subtype="PCM_24", **wav),
        "float.wav": written(x, subtype="FLOAT", **wav),
        "six.wav": written(six, subtype="PCM_16", format="WAVEX"),
        "opposite.wav": written(np.stack([x, -x], 1), **wav),
        "vbr.mp3": written(x, format="MP3", bitrate_mode="VARIABLE"),
        "streamed.flac": bytes(streamed),
        "phone.m4a": zlib.decompress(base64.b85decode("".join(M4A))),
        "memo.webm": bytes(notebook.page.evaluate(RECORDED, "audio/webm")),
        "memo.mp4": bytes(notebook.page.evaluate(RECORDED, "audio/mp4")),
        "python.aiff": written(x, format="AIFF"),
        "half.wav": written(x, **wav)[:40_000],
        "half.mp3": cut[: len(cut) // 2],
        "<img src=x onerror=alert(1)>.wav": written(x, **wav),
        "loud.wav": written(20 * x, subtype="FLOAT", **wav),
    }
    told = {
        "half.wav": "It is cut off or damaged: it should last 1.00 s, and 0.45 s can be used.",
        "half.mp3": "It is cut off or damaged: it should last",
        "opposite.wav": "2 channels cancel each other; channel",
        "loud.wav": "Its peak is 6.0",
        "six.wav": "6 channels mixed down",
        "<img src=x onerror=alert(1)>.wav": "_img src=x",
    }
    plain.scroll_into_view_if_needed()
    for name, content in kinds.items():
        (tmp_path / name).write_bytes(content)
        text = choose(plain, tmp_path / name)
        assert " s used" in text and told.get(name, "") in text
        assert ("cut off" in text) == name.startswith("half")
        (y,) = sounds(plain)
        middle = y[len(y) // 4 : -len(y) // 4]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert abs(spectrum.argmax() * RATE / len(middle) - 440) < 4, name
        amplitude = np.sqrt(2 * np.mean(middle**2))
        assert amplitude == pytest.approx(1 if name == "loud.wav" else 0.3, rel=0.1), name
    notebook.check()


def test_lab_says_why_a_file_is_not_taken_and_takes_the_next(notebook, plain, tmp_path):
    broken = {
        "empty.wav": (b"", "empty.wav is empty; choose another file."),
        "text.mp3": (b"no sound" * 500, "text.mp3: neither the browser nor Python can read it"),
        "half.m4a": (zlib.decompress(base64.b85decode("".join(M4A)))[:800], "save it as WAV, FLAC"),
        "silent.wav": (written(np.zeros(44100), format="WAV"), "these seconds are silent"),
        "nan.wav": (
            written(np.full(99, np.nan), format="WAV", subtype="FLOAT"),
            "sample 0 is nan",
        ),
    }
    (tmp_path / "good.wav").write_bytes(written(tone(1, rate=44100), format="WAV"))
    for name, (content, why) in broken.items():
        (tmp_path / name).write_bytes(content)
        assert why in choose(plain, tmp_path / name)
        assert "good.wav: 1.0 s used." in choose(plain, tmp_path / "good.wav")
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(201_000_000)
    assert "huge.wav has 201 MB; at most 200 MB" in choose(plain, tmp_path / "huge.wav")
    notebook.check()


def test_lab_takes_files_of_any_size_and_a_part_of_them(notebook, plain, tmp_path):
    """JupyterLab's server drops the connection at a message of 10 MB."""
    x = np.concatenate([tone(120, rate=44100), tone(170, 880, rate=44100)])
    soundfile.write(tmp_path / "long.wav", np.stack([x, x], 1), 44100)  # 51 MB
    soundfile.write(tmp_path / "long.aiff", x[: 150 * 44100], 44100)  # 13 MB, for Python
    for name, start in (("long.wav", 200), ("long.aiff", 130)):
        assert f"{name}: 3.0 s used." in choose(plain, tmp_path / name)
        plain.get_by_role("slider", name="start of the 3 seconds").fill(str(start))
        plain.get_by_role("button", name="use it").click()
        assert f"{name}: 3.0 s used, from {start}.0 s on." in said(plain)
        (y,) = sounds(plain)
        assert np.abs(np.fft.rfft(y)).argmax() == 3 * 880
    notebook.check()


def test_lab_a_cell_that_runs_again_lets_go_of_the_microphone(notebook, plain):
    page = notebook.page
    plain.locator(".lp-record").click()
    plain.locator(".lp-clock").filter(has_text="2").wait_for()
    page.locator(".jp-CodeCell").nth(2).locator(".cm-content").click()
    notebook.command("notebook:run-cell")
    let_go(page)
    page.locator(".lp-record").nth(1).wait_for()
    notebook.check()


def test_lab_what_was_made_is_there_when_the_notebook_is_opened_again(notebook):
    page = notebook.page
    notebook.command("docmanager:save")
    page.wait_for_timeout(500)
    saved = max(notebook.folder.glob("made_*.ipynb"), key=lambda path: path.stat().st_mtime)
    saved.rename(saved.with_name("voice.ipynb"))  # or it finds its kernel again
    page.goto(f"{notebook.url}/lab/tree/voice.ipynb?reset&token={notebook.token}")
    page.locator("text=Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    stored = page.locator(".lp-stored").first
    stored.scroll_into_view_if_needed()
    stored.get_by_text("your recording: 5.").wait_for()
    page.wait_for_timeout(1000)
    assert not page.get_by_text("Error displaying widget").locator("visible=true").count()
    assert not page.locator(".lp-record").locator("visible=true").count()
    browser.SoundPlayer(page, root=stored.locator(".lp")).play()
    notebook.check()
