"""Diffusion: schedules, sampling, a network, and a cascade that writes songs. Notebook 02."""

from lecture_utils.diffusion.process import NoiseSchedule, sample

__all__ = ["NoiseSchedule", "sample"]
