"""WaveNet, mu-law codes, and linear prediction before it. Used by notebook 03."""

from lecture_utils.wavenet.generation import Generator, generate, generate_naive
from lecture_utils.wavenet.mu_law import mu_law_decode, mu_law_encode
from lecture_utils.wavenet.network import (
    CausalConv1d,
    GatedResidualBlock,
    WaveNet,
    negative_log_likelihood,
    receptive_field,
)
from lecture_utils.wavenet.score_conditioning import play_score, score_frames

__all__ = [
    "CausalConv1d", "GatedResidualBlock", "Generator", "WaveNet", "generate", "generate_naive",
    "mu_law_decode", "mu_law_encode", "negative_log_likelihood", "play_score", "receptive_field",
    "score_frames",
]  # fmt: skip
