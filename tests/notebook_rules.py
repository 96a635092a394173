"""What every notebook must keep to: rules for the file, and rules for what its cells put out."""

import ast
import html
import json
import re
import statistics
from pathlib import Path

import nbformat

from lecture_utils import audio
from lecture_utils.notebook import listen

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MAX_BYTES = 90_000
CELLS, MEDIAN_LINES, MAX_LINES = (25, 45), 8, 25
MAX_BUDGET = 30

#: What the first cell must tell, and how it is found.
FIRST_CELL = {
    "a title": r"\A# \S",
    "the slides it covers": r"(?i)\bslides?\b",
    "what is heard": r"(?i)\bhear",
    "the time it takes": r"(?i)\bminutes?\b|\bmin\b",
    "what to know before": r"(?i)\bknow",
}

FORBIDDEN = {
    "a shell command": r"(?m)^\s*[!]|^\s*%%?(bash|sh|script|system|sx|cmd)\b|os\.system|subprocess",
    "an installation": r"(?m)^\s*[!%]?\s*(pip|conda|mamba|uv)\b|\bpip3? install\b",
    "Colab": r"google\.colab",
    "a download": (
        r"urllib|\brequests\b|\bhttpx\b|wget|urlopen|torch\.hub|huggingface_hub|from_pretrained|"
        r"torchaudio\.pipelines|librosa\.ex(ample)?\("
    ),
    "an absolute path": (
        r"""["'](/(home|root|Users|tmp|mnt|media|usr|opt|var|work|content|data)\b|[A-Za-z]:\\|~/)"""
    ),
    "a mark that hides it from the tests": r"NBVAL_|PYTEST_VALIDATE",
}


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook without changing its format."""
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines(cell: nbformat.NotebookNode) -> int:
    """Lines of a code cell that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def words_per_line(notebook: nbformat.NotebookNode) -> float:
    """Words of text per line of code."""
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    words = sum(len(re.findall(r"[^\W\d_]{2,}", cell)) for cell in text)
    return words / max(1, sum(map(lines, code_cells(notebook))))


def budget(cell: nbformat.NotebookNode, default: float) -> float:
    """Seconds that a cell may take: the tag ``budget-30`` or the default."""
    tags = cell.metadata.get("tags", [])
    found = [int(tag.removeprefix("budget-")) for tag in tags if tag.startswith("budget-")]
    return found[0] if found else default


def exercises(source: str) -> list[str]:
    """Names in the calls ``check.exercise("room.name", ...)`` of a cell."""
    return re.findall(r"""check\.exercise\(\s*["']([\w.]+)["']""", source)


def file_problems(path: Path) -> list[str]:
    """Everything in a notebook's file that is against the rules, one sentence each."""
    found = []
    if path.stat().st_size > MAX_BYTES:
        found.append(f"{path.stat().st_size} bytes; {MAX_BYTES} are allowed")
    # Read as it stands: nbformat would give a cell whose id is there twice another one, unasked.
    ids = [cell.get("id") for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    if twice := sorted({str(name) for name in ids if ids.count(name) > 1}):
        found.append(f"cell ids that are there twice: {', '.join(twice)}")
    notebook = read(path)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        found.append(f"not a valid notebook: {error.message}")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    if "widgets" in notebook.metadata:
        found.append("metadata.widgets is stored")
    found += _first_cell_problems(notebook.cells[0])
    cells = code_cells(notebook)
    for number, cell in enumerate(cells):
        found += [f"code cell {number}: {problem}" for problem in _cell_problems(cell, number)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found += _text_problems(cell.source)
    cells = [c for c in cells if not c.metadata.get("jupyter", {}).get("source_hidden")]
    sizes = [lines(cell) for cell in cells]
    if not CELLS[0] <= len(cells) <= CELLS[1]:
        found.append(f"{len(cells)} visible code cells; {CELLS[0]} to {CELLS[1]} are wanted")
    if statistics.median(sizes or [0]) > MEDIAN_LINES:
        found.append(f"median of {statistics.median(sizes):g} lines a cell; {MEDIAN_LINES} at most")
    return found


def _first_cell_problems(cell: nbformat.NotebookNode) -> list[str]:
    if cell.cell_type != "markdown":
        return ["the first cell is no text"]
    return [
        f"the first cell does not tell {what}"
        for what, pattern in FIRST_CELL.items()
        if not re.search(pattern, cell.source)
    ]


def _cell_problems(cell: nbformat.NotebookNode, number: int) -> list[str]:
    found = []
    if cell.outputs or cell.execution_count is not None:
        found.append("stored with output or execution count")
    if lines(cell) > MAX_LINES:
        found.append(f"{lines(cell)} lines; {MAX_LINES} at most")
    if budget(cell, 0) > MAX_BUDGET:
        found.append(f"a budget of {budget(cell, 0)} s; {MAX_BUDGET} s at most")
    if any(tag.startswith("nbval") or "exception" in tag for tag in cell.metadata.get("tags", [])):
        found.append("a tag that hides it from the tests")
    for what, pattern in FORBIDDEN.items():
        if match := re.search(pattern, cell.source):
            found.append(f"{what}: {match[0].strip()}")
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return [*found, "not plain Python"]
    imports = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    if imports and number > 0:
        found.append("an import; the first code cell has them all")
    for statement in tree.body[:-1]:  # what a cell does not end on is not shown
        if match := re.match(r"(listen|explore|mushra)\.\w+\(", ast.unparse(statement)):
            found.append(f"{match[0]}...) is not the last line, so nobody sees or hears it")
    return found


def _text_problems(text: str) -> list[str]:
    found = []
    for alt, source in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", text):
        if not alt.strip():
            found.append(f"the image {source} has no alt text")
        if re.match(r"https?:|//", source):
            found.append(f"the image {source} comes from the network")
    return found + _html_problems(text)


def _html_problems(page: str) -> list[str]:
    found = []
    for tag in re.findall(r"<img\b[^>]*>", page):
        if not re.search(r"""\balt=(["'])\s*[^"'\s]""", tag):
            found.append("an image without alt text; use plot.show(figure, alt)")
    for source in re.findall(r"""\bsrc=["']((?:https?:)?//[^"']+)""", page):
        found.append(f"{source} comes from the network")
    return found


def output_problems(source: str, outputs: list) -> list[str]:
    """Everything in the outputs of a cell that is against the rules, one sentence each."""
    found, printed = [], ""
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                found.append(f"it writes to stderr: {output.text.strip()[-300:]}")
            printed += output.text
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            found.append("a picture without alt text; use plot.show(figure, alt)")
        page = data.get("text/html", "")
        found += _html_problems(re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", page))
        found += _sound_problems(page)
    missing = len(exercises(source)) - printed.count("not tried yet")
    if missing > 0:
        found.append("an exercise whose stub does not answer 'not tried yet'")
    return found


def _sound_problems(page: str) -> list[str]:
    specs = [json.loads(html.unescape(s)) for s in re.findall(r'data-spec="([^"]*)"', page)]
    if "<audio" in page and not specs:
        return ["a sound outside of a player; use listen.play or listen.compare"]
    found = ["a player without caption" for spec in specs if not spec["caption"].strip()]
    try:
        clips = listen.clips(page)
    except ValueError as error:
        return [*found, str(error)]
    declared = [
        (seconds, level, label)
        for spec in specs
        for seconds, level, label in zip(
            spec["seconds"],
            spec["levels"],
            spec.get("labels", ["hidden"] * len(spec["seconds"])),
            strict=True,
        )
    ]
    if len(clips) != len(declared):
        return [*found, f"{len(declared)} sounds announced, {len(clips)} in the page"]
    for (x, sample_rate), (seconds, level, label) in zip(clips, declared, strict=True):
        if abs(len(x) / sample_rate - seconds) > 0.01:
            found.append(f"{label}: {len(x) / sample_rate:.2f} s of sound, not {seconds:.2f} s")
        measured = audio.loudness_lufs(x, sample_rate)
        if level is None and "silen" not in label:
            found.append(f"{label}: it is silent; call it 'silence' if that is meant")
        elif level is not None and level > -80 and abs(measured - level) > 0.5:
            found.append(f"{label}: {measured:.1f} LUFS, not {level:.1f} LUFS")
    return found
