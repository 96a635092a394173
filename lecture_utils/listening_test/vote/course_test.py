"""The course's own listening test: the sentence and the violin phrase through a few systems.

Made when ``make vote`` starts without a test of its own, in some seconds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lecture_utils import (
    data,
    griffin_lim,
    hifi_gan,
    mel,
    melgan,
    phase,
    progress,
    vocoder,
    weights,
)
from lecture_utils.ddsp import Autoencoder, timbre_transfer
from lecture_utils.listening_test.ratings import REFERENCE
from lecture_utils.listening_test.stimuli import anchors
from lecture_utils.listening_test.vote.folder import read_test, write_test

SAMPLE_RATE = 16_000
#: A class hears each sound several times: four seconds are enough.
SECONDS = 4.0
#: Samples at the end in which a sound fades out.
FADE = 480
#: What the sounds are made of; if one of these changes, they are made anew.
_MADE_OF = ("sentence", "motif", "motif_f0", "melgan", "hifi_gan", "hifi_gan_violin", "ddsp_violin")


def course_test(folder: Path) -> Path:
    """Write the course's test to a folder, unless it is there already, and return the folder.

    Raises
    ------
    OSError
        If the folder can't be written to.
    """
    made_of, mark = [data.entry(name)["sha256"] for name in _MADE_OF], folder / "made_of.json"
    try:
        if json.loads(mark.read_text(encoding="utf-8")) == made_of:
            read_test(folder)
            return folder
    except (OSError, ValueError):
        pass  # not there, or damaged: it is made
    steps = [(trial, name, make) for trial in _trials() for name, make in _systems(trial).items()]
    trials: dict[str, dict[str, np.ndarray]] = {trial: {} for trial in _trials()}
    for trial, name, make in progress.line(steps, "making the sounds"):
        trials[trial][name] = make()
    write_test(folder, trials, SAMPLE_RATE, "course", "Which one sounds like the original?")
    mark.write_text(json.dumps(made_of), encoding="utf-8")
    return folder


def _trials() -> tuple[str, ...]:
    return "sentence", "motif"


def _systems(trial: str) -> dict[str, Callable[[], np.ndarray]]:
    """Return stimulus -> function that makes it."""
    x = data.load(trial, SAMPLE_RATE)[0][: int(SECONDS * SAMPLE_RATE)]
    x[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)  # no click at the cut

    def by_network(name: str, kind: type) -> np.ndarray:
        generator = vocoder.remove_weight_norm(weights.load(name, kind))
        return vocoder.vocode(mel.log_mel(x), generator)[: len(x)]

    systems = {
        REFERENCE: lambda: x,
        "anchor35": lambda: anchors(x, SAMPLE_RATE)["anchor35"],
        "Griffin-Lim": lambda: griffin_lim.from_mel(mel.log_mel(x), n_iter=60, seed=0)[: len(x)],
        "random phase": lambda: phase.scramble(x, seed=0),
    }
    if trial == "sentence":
        systems["MelGAN"] = functools.partial(by_network, "melgan", melgan.Generator)
        systems["HiFi-GAN"] = functools.partial(by_network, "hifi_gan", hifi_gan.Generator)
    else:
        systems["HiFi-GAN"] = functools.partial(by_network, "hifi_gan_violin", hifi_gan.Generator)
        systems["DDSP"] = lambda: _by_ddsp(x)
    return systems


def _by_ddsp(x: np.ndarray) -> np.ndarray:
    violin = weights.load("ddsp_violin", Autoencoder)
    f0 = data.load_array("motif_f0")[: len(x) // violin.hop_length]
    return timbre_transfer.transfer(violin, x, f0)
