"""Train several recipes with one command: ``python -m lecture_utils.train --queue``.

On a GPU all are trained at once, since one small network leaves most of it idle; on a processor
one after the other. Each has its own process, folder and log file.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import torch

#: What is worth training again: vocoders, WaveNets, what writes notes, an instrument.
QUEUE = (
    "fourier_repair",
    "melgan",
    "hifi_gan",
    "hifi_gan_no_periods",
    "wavenet_score",
    "wavenet_piano",
    "wavenet_violin",
    "muse_gan",
    "cascade_form",
    "cascade_sketch",
    "cascade_melody",
    "cascade_accompaniment",
    "ddsp_cello",
)


def train_queue(
    minutes: float, runs: Path, names: tuple[str, ...] = QUEUE, at_once: int | None = None
) -> Path:
    """Train recipes, each for some minutes; go on from their states where there are any.

    Parameters
    ----------
    minutes : float
        For each recipe.
    runs : Path
        Folder of all runs; gets a ``NAME.log`` for each.
    names : tuple of str
        Recipes.
    at_once : int, optional
        Processes at a time; by default all on a GPU, otherwise one.

    Returns
    -------
    Path
        ``trained.tar`` in `runs`: weights, snapshots and learning curves, without states.
    """
    runs.mkdir(parents=True, exist_ok=True)
    at_once = at_once or (len(names) if torch.cuda.is_available() else 1)
    for first in range(0, len(names), at_once):
        started = []
        for name in names[first : first + at_once]:
            command = [sys.executable, "-m", "lecture_utils.train", name, "--resume"]
            command += ["--minutes", str(minutes), "--runs", str(runs)]
            with (runs / f"{name}.log").open("w", encoding="utf-8") as log:
                started.append((name, subprocess.Popen(command, stdout=log, stderr=log)))
        for name, process in started:
            if process.wait():
                print(f"{name} ended with an error; see {runs / name}.log.")
    return pack(runs, names)


def pack(runs: Path, names: tuple[str, ...] = QUEUE) -> Path:
    """Put weights, snapshots and learning curves of runs into one file."""
    file = runs / "trained.tar"
    with tarfile.open(file, "w") as tar:
        for name in names:
            for path in sorted((runs / name).rglob("*")):
                if path.is_file() and not path.name.startswith("state."):
                    tar.add(path, path.relative_to(runs))
            if (log := runs / f"{name}.log").is_file():
                tar.add(log, log.name)
    return file
