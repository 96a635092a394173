"""`make stage` in a real browser: what is on the screen, and that it is the warm kernel."""

import json
import urllib.request

import nbformat
from browser import SoundPlayer, Watched
from nbformat import v4

from lecture_utils.setup import stage


def test_stage_opens_warm_large_and_short(tmp_path, chrome):
    short = {"tags": ["short"]}
    cells = [
        v4.new_markdown_cell("A line on the short path", metadata=short),
        v4.new_code_cell("word = 'warm'", metadata=short),
        v4.new_code_cell("raise SystemExit('the long path was run')"),
        v4.new_markdown_cell("The long path"),
    ]
    path, folder = tmp_path / "99_made.ipynb", tmp_path / "stage"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path.write_text(nbformat.writes(v4.new_notebook(cells=cells, metadata=metadata)))
    folder.mkdir()
    with stage.server(folder, 8890) as (_, address, token):
        stage.warm(stage.short_path(path), folder / path.name, address, token)
        shown = Watched(chrome, 1280, 720)
        shown.page.goto(f"{address}/doc/tree/{path.name}?token={token}")
        SoundPlayer(shown.page).play()
        text = shown.page.locator(".jp-Notebook").inner_text()
        assert "A line on the short path" in text and "The long path" not in text
        line = shown.page.locator(".jp-RenderedMarkdown").first
        assert line.evaluate("e => getComputedStyle(e).fontSize") == "22px"
        assert shown.page.locator(".jp-SideBar .lm-TabBar-tab:visible").count() == 0
        assert shown.page.locator("#jp-main-statusbar:visible").count() == 0
        with urllib.request.urlopen(f"{address}/api/kernels?token={token}") as answer:
            (kernel,) = json.load(answer)  # the page has taken the one that ran the cells
        assert kernel["connections"] >= 1
        shown.check()
        shown.close()
