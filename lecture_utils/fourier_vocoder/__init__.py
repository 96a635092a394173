"""What came next: networks at frame rate, and a Fourier transform that makes the sound."""

from lecture_utils.fourier_vocoder.network import MagnitudeNetwork, RepairNetwork
from lecture_utils.fourier_vocoder.synthesis import vocode
from lecture_utils.fourier_vocoder.vocos import Vocos

__all__ = ["MagnitudeNetwork", "RepairNetwork", "Vocos", "vocode"]
