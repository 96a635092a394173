"""Decode sound files, also those that tell a wrong length or none. Used through `audio.read`."""

from __future__ import annotations

import contextlib
import io
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments

if TYPE_CHECKING:
    import soundfile

#: The longest sound that is decoded in one piece, in seconds (a laptop should not swap).
MAX_SECONDS = 1200.0

#: Kilobits a second by number: layer III of MPEG 1, then of MPEG 2 and 2.5.
_KBPS = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)


def decode(path: Path, start: float, duration: float) -> tuple[np.ndarray, int]:
    """Decode `duration` seconds of a file from `start` on, or as much as there is.

    Returns
    -------
    samples : np.ndarray
        Shape ``(n, channels)``, float32.
    sample_rate : int
        In Hz.

    Raises
    ------
    ValueError
        If it is no sound file, nothing of it lies there, or more than :data:`MAX_SECONDS`.
    """
    import soundfile

    most = f"read a part of at most {MAX_SECONDS / 60:.0f} minutes with start= and duration="
    try:
        source, total = _source(path)
        with soundfile.SoundFile(source) as file:
            rate, first = file.samplerate, int(start * file.samplerate)
            if first >= total:
                lasts = f"lasts {total / rate:.2f} s; nothing starts at {start:g} s"
                raise ValueError(f"{path.name} {lasts}.")
            wanted = min(round(min(duration, 1e6) * rate), total - first)
            if wanted > MAX_SECONDS * rate and total < math.inf:
                raise ValueError(f"{path.name} lasts {total / rate / 60:.0f} minutes; {most}.")
            wanted = min(wanted, int(MAX_SECONDS * rate) + 1)
            none = np.empty((0, file.channels), np.float32)
            x = np.concatenate([none, *_blocks(file, first, wanted)])
    except soundfile.LibsndfileError as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".")  # the path stands before it
        raise ValueError(
            f"{path.name} is not a readable sound file ({reason}); use WAV, FLAC, OGG or MP3."
        ) from None
    if len(x) > MAX_SECONDS * rate:
        raise ValueError(f"{path.name} lasts too long; {most}.")
    if not len(x) and wanted:
        raise ValueError(f"{path.name} has nothing readable from {start:g} s on.")
    if len(x) < wanted and total < math.inf:
        arguments.warn(
            f"{path.name} is cut off or damaged; the {len(x) / rate:.2f} s before it are used."
        )
    return x, rate


def _source(path: Path) -> tuple[Path | io.BytesIO, float]:
    """Return what is to be decoded, and how many samples it has (inf if the file does not tell)."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        total = file.frames if file.frames < 2**62 else math.inf
        if file.format == "WAV":
            return path, max(total, _promised(path))
        if file.format != "MP3":
            return path, total
    # The length of an MP3 without a table is guessed from its first frame, and no more is decoded.
    # A file that is repeated seems to hold more.
    data = path.read_bytes()
    counted = _mp3_samples(data)
    if not counted or abs(counted - total) < 8000:
        return path, total
    return io.BytesIO(data * math.ceil(2 * counted / max(1, total))), counted


def _promised(path: Path) -> int:
    """Return how many samples the header of a WAV file promises: more than there are if it was cut.

    0 if it promises none, as when it was written before anybody knew the length.
    """
    with path.open("rb") as file, contextlib.suppress(struct.error):
        file.seek(12)
        step = 0
        while True:
            name, size = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                return size // step if step and size < 2**31 - 1 else 0
            body = file.read(size + size % 2) if size < 65_536 else file.seek(size, 1) and b""
            if name == b"fmt ":
                step = struct.unpack_from("<H", body, 12)[0]
    return 0


def _blocks(file: soundfile.SoundFile, first: int, n: int) -> Iterator[np.ndarray]:
    """Read `n` samples from `first` on in blocks; fewer if the file ends or can't be decoded."""
    import soundfile

    try:
        file.seek(first)
    except soundfile.LibsndfileError:  # beyond the end of a file that tells no length
        return
    while n > 0:
        block = np.full((min(n, 65_536), file.channels), np.nan, np.float32)
        try:
            done = len(file.read(out=block))
        except soundfile.LibsndfileError:  # what came before the fault has been filled in
            done = int(np.isnan(np.append(block[:, 0], np.nan)).argmax())
        yield block[:done]
        n = n - done if done == len(block) else 0


def _mp3_samples(data: bytes) -> int:
    """Count the samples of an MP3 file, going from header to header of its frames."""
    place, samples = 0, 0
    if data[:3] == b"ID3":  # title and picture come before the sound
        place = 10 + sum(
            byte << bits for byte, bits in zip(data[6:10], (21, 14, 7, 0), strict=True)
        )
    while place + 4 <= len(data):
        head = int.from_bytes(data[place : place + 4], "big")
        version, layer, rate, hz = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
        if head >> 21 != 0x7FF or version == 1 or layer != 1 or rate in (0, 15) or hz == 3:
            place += 1  # no header
            continue
        halves = 2 if version == 3 else 1
        hz = (44_100, 48_000, 32_000)[hz] >> {3: 0, 2: 1, 0: 2}[version]
        place += halves * 72_000 * _KBPS[2 - halves][rate - 1] // hz + (head >> 9 & 1)
        samples += halves * 576 * (place <= len(data))  # the last frame may be cut off
    return samples
