"""Sphinx's configuration of the site; Sphinx reads it, nothing imports it."""

from __future__ import annotations

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent

project = "Audio-domain Music Generation"
author = "the authors of the course"
html_title = project
language = "en"
extensions = ["myst_nb"]
nb_execution_mode = "off"  # execute.py has done it
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["**/README.md"]
smartquotes = False
html_theme = "furo"
templates_path = [str(_HERE / "templates")]
html_css_files = ["katex.css", "course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_show_search_summary = False  # it would fetch pages, which a disk does not allow
html_use_index = False
suppress_warnings = ["mystnb.unknown_mime_type"]
html_theme_options = {
    "footer_icons": [],
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
}
#: owner/name on GitHub: buttons for Colab, Binder and the source. Without it there are none.
html_context = {"course_repository": os.environ.get("GITHUB_REPOSITORY", "")}


def setup(app: object) -> dict:
    """Take formulas to KaTeX instead of a script in the page."""
    from lecture_utils.setup.site.formulas import Katex

    katex = None

    def formula(tex: str, display: bool) -> str:
        nonlocal katex
        katex = katex or Katex()
        return katex.html(tex, display)

    def inline(translator: object, node: object) -> None:
        translator.body.append(formula(node.astext(), display=False))
        node.clear()  # else Sphinx writes the formula's source, too

    def block(translator: object, node: object) -> None:
        html = formula(node.astext(), display=True)
        translator.body.append(f'<div class="math">{html}</div>')
        node.clear()

    def scripts(app: object, page: str, *_rest: object) -> None:
        if page == "live":
            app.add_js_file("live.js", priority=900, defer="defer")  # after course.js

    app.connect("html-page-context", scripts)
    app.add_html_math_renderer("katex", (inline, None), (block, None))
    app.connect("build-finished", lambda _app, _error: katex and katex.close())
    return {"parallel_read_safe": True, "parallel_write_safe": False}


html_math_renderer = "katex"
