"""The manifest against the files, loading by name, the cache, and the build behind `make data`."""

import io
import json
import re
import shutil
import tarfile
from pathlib import Path

import mido
import numpy as np
import pytest
import safetensors
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lecture_utils import audio, data
from lecture_utils.build_data import __main__ as command
from lecture_utils.build_data import manifest, recordings, renders, rolls, sources, training_sets

FIELDS = {"name", "file", "kind", "title", "source", "author", "licence", "generator", "sha256"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Put a small data folder, with the scores alone, in the place of the real one."""
    root = tmp_path / "data"
    shutil.copytree(data.ROOT / "scores", root / "scores")
    (root / "LICENCES").mkdir()
    for name in ("README.md", "LICENCES/scores.txt"):
        shutil.copy(data.ROOT / name, root / name)
    entries = [data.entry(name) for name in data.names("score")]
    monkeypatch.setattr(data, "ROOT", root)
    manifest.write_manifest(entries)
    return root


def test_every_file_is_listed_present_and_unaltered():
    assert data.verify() == []


def test_every_entry_is_complete_and_true():
    names = [e["name"] for e in data.manifest()]
    assert len(names) == len(set(names))
    for e in data.manifest():
        assert set(e) >= FIELDS, e["name"]
        assert ("notice" in e) or ("card" in e), e["name"]
        if e["file"].endswith((".flac", ".wav")):
            info = soundfile.info(data.ROOT / e["file"])
            assert e["sample_rate"] == info.samplerate
            assert e["seconds"] == pytest.approx(info.duration, abs=0.001)


def test_sizes_in_git():
    size = {f: (data.ROOT / f).stat().st_size / 1e6 for f in data.files()}
    weights = {f: s for f, s in size.items() if f.startswith("weights/")}
    assert sum(size.values()) - sum(weights.values()) <= 15
    assert sum(weights.values()) <= 30
    assert max(weights.values(), default=0) <= 6


def test_cc0_clips_are_in_the_per_file_list_of_their_source():
    notice = (data.ROOT / "LICENCES/sonic-pi-samples.txt").read_text(encoding="utf-8")
    clips = [data.entry(n) for n in data.names("clip") if data.entry(n)["licence"] == "CC0-1.0"]
    assert len(clips) >= 12
    for clip in clips:
        file = Path(clip["original"]).name
        assert "amen" not in file
        assert re.search(rf"etc/samples/{file}\nCopyright: .*\nSource: .*\nLicense: CC0\n", notice)


def test_share_alike_speech_keeps_its_own_folder_and_notice():
    """And weights that learned from it are marked as it is."""
    for e in data.manifest():
        of_speech = e["file"].startswith("speech/")
        if e["kind"] == "weights":
            with safetensors.safe_open(data.ROOT / e["file"], "np") as file:
                facts = json.loads(file.metadata()["facts"])
            of_speech = "speech" in facts.get("sounds", [facts.get("sound")])
        assert (e["licence"] == "CC-BY-SA-3.0") == of_speech, e["name"]
    assert "Attribution-ShareAlike" in (data.ROOT / "speech/LICENCE.txt").read_text("utf-8")


def test_speech_under_another_licence_lies_elsewhere_and_its_notice_names_the_speaker():
    voice = data.entry("other_voice")
    notice = (data.ROOT / voice["notice"]).read_text("utf-8")
    assert voice["licence"] == "CC-BY-3.0" and not voice["file"].startswith("speech/")
    assert re.search(r"Files: it-\*\nCopyright: 2012 Carlo Flora(.*\n)+?License: CC-BY-3.0", notice)
    assert "Attribution 3.0 Unported" in notice


def test_no_sound_is_clipped_offset_or_silent():
    for name in data.names():
        if data.entry(name)["file"].endswith((".flac", ".wav")):
            x, _ = data.load(name)
            assert 0.005 < np.abs(x).max() < 1, name
            if data.entry(name)["kind"] != "clip":  # recorded clips are left as they came
                assert abs(x.mean()) < 0.001, name


def test_the_two_sounds_of_the_course():
    for name in ("sentence", "motif"):
        x, rate = data.load(name)
        assert rate == 16_000
        assert 3.5 < len(x) / rate < 5
        assert -22 < audio.level_db(x) < -16
    frames = len(data.load_array("motif_f0"))
    assert frames == len(data.load_array("motif_dynamics")) == len(data.load("motif")[0]) // 64


def test_sentence_is_one_of_the_reserved_prompts():
    sentence, held_out = data.load("sentence")[0], data.load("speech_test")[0]
    part = sentence[8000:12000].astype(np.float64)
    match = np.correlate(held_out.astype(np.float64), part, "valid").argmax()
    np.testing.assert_array_equal(held_out[match : match + 4000], sentence[8000:12000])


def test_reserved_prompts_start_where_they_should():
    folder = Path("sounds/en_US_f_Allison")
    assert recordings.is_reserved(folder / "vm-saveoper.g722")
    assert recordings.is_reserved(folder / "your.g722")
    assert not recordings.is_reserved(folder / "vm-savemessage.g722")
    assert not recordings.is_reserved(folder / "letters/w.g722")


def test_load_resamples_and_load_array_needs_an_array():
    x, rate = data.load("snare", 16_000)
    assert rate == 16_000
    assert len(x) == pytest.approx(data.entry("snare")["seconds"] * 16_000, abs=16)
    assert set(data.load_array("freedoom_rolls")) == {"rolls", "song", "bar"}
    with pytest.raises(ValueError, match="no sound"):
        data.load("maple_leaf_rag")
    with pytest.raises(ValueError, match="no array"):
        data.load_array("snare")


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="did you mean guitar"):
        data.load("gitar")
    with pytest.raises(ValueError, match=r"data\.names\(\)"):
        data.path("xyzzy 42")
    with pytest.raises(ValueError, match="the kinds are .*clip"):
        data.names("clips")
    with pytest.raises(ValueError, match="there are speech, violin"):
        training_sets.training_set("trumpet")


@given(st.text() | st.integers() | st.none())
@settings(max_examples=50, deadline=None)
def test_any_name_is_found_or_refused_in_one_sentence(name):
    try:
        assert data.entry(name)["name"] == name
    except ValueError as error:
        assert str(error).startswith("No data named")


def test_altered_missing_and_unlisted_files_are_named(small):
    assert data.verify() == []
    assert data.path("bethena").name == "bethena.mid"
    with open(small / "scores/bethena.mid", "ab") as stream:
        stream.write(b"x")
    (small / "scores/entertainer.mid").unlink()
    (small / "extra.wav").write_bytes(b"x")
    (small / ".hidden").write_bytes(b"x")
    assert [re.search(r"data/\S+", p)[0] for p in data.verify()] == [
        "data/extra.wav",
        "data/scores/bethena.mid",
        "data/scores/entertainer.mid",
    ]
    (small.parent / ".git").mkdir()
    with pytest.raises(ValueError, match="altered.*`git checkout data/scores/bethena.mid`"):
        data.path("bethena")
    with pytest.raises(FileNotFoundError, match="missing.*`git checkout data/scores/entertainer"):
        data.path("entertainer")


def test_what_a_caller_does_to_the_manifest_stays_with_the_caller():
    listed = data.manifest()
    listed[0]["name"] = "changed"
    del listed[1:]
    assert data.verify() == [] and len(data.manifest()) > 1


@pytest.mark.parametrize(
    ("around", "advice"),
    [
        (".git", "`git checkout data/manifest.json`"),
        ("pyproject.toml", "unpack the course's ZIP again .* copy data/manifest.json"),  # no git
        ("nothing", "in the course's folder, `make lab`"),  # a package without the course
    ],
)
def test_missing_and_damaged_manifest_get_advice_that_can_help(small, around, advice):
    (small.parent / around).touch()
    for text in ("{", "[]", '{"files": [1]}', '{"files": [{"name": "a"}]}', "\udcff"):
        (small / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ValueError, match=f"manifest.json is damaged.*; .*{advice}") as info:
            data.names()
        assert "\n" not in str(info.value)
    (small / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"No manifest .*{advice}"):
        data.names()


def test_new_weights_enter_the_manifest_with_their_card(small):
    (small / "weights").mkdir()
    (small / "weights/tiny.safetensors").write_bytes(b"123")
    with pytest.raises(FileNotFoundError, match=r"write data/weights/tiny\.md"):
        manifest.refresh_manifest()
    card = "# Tiny vocoder\n\n- **Made by:** `python -m lecture_utils.train tiny`, 1 step.\n"
    (small / "weights/tiny.md").write_text(card, encoding="utf-8")
    with pytest.raises(ValueError, match=r"weights/tiny\.md must say its licence"):
        manifest.refresh_manifest()
    card += "- **Licence:** CC BY-SA 3.0, as the recordings.\n"
    (small / "weights/tiny.md").write_text(card, encoding="utf-8")
    assert manifest.refresh_manifest() == []
    entry = data.entry("tiny")
    assert (entry["title"], entry["licence"]) == ("Tiny vocoder", "CC-BY-SA-3.0")
    assert entry["generator"] == "python -m lecture_utils.train tiny"
    (small / "weights/tiny.safetensors").write_bytes(b"456")
    assert len(data.verify()) == 1
    assert manifest.refresh_manifest() == []
    assert data.path("tiny").read_bytes() == b"456"


def test_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "a/b"))
    assert data.cache_dir() == tmp_path / "a/b"
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LECTURE_CACHE", str(blocked))
    with pytest.raises(OSError, match="set LECTURE_CACHE"):
        data.cache_dir()
    monkeypatch.delenv("LECTURE_CACHE")
    monkeypatch.setattr(data, "ROOT", blocked / "data")  # a checkout that cannot be written to
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert data.cache_dir() == tmp_path / ".cache/lecture-utils"


def test_speech_training_set_without_its_source(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="asterisk-core-sounds-en-g722 is not at hand"):
        training_sets.training_set("speech")
    audio.write(tmp_path / "speech_train.flac", np.zeros(100, np.float32), 16_000)
    with pytest.raises(ValueError, match="is not the speech training set"):
        training_sets.training_set("speech")


def test_training_set_is_rendered_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    whole, calls = renders.solo_training, []

    def one_minute(name):
        calls.append(name)
        return whole(name, 0.5)

    monkeypatch.setattr(renders, "solo_training", one_minute)
    first, second = training_sets.training_set("flute"), training_sets.training_set("flute")
    assert calls == ["flute"]
    assert first.audio.shape == (30 * 16_000,)
    assert first.f0_hz.shape == first.dynamics.shape == (30 * first.control_rate,)
    np.testing.assert_array_equal(first.audio, second.audio)
    x, line = whole("flute", 0.5)
    np.testing.assert_allclose(first.audio, x, atol=2e-5)
    np.testing.assert_allclose(first.f0_hz, line.f0_hz, rtol=1e-6)


def test_sources_are_unpacked_from_deb_and_tar(tmp_path, monkeypatch):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:xz") as tar:
        header = tarfile.TarInfo("usr/a.txt")
        header.size = 5
        tar.addfile(header, io.BytesIO(b"hello"))
    content = b"!<arch>\n"
    for name, part in (("debian-binary", b"2.0"), ("data.tar.xz", inner.getvalue())):
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(part):<10}`\n".encode()
        content += part + b"\n" * (len(part) % 2)
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/freedoom_1_all.deb").write_bytes(content)
    assert (sources.source("freedoom") / "usr/a.txt").read_text() == "hello"


def test_command_line(small, capsys, tmp_path, monkeypatch):
    with pytest.raises(SystemExit):
        command.main(["clipz"])
    assert "the steps are clips, jazz" in capsys.readouterr().err
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="clips: sonic-pi-samples is not at hand") as stopped:
        command.main(["clips", "jazz"])
    assert "jazz: librosa-0.7.2 is not at hand" in str(stopped.value)
    assert data.verify() == []


def test_rolls_of_a_made_up_song(tmp_path):
    song = mido.MidiFile(ticks_per_beat=4)
    track = mido.MidiTrack()
    song.tracks.append(track)
    for channel, program in ((0, 0), (1, 25), (2, 33)):
        track.append(mido.Message("program_change", channel=channel, program=program))
    for _ in range(64):  # four bars: the drums with keys, guitar and bass on every sixteenth
        for channel in (9, 0, 1, 2):
            track.append(mido.Message("note_on", channel=channel, note=40 + channel, velocity=9))
        for k, channel in enumerate((9, 0, 1, 2)):
            off = mido.Message("note_off", channel=channel, note=40 + channel, time=int(k == 0))
            track.append(off)
    lump = io.BytesIO()
    song.save(file=lump)
    lump = lump.getvalue()
    entry = (12).to_bytes(4, "little") + len(lump).to_bytes(4, "little") + b"D_TEST\0\0"
    header = b"IWAD" + (1).to_bytes(4, "little") + (12 + len(lump)).to_bytes(4, "little")
    folder = tmp_path / "usr/share/games/doom"
    folder.mkdir(parents=True)
    (folder / "a.wad").write_bytes(header + lump + entry)
    rolls.cut(tmp_path, tmp_path / "rolls.npz")
    cut = np.unpackbits(np.load(tmp_path / "rolls.npz")["rolls"], axis=-1)[..., :84]
    assert cut.shape == (1, 5, 64, 84)
    for family, key in ((0, 49), (1, 40), (2, 41), (3, 42)):
        assert cut[0, family].sum() == cut[0, family, :, key - 24].sum() == 64
    assert cut[0, 4].sum() == 0
