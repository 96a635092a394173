"""What makes a notebook easy to follow: words before their use, short sentences, a short path."""

import ast
import builtins
import re

import notebook_rules as rules

GLOSSARY = rules.ROOT / "notebooks" / "glossary.md"
MAX_WORDS = 30

#: Terms of the glossary that are also everyday words, or that only a page on tests needs.
EVERYDAY = {
    "sample", "window", "frame", "layer", "channel", "network", "training", "loudness", "noise",
    "parameter", "residual", "metric", "schedule", "loss", "frequency", "token", "kernel", "batch",
    "seed", "spread", "tensor", "learning rate",
}  # fmt: skip


def terms() -> dict[str, str]:
    """Term -> anchor, from the headings of the glossary."""
    names = re.findall(r"^### (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: re.sub(r"[^a-z0-9-]", "", name.lower().replace(" ", "-")) for name in names}


def plain(text: str) -> str:
    """Text as it is read: no code, formulas, pictures, tables or tags; links by their words."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "x", text)
    text = re.sub(r"<[^>]+>", " ", text)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))


def sentences(text: str) -> list[str]:
    """Sentences of a markdown text; a list item and a heading end one."""
    parts = re.split(r"(?<=[.!?:;])[\s*_]+|\n\s*\n|\n\s*[-*#>]|\n\s*\d+\.\s", plain(text))
    return [" ".join(part.split()) for part in parts if part.strip()]


def long_sentences(notebook) -> list[str]:
    """Sentences of a notebook above the limit."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    found = [s for text in texts for s in sentences(text)]
    return [s for s in found if len(re.findall(r"[^\W\d_]+", s)) > MAX_WORDS]


def unexplained(notebook) -> list[str]:
    """Terms that appear in the text before, or without, a link to the glossary."""
    texts = [c.source for c in notebook.cells[1:] if c.cell_type == "markdown"]
    found = []
    for term, anchor in terms().items():
        if term.lower() in EVERYDAY:
            continue
        flags = 0 if term.isupper() else re.IGNORECASE
        used = re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", flags)
        first = next((text for text in texts if used.search(plain(text))), None)
        if first is not None and f"(glossary.md#{anchor})" not in first:
            found.append(f"{term}: its first use does not link to glossary.md#{anchor}")
    return found


def dead_links(notebook) -> list[str]:
    """Links to the glossary that lead nowhere."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    anchors = set(terms().values())
    return [a for a in re.findall(r"\(glossary\.md#([^)]*)\)", text) if a not in anchors]


def tagged(cell, tag: str) -> bool:
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def hidden(cell) -> bool:
    """Whether the source of a cell is collapsed."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def wrongly_hidden(notebook) -> list[str]:
    """Collapsed cells that hold more than drawing and bookkeeping."""
    found = []
    for number, cell in enumerate(rules.code_cells(notebook)):
        if hidden(cell) != tagged(cell, "plumbing"):
            found.append(f"code cell {number}: collapsed and tagged 'plumbing', or neither")
        if hidden(cell) and re.search(r"check\.exercise|\bassert\b|\.backward\(", cell.source):
            found.append(f"code cell {number}: an exercise, a claim or training may not be hidden")
    return found


def _names(source: str) -> tuple[set[str], set[str]]:
    """Names that a cell needs from outside, and names that it gives to others."""
    tree = ast.parse(source)
    gives = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            gives.add(node.name)
        if isinstance(node, ast.ExceptHandler) and node.name:
            gives.add(node.name)
        if isinstance(node, ast.arguments):
            gives |= {a.arg for a in [*node.args, *node.kwonlyargs, *node.posonlyargs]}
            gives |= {a.arg for a in (node.vararg, node.kwarg) if a}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            gives |= {(a.asname or a.name).split(".")[0] for a in node.names}
    needs = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    return needs - set(dir(builtins)), gives


def short_path_problems(notebook) -> list[str]:
    """What keeps the cells tagged 'short' from running alone, from top to bottom."""
    cells = [c for c in rules.code_cells(notebook) if tagged(c, "short")]
    if len(cells) < 5:
        return [f"{len(cells)} cells of code on the short path; at least 5"]
    known, found = set(), []
    for cell in cells:
        needs, gives = _names(cell.source)
        if missing := sorted(needs - known - gives):
            found.append(f"a cell of the short path needs {', '.join(missing)}")
        known |= gives
    return found


def neighbours_linked(path, notebook) -> list[str]:
    """The first cell links the glossary and the notebooks before and after."""
    place = rules.NOTEBOOKS.index(path)
    wanted = {n.name for n in rules.NOTEBOOKS[max(0, place - 1) : place + 2]} - {path.name}
    return [
        f"the first cell does not link {name}"
        for name in sorted(wanted | {"glossary.md"})
        if f"({name}" not in notebook.cells[0].source
    ]


def first_sound(notebook) -> tuple[int, int]:
    """Visible lines of code before the first player, and lines of the cell that shows it."""
    before = 0
    for cell in rules.code_cells(notebook)[1:]:
        if re.search(r"listen\.(play|compare|blind|steps)|explore\.\w+\(", cell.source):
            return before, rules.lines(cell)
        before += 0 if hidden(cell) else rules.lines(cell)
    return before, 0
