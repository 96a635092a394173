"""Keep ``data/manifest.json``: what each file is, where it is from, and its SHA-256."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import soundfile

from lecture_utils import data


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
