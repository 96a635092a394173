"""The keyboard that plays learned instruments, in a real browser."""

import os

import firefox
import numpy as np
import pytest
from browser import FLAGS, Watched, chromium
from scipy.io import wavfile

from lecture_utils import data, ddsp, weights
from lecture_utils.notebook import explore

PIANO = "piano keyboard"
FACTOR = float(os.environ.get("LECTURE_TIME_FACTOR", "1"))

# What VS Code allows in a notebook's output: inline scripts, and nothing from another address.
STRICT = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "require-trusted-types-for 'script'\">"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page with a keyboard."""
    folder = tmp_path_factory.mktemp("keyboard")
    names = ("violin", "flute", "cello")
    models = {name: weights.load(f"ddsp_{name}", ddsp.Autoencoder) for name in names}
    page = explore.keyboard(models, "Play it")._repr_html_()
    (folder / "page.html").write_text(f"<!doctype html><meta charset='utf-8'>{page}", "utf-8")
    (folder / "strict.html").write_text(f"<!doctype html><meta charset='utf-8'>{STRICT}{page}")
    return folder


class Piano(Watched):
    """The keyboard in a page."""

    def __init__(self, instance, folder, before="", name="page.html"):
        super().__init__(instance, 1280, 720)
        if before:
            self.page.add_init_script(before)
        self.page.goto((folder / name).as_uri())
        self.root = self.page.locator(".lp-keyboard")
        self.piano = self.page.get_by_role("application", name=PIANO)
        self.alert = self.root.get_by_role("alert")
        self.run(  # what the worklet says, and what goes out to the loudspeakers
            "window.heard = []; const hear = p.hear;"
            "p.hear = (data) => { heard.push(data); hear(data); };"
        )

    def run(self, script):
        """Evaluate JavaScript; ``p`` is the instrument."""
        return self.root.evaluate(f"async (root) => {{ const p = root.keyboard; {script} }}")

    def ready(self):
        self.piano.focus()
        self.run("await p.prepare(); await p.context.resume();")
        shown = "document.querySelector('.lp-keyboard').keyboard"
        self.page.wait_for_function(f"() => {shown}.context.currentTime > 0.3")
        return self

    def sounding(self, n):
        """Wait until `n` notes sound, as the worklet says ten times a second."""
        count = self.page.evaluate("heard.length")
        said = f"heard.slice({count} + 1).filter((d) => 'notes' in d).at(-1)"
        self.page.wait_for_function(f"() => {said}?.notes === {n}")
        return True

    def level(self):
        """Level of what goes out, and its spectrum's peak in Hz."""
        return self.run(
            """const a = p.context.createAnalyser(); a.fftSize = 8192; p.gain.connect(a);
            await new Promise((done) => setTimeout(done, 400));
            const x = new Float32Array(8192), s = new Float32Array(4096);
            a.getFloatTimeDomainData(x); a.getFloatFrequencyData(s); p.gain.disconnect(a);
            return [Math.hypot(...x) / Math.sqrt(8192),
                s.indexOf(Math.max(...s)) * p.context.sampleRate / 8192];"""
        )


@pytest.fixture
def piano(chrome, folder):
    opened = []

    def show(*arguments, instance=chrome, **options):
        opened.append(Piano(instance, folder, *arguments, **options))
        return opened[-1]

    yield show
    for watched in opened:
        watched.check()
        watched.close()


def test_keys_sound_at_once_and_six_together(piano):
    shown = piano().ready()
    keys = shown.page.keyboard
    for key in "zxcvbnmqwe":
        keys.down(key)
        shown.page.wait_for_timeout(120)
        keys.up(key)
    told = "heard.filter((d) => 'latency' in d)"
    shown.page.wait_for_function(f"{told}.length === 10")
    late = [d["latency"] for d in shown.page.evaluate(told)]
    output = 1000 * shown.run("return p.context.outputLatency")  # more on a busy machine
    print(f"key to sound: {np.median(late):.0f} ms, {min(late):.0f} to {max(late):.0f},")
    print(f"of which the sound output takes {output:.0f} ms")
    assert min(late) > 5 and np.median(late) - output < 60 * FACTOR
    assert "key to sound" in shown.root.inner_text()
    for key in "zcbqet":
        keys.down(key)
    assert shown.sounding(6)
    shown.page.wait_for_timeout(1000)
    share = shown.page.evaluate("heard.at(-1).share")
    print(f"six notes take {share:.0%} of one core")
    assert shown.level()[0] > 0.03
    for key in "zcbqet":
        keys.up(key)
    assert shown.sounding(0)


def test_what_is_heard_is_the_key(piano):
    shown = piano().ready()
    for key, hz in (("n", 440), ("ArrowUp", None), ("n", 880), ("ArrowDown", None), ("q", 523.25)):
        if hz is None:
            shown.page.keyboard.press(key)
            continue
        shown.run("p.set({ vibrato: 0 })")
        shown.page.keyboard.down(key)
        level, found = shown.level()
        shown.page.keyboard.up(key)
        ratio = found / hz  # the strongest harmonic
        assert level > 0.005 and round(ratio) >= 1 and abs(ratio - round(ratio)) < 0.03


def test_keys_have_labels_and_everything_is_a_button(piano):
    shown = piano()
    assert shown.piano.get_by_role("button", name="key Z C4", exact=True).count() == 1
    assert shown.piano.get_by_role("button", name="key G F sharp 4").count() == 1
    assert shown.piano.get_by_role("button").count() == 37  # G3 to G6, three octaves
    shown.page.get_by_role("button", name="flute").click()
    assert shown.piano.get_by_role("button").count() == 32  # C4 to G6
    assert shown.page.get_by_role("button", name="flute").get_attribute("aria-pressed") == "true"
    for name in ("vibrato", "loudness", "volume"):
        assert shown.page.get_by_role("slider", name=name).is_visible()
    reached = []
    for _ in range(12):
        shown.page.keyboard.press("Tab")
        reached.append(shown.page.evaluate("document.activeElement.textContent.slice(0, 9)"))
    assert {"an", "+ octave", "MIDI keyb"} & set(reached) == {"+ octave", "MIDI keyb"}
    box = shown.root.bounding_box()
    assert box["y"] + box["height"] < 720 and box["x"] + box["width"] <= 1280


def test_the_computer_keys_lie_where_the_instrument_plays(piano):
    shown = piano().ready()
    key = shown.piano.get_by_role("button")
    shown.page.get_by_role("button", name="cello").click()
    assert key.count() == 34  # C2 to A4
    assert shown.piano.get_by_role("button", name="key Z C2", exact=True).count() == 1
    assert shown.piano.get_by_role("button", name="key P E4", exact=True).count() == 1
    shown.run("p.set({ vibrato: 0 })")
    shown.piano.focus()
    shown.page.keyboard.down("q")
    level, found = shown.level()
    shown.page.keyboard.up("q")
    ratio = found / 130.81  # C3
    assert level > 0.005 and round(ratio) >= 1 and abs(ratio - round(ratio)) < 0.05
    shown.page.get_by_role("button", name="violin").click()
    assert shown.piano.get_by_role("button", name="key Z C4", exact=True).count() == 1


def test_keys_are_wide_enough_for_fingers(chrome, folder):
    page = chrome.new_page(viewport={"width": 390, "height": 800}, has_touch=True)
    page.goto((folder / "page.html").as_uri())
    keys = page.locator(".lp-white")
    assert keys.count() == 8 and keys.first.bounding_box()["width"] > 35
    page.get_by_role("button", name="an octave lower").tap()
    assert keys.first.get_attribute("aria-label").endswith("G3")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_page(piano, scheme):
    shown = piano(f"""document.addEventListener("DOMContentLoaded", () => {{
        if ("{scheme}" === "dark") document.documentElement.style.cssText =
            "--jp-ui-font-color0: #fff; --jp-layout-color0: #111";
    }});""")
    ink, paper = shown.root.evaluate(
        "(root) => [getComputedStyle(root).color, getComputedStyle(root).backgroundColor]"
    )
    dark, light = "rgb(17, 17, 17)", "rgb(255, 255, 255)"
    assert [ink, paper] == ([light, dark] if scheme == "dark" else [dark, light])
    key = shown.root.locator(".lp-white").first
    colours = "(key) => [getComputedStyle(key).color, getComputedStyle(key).backgroundColor]"
    assert key.evaluate(colours) == [dark, light]


def test_mouse_and_fingers(piano):
    shown = piano().ready()
    first = shown.piano.get_by_role("button", name="A4").bounding_box()
    second = shown.piano.get_by_role("button", name="B4").bounding_box()
    mouse = shown.page.mouse
    mouse.move(first["x"] + 5, first["y"] + first["height"] - 8)
    mouse.down()
    assert shown.sounding(1) and shown.run("return [...p.held.keys()].length") == 1
    mouse.move(second["x"] + 20, second["y"] + second["height"] - 8)  # it slides to the next key
    assert shown.root.locator(".lp-down").get_attribute("aria-label").endswith("B4")
    mouse.up()
    assert shown.sounding(0) and not shown.root.locator(".lp-down").count()
    press = """([x, y], id, type) => document.elementFromPoint(x, y).dispatchEvent(
        new PointerEvent(type, { pointerId: id, pointerType: "touch", clientX: x, clientY: y,
                                 bubbles: true, cancelable: true }))"""
    shown.run("Element.prototype.setPointerCapture = () => {};")  # these fingers are made up
    for k, box in enumerate((first, second)):
        place = [box["x"] + box["width"] / 2, box["y"] + box["height"] - 8]
        shown.page.evaluate(f"(place) => ({press})(place, {k + 7}, 'pointerdown')", place)
    assert shown.sounding(2)
    shown.run("p.stop()")


ELSEWHERE = (
    "const other = document.createElement('input'); document.body.append(other); other.focus()"
)


@pytest.mark.parametrize("leave", ["window.dispatchEvent(new Event('blur'))", "Escape", ELSEWHERE])
def test_no_note_hangs(piano, leave):
    shown = piano().ready()
    shown.page.keyboard.down("z")
    shown.page.keyboard.down("v")
    assert shown.sounding(2)
    if leave == "Escape":
        shown.page.keyboard.press(leave)
    else:
        shown.page.evaluate(leave)
    assert shown.sounding(0) and not shown.root.locator(".lp-down").count()


def test_the_first_tap_is_heard_though_the_sound_wakes_up(piano):
    shown = piano()
    shown.run("await p.prepare();")  # a tap counts for two seconds, and a busy machine loads longer
    shown.page.keyboard.press("Tab")
    shown.piano.focus()
    shown.page.keyboard.press("z")
    shown.page.wait_for_function("heard.some((d) => d.begun === 'KeyZ')")
    assert shown.sounding(0)


def test_shortcuts_of_the_browser_stay(piano):
    shown = piano().ready()
    shown.page.keyboard.press("Control+c")
    shown.page.wait_for_timeout(300)
    assert not shown.page.evaluate("heard.some((d) => d.begun || d.notes)")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("delete window.DecompressionStream", "too old for the instrument"),
        ("AudioContext.prototype.resume = () => new Promise(() => {});"
         "Object.defineProperty(AudioContext.prototype, 'state', { value: 'suspended' })",
         "No sound output found"),
    ],
)  # fmt: skip
def test_what_cannot_sound_says_so(piano, before, words):
    shown = piano(before)
    shown.piano.focus()
    shown.page.keyboard.press("z")
    shown.alert.wait_for()
    assert words in shown.alert.inner_text()


@pytest.mark.parametrize("how", ["VS Code's rules for outputs", "an old browser"])
def test_without_a_worklet_it_runs_in_the_page(piano, how):
    none = "Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: null })"
    shown = piano(none) if how == "an old browser" else piano(name="strict.html")
    shown.ready()
    assert shown.run("return p.node.constructor.name") == "ScriptProcessorNode"
    shown.run("p.set({ vibrato: 0 })")
    shown.page.keyboard.down("n")
    assert shown.sounding(1)
    level, hz = shown.level()
    assert level > 0.01 and abs(hz / 440 - round(hz / 440)) < 0.03
    shown.page.keyboard.up("n")
    assert shown.sounding(0) and "key to sound" in shown.root.inner_text()


def test_without_scripts_there_is_a_picture_and_a_sentence(chrome, folder):
    page = chrome.new_page(java_script_enabled=False)
    page.goto((folder / "page.html").as_uri())
    assert page.get_by_role("img", name="piano keyboard").is_visible()
    assert "Trust Notebook" in page.locator("body").inner_text()
    page.close()


MIDI = """
window.port = { id: "in1", name: "Keys 25", type: "input", state: "connected" };
window.access = { inputs: new Map([["in1", port]]) };
navigator.requestMIDIAccess = () => Promise.resolve(access);
window.send = (...data) => port.onmidimessage({ data, timeStamp: performance.now() });
"""


def test_midi_keyboard_and_its_end(piano):
    shown = piano(MIDI).ready()
    shown.page.keyboard.press("z")  # a key lets the sound out
    shown.page.get_by_role("button", name="MIDI keyboard").click()
    shown.alert.wait_for()
    assert shown.alert.inner_text() == "MIDI keyboard: Keys 25."
    shown.page.evaluate("send(0x90, 69, 90); send(0x91, 72, 90); send(0xb0, 1, 127);")
    assert shown.sounding(2)
    assert shown.page.get_by_role("slider", name="vibrato").input_value() == "50"
    shown.page.evaluate("send(0x90, 69, 0)")
    assert shown.sounding(1)
    shown.page.evaluate("port.state = 'disconnected'; access.onstatechange({ port })")
    assert shown.sounding(0) and "Keys 25 was pulled out" in shown.alert.inner_text()


def test_browser_without_midi_says_so(piano):
    shown = piano("delete Navigator.prototype.requestMIDIAccess")
    shown.page.get_by_role("button", name="MIDI keyboard").click()
    assert "no Web MIDI" in shown.alert.inner_text()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotAllowedError", "microphone was refused"),
        ("NotFoundError", "No microphone found"),
        ("NotReadableError", "in use by another program"),
    ],
)
def test_microphone_that_cannot_be_used(piano, error, words):
    shown = piano(
        f"const error = new DOMException('', '{error}');"
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(error)"
    )
    shown.page.get_by_role("button", name="sing").click()
    shown.alert.wait_for()
    assert words in shown.alert.inner_text()


def test_a_voice_plays_the_violin(chrome, folder, tmp_path):
    hum = data.load("hum", 48000)[0]
    wavfile.write(tmp_path / "hum.wav", 48000, np.int16(32767 * hum))
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
             f"--use-file-for-fake-audio-capture={tmp_path / 'hum.wav'}"]  # fmt: skip
    with chrome.browser_type.launch(executable_path=chromium(), args=FLAGS + flags) as other:
        shown = Piano(other, folder)
        shown.page.get_by_role("button", name="sing").click()
        shown.page.wait_for_function("heard.filter((d) => d.sung).length > 9")
        assert "Use headphones" in shown.alert.inner_text()
        assert shown.level()[0] > 0.005
        heard = shown.page.evaluate("heard.filter((d) => d.sung).map((d) => d.sung)")
        known = data.load_array("hum_f0")
        assert known[known > 0].min() * 0.98 < np.median(heard) < known.max() * 1.02
        shown.page.evaluate("window.dispatchEvent(new Event('blur'))")  # a voice goes on
        shown.page.get_by_role("button", name="stop singing").click()
        assert shown.run("return p.stream") is None
        shown.page.wait_for_timeout(1600)
        assert shown.level()[0] < 1e-4
        shown.check()


def test_firefox_plays_and_without_a_device_says_so(folder, tmp_path):
    """What goes to loudspeakers is seen by hand: there are none here, so it is rendered."""

    async def press():
        async with firefox.Firefox(tmp_path / "profile", firefox.SILENT) as page:
            await page.open(folder / "page.html")
            await page.run(
                "const piano = document.querySelector('.lp-piano'); piano.focus();"
                "const key = { code: 'KeyZ', key: 'z', bubbles: true };"
                "piano.dispatchEvent(new KeyboardEvent('keydown', key));"
            )
            await page.until("document.querySelector('.lp-trouble').innerText")
            text = await page.run("return document.querySelector('.lp-trouble').innerText")
            level = await page.run(
                """const p = document.querySelector('.lp-keyboard').keyboard;
                const context = new OfflineAudioContext(1, 48000, 48000);
                Object.defineProperty(p, 'context', { value: context });
                Object.assign(p, { ready: null, loaded: {} });
                await p.prepare();
                p.call("begin", "a", 69, 100);
                await new Promise((done) => setTimeout(done, 300));
                const x = (await context.startRendering()).getChannelData(0).subarray(24000);
                return Math.hypot(...x) / Math.sqrt(x.length);"""
            )
            return text, level

    text, level = firefox.beside(press())
    assert "No sound output found" in text and 0.03 < level < 0.3


CELLS = [
    "from lecture_utils import ddsp, weights\nfrom lecture_utils.notebook import explore\n"
    "violin = weights.load('ddsp_violin', ddsp.Autoencoder)",
    "explore.keyboard({'violin': violin}, 'Play it')",
]


def play(page):
    """Press keys until one is heard."""
    page.locator(".lp-piano").focus()
    page.wait_for_function("document.querySelector('.lp-keyboard').keyboard.node")
    for key in "zx":
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    page.get_by_text("key to sound").wait_for()


@pytest.fixture(scope="module")
def notebook(lab):
    lab.open_notebook(CELLS)
    lab.run_all()
    return lab


def test_lab_letters_of_black_keys_are_read_on_the_key_itself(notebook):
    """JupyterLab draws a light box around each ``kbd``, where white letters vanish."""
    letter = notebook.page.locator(".lp-black kbd").first
    assert letter.evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(0, 0, 0, 0)"


def test_lab_a_cell_that_runs_again_falls_silent(notebook):
    lab, page = notebook, notebook.page
    first = page.locator(".lp-keyboard").element_handle()
    page.locator(".lp-piano").scroll_into_view_if_needed()
    page.locator(".lp-piano").focus()
    page.keyboard.down("b")  # JupyterLab's key for a new cell
    page.wait_for_function("(root) => root.keyboard.node && root.keyboard.held.size", arg=first)
    page.keyboard.down("v")
    lab.run_all()
    page.wait_for_function("(root) => !root.isConnected && !root.keyboard.node", arg=first)
    assert page.locator(".lp-keyboard").count() == 1 and len(lab.cells()) == len(CELLS)
    play(page)
    lab.check()


def test_lab_plays_without_its_kernel_or_says_how(notebook):
    lab, page = notebook, notebook.page
    lab.command("docmanager:save")
    saved = max(lab.folder.glob("made_*.ipynb"), key=lambda path: path.stat().st_mtime)
    text = saved.read_text(encoding="utf-8")
    for trusted in (True, False):
        path = saved.with_name(f"keys_{trusted}.ipynb")
        path.write_text(text if trusted else text.replace("import explore", "import  explore"))
        page.goto(f"{lab.url}/lab/tree/{path.name}?reset&token={lab.token}")
        page.locator("text=Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        if trusted:
            page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
            play(page)
        else:
            page.get_by_text("Trust Notebook").first.wait_for()
            assert page.get_by_role("img", name="piano keyboard").is_visible()
    lab.check()
