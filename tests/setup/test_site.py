"""The site: sounds and pictures out of the notebooks into files, states of sliders, pages."""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import soundfile
from notebook_rules import ROOT
from PIL import Image

from lecture_utils.notebook import explore, listen, mushra, wav
from lecture_utils.setup.site import __main__ as site
from lecture_utils.setup.site import course, execute, formulas, npm, states
from lecture_utils.setup.site.media import (
    COLUMNS,
    ROWS,
    WAVE_ROWS,
    WIDGETS,
    Media,
    draw,
    lighten,
    lighten_outputs,
)

SR = 16000
TONE = (0.2 * np.sin(np.arange(SR) / 5)).astype(np.float32)


@pytest.fixture
def media(tmp_path):
    return Media(tmp_path / "_media")


def test_sounds_become_files_bit_by_bit(media):
    player = listen.compare({"tone": TONE, "half": TONE / 2}, SR, caption="a <b> & c")
    page = lighten(player._repr_html_(), media)
    assert "data:" not in page and "<script" not in page and "<style" not in page
    assert page.count("<audio controls") == 2 and "a &lt;b&gt; &amp; c" in page
    names = re.findall(r'src="_media/(\w+)\.flac" data-clip="\1"', page)
    for name, data in zip(names, player.wavs, strict=True):
        kept, rate = soundfile.read(media.folder / f"{name}.flac", dtype="int16")
        there, _ = soundfile.read(io.BytesIO(data), dtype="int16")
        assert rate == SR and (kept == there).all()
        script = (media.folder / f"{name}.js").read_text()
        text = re.fullmatch(rf'lectureSound\("{name}","(.+)"\);\n', script)[1]
        assert base64.b64decode(text) == (media.folder / f"{name}.flac").read_bytes()


def test_preview_shows_wave_and_spectrum():
    """The tone of 509 Hz stands in the right row, and its wave is 96 % of the height."""
    picture = np.asarray(Image.open(io.BytesIO(draw(TONE, SR))).convert("RGBA")).astype(int)
    assert picture.shape == (WAVE_ROWS + 2 + ROWS, COLUMNS, 4)
    spectrum = picture[-ROWS:, 20:-20, :3].sum((1, 2))
    assert abs(np.argmax(spectrum[::-1]) - 509 / 8000 * ROWS) < 2
    assert (picture[:WAVE_ROWS, :, 3] > 128).mean() == pytest.approx(0.96, abs=0.04)
    assert len(draw(TONE, SR)) < 20_000 and draw(TONE[:100], SR)  # short ones, too
    silent = np.asarray(Image.open(io.BytesIO(draw(0 * TONE, SR))).convert("RGB")).astype(int)
    assert silent[60:].max() < 40  # black, as in the player


def test_a_blind_test_shows_no_preview(media):
    player = listen.compare({"a": TONE, "b": -TONE}, SR, blind="abx", seed=0)
    page = lighten(player._repr_html_() + listen.play(TONE, SR)._repr_html_(), media)
    blind, shown = page.split("<p></p>")[:2]  # each caption follows its host
    assert "data-view" not in blind and "data-view" in shown and page.count("data-spec") == 2


def test_equal_sounds_share_a_file(media):
    lighten(listen.play(TONE, SR)._repr_html_() * 2, media)
    assert len(list(media.folder.glob("*.flac"))) == 1


def test_pictures_and_flipbooks_become_files(media):
    book = explore.flipbook({k: lambda ax, k=k: ax.plot([0, k]) for k in (1, 2)}, "A line")
    steps = explore.steps({0: TONE, 1: TONE}, SR, figure=lambda ax, x, k: ax.plot(x), alt="Wave")
    page = lighten(book._repr_html_() + steps._repr_html_(), media)
    assert "data:" not in page and "<script" not in page
    images = re.findall(r'<img [^>]*loading="lazy" src="_media/\w+\.png"', page)
    assert len(images) == 4
    for image in images:  # each keeps its room in the page: no jump when it comes
        size = Image.open(media.folder / re.search(r"_media/(.+)\"", image)[1]).size
        width, height = (
            int(re.search(rf'\b{name}="(\d+)"', image)[1]) for name in ("width", "height")
        )
        assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
    assert page.count('alt="A line (step') == 2


def test_a_long_script_waits_in_a_file(media):
    """As the keyboard's, with a network inside; it may bring player.js of its own."""
    long = f"(() => {{ function mountAll(id) {{}} /* {'x' * 60_000} */ }})()"
    page = lighten(f'<div id="lp-keys-1"><p>k</p></div><script>{long}</script>', media)
    name = re.search(r'class="lp-script" data-script="_media/(\w+\.js)"', page)[1]
    assert (media.folder / name).read_text() == long and len(page) < 200


def test_other_scripts_and_outputs_stay(media):
    page = "<style>p {}</style><script>count()</script><p>x</p>"
    stream = nbformat.v4.new_output("stream", text="1\n")
    html = nbformat.v4.new_output("display_data", {"text/html": page, "text/plain": "x"})
    widget = nbformat.v4.new_output("display_data", {WIDGETS: {"model_id": "1"}, "text/html": ""})
    kept = lighten_outputs([stream, html, widget], media)
    assert kept == [stream, {**html, "data": {"text/html": page}}]


@pytest.mark.parametrize(
    ("controls", "most", "count"),
    [
        ([explore.slider(0, 1, 0.05, 0.5)], 20, 9),
        ([explore.slider(0, 1, 0.05, 0.35)], 20, 9),
        ([explore.slider(4, 16, 1, 8), explore.choice(["mu-law", "even"])], 20, 18),
        ([explore.choice([0, 1, 2, 4]), explore.choice([2, 4, 8], 4)], 20, 12),
        ([explore.slider(0, 9, 1, 0) for _ in range(4)], 20, 17),  # one moves at a time
        ([explore.slider(0, 9, 1, 3)], 2, 1),  # no room: the default alone
    ],
)
def test_states_hold_ends_and_default(controls, most, count):
    grid, places = states.combinations(controls, most)
    assert len(places) == len(set(places)) == count <= most
    default = tuple(column.index(c.value) for column, c in zip(grid, controls, strict=True))
    assert default in places
    for control, column in zip(controls, grid, strict=True):
        if count > 1 and hasattr(control, "step"):
            assert (column[0], column[-1]) == (control.min, control.max)
            assert column == sorted(column)


def test_an_explorer_stores_its_states(media, monkeypatch):
    monkeypatch.setattr(explore.Explorer, "page", states.page)

    computed = []

    def render(gain, kind):
        computed.append((gain, kind))
        if gain == 1 and kind == "b":
            raise ValueError("too loud")
        return TONE * gain

    explorer = explore.sound(
        render, SR, gain=explore.slider(0.25, 1, 0.25, 0.5), kind=explore.choice(["a", "b"])
    )
    before = explorer.player.spec, explorer.player.clips, explorer.message.value
    page = explorer.page()
    assert (explorer.player.spec, explorer.player.clips, explorer.message.value) == before
    assert len(computed) == 1 + 8 and len(set(computed)) == 8  # each once, after the very first
    spec = json.loads(re.search(r'data-grid="(.+?)"', page)[1].replace("&quot;", '"'))
    assert spec == {
        "names": ["gain", "kind"], "values": [["0.25", "0.5", "0.75", "1"], ["a", "b"]],
        "buttons": [False, True],
    }  # fmt: skip
    at = re.findall(r'class="lp-state" data-at="([\d ]+)"( hidden)?', page)
    assert len(at) == 8 and [place for place, hidden in at if not hidden] == ["1 0"]
    peaks = [float(np.abs(x).max()) for x, _ in wav.clips(page)]
    assert peaks == pytest.approx(
        [g * np.abs(TONE).max() for g in (0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1)], abs=1e-4
    )
    assert page.count("too loud") == 1
    assert (explorer.controls["gain"].value, explorer.controls["kind"].value) == (0.5, "a")
    assert site.count_players(lighten(page, media)) == 1


def test_players_are_counted(media):
    player = listen.play(TONE, SR)._repr_html_()
    assert site.count_players(lighten(player + player, media)) == 2


def test_first_page_has_the_map_and_every_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = course.first_page(readme, ["03 WaveNet <03_wavenet>", "glossary"], "PLAYERS")
    assert page.startswith("# Audio-domain Music Generation") and "<img" not in page
    assert "PLAYERS" in page and "03 WaveNet <03_wavenet>\nglossary\n" in page
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(re.findall(r"\]\((\S+?\.ipynb)\)", page)) == notebooks


def test_licences_name_every_author():
    manifest = ROOT / "data" / "manifest.json"
    page = course.licences(manifest, (ROOT / "README.md").read_text(encoding="utf-8"))
    files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    assert all(f["author"].replace("|", ",") in page and f["licence"] in page for f in files)
    assert sum(int(n) for n in re.findall(r"\| (\d+) \|\n", page)) == len(files)


def test_a_notebook_runs_with_its_states_and_only_once(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# A title: more"),
        nbformat.v4.new_code_cell("from lecture_utils.notebook import explore\nimport numpy as np"),
        nbformat.v4.new_code_cell(
            "explore.sound(lambda f: np.sin(f * np.arange(800)) / 9, 8000,"
            " f=explore.slider(1, 3, 1, 2))", metadata={"jupyter": {"source_hidden": True}}),
    ])  # fmt: skip
    path = tmp_path / "05_tiny.ipynb"
    nbformat.write(notebook, path)
    (done,) = execute.execute_all([path], tmp_path / "executed")
    before = done.stat().st_mtime_ns
    assert execute.execute_all([path], tmp_path / "executed") == [done]
    assert done.stat().st_mtime_ns == before
    (tmp_path / "out").mkdir()
    title = course.write_notebook(done, tmp_path / "out", Media(tmp_path / "_media"))
    assert title == "05 A title <05_tiny>"
    cells = nbformat.read(tmp_path / "out" / path.name, 4).cells
    (output,) = cells[2].outputs
    assert output.data["text/html"].count('class="lp-state"') == 3
    assert cells[2].metadata.tags == ["hide-input"] and len(cells) == 3
    assert len(list((tmp_path / "_media").glob("*.flac"))) == 3


def test_a_notebook_that_stops_is_named(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "05_tiny.ipynb")
    with pytest.raises(execute.StoppedError, match="05_tiny.ipynb stopped: ZeroDivisionError"):
        execute.execute_all([tmp_path / "05_tiny.ipynb"], tmp_path / "executed")
    assert list((tmp_path / "executed").iterdir()) == []


def test_a_dead_kernel_is_named_and_each_job_compiles_for_itself(tmp_path, monkeypatch):
    """As when two kernels had filled one cache of numba's at once."""
    monkeypatch.setattr(execute, "CACHES", tmp_path / "caches")
    source = "import os, pathlib\npathlib.Path(os.environ['NUMBA_CACHE_DIR']).mkdir(parents=True)"
    cells = [nbformat.v4.new_code_cell(line) for line in (source, "os._exit(1)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "05_tiny.ipynb")
    monkeypatch.setattr(execute.sys, "prefix", str(tmp_path))
    with pytest.raises(execute.StoppedError, match="05_tiny.ipynb stopped: its kernel died"):
        execute.execute_all([tmp_path / "05_tiny.ipynb"], tmp_path / "executed")
    assert [path.name for path in (tmp_path / "caches").iterdir()] == ["site_0"]


def test_fonts_go_into_the_style_sheet(tmp_path):
    (tmp_path / "dist" / "fonts").mkdir(parents=True)
    (tmp_path / "dist" / "fonts" / "A.woff2").write_bytes(b"font")
    faces = '@font-face{src:url(fonts/A.woff2) format("woff2"),url(fonts/A.ttf) format("ttf")}'
    (tmp_path / "dist" / "katex.min.css").write_text(faces + ".katex{color:red}")
    css = formulas.style_sheet(tmp_path)
    assert "fonts/" not in css and base64.b64encode(b"font").decode() in css
    assert css.endswith("}.katex{color:red}")


def test_an_altered_package_is_refused(tmp_path, monkeypatch):
    def pack(command, **_options):
        with tarfile.open(tmp_path / "npm" / "toy-1.0.tgz", "w:gz") as tar:
            tar.add(__file__, "package/dist/toy.js")
        archive.append((tmp_path / "npm" / "toy-1.0.tgz").read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    archive = []
    monkeypatch.setattr(npm, "CACHE", tmp_path / "npm")
    monkeypatch.setattr(npm.shutil, "which", lambda name: name)
    monkeypatch.setattr(npm.subprocess, "run", pack)
    with pytest.raises(npm.NpmError, match=r"toy 1.0 from npm is not the file that was tested"):
        npm.fetch("toy", "1.0", "0" * 64)
    assert list((tmp_path / "npm").iterdir()) == []
    monkeypatch.setattr(npm.hashlib, "sha256", lambda data: SimpleNamespace(hexdigest=lambda: "1"))
    folder = npm.fetch("toy", "1.0", "1")
    assert list((tmp_path / "npm").iterdir()) == [folder]
    assert (folder / "dist" / "toy.js").is_file() and len(archive) == 2
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    assert npm.fetch("toy", "1.0", "1") == folder and len(archive) == 2  # it is here already
    with pytest.raises(npm.NpmError, match="npm is missing; install Node"):
        npm.fetch("toy", "1.1", "1")


def test_names_are_of_content(media):
    assert media.picture(b"x", "png") == hashlib.sha256(b"x").hexdigest()[:16] + ".png"


def test_mushra_pages_are_lightened_too(media):
    test = mushra.rate({"reference": TONE, "a": TONE, "b": TONE}, SR, "t", "1", "Rate")
    page = lighten(test.static()._repr_html_(), media)
    assert "data:" not in page and "data-view" not in page and page.count("data-clip") == 3
