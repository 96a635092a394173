"""Training recipes: ``python -m lecture_utils.train NAME [--minutes M] [--resume]``.

Each recipe trains on sound that this project ships or renders, on a CPU, saves its state under
``runs/NAME`` and can be stopped (Ctrl-C) and resumed at any time.

The same recipe on several processes or on GPUs needs the package `accelerate` and starts with
``accelerate launch --multi_gpu --num_processes 2 -m lecture_utils.train NAME``, with these flags
even where there is no GPU (``--cpu`` would start one process only, unless MPI is installed). Every
process cuts its own segments and gradients are averaged: two train as one with twice the batch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from lecture_utils.train.cascade import DiffusionRecipe, train_diffusion
from lecture_utils.train.ddsp import DdspRecipe, train_ddsp
from lecture_utils.train.fourier_vocoder import MagnitudeRecipe, train_magnitude
from lecture_utils.train.muse_gan import GanRecipe, train_gan
from lecture_utils.train.queue import train_queue
from lecture_utils.train.recipes import RECIPES
from lecture_utils.train.repair import RepairRecipe, train_repair
from lecture_utils.train.vocoders import VocoderRecipe, train_vocoder
from lecture_utils.train.wavenet import WaveNetRecipe, train_wavenet


def _positive(kind: type) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    number.__name__ = "positive number"  # argparse says: invalid positive number value
    return number


def main(arguments: list[str] | None = None) -> None:
    """Run a recipe from the command line."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.train", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*RECIPES], help="the recipe")
    parser.add_argument(
        "--queue", action="store_true", help="instead of a recipe: all of lecture_utils.train.queue"
    )
    parser.add_argument("--minutes", type=_positive(float), help="stop after so many minutes")
    parser.add_argument("--steps", type=_positive(int), help="stop at this step")
    parser.add_argument("--resume", action="store_true", help="go on from the saved state")
    parser.add_argument(
        "--from-weights",
        action="store_true",
        help="where there is no state, go on from the shipped weights "
        "(of a vocoder, whose discriminators begin anew, or of MuseGAN with its critic)",
    )
    parser.add_argument(
        "--threads", type=_positive(int), default=1, help="1 by default: small networks gain little"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs")
    options = parser.parse_args(arguments)
    if options.queue:
        if options.name or options.minutes is None:
            parser.error("--queue: give --minutes for each recipe, and no name.")
        print(f"All is in {train_queue(options.minutes, options.runs)}.")
        return
    if options.name is None:
        parser.error("name: give a recipe, or --queue.")
    folder = options.runs / options.name
    recipe = RECIPES[options.name]
    train = {
        RepairRecipe: train_repair,
        VocoderRecipe: train_vocoder,
        DdspRecipe: train_ddsp,
        DiffusionRecipe: train_diffusion,
        GanRecipe: train_gan,
        MagnitudeRecipe: train_magnitude,
        WaveNetRecipe: train_wavenet,
    }[type(recipe)]
    limits = {"minutes": options.minutes, "resume": options.resume, "n_steps": options.steps}
    if options.from_weights:
        limits["from_weights"] = True
    torch.set_num_threads(options.threads)
    try:
        train(options.name, recipe, folder, **limits)
    except OSError as error:  # a full disk, a missing source: the sentence says what to do
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
