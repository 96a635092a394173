"""Build the site: ``python -m lecture_utils.setup.site``; its figures are printed at the end."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections import ChainMap
from pathlib import Path

import nbformat

from lecture_utils.setup.site import course, formulas, npm
from lecture_utils.setup.site.execute import NOTEBOOKS, ROOT, StoppedError, execute_all
from lecture_utils.setup.site.media import FOLDER, Media

BUILD = ROOT / "build"
#: Pages beside the notebooks.
MORE = ["live", "glossary", "teaching", "licences"]
#: What axe finds in the theme's and MyST-NB's pages: names that hide what stands there, landmarks
#: without a name, code that scrolls but can't be reached by keyboard.
MENDED = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    "<pre>": '<pre tabindex="0">',
}


def main() -> int:
    """Run the notebooks that have changed, write the pages, let Sphinx build; return the status."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.setup.site")
    parser.add_argument("notebooks", nargs="*", help="names of notebooks; all by default")
    parser.add_argument("--output", type=Path, default=BUILD / "site")
    options = parser.parse_args()
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    if options.notebooks:
        paths = [p for p in paths if any(p.stem.startswith(name) for name in options.notebooks)]
    if not paths:
        parser.error(f"no notebook in {NOTEBOOKS} is called {options.notebooks}")
    start = time.monotonic()
    try:
        if importlib.util.find_spec("myst_nb") is None:
            raise StoppedError("its packages are missing; `make site` installs them.")
        katex = formulas.fetch()
        executed = execute_all(paths, BUILD / "executed")
    except (npm.NpmError, StoppedError) as error:
        print(f"\nNo site: {error}", file=sys.stderr)
        return 1
    ran = time.monotonic()
    source = write_source(executed, BUILD / "site-source", katex)
    static, extra = (source.with_name(f"site-{name}") for name in ("static", "extra"))
    sphinx = ["-m", "sphinx", "-b", "html", "-q", "-E", "-d", BUILD / "doctrees"]
    folders = ["-D", f"html_static_path={static}", "-D", f"html_extra_path={extra}"]
    command = [sys.executable, *sphinx, *folders, "-c", Path(__file__).parent]
    shutil.rmtree(options.output, ignore_errors=True)
    status = subprocess.run([*command, source, options.output]).returncode
    if status == 0:
        for page in options.output.glob("*.html"):
            text = page.read_text(encoding="utf-8")
            for found, better in MENDED.items():
                text = text.replace(found, better)
            page.write_text(text, encoding="utf-8")
        print(figures(options.output, ran - start, time.monotonic() - ran))
    return status


def write_source(executed: list[Path], source: Path, katex: Path) -> Path:
    """Write what Sphinx reads: notebooks and pages; beside them, scripts and media."""
    static, extra = source.with_name("site-static"), source.with_name("site-extra")
    for folder in (source, static, extra):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    media = Media(extra / FOLDER)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    titles = [course.write_notebook(path, source, media) for path in executed]
    shutil.copytree(NOTEBOOKS / "images", source / "images")
    for file in (NOTEBOOKS / "glossary.md", Path(__file__).parents[1] / "teaching.md"):
        shutil.copy(file, source)
    page = course.first_page(readme, [*titles, *MORE], course.two_sounds(media))
    (source / "index.md").write_text(page, "utf-8")
    models = [nbformat.read(path, 4).metadata.get("lecture_models", {}) for path in executed]
    text = course.live_page(media, static, dict(ChainMap(*models)))
    (source / "live.md").write_text(text, "utf-8")
    text = course.licences(ROOT / "data" / "manifest.json", readme)
    (source / "licences.md").write_text(text, "utf-8")
    (static / "course.js").write_text(course.script(), "utf-8")
    (static / "course.css").write_text(course.style_sheet(), "utf-8")
    (static / "katex.css").write_text(formulas.style_sheet(katex), "utf-8")
    course.write_extra(extra, katex)
    return source


def count_players(page: str) -> int:
    """Return how many players a page shows; an explorer's states share one."""
    states = re.findall(r'class="lp-state"[^>]*><div [^>]*data-spec', page)
    shared = re.findall(r'class="lp-setting">[^<]*</p><div class="lp-state"[^>]*><div ', page)
    return page.count("data-spec=") - len(states) + len(shared)


def figures(site: Path, ran: float, built: float) -> str:
    """Return one line: seconds, size, pages, players, and what the pages load from elsewhere."""
    files = [file for file in site.rglob("*") if file.is_file()]
    pages = [file for file in files if file.suffix == ".html"]
    texts = [file.read_text(encoding="utf-8") for file in pages]
    players = sum(map(count_players, texts))
    tags = re.compile(r"<(?:script|img|audio|iframe|link)[^>]* (?:src|href)=\"(?:https?:)?//[^>]*")
    elsewhere = [tag for text in texts for tag in tags.findall(text)]
    size = sum(file.stat().st_size for file in files) / 1e6
    sounds = sum(file.suffix == ".flac" for file in files)
    return (
        f"site: notebooks {ran:.0f} s, pages {built:.0f} s; {len(pages)} pages, {players} players, "
        f"{sounds} sounds, {len(files)} files, {size:.0f} MB, loads from elsewhere: "
        f"{len(elsewhere)} {elsewhere[:3] or ''}\nOpen {site / 'index.html'}"
    )


if __name__ == "__main__":
    sys.exit(main())
