"""Sound to learn from: rendered or decoded on demand, then kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from lecture_utils import audio, data
from lecture_utils.build_data import recordings, renders

#: Seconds at the end of a training set that are only watched.
WATCH_SECONDS = 40


class TrainingSet(NamedTuple):
    """Sound to learn from: 16 kHz, with its control curves where they are known exactly.

    ``audio`` float32 ``(n,)``; ``f0_hz`` (0 between notes) and ``dynamics`` (0..1) float32
    ``(frames,)`` at ``control_rate`` values a second, or None.
    """

    audio: np.ndarray
    sample_rate: int
    f0_hz: np.ndarray | None = None
    dynamics: np.ndarray | None = None
    control_rate: int = 250

    def parted(self, seconds: float = WATCH_SECONDS) -> tuple[TrainingSet, TrainingSet]:
        """Part what a model learns from and the end, on which progress is only watched.

        The end is as long as `seconds`, or a quarter of a short sound. The cards of the weights
        rely on this: what is measured there was never trained on.
        """
        hop = self.sample_rate // self.control_rate
        frames = min(int(seconds * self.control_rate), len(self.audio) // hop // 4)

        def ends(part: slice) -> TrainingSet:
            sound = self.audio[part.start and part.start * hop : part.stop and part.stop * hop]
            curves = (None if c is None else c[part] for c in (self.f0_hz, self.dynamics))
            return TrainingSet(sound, self.sample_rate, *curves, self.control_rate)

        return ends(slice(None, -frames)), ends(slice(-frames, None))


#: The names that :func:`training_set` knows.
TRAINING_SETS = ("speech", "violin", "flute", "cello", "piano", "band", "clips")

#: Clips that no network learns from.
HELD_OUT_CLIPS = ("arctic", "guitar", "jazz", "piano_chord", "tabla")

#: Of the 16-bit samples of the speech training set.
SPEECH_TRAINING_SHA256 = "b91f61f13be6c98a26e24d81553b100c878dfbe87d1dd710272ff596dc6b1d79"


def training_set(name: str) -> TrainingSet:
    """Load a training set, rendering or decoding it into the cache folder the first time.

    Parameters
    ----------
    name : str
        "speech" (24 minutes of one speaker), "violin", "flute", "cello" (12 minutes each, with
        exact f0 and dynamics), "piano" (seven scores, played twice), "band" (60 phrases of the
        rolls' training part) or "clips" (the recorded clips in a row, without
        :data:`HELD_OUT_CLIPS`). Nothing of the held-out sounds is in them. The rendered sets need
        nothing but this checkout; "speech" is decoded from a Debian package.

    Returns
    -------
    TrainingSet
        At 16 kHz.

    Raises
    ------
    ValueError
        If there is no such set.
    FileNotFoundError
        If the source of "speech" is not at hand; the sentence says how to get it.
    """
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
    return TrainingSet(pcm * np.float32(2**-15), rate, *loaded)


def _build_training_set(name: str, file: Path) -> None:
    """Make a training set; its sound is put in place last, so that no half of one stays behind."""
    if name == "speech":
        learned = [p for p in recordings.prompts() if not recordings.is_reserved(p)]
        x = np.concatenate([recordings.decode_g722(prompt) for prompt in learned])
    elif name == "piano":
        x = renders.piano_training()
    elif name == "band":
        x = renders.band_training()
    elif name == "clips":
        kept = [clip for clip in data.names("clip") if clip not in HELD_OUT_CLIPS]
        x = np.concatenate([data.load(clip, 16_000)[0] for clip in kept]).clip(-1, 1)
    else:
        x, line = renders.solo_training(name)
        renders.save_curves(file.with_suffix(""), line)
    unfinished = file.with_name(f"{file.stem}.{os.getpid()}.flac")
    audio.write(unfinished, x, 16_000)
    unfinished.replace(file)
