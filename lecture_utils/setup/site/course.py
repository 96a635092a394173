"""The pages around the notebooks: the first one, the licences, and what is written on them."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import nbformat

from lecture_utils import audio, data, ddsp, griffin_lim, mel, phase, weights
from lecture_utils.notebook import explore, listen, live, wav
from lecture_utils.setup.site.media import Media, lighten, lighten_outputs

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
#: The scripts of the package that the site's own stands on, in this order.
SCRIPTS = [*listen.SCRIPTS["mushra"], "flipbook.js"]

#: Other people's work in the site itself.
OTHERS = """
| what | licence |
|---|---|
| KaTeX, its style sheet and fonts (formulas) | MIT, <a href="_licences/KaTeX.txt">text</a> |
| Furo (theme), Sphinx and MyST-NB (builders) | MIT, BSD-2-Clause, BSD-3-Clause |
"""


def write_notebook(path: Path, folder: Path, media: Media) -> str:
    """Write an executed notebook into `folder` as Sphinx is to see it; return its short title."""
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = [nbformat.from_dict(o) for o in lighten_outputs(cell.outputs, media)]
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    for name in ("lecture_site", "lecture_models"):
        notebook.metadata.pop(name, None)
    nbformat.write(notebook, folder / path.name)
    title = re.match(r"# ([^:\n]+)", notebook.cells[0].source)[1]
    return f"{path.stem[:2]} {title} <{path.stem}>"


def first_page(readme: str, contents: list[str], players: str) -> str:
    """Return the first page in Markdown: the README's opening, players, the map of the slides."""
    title, opening = re.match(r"# (.+?)\n(.+?)(?=\n## )", readme, re.DOTALL).groups()
    opening = re.sub(r"<img .*?>\n*", "", opening)
    table = re.search(r"## The map\n(.+?)(?=\n## )", readme, re.DOTALL)[1]
    table = table.replace("](notebooks/", "](")
    lines = "\n".join(contents)
    return f"""# {title}
{opening}
## Listen

{players}

Some models [compute in your browser](live.md) while you move a slider.

## The map
{table}
## Run it yourself

Here everything is played and shown as it came out of the notebooks. To change code, answer the
exercises and hear your own voice in it, run the notebooks on your own machine: `make lab` installs
and opens them. Each page has its notebook to download; the whole course has the sounds and the
package with it.

```{{toctree}}
:hidden:
{lines}
```
"""


def two_sounds(media: Media) -> str:
    """Return two players: the course's sounds, with a random phase and with a searched one."""
    players = []
    for name, caption in (("sentence", "A spoken sentence"), ("motif", "A violin phrase")):
        x, rate = data.load(name, 16000)
        magnitude = abs(audio.stft(x, n_fft=1024, hop_length=256))
        random = phase.scramble(x, seed=0)
        searched = griffin_lim.griffin_lim(
            magnitude, n_iter=60, hop_length=256, seed=0, length=len(x)
        )
        sounds = {"original": x, "random phase": random, "Griffin-Lim, 60 rounds": searched}
        sounds = {label: audio.match_level(y, x) for label, y in sounds.items()}
        player = listen.compare(sounds, rate, caption=f"{caption}: one spectrogram, three phases.")
        players.append(lighten(player._repr_html_(), media))
    return "\n\n".join(players)


def live_page(media: Media, scripts: Path, models: dict[str, dict | list]) -> str:
    """Return the page of models that run in the browser, in Markdown; put beside it what it needs.

    Parameters
    ----------
    media : Media
        Gets the sounds and the networks.
    scripts : Path
        Folder of the site's scripts.
    models : dict
        Numbers of networks, by the names in ``execute.LAST_CELLS``; without those of notebooks
        that were not run.
    """
    names = {"sentence": "sentence", "violin": "motif", "guitar": "guitar", "tabla": "tabla"}
    sounds = {
        label: media.sound(wav.pack(data.load(name, 16000)[0][: 5 * 16000], 16000))
        for label, name in names.items()
    }
    text = "".join([live.file("fft.js")] + [
        (HERE / name).read_text("utf-8") for name in ("models.js", "vocoder.js", "live.js")
    ])  # fmt: skip
    (scripts / "live.js").write_text(f"(() => {{\n{text}}})();\n", "utf-8")
    steps = {name: sorted(map(int, of)) for name, (_, of) in models.get("games", {}).items()}
    loaded = [media.folder / f"{name}.js" for name in ("vocoder", *models)]
    for file, numbers in zip(loaded, (vocoder_numbers(), *models.values()), strict=True):
        file.write_text(f"lecture{file.stem.title()}({json.dumps(numbers)});\n", "utf-8")
    kinds = ("violin", "flute", "cello")
    played = {kind: weights.load(f"ddsp_{kind}", ddsp.Autoencoder) for kind in kinds}
    keys = explore.keyboard(played, "Play the violin, the flute and the cello")
    keyboard = lighten(keys._repr_html_(), media)
    loaded.append(media.folder / re.search(r'data-script="_media/(\w+\.js)"', keyboard)[1])
    size = sum((media.folder / f"{name}.js").stat().st_size for name in sounds.values())
    return (HERE / "live.md").read_text("utf-8").format(
        script_kb=round(len(text) / 1e3), sound_kb=round(size / 1e3),
        network_kb=round(sum(file.stat().st_size for file in loaded) / 1e3), keyboard=keyboard,
        sounds=html.escape(json.dumps(sounds)), steps=html.escape(json.dumps(steps)),
    )  # fmt: skip


def vocoder_numbers() -> dict:
    """Return what ``vocoder.js`` needs: mel filters as (first bin, weights), and two networks."""
    filters = mel.front_end("course16k").filters.numpy().astype(float)
    bands = [(row > 0).nonzero()[0] for row in filters]
    numbers = {
        part: base64.b64encode(
            (ROOT / "data" / "weights" / f"fourier_{part}_universal.safetensors").read_bytes()
        ).decode()
        for part in ("magnitude", "repair")
    }
    rows = zip(bands, filters, strict=True)
    return numbers | {"bands": [[int(k[0]), row[k[0] : k[-1] + 1].tolist()] for k, row in rows]}


def licences(manifest: Path, readme: str) -> str:
    """Return the page of licences in Markdown: whose the sounds, scores and weights are."""
    files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    groups = Counter(
        tuple(str(f.get(key, "")).replace("|", ",") for key in ("kind", "author", "licence"))
        for f in files
    )
    rows = "\n".join(
        f"| {kind} | {author} | {licence} | {count} |"
        for (kind, author, licence), count in sorted(groups.items())
    )
    text = re.search(r"## Licences\n(.+?)(?=\n## |\Z)", readme, re.DOTALL)[1].strip()
    notices = "\n".join(
        f'- <a href="_licences/{file.name}">{file.stem}</a>'
        for file in sorted((manifest.parent / "LICENCES").iterdir())
    )
    return f"""# Licences

{text}

## Sounds, scores and weights

| kind | by | licence | files |
|---|---|---|---|
{rows}

Every single file with its source and checksum:
<a href="_licences/manifest.json">manifest.json</a>.

## Notices

{notices}

## This site
{OTHERS}"""


def write_extra(extra: Path, katex: Path | None) -> None:
    """Put notices and clean notebooks beside the pages."""
    notices = extra / "_licences"
    shutil.copytree(ROOT / "data" / "LICENCES", notices, dirs_exist_ok=True)
    for file in (ROOT / "LICENSE", ROOT / "LICENSE-text", ROOT / "data" / "manifest.json"):
        shutil.copy(file, notices)
    if katex:
        shutil.copy(katex / "LICENSE", notices / "KaTeX.txt")
    shutil.copytree(
        ROOT / "notebooks", extra / "_notebooks", dirs_exist_ok=True,
        ignore=lambda _folder, names: [n for n in names if not n.endswith(".ipynb")],
    )  # fmt: skip


def script() -> str:
    """Return the one script of the site."""
    parts = [live.file(name) for name in SCRIPTS] + [(HERE / "site.js").read_text("utf-8")]
    return f"(() => {{\n{''.join(parts)}}})();\n"


def style_sheet() -> str:
    """Return the site's style sheet."""
    return live.file("player.css") + (HERE / "site.css").read_text("utf-8")
