"""Formulas as HTML, made by KaTeX while the site is built: the reader's browser needs no script.

KaTeX comes from npm. Its fonts go into the style sheet, because some browsers take no font from a
page that lies on a disk.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

from lecture_utils.setup.site import npm

VERSION = "0.19.1"
SHA256 = "24da5a599eb2fcede2e270b99a6ff48bca816beecc95feeb84e8cccbd1bb34fd"

#: Reads a formula a line as JSON, answers with its HTML a line.
_SERVER = """
const katex = require(process.argv[1]);
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, display } = JSON.parse(line);
  const options = { displayMode: display, throwOnError: true, strict: "ignore" };
  let answer;
  try { answer = { html: katex.renderToString(tex, options) }; }
  catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
});
"""


class FormulaError(Exception):
    """KaTeX does not understand a formula; the message says which."""


def fetch() -> Path:
    """Return the folder of KaTeX's package; NpmError if it can't be had."""
    return npm.fetch("katex", VERSION, SHA256)


def style_sheet(folder: Path) -> str:
    """Return the style sheet of KaTeX's package, with its fonts inside."""
    css = (folder / "dist" / "katex.min.css").read_text(encoding="utf-8")

    def font(match: re.Match) -> str:
        data = base64.b64encode((folder / "dist" / "fonts" / match[1]).read_bytes()).decode()
        return f"src:url(data:font/woff2;base64,{data}) format('woff2')"

    return re.sub(r"src:url\(fonts/([\w-]+\.woff2)\)[^}]*", font, css)


class Katex:
    """KaTeX in a process of its own, for as long as a site is built."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "-e", _SERVER, str(fetch() / "dist" / "katex.min.js")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def html(self, tex: str, display: bool) -> str:
        """Return a formula as HTML, with MathML for screen readers inside."""
        self._process.stdin.write(json.dumps({"tex": tex, "display": display}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "node has stopped"}')
        if "error" in answer:
            raise FormulaError(f"formula {tex!r}: {answer['error']}")
        return answer["html"]

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(10)
