"""Cut four-bar phrases of five tracks out of the game music of Freedoom. Part of ``make data``.

``rolls/freedoom.npz`` holds ``rolls``, uint8 ``(phrases, 5, 64, 11)``: drums, keys, guitar, bass,
the rest; sixteenths; keys 24..107, eight to a byte (``np.unpackbits(rolls, axis=-1)[..., :84]``);
``song``, the number of the piece that each phrase comes from (split by it); and ``bar``, its first
bar there.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np

from lecture_utils import data
from lecture_utils.build_data.sources import source


def cut(freedoom: Path, file: Path) -> None:
    """Write the phrases found in the unpacked package to an ``.npz`` file."""
    seen, rolls, songs, bars = set(), [], [], []
    for number, midi in enumerate(_music(freedoom)):
        roll = _song_roll(midi)
        for bar in range(0, 0 if roll is None else roll.shape[1] // 16 - 3, 2):
            phrase = roll[:, 16 * bar : 16 * bar + 64]
            packed = np.packbits(phrase, axis=-1)
            enough = phrase.any((1, 2)).sum() >= 3 and phrase.sum() > 60
            if enough and packed.tobytes() not in seen:
                seen.add(packed.tobytes())
                rolls.append(packed)
                songs.append(number)
                bars.append(bar)
    columns = {"song": np.array(songs, np.int16), "bar": np.array(bars, np.int16)}
    np.savez_compressed(file, rolls=np.array(rolls), **columns)


def _music(freedoom: Path) -> list[bytes]:
    """Read the MIDI files inside Freedoom's two WADs (a directory of lumps), each one once."""
    found = {}
    for wad in sorted((freedoom / "usr/share/games/doom").glob("*.wad")):
        content = wad.read_bytes()
        count, directory = struct.unpack("<4xii", content[:12])
        entries = content[directory : directory + 16 * count]
        for start, size, _ in struct.iter_unpack("<ii8s", entries):
            if content[start : start + 4] == b"MThd":
                found.setdefault(content[start : start + size])
    return list(found)


def _song_roll(midi: bytes) -> np.ndarray | None:
    """Return a song as bool ``(5, sixteenths, 84)``; None if it is not in 4/4 or off the grid."""
    import mido

    song = mido.MidiFile(file=io.BytesIO(midi), clip=True)
    programs, sounding, notes, tick = [0] * 16, {}, [], 0
    for message in mido.merge_tracks(song.tracks):
        tick += message.time
        if message.type == "time_signature" and (message.numerator, message.denominator) != (4, 4):
            return None
        if message.type == "program_change":
            programs[message.channel] = message.program
        if message.type not in ("note_on", "note_off"):
            continue
        key, time = (message.channel, message.note), tick / song.ticks_per_beat * 4
        if message.type == "note_on" and message.velocity:
            sounding.setdefault(key, []).append((time, programs[message.channel]))
        elif sounding.get(key):
            start, program = sounding[key].pop(0)
            family = 0 if message.channel == 9 else np.digitize(program, [24, 32, 40]) + 1
            notes.append((family, start, time, message.note))
    if np.mean([abs(start - round(start)) < 0.13 for _, start, _, _ in notes]) < 0.7:
        return None
    bars = int(max(stop for _, _, stop, _ in notes)) // 16 + 1
    roll = np.zeros((5, 16 * bars, 128), bool)
    for family, start, stop, key in notes:
        roll[family, round(start) : max(round(start) + 1, round(stop)), key] = True
    return roll[:, :, 24:108]


def build_piano_rolls() -> None:
    """Cut the five-track phrases out of Freedoom's music."""
    cut(source("freedoom"), data.ROOT / "rolls/freedoom.npz")
