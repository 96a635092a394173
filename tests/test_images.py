"""The diagrams of the notebooks: safe and readable pictures that say what the models do."""

import functools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch
from diagram_shapes import numbers, true_shapes
from torch.nn import functional as F

from lecture_utils import hifi_gan

IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
DIAGRAMS = sorted(IMAGES.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"

MAX_BYTES, WIDTH, MAX_HEIGHT, MIN_TEXT = 30_000, 880, 500, 13
ELEMENTS = {
    "svg", "title", "desc", "style", "marker", "g", "path", "rect", "circle", "ellipse", "text",
    "tspan",
}  # fmt: skip
GENERIC_FONTS = {"sans-serif", "serif", "monospace"}

# ------------------------------------------------------------------------------- the file


def styles(root):
    """The rules of the first style sheet: class (or "text") -> declarations."""
    found = re.findall(r"([^{}]+)\{([^{}]*)\}", next(root.iter(SVG + "style")).text)
    return {
        name.strip().removeprefix("."): rule for names, rule in found for name in names.split(",")
    }


def text_size(element, rules):
    """The font size of a text in pixels at a width of 880."""
    size = None
    for name in ["text", *element.get("class", "").split()]:
        if match := re.search(r"font(?:-size)?: (?:\w+ )?([\d.]+)px", rules.get(name, "")):
            size = float(match[1])
    return float(element.get("font-size", size))


def problems(source):
    """What is wrong with the text of a diagram."""
    found = [f"{len(source.encode())} bytes"] if len(source.encode()) > MAX_BYTES else []
    if "<!DOCTYPE" in source or "<!ENTITY" in source or "<?" in source:
        return [*found, "a declaration"]
    try:
        root = ET.fromstring(source)
    except ET.ParseError as error:
        return [*found, f"not well formed: {error}"]
    width, height = root.get("width"), root.get("height")
    if width != str(WIDTH) or root.get("viewBox") != f"0 0 {WIDTH} {height}":
        found.append("size: not 880 wide, one unit a pixel")
    elif int(height) > MAX_HEIGHT:
        found.append(f"size: {height} pixels high")
    for name in ("title", "desc"):
        if not (root.findtext(SVG + name) or "").strip():
            found.append(f"no {name}")
    if root.get("role") != "img" or root.get("aria-labelledby") != "title desc":
        found.append("not labelled by its title and desc")
    rules = styles(root) if root.find(SVG + "style") is not None else {}
    css = " ".join([*(s.text or "" for s in root.iter(SVG + "style")),
                    *(e.get("style", "") for e in root.iter())])  # fmt: skip
    if re.search(r"@import|@font-face|https?:|url\((?!#)", css):
        found.append("a style from outside")
    known = set(re.findall(r"\.([a-z][\w-]*)", css))
    fonts = re.findall(r"font: [\d.]+px ([^;}]+)|font-family: ([^;}]+)", css)
    fonts = {name.strip() for pair in fonts for name in pair if name}
    fonts |= {e.get("font-family") for e in root.iter()} - {None}
    found += [f"font {name}" for name in sorted(fonts - GENERIC_FONTS)]
    for element in root.iter():
        tag = element.tag.removeprefix(SVG)
        if tag not in ELEMENTS:
            found.append(f"element {tag}")
        for name, value in element.attrib.items():
            if name.startswith("on") or name.endswith("href"):
                found.append(f"attribute {name}")
            if re.search(r"url\((?!#)|javascript:", value):
                found.append(f"{name} from outside")
        if re.search(r"scale|matrix|skew", element.get("transform", "")):
            found.append("a transform that changes the size of text")
        if tag in ("text", "tspan") and text_size(element, rules) < MIN_TEXT:
            found.append(f"text of {text_size(element, rules)} pixels: {element.text}")
        unknown = set(element.get("class", "").split()) - known
        found += [f"class {name}" for name in sorted(unknown)]
    return found


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_diagram_is_safe_and_readable(path):
    assert problems(path.read_text(encoding="utf-8")) == []


GOOD = (IMAGES / "00_key.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</svg>", "", "not well formed"),
        ("</svg>", "<!-- " + "x" * 30_000 + " --></svg>", "bytes"),
        ("</svg>", "<script/></svg>", "element script"),
        ("</svg>", "<image/></svg>", "element image"),
        ("</svg>", '<g onclick="x()"/></svg>', "attribute onclick"),
        ("</svg>", '<g href="a.png"/></svg>', "attribute href"),
        ("</svg>", '<g fill="url(http://a.b/c)"/></svg>', "fill from outside"),
        ("</svg>", '<g transform="scale(0.5)"/></svg>', "a transform"),
        ("</svg>", '<text font-size="12">x</text></svg>', "text of 12"),
        ("</svg>", '<text class="smal">x</text></svg>', "class smal"),
        ("font: 16px sans-serif", "font: 12px sans-serif", "text of 12"),
        ("font: 16px sans-serif", "font: 16px Arial, sans-serif", "font Arial"),
        (".card", "@import 'a.css'; .card", "a style from outside"),
        ("<svg ", "<!DOCTYPE svg><svg ", "a declaration"),
        ('width="880"', 'width="900"', "size"),
        ('role="img"', "", "not labelled"),
        (">How to read the pictures of this course</title>", "/>", "no title"),
        ("<desc", "<g><desc", "not well formed"),
    ],
)
def test_rule_for_diagrams_bites(old, new, words):
    assert problems(GOOD) == [] and old in GOOD
    assert any(words in problem for problem in problems(GOOD.replace(old, new, 1)))


def test_all_diagrams_share_one_style():
    sheets = {next(ET.parse(path).iter(SVG + "style")).text for path in DIAGRAMS}
    assert len(sheets) == 1


def test_moving_picture_is_whole_before_it_moves_and_where_nothing_moves():
    sheet = list(ET.parse(IMAGES / "03_dilated_convolution_moving.svg").iter(SVG + "style"))[1].text
    frames = re.findall(r"@keyframes \w+ \{(.*?)\} \}", sheet)
    assert len(frames) == 4 and all(re.match(r" 0%.*?\{ opacity: 1;", frame) for frame in frames)
    assert "prefers-reduced-motion: no-preference" in sheet
    assert not re.search(r"opacity: 0", sheet.split("@keyframes")[0])


def test_list_of_images_is_complete_and_has_their_alt_texts():
    listed = {}
    for part in (IMAGES / "README.md").read_text(encoding="utf-8").split("\n### ")[1:]:
        name, *lines = part.splitlines()
        listed[name] = dict(re.findall(r"^- \*\*(\w+):\*\* (.+)$", "\n".join(lines), re.MULTILINE))
    assert sorted(listed) == [path.name for path in DIAGRAMS]
    for name, facts in listed.items():
        assert set(facts) == {"Slide", "Notebook", "After", "Alt", "Caption"}, name
        assert facts["Alt"] == ET.parse(IMAGES / name).findtext(SVG + "desc"), name
        assert facts["Notebook"][:2] == name[:2] and len(facts["Caption"]) < 300


# ------------------------------------------------------------------------------- the numbers


def test_numbers_are_read():
    assert numbers("private (3, 5, 24)") == (3, 5, 24) and numbers("(3,)") == (3,)
    assert numbers("(1, 64 * frames)") == (1, 1280) and numbers("2,047 samples") == (2047,)
    assert numbers("kernel 3, dilations 1, 3, 5") == (3, 1, 3, 5)


def told_shapes():
    """Every number that a diagram tells of a model: (file, name, text)."""
    for path in DIAGRAMS:
        for text in ET.parse(path).iter(SVG + "text"):
            if name := text.get("data-shape"):
                yield path.stem, name, "".join(text.itertext())


def test_shapes_in_diagrams_are_those_of_the_models():
    true = true_shapes()
    wrong = [
        f"{file}: {text!r}, but {name} is {true.get(name)}"
        for file, name, text in told_shapes()
        if numbers(text) != true.get(name)
    ]
    assert wrong == []
    assert {name for _, name, _ in told_shapes()} == set(true)


def test_no_shape_in_a_diagram_goes_unchecked():
    for path in DIAGRAMS:
        for text in ET.parse(path).iter(SVG + "text"):
            words = "".join(text.itertext())
            if re.search(r"\(\d+,|\d (channels?|values|bands|frames)\b", words):
                assert text.get("data-shape"), f"{path.stem}: {words}"


# ------------------------------------------------------------------------------- worked examples


FRACTIONS = {"⅓": 1 / 3, "½": 1 / 2}


def row(file, name):
    """The numbers in the cells of a worked example."""
    root = ET.parse(IMAGES / f"{file}.svg")
    (group,) = (g for g in root.iter(SVG + "g") if g.get("data-numbers") == name)
    cells = (text.text for text in group.iter(SVG + "text"))
    return torch.tensor([FRACTIONS.get(cell) or float(cell) for cell in cells])[None, None]


@pytest.mark.parametrize("kernel", ["average", "edge", "echo"])
def test_convolutional_layer_is_worked_out(kernel):
    file = "03_convolutional_layer"
    x, weight = row(file, "conv.input"), row(file, f"conv.{kernel}.kernel")
    assert torch.allclose(F.conv1d(x, weight), row(file, f"conv.{kernel}.out"))


def test_upsampling_is_worked_out():
    cells = functools.partial(row, "06_upsampling")
    x, ones = cells("up.input"), torch.ones(1, 1, 6)
    stamped = F.conv_transpose1d(x, ones, stride=4)
    zeros = torch.zeros(1, 1, 14)
    zeros[..., :9:4] = x
    assert torch.equal(cells("up.out2"), stamped) and torch.equal(cells("up.out1"), stamped)
    assert torch.equal(cells("up.zeros"), zeros)
    assert torch.equal(F.conv1d(F.pad(zeros, (5, 0)), ones), stamped)
    assert torch.equal(cells("up.nearest"), F.interpolate(x, scale_factor=4))
    for k in range(3):
        assert torch.equal(cells(f"up.stamp{k + 1}"), x[..., k : k + 1] * ones)


@pytest.mark.parametrize("period", [2, 3, 5])
def test_folding_is_that_of_the_discriminator(period):
    judge, folded = hifi_gan.PeriodDiscriminator(period, width=1 / 8), []
    judge.convs[0].register_forward_pre_hook(lambda _, inputs: folded.append(inputs[0]))
    x = row("07_period_folding", "fold.1")
    assert torch.equal(x, torch.arange(1.0, 16)[None, None])
    judge(x)
    assert torch.equal(row("07_period_folding", f"fold.{period}"), folded[0].flatten(2))
