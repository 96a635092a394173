"""The table of all recipes: ``python -m lecture_utils.train NAME`` runs one."""

from __future__ import annotations

from dataclasses import replace

from lecture_utils import hifi_gan, melgan
from lecture_utils.fourier_vocoder import Vocos
from lecture_utils.train.cascade import DiffusionRecipe
from lecture_utils.train.ddsp import DdspRecipe
from lecture_utils.train.fourier_vocoder import MagnitudeRecipe
from lecture_utils.train.muse_gan import GanRecipe
from lecture_utils.train.repair import RepairRecipe, periods_and_spectrograms, spectral_loss
from lecture_utils.train.vocoders import VocoderRecipe
from lecture_utils.train.wavenet import PIANO_RECIPE, SCORE_RECIPE, VIOLIN_RECIPE

#: What the universal vocoder learns from: speech and whatever else the course has, equally often.
ALL_SOUNDS = ("speech", "violin", "flute", "cello", "piano", "band", "clips", "speech")

RECIPES = {
    # The first 42,865 steps of the shipped weights were made as in the paper: with scale
    # discriminators and the mel loss alone, like hifi_gan_violin. That loss can't hear what
    # flickers from frame to frame (its window is four frames long), so the steps after them had
    # spectrogram discriminators and STFTs with shorter windows. In the last 3,500 the target
    # counted 0.3 times as much, for naturalness; the weights lie halfway (see their card).
    "hifi_gan": VocoderRecipe(
        "speech",
        lambda: hifi_gan.Generator.from_config("course"),
        periods_and_spectrograms,
        hifi_gan,
        target=spectral_loss,
        n_samples=40 * 256,
        learning_rate=3e-4,
        decay=1.0,  # the rate falls at the end only
    ),
    "hifi_gan_no_periods": VocoderRecipe(
        "speech",
        lambda: hifi_gan.Generator.from_config("course"),
        lambda: [hifi_gan.MultiScaleDiscriminator(1 / 8)],
        hifi_gan,
    ),
    "hifi_gan_violin": VocoderRecipe(
        "violin",
        lambda: hifi_gan.Generator.from_config("course"),
        lambda: [hifi_gan.MultiPeriodDiscriminator(1 / 8), hifi_gan.MultiScaleDiscriminator(1 / 8)],
        hifi_gan,
    ),
    "melgan": VocoderRecipe(
        "speech",
        lambda: melgan.Generator(base_channels=10),
        lambda: [melgan.MultiScaleDiscriminator(base_channels=4)],
        melgan,
        # The paper has no target; with discriminators alone (below) 13,000 steps made a buzz. Their
        # rate of the paper is kept, 1e-4: at a higher one the scores run off, as a hinge has no
        # floor.
        discriminators_share=0.2,
    ),
    "ddsp_violin": DdspRecipe("violin"),
    "ddsp_flute": DdspRecipe("flute"),
    "ddsp_cello": DdspRecipe("cello"),
    "fourier_magnitude": MagnitudeRecipe(),
    "fourier_repair": RepairRecipe("fourier_magnitude"),
    "fourier_magnitude_universal": MagnitudeRecipe(
        ALL_SOUNDS, start="fourier_magnitude", gains_db=(-18.0, 6.0), stored="int8"
    ),
    "fourier_repair_universal": RepairRecipe(
        "fourier_magnitude_universal",
        ALL_SOUNDS,
        start="fourier_repair",
        gains_db=(-18.0, 6.0),
        stored="int8",
    ),
    # Discriminators and losses of the repair network, so that the two can be compared.
    "vocos": VocoderRecipe(
        "speech",
        Vocos,
        periods_and_spectrograms,
        hifi_gan,
        target=spectral_loss,
        n_samples=40 * 256,
        decay=1.0,  # the rate falls at the end only
        discriminators_from=6000,
        stored="int8",
    ),
    "muse_gan": GanRecipe(),
    "cascade_form": DiffusionRecipe("form"),
    "cascade_sketch": DiffusionRecipe("sketch"),
    "cascade_melody": DiffusionRecipe("melody"),
    # Trained over ten times as long as the others: the rate falls at the end only.
    "cascade_accompaniment": DiffusionRecipe("accompaniment", learning_rate=6e-4, decay=1.0),
    "cascade_flat": DiffusionRecipe("flat"),
    "wavenet_piano": PIANO_RECIPE,
    "wavenet_score": SCORE_RECIPE,
    "wavenet_violin": VIOLIN_RECIPE,
}

RECIPES["melgan_critics_only"] = replace(
    RECIPES["melgan"],
    target=None,
    learning_rate=4e-4,
    discriminators_share=1.0,
    decay=0.5 ** (1 / 4000),  # without a target, the game runs off if the rate stays
    betas=(0.5, 0.9),
    discriminators_from=0,
)
