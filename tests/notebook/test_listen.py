"""Players tell the truth: what is emitted is what was given, at one gain, at a measured level."""

import base64
import html
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from lecture_utils import data
from lecture_utils.audio import loudness_lufs as lufs
from lecture_utils.notebook import listen, plot

SR = 16000
T = np.arange(SR) / SR
TONE = (0.5 * np.sin(2 * np.pi * 440 * T)).astype(np.float32)  # -9.76 LUFS
NOISE = (0.1 * np.random.default_rng(0).standard_normal(SR)).astype(np.float32)


def page(player):
    return player._repr_html_()


def spec_of(player):
    """Read the specification back from the page, as the browser does."""
    return json.loads(html.unescape(re.search(r'data-spec="([^"]*)"', page(player))[1]))


def test_the_clip_is_the_sound():
    ((x, sample_rate),) = listen.clips(page(listen.play(TONE, SR)))
    assert sample_rate == SR and x.shape == TONE.shape and x.dtype == np.float32
    assert np.abs(x - TONE).max() < 1.1 / 32768


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-99, 99, width=32), min_size=1, max_size=40),
    st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=40),
    st.sampled_from([3000, 11025, 22050, 96000]),
)
def test_any_sound_keeps_its_length_and_all_share_one_gain(a, b, sample_rate):
    found = listen.clips(page(listen.compare({"a": a, "b": b}, sample_rate)))
    gain = 1 / max(1, np.abs(a).max(), np.abs(b).max())
    for (clip, rate), x in zip(found, (a, b), strict=True):
        assert rate == sample_rate and len(clip) == len(x)
        assert np.abs(clip - gain * np.array(x)).max() < 1.1 / 32768


def test_clipping_turns_all_versions_down_alike_and_says_so():
    player = listen.compare({"loud": 4 * TONE, "soft": TONE}, SR)
    loud, soft = (x for x, _ in listen.clips(page(player)))
    assert np.abs(loud).max() == pytest.approx(1, abs=1e-4)
    assert np.abs(loud).max() / np.abs(soft).max() == pytest.approx(4, rel=1e-3)
    assert "turned down by 6.0 dB" in " ".join(player.spec["notes"])
    assert player.spec["levels"] == pytest.approx([-3.74, -15.78], abs=0.02)  # as emitted


@pytest.mark.parametrize(("gain_db", "warned"), [(0.8, False), (1.2, True), (-1.2, True)])
def test_loudness_differences_above_one_decibel_are_said(gain_db, warned):
    player = listen.compare({"a": TONE, "b": TONE * 10 ** (gain_db / 20)}, SR)
    assert any("Loudness differs by 1.2 dB" in note for note in player.spec["notes"]) == warned


def test_match_levels_matches_and_says_by_how_much():
    player = listen.compare({"a": NOISE, "b": 0.05 * TONE, "c": 0 * TONE}, SR, match_levels=True)
    a, b, c = (x for x, _ in listen.clips(page(player)))
    assert lufs(b, SR) == pytest.approx(lufs(a, SR), abs=0.02)
    assert not c.any() and player.spec["levels"][2] is None  # silence stays silent
    expected = lufs(NOISE, SR) - lufs(0.05 * TONE, SR)
    assert player.spec["gains"] == pytest.approx([0, expected, 0], abs=0.02)
    assert "Loudness matched" in player.spec["notes"][0] and len(player.spec["notes"]) == 1


def test_different_lengths_are_said_and_not_padded_in_the_clip():
    player = listen.compare({"a": TONE, "b": TONE[:8000]}, SR)
    assert "Lengths differ (0.50 to 1.00 s)" in " ".join(player.spec["notes"])
    assert [len(x) for x, _ in listen.clips(page(player))] == [16000, 8000]


def test_only_loud_sounds_start_with_the_volume_turned_down():
    rng = np.random.default_rng(1)
    full_scale = rng.uniform(-1, 1, SR)  # -2.2 LUFS
    assert listen.play(full_scale, SR).spec["volume"] == -12
    assert listen.play(NOISE, SR).spec["volume"] == 0
    assert listen.play(0 * TONE, SR).spec["volume"] == 0
    assert listen.play(0 * TONE, SR).spec["levels"] == [None]


def test_the_page_is_the_same_every_time_and_named_by_its_content():
    def identity(**options):
        return re.search(r'id="(lp-[0-9a-f]{12})"', page(listen.play(TONE, SR, **options)))[1]

    assert page(listen.play(TONE, SR)) == page(listen.play(TONE.copy(), SR))
    assert identity() != identity(label="other") != identity(caption="other")


def test_nothing_plays_by_itself_or_comes_from_elsewhere():
    text = page(listen.compare({"a": TONE, "b": NOISE}, SR, blind=True))
    assert "autoplay" not in text and "http" not in text and "innerHTML =" not in text


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)


def test_labels_and_captions_are_text():
    label, caption = """a <b>"bold"</b> & 'c'""", "</div><script>alert(1)</script>"
    player = listen.play(TONE, SR, label=label, caption=caption)
    tags = Elements(page(player)).tags
    assert "b" not in tags and tags.count("script") == 1 and tags.count("audio") == 1
    assert spec_of(player)["labels"] == [label] and spec_of(player)["caption"] == caption


def test_text_form_names_versions_lengths_and_levels():
    player = listen.compare({"tone": TONE, "nothing": 0 * TONE}, SR, caption="Hear")
    lines = repr(player).splitlines()
    assert lines == ["Player: Hear", "tone: 1.00 s, -9.8 LUFS", "nothing: 1.00 s, silent"]


@pytest.mark.parametrize("count", [2, 3])
def test_blind_tests_give_nothing_away(count):
    sounds = {f"secret{i}": TONE * (1 - i / 4) for i in range(count)}
    player = listen.compare(sounds, SR, blind=True, seed=5)
    spec = spec_of(player)
    assert spec["blind"] == ("abx" if count == 2 else "rate") and spec["seed"] == 5
    for text in (page(player), repr(player)):
        assert "secret" not in text
        assert base64.b64encode(b"secret").decode().rstrip("=")[:6] not in text
        assert "-9.8 LUFS" not in text
    assert json.loads(base64.b64decode(spec["hidden"][::-1])) == list(sounds)


def mark(ax, x, label):
    """A picture that is black in the second half of the sound."""
    half = len(x) / SR / 2
    ax.axvspan(half, 2 * half, color="black")
    ax.set_yticks([])
    plot.time_axis(ax)


def test_pictures_know_where_time_is():
    player = listen.compare({"a": TONE, "b": TONE[:8000]}, SR, figure=mark, alt="Dark", height=2)
    a, b = player.spec["pictures"]
    assert [a["alt"], b["alt"]] == ["Dark (a)", "Dark (b)"] and a["span"] == b["span"]
    left, right = a["span"]
    assert (left, right) == (0.07, 0.95)  # the axis is as long as the longest sound
    sources = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)"', page(player))
    assert len(sources) == 2 and "source" not in spec_of(player)["pictures"][0]  # once in the page
    for source, begin, end in zip(sources, (0.5, 0.25), (1, 0.5), strict=True):
        pixels = imread(io.BytesIO(base64.b64decode(source)))[..., 0]
        assert pixels.shape == (200, 1100)
        dark = np.flatnonzero(pixels[100] < 0.5)
        dark = dark[(dark > 1100 * left + 2) & (dark < 1100 * right - 2)]  # within the frame
        assert dark[0] == pytest.approx(1100 * (left + begin * (right - left)), abs=1.5)
        if end < 1:
            assert dark[-1] + 1 == pytest.approx(1100 * (left + end * (right - left)), abs=1.5)


def test_a_figure_whose_axis_is_no_time_has_no_cursor():
    player = listen.play(TONE, SR, figure=lambda ax, x, label: ax.bar([0], [1]), alt="A bar")
    assert player.spec["pictures"][0]["span"] is None and player.spec["pictures"][0]["source"]


def test_the_same_sound_with_another_picture_is_another_player():
    def identity(alt):
        return re.search(r'id="(lp-\w+)"', page(listen.play(TONE, SR, figure=mark, alt=alt)))[1]

    assert identity("one") != identity("two")


def test_static_page_holds_the_player(tmp_path):
    path = listen.play(TONE, SR, caption="1 < 2").to_html(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert "<title>1 &lt; 2</title>" in text and len(listen.clips(text)) == 1
    with pytest.raises(FileNotFoundError, match="make it first"):
        listen.play(TONE, SR).to_html(tmp_path / "no" / "page.html")


def test_integers_and_stereo_are_understood():
    ((x, _),) = listen.clips(page(listen.play((TONE * 32768).astype(np.int16), SR)))
    assert np.abs(x - TONE).max() < 2 / 32768
    with pytest.warns(UserWarning, match="2 channels mixed down"):
        ((x, _),) = listen.clips(page(listen.play(np.stack([TONE, TONE]), SR)))
    assert np.abs(x - TONE).max() < 1.1 / 32768


@pytest.mark.parametrize(
    ("sounds", "options", "message"),
    [
        ({}, {}, "nothing to play"),
        (TONE, {}, "give a dict"),
        ({"a": []}, {}, "'a': 0 samples"),
        ({"a": [0, np.nan]}, {}, "'a': sample 1 is nan"),
        ({"a": ["x"]}, {}, "'a': expected real samples"),
        ({1: TONE, "1": TONE}, {}, "a label of its own"),
        ({" ": TONE}, {}, "a label of its own"),
        ({str(i): TONE for i in range(10)}, {}, "10 versions given, 9 fit"),
        ({"a": np.zeros(61 * SR)}, {}, "61.0 s at the longest and 2.6 MB"),
        ({str(i): np.zeros(59 * 48000) for i in range(4)}, {"sample_rate": 48000}, "30.2 MB"),
        ({"a": TONE}, {"sample_rate": -1}, "not a sample rate"),
        ({"a": TONE}, {"sample_rate": 800}, "browsers play 3000"),
        ({"a": TONE}, {"blind": "abx"}, "two versions, got 1"),
        ({"a": TONE, "b": TONE}, {"blind": "xyz"}, "'xyz' is unknown"),
        ({"a": TONE, "b": TONE}, {"blind": "rate", "reference": "c"}, "must be one of"),
        ({"a": TONE, "b": TONE}, {"reference": "a"}, "only a rating has one"),
        ({"a": TONE, "b": TONE}, {"blind": True, "trials": 0}, "trials: 0"),
        ({"a": TONE, "b": TONE}, {"blind": True, "seed": 1.5}, "seed: expected a whole number"),
        ({"a": TONE, "b": TONE}, {"blind": True, "seed": -1}, "seed: -1"),
        ({"a": TONE}, {"figure": mark}, "alt: describe"),
        ({"a": TONE}, {"figure": 3, "alt": "A"}, "figure: give a function"),
        ({"a": TONE}, {"figure": mark, "alt": "A", "height": 99}, "height=99"),
        ({"a": TONE, "b": TONE}, {"figure": mark, "alt": "A", "blind": True}, "would tell which"),
    ],
)
def test_bad_input_gets_one_sentence(sounds, options, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as error:
        listen.compare(sounds, **{"sample_rate": SR, **options})
    assert "\n" not in str(error.value)


def test_clips_refuses_what_is_no_sound():
    assert listen.clips("<p>no sound</p>") == []
    for broken in (b"RIFF", b"not a sound at all", b""):
        text = f"data:audio/wav;base64,{base64.b64encode(broken).decode()}"
        with pytest.raises(ValueError, match="clip 0 is no readable WAV"):
            listen.clips(text)


def test_live_player_replaces_sounds_and_keeps_the_last_good_one():
    live = listen.LivePlayer({"tone": TONE}, SR, caption="live")
    live.replace({"noise": NOISE}, SR)
    assert live.count == 1 and live.spec["labels"] == ["noise"]
    with pytest.raises(ValueError, match="'bad': sample 0 is nan"):
        live.replace({"bad": [np.nan]}, SR)
    assert live.count == 1 and repr(live).splitlines()[1].startswith("noise: 1.00 s, -17")
    ((x, _),) = listen.clips(page(live.static()))
    assert np.abs(x - NOISE).max() < 1.1 / 32768


def test_shipped_sounds_are_known_by_name_and_others_are_not():
    """For the WAV files that are taken home: a part of a shipped sound is still that sound."""
    voice, hum = data.load("sentence", SR)[0], data.load("hum", SR)[0]
    sounds = {"part": voice[1000:9000], "made": voice[:8000] * 0.5, "hum": hum[:8000]}
    told = listen.compare(sounds, SR).spec["credits"]
    assert [c and c["licence"] for c in told] == ["CC-BY-SA-3.0", None, "MIT"]
    assert "Allison Smith" in told[0]["author"]
    assert "credits" not in listen.compare(sounds, SR, blind=True).spec  # would tell
    assert "credits" not in listen.play(TONE, SR).spec
    copy = np.array(voice)
    del voice, sounds
    assert data.name_of(copy) is None and data.name_of([0.0]) is None is data.name_of(None)
