"""Exercises of notebook 08: how a sound is made, and how it is measured."""

from lecture_utils.exercises.ddsp.features import loudness_db, spectral_loss
from lecture_utils.exercises.ddsp.synth import harmonic_sum, overlap_add

__all__ = ["harmonic_sum", "loudness_db", "overlap_add", "spectral_loss"]
