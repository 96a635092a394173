"""Rebuild what ``data/`` holds from its sources, and keep its manifest: what ``make data`` runs.

    python -m lecture_utils.build_data               # every step, then the manifest
    python -m lecture_utils.build_data clips speech  # only these steps
    python -m lecture_utils.build_data --manifest    # only the manifest: new weights, hashes

Recordings come from Debian packages, fetched with ``apt-get download`` or put by hand into
``sources/`` of the cache folder; rendered sounds need this checkout alone. For the maintainer: the
notebooks only load what is shipped.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import audio, data

if TYPE_CHECKING:
    from lecture_utils.instruments.performance import Line

#: The sources: what they are, and what is made of them.
SOURCES = {
    "sonic-pi-samples": "Debian package, for the CC0 clips",
    "asterisk-core-sounds-en-g722": "Debian package, for the speech sets and the sentence",
    "fluid-soundfont-gm": "Debian package, for the violin, flute and cello of the sample bank",
    "musescore-general-soundfont": "Debian package, for the piano of the sample bank",
    "freedoom": "Debian package, for the five-track rolls",
    "librosa-0.7.2": "source archive from PyPI (.tar.gz), for the jazz clip",
}

#: The names that `data.training_set` knows.
TRAINING_SETS = ("speech", "violin", "flute", "cello", "piano")

#: Of the 16-bit samples of the speech training set.
SPEECH_TRAINING_SHA256 = "b91f61f13be6c98a26e24d81553b100c878dfbe87d1dd710272ff596dc6b1d79"

#: Reserved prompts start here in path order: never trained or tuned on.
FIRST_RESERVED_PROMPT = "vm-saveoper.g722"
#: The course's sentence: the one reserved prompt of 4 to 5 s, cut to its speech (seconds).
SENTENCE_PROMPT, SENTENCE_CUT = "vm-tmpexists.g722", (0.08, 4.56)


def source(name: str) -> Path:
    """Return the folder of an unpacked source; ``apt-get`` fetches the Debian packages.

    Raises
    ------
    FileNotFoundError
        If it is neither in ``sources/`` of the cache folder nor to be had from ``apt-get``.
    """
    sources = data.cache_dir() / "sources"
    folder = sources / name
    if folder.is_dir():
        return folder
    sources.mkdir(exist_ok=True)
    archives = [*sources.glob(f"{name}_*.deb"), *sources.glob(f"{name}.tar.gz")]
    if not archives and "Debian" in SOURCES[name] and shutil.which("apt-get"):
        subprocess.run(["apt-get", "download", name], cwd=sources, capture_output=True, check=False)
        archives = [*sources.glob(f"{name}_*.deb")]
    if not archives:
        raise FileNotFoundError(
            f"{name} is not at hand ({SOURCES[name]}); put the file into {sources} and try again."
        )
    _unpack(archives[0], folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file, or a .deb (an ``ar`` archive with a tar file inside) on any system."""
    content = archive.read_bytes()
    position = 8
    while archive.suffix == ".deb":
        header, position = content[position : position + 60], position + 60
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            content = content[position : position + size]
            break
        position += size + size % 2
    unfinished = folder.with_suffix(".part")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(unfinished, filter="data")
    inner = [*unfinished.iterdir()]
    (inner[0] if inner[0].name == folder.name else unfinished).rename(folder)


def build_bank_samples() -> None:
    """Cut the sample bank."""
    from lecture_utils.build_data import bank

    names = ("fluid-soundfont-gm", "musescore-general-soundfont")
    bank.cut({name: source(name) for name in names}, data.ROOT / "bank")


def build_renders() -> None:
    """Render the motif, the held-out sets of violin and piano, and the voices."""
    from lecture_utils.build_data import renders

    refresh_manifest()  # the sampler refuses a bank that is not the listed one
    _write_line("test/motif", *renders.motif())
    _write_line("test/violin_test", *renders.violin_test())
    audio.write(data.ROOT / "test/piano_test.flac", renders.piano_test(), 16_000)
    for name in renders.VOICES:
        _write_line(f"voices/{name}", *renders.voice(name))


def _write_line(name: str, x: np.ndarray, line: Line) -> None:
    audio.write(data.ROOT / f"{name}.flac", x, 16_000)
    _save_curves(data.ROOT / name, line)


def _save_curves(stem: Path, line: Line) -> None:
    np.save(f"{stem}_f0.npy", line.f0_hz.astype(np.float32))
    np.save(f"{stem}_dynamics.npy", line.dynamics.astype(np.float32))


def build_clips(name_of_source: str = "sonic-pi-samples") -> None:
    """Cut the recorded clips of one source: mono, 22.05 kHz, turned down where it clips."""
    folder = source(name_of_source)
    for listed in map(data.entry, data.names("clip")):
        if not listed.get("original", "").startswith(name_of_source):
            continue
        original = folder / listed["original"].split("/", 1)[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the mix-down, which is wanted here
            x, rate = audio.read(original, 22_050, *listed.get("excerpt", ()))
        x *= min(1.0, 0.99 / np.abs(x).max())
        if "excerpt" in listed:
            x = _faded(x, 0.05 * rate)
        audio.write(data.ROOT / listed["file"], x, rate)


def build_speech() -> None:
    """Decode the reserved prompts: the held-out speech set, and the sentence of the course."""
    prompts = [p for p in _prompts() if _is_reserved(p)]
    x = np.concatenate([_decode_g722(p) for p in prompts])
    audio.write(data.ROOT / "speech/speech_test.flac", x, 16_000)
    start, stop = (int(16_000 * t) for t in SENTENCE_CUT)
    sentence = next(p for p in prompts if p.name == SENTENCE_PROMPT)
    x = _decode_g722(sentence)[start:stop]
    audio.write(data.ROOT / "speech/sentence.flac", _faded(x, 160), 16_000)


def _prompts() -> list[Path]:
    folder = source("asterisk-core-sounds-en-g722") / "usr/share/asterisk/sounds"
    return sorted(folder.rglob("*.g722"), key=str)


def _is_reserved(prompt: Path) -> bool:
    relative = prompt.as_posix().split("en_US_f_Allison/")[1]
    return relative >= FIRST_RESERVED_PROMPT


def _decode_g722(file: Path) -> np.ndarray:
    try:
        import av
    except ImportError:
        raise ModuleNotFoundError(
            "Decoding G.722 needs PyAV, for this step alone; install it with `pip install av`."
        ) from None
    with av.open(str(file), format="g722") as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return audio.as_audio(np.concatenate(frames))


def build_piano_rolls() -> None:
    """Cut the five-track phrases out of Freedoom's music."""
    from lecture_utils.build_data import rolls

    rolls.cut(source("freedoom"), data.ROOT / "rolls/freedoom.npz")


def _faded(x: np.ndarray, n_samples: float) -> np.ndarray:
    fade = np.sin(np.linspace(0, np.pi / 2, int(n_samples), dtype=np.float32)) ** 2
    x = x.copy()
    x[: len(fade)] *= fade
    x[-len(fade) :] *= fade[::-1]
    return x


def training_set(name: str) -> data.TrainingSet:
    """Load a training set from the cache, building it first if needed: see `data.training_set`."""
    import soundfile

    from lecture_utils.build_data import renders

    if name not in TRAINING_SETS:
        raise ValueError(f"No training set {name!r}; there are {', '.join(TRAINING_SETS)}.")
    recipe = "" if name == "speech" else f"_{renders.RECIPE}"
    file = data.cache_dir() / f"{name}_train{recipe}.flac"
    if not file.is_file():
        _build_training_set(name, file)
    pcm, rate = soundfile.read(file, dtype="int16")
    if name == "speech" and hashlib.sha256(pcm.tobytes()).hexdigest() != SPEECH_TRAINING_SHA256:
        raise ValueError(f"{file} is not the speech training set; delete it, and try again.")
    curves = [file.with_name(f"{file.stem}_{curve}.npy") for curve in ("f0", "dynamics")]
    loaded = [np.load(c, allow_pickle=False) for c in curves if c.is_file()]
    return data.TrainingSet(pcm * np.float32(2**-15), rate, *loaded)


def _build_training_set(name: str, file: Path) -> None:
    """Make a training set; its sound is put in place last, so that no half of one stays behind."""
    from lecture_utils.build_data import renders

    if name == "speech":
        x = np.concatenate([_decode_g722(p) for p in _prompts() if not _is_reserved(p)])
    elif name == "piano":
        x = renders.piano_training()
    else:
        x, line = renders.solo_training(name)
        _save_curves(file.with_suffix(""), line)
    unfinished = file.with_name(f"{file.stem}.{os.getpid()}.flac")
    audio.write(unfinished, x, 16_000)
    unfinished.replace(file)


def refresh_manifest() -> list[str]:
    """Compute sha256, seconds and sample rate of every listed file anew; list new weights.

    A file ``weights/NAME.safetensors`` with its card ``weights/NAME.md`` is added by itself, and
    what is said of it follows the card; the other texts of the manifest (title, source, author,
    licence) are written by hand.

    Returns
    -------
    list of str
        What is still wrong afterwards (missing or unlisted files); empty if all is well.
    """
    entries = {e["name"]: dict(e) for e in data.manifest()}
    listed = {e["file"] for e in entries.values()}
    for file in sorted(data.files()):
        if file.startswith("weights/") and file.endswith(".safetensors"):
            entry = _weights_entry(file)
            if file not in listed and entry["name"] in entries:
                raise ValueError(
                    f"{file}: the name {entry['name']!r} is taken; rename the weights."
                )
            entries[entry["name"]] = entry
    for e in entries.values():
        if (data.ROOT / e["file"]).is_file():
            e.update(_measured(data.ROOT / e["file"]))
    write_manifest(list(entries.values()))
    return data.verify()


def _weights_entry(file: str) -> dict:
    card = Path(file).with_suffix(".md")
    if not (data.ROOT / card).is_file():
        raise FileNotFoundError(f"data/{file} has no card; write data/{card} first.")
    text = (data.ROOT / card).read_text(encoding="utf-8")
    licence = re.search(r"^- \*\*Licence:\*\* ([^,;.]+(?:\.\d)?)", text, re.MULTILINE)
    command = re.search(r"`(python -m lecture_utils\.train \w+)`", text)
    if not licence or not command:
        raise ValueError(
            f"data/{card} must say its licence (- **Licence:** MIT, ...) and the command that made "
            "the weights (`python -m lecture_utils.train NAME`)."
        )
    return {
        "name": card.stem,
        "file": file,
        "kind": "weights",
        "title": text.splitlines()[0].lstrip("# "),
        "source": "trained by this project",
        "author": "this project",
        "licence": licence[1].replace(" ", "-"),
        "card": card.as_posix(),
        "generator": command[1],
    }


def _measured(file: Path) -> dict:
    import soundfile

    measured = {"sha256": data.sha256(file)}
    if file.suffix in (".flac", ".wav"):
        info = soundfile.info(file)
        measured |= {"seconds": round(info.duration, 3), "sample_rate": info.samplerate}
    return measured


def write_manifest(entries: list[dict]) -> None:
    """Write the manifest, one line a file, ordered by folder and name."""
    entries = sorted(entries, key=lambda e: (e["file"].split("/")[0], e["kind"], e["name"]))
    lines = ",\n".join(json.dumps(e, ensure_ascii=False) for e in entries)
    text = f'{{"files": [\n{lines}\n]}}\n'
    unfinished = data.ROOT / f".manifest.{os.getpid()}"
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(data.ROOT / "manifest.json")


def main(arguments: list[str] | None = None) -> None:
    """Run the steps named on the command line, then refresh the manifest.

    A step that cannot be done is named at the end, with what it needs; the others are done.
    """
    parser = argparse.ArgumentParser(description="Rebuild data/ from its sources.")
    parser.add_argument("steps", nargs="*", help=f"of {', '.join(STEPS)}; all by default")
    parser.add_argument("--manifest", action="store_true", help="only refresh the manifest")
    options = parser.parse_args(arguments)
    unknown = set(options.steps) - set(STEPS)
    if unknown:
        parser.error(f"no step {', '.join(sorted(unknown))}; the steps are {', '.join(STEPS)}")
    problems = []
    for step in [] if options.manifest else options.steps or STEPS:
        print(f"building {step}", flush=True)
        try:
            STEPS[step]()
        except (OSError, ValueError, ImportError) as error:
            problems.append(f"{step}: {error}")
    try:
        problems += refresh_manifest()
    except (OSError, ValueError) as error:
        problems.append(str(error))
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(data.names())} files, all as listed")


STEPS = {
    "clips": build_clips,
    "jazz": functools.partial(build_clips, "librosa-0.7.2"),
    "speech": build_speech,
    "rolls": build_piano_rolls,
    "bank": build_bank_samples,
    "renders": build_renders,
}

if __name__ == "__main__":
    main()
