"""Live controls change sound and picture through traits, survive errors, and answer in time."""

import base64
import gc
import io
import re
import types
import weakref

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.image import imread

from lecture_utils.notebook import explore, figure, listen

SR = 16000
X = (0.1 * np.random.default_rng(0).standard_normal(4 * SR)).astype(np.float32)


def scaled(gain):
    if gain > 2:
        raise ValueError("gain <must> be small\nsecond line")
    return gain * X


def draw(ax, x, gain):
    ax.plot([0, 1], [0, gain])


def explorer(**options):
    return explore.sound(
        scaled, SR, gain=explore.slider(0, 3, 0.5, 1.0, "gain in volts"), **options
    )


def sounds(thing):
    return [x for x, _ in listen.clips(thing.player.static()._repr_html_())]


@pytest.fixture
def displayed(monkeypatch):
    """Return the outputs that a cell ending on a thing shows."""

    def show(thing):
        outputs = []
        monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
        thing._ipython_display_()
        return outputs

    return show


def test_a_slider_changes_sound_and_picture():
    live = explorer(figure=draw, alt="A slope")
    (before,) = live.player.spec["pictures"]
    assert before["alt"] == "A slope (gain in volts 1.0)" and live.picture is None
    live.controls["gain"].value = 0.5
    assert live.player.count == 1
    np.testing.assert_allclose(sounds(live)[0], 0.5 * X, atol=1.1 / 32768)
    (after,) = live.player.spec["pictures"]
    assert after["source"] != before["source"] and "gain in volts 0.5" in after["alt"]
    assert live.message.value == ""


def test_an_error_is_one_line_and_the_last_good_sound_stays():
    live = explorer(figure=draw, alt="A slope")
    live.controls["gain"].value = 2.5
    assert "ValueError: gain &lt;must&gt; be small" in live.message.value
    assert "second line" not in live.message.value and 'role="alert"' in live.message.value
    assert live.player.count == 0 and "gain in volts 1.0" in live.player.spec["pictures"][0]["alt"]
    np.testing.assert_allclose(sounds(live)[0], X, atol=1.1 / 32768)
    live.controls["gain"].value = 1.5
    assert live.message.value == "" and live.player.count == 1


def test_bad_sound_or_figure_of_a_callback_is_said_too():
    live = explore.sound(
        lambda n: X if n < 3 else np.full(9, np.nan), SR, n=explore.slider(1, 9, 1, 1)
    )
    live.controls["n"].value = 3
    assert "sample 0 is nan" in live.message.value and live.player.count == 0


def test_without_a_kernel_the_default_is_seen_and_heard(displayed):
    live = explorer(figure=draw, alt="A slope", caption="Listen")
    (copy, text), (view, empty) = (bundle.values() for bundle in displayed(live))
    assert view["model_id"] == live.box.model_id and empty == ""
    page = live.page()
    assert page in copy and text == repr(live)
    assert len(listen.clips(page)) == 1 and 'alt="A slope (gain in volts 1.0)"' in page
    assert "Stored at gain in volts 1.0" in page and page.count("data:image/png") == 1
    assert text.splitlines()[1] == "LivePlayer: Listen" and "0x" not in text
    assert page == live.page()


def test_several_sounds_and_controls():
    live = explore.sound(
        lambda kind, n: {"a": X[:n], kind: 0.5 * X[:n]},
        SR,
        kind=explore.choice(["zero", "random"]),
        n=explore.slider(1000, 2000, 100, 1500),
    )
    live.controls["kind"].value = "random"
    assert live.player.spec["labels"] == ["a", "random"]
    assert [len(x) for x in sounds(live)] == [1500, 1500]


def test_controls_answer_when_let_go_and_keep_their_kind():
    whole, real = explore.slider(0, 8, 1, 2), explore.slider(0, 1, 0.1, 0.5)
    assert isinstance(whole, widgets.IntSlider) and isinstance(real, widgets.FloatSlider)
    assert not whole.continuous_update and not real.continuous_update
    assert explorer().controls["gain"].description == "gain in volts"
    assert explore.sound(scaled, SR, gain=explore.slider(0, 1, 0.1, 0.5)).controls[
        "gain"
    ].description == ("gain")


def test_steps_hold_sound_and_picture_of_every_position():
    drawn = []
    player = explore.steps(
        {0: X, 8: 0.5 * X},
        SR,
        "iterations",
        figure=lambda ax, x, key: (drawn.append(key), ax.plot(x[: 100 * (key + 1)])),
        alt="Waves",
        caption="Hear",
    )
    spec = player.spec
    assert drawn == [0, 8] and spec["labels"] == ["0", "8"] and spec["step_name"] == "iterations"
    assert [p["alt"] for p in spec["pictures"]] == ["Waves (iterations 0)", "Waves (iterations 8)"]
    pictures = [
        imread(io.BytesIO(base64.b64decode(p["source"].split(",")[1]))) for p in spec["pictures"]
    ]
    assert pictures[0].shape[:2] == (300, 1100) and (pictures[0] != pictures[1]).any()
    a, b = (x for x, _ in listen.clips(player._repr_html_()))
    np.testing.assert_allclose(b, 0.5 * a, atol=1.1 / 32768)
    assert explore.steps([X, X], SR).spec["labels"] == ["0", "1"]
    parts = explore.steps([X], SR, start={2: "begin"}, loop={3: "go on"}).spec
    assert (parts["start"], parts["loop"]) == ([["2", "begin"]], [["3", "go on"]])


def test_a_cell_that_runs_again_closes_what_it_showed_before(monkeypatch):
    parent = {"metadata": {}, "header": {"msg_type": "execute_request"}}
    shell = types.SimpleNamespace(get_parent=lambda: parent)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    def run(cell, number):
        parent["metadata"]["cellId"], parent["header"]["msg_id"] = cell, number
        return explorer()

    open_before = len(widgets.widget._instances)
    kept, first, second = run("other", "1"), run("cell", "2"), run("cell", "2")
    open_now = len(widgets.widget._instances)
    for number in "3456":
        again = run("cell", number)
        assert first.player.comm is None and second.controls["gain"].comm is None
    each = (open_now - open_before) / 3
    assert len(widgets.widget._instances) == open_before + 2 * each  # one for each cell
    assert kept.player.comm is not None and again.player.comm is not None
    parent["header"]["msg_type"] = "comm_msg"  # a callback is no run of the cell
    run("cell", "7")
    assert again.player.comm is not None


def test_figures_do_not_pile_up_in_pyplot():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.close("all")
    explorer(figure=draw, alt="A slope")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: explore.sound(scaled, SR), "no control"),
        (lambda: explore.sound(scaled, SR, gain=3), "gain: 3 is no control"),
        (lambda: explorer(figure=draw), "alt: describe"),
        (lambda: explore.sound(scaled, SR, gain=explore.slider(0, 9, 1, 5)), "must> be small"),
        (lambda: explore.slider(0, 1, 0.1, 2), "2 does not lie in 0 .. 1"),
        (lambda: explore.slider(1, 1, 0.1, 1), "or that is empty"),
        (lambda: explore.slider(0, float("nan"), 1, 0), "maximum=nan"),
        (lambda: explore.slider(0, 1, 0, 0), "step=0"),
        (lambda: explore.choice([]), "None is not among []"),
        (lambda: explore.choice(["a"], "b"), "'b' is not among ['a']"),
        (lambda: explore.steps([], SR), "nothing to play"),
        (lambda: explore.steps([X] * 34, SR), "34 versions given, 33 fit"),
        (lambda: explore.steps([X], SR, figure=draw), "alt: describe"),
        (lambda: explore.steps([X], SR, figure=draw, alt="A", height=0), "height=0"),
        (lambda: explorer(figure=draw, alt="A", height="tall"), "height='tall'"),
    ],
)
def test_bad_input_gets_one_sentence(make, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: explore.slider(None, 1, 0.1, 0.5),
        lambda: explore.slider(0, 1, "fine", 0.5),
        lambda: explore.choice(3),
        lambda: explore.choice("abc"),
        lambda: explore.steps(None, SR),
        lambda: explore.steps([X], SR, figure=draw, alt=None),
        lambda: explore.steps([X], SR, loop={3: 4}),
        lambda: explore.steps([X], SR, start={2: "begin"}),
        lambda: explore.sound(3, SR, mix=explore.slider(0, 1, 0.1, 0.5)),
    ],
)
def test_odd_values_get_one_sentence(make):
    with pytest.raises((TypeError, ValueError)) as info:
        make()
    assert "\n" not in str(info.value) and "lecture_utils" in str(info.traceback[-1].path)


# ------------------------------------------------------------------------------- without sound


def _dot(ax, level=1.0):
    if level > 5:
        raise ValueError("too high")
    ax.plot([0, 1], [0, level])


def test_picture_redraws_and_keeps_the_last_good_one():
    explorer = explore.picture(_dot, "A line.", level=explore.slider(0.0, 9.0, 0.5, 1.0))
    before = explorer.picture.value
    assert 'alt="A line. (level 1.0)"' in before
    assert explorer.player is None
    explorer.controls["level"].value = 2.0
    after = explorer.picture.value
    assert after != before
    explorer.controls["level"].value = 6.0
    assert explorer.picture.value == after
    assert "No picture for level 6.0: ValueError: too high" in explorer.message.value
    assert "run the cell for live controls" in explorer.page()


def test_frames_hold_every_figure():
    shown = explore.flipbook({k: lambda ax, k=k: _dot(ax, k) for k in (1, 2, 3)}, "A line.", "step")
    page = shown._repr_html_()
    assert page.count("data:image/png") == 3
    assert page.index('alt="A line. (step 1)"') < page.index('alt="A line. (step 3)"')
    assert "<figcaption>step 2</figcaption>" in page  # where no script runs, all are shown
    assert len(set(shown.pngs.values())) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: explore.picture(_dot, ""), "alt"),
        (lambda: explore.picture(_dot, "A line."), "no control"),
        (lambda: explore.picture(3, "A line.", level=explore.slider(0, 1, 1, 0)), "figure"),
        (lambda: explore.flipbook({}, "A line."), "1 to 33"),
        (lambda: explore.flipbook({1: _dot}, " "), "alt"),
        (lambda: explore.flipbook({1: 2}, "A line."), "figure"),
    ],
)
def test_wrong_pictures(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_figure_leaves_the_memory_when_it_is_drawn():
    seen = []
    gc.disable()
    try:
        figure.render(lambda ax: seen.append(weakref.ref(ax.figure)))
    finally:
        gc.enable()
    assert seen[0]() is None
