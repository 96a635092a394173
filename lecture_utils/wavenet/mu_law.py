r"""Mu-law: sound as one of 256 codes, fine where it is quiet and coarse where it is loud.

The alphabet of WaveNet and of the coded linear prediction it is compared with. Used by notebook 03.
"""

from __future__ import annotations

import numpy as np

from lecture_utils import arguments
from lecture_utils.audio import as_audio

#: Codes of the quantiser, and the one that stands for silence.
N_CODES, SILENCE = 256, 128


def mu_law_encode(x: np.typing.ArrayLike, n_codes: int = N_CODES) -> np.ndarray:
    r"""Compress sound to ``n_codes`` steps, fine near zero and coarse when loud (ITU-T G.711).

    ``f = sign(x) ln(1 + mu |x|) / ln(1 + mu)`` with ``mu = n_codes - 1``, then rounded to
    0 .. mu as torchaudio does, so that silence is code ``n_codes / 2``.

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``; samples beyond +-1 are clipped.
    n_codes : int
        256 in the paper.

    Returns
    -------
    np.ndarray
        int64, shape ``(n,)``.
    """
    mu = arguments.number(n_codes, "n_codes", 2, 65536, whole=True) - 1
    x = np.clip(as_audio(x), -1, 1).astype(np.float64)
    compressed = np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu)
    return np.floor((compressed + 1) / 2 * mu + 0.5).astype(np.int64)


def mu_law_decode(codes: np.typing.ArrayLike, n_codes: int = N_CODES) -> np.ndarray:
    """Expand codes ``(n,)`` back to sound, float32 in [-1, 1]."""
    codes, mu = check_codes(codes, n_codes), n_codes - 1
    compressed = 2 * codes.astype(np.float64) / mu - 1
    x = np.sign(compressed) * np.expm1(np.abs(compressed) * np.log1p(mu)) / mu
    return x.astype(np.float32)


def check_codes(codes: np.typing.ArrayLike, n_codes: int = N_CODES) -> np.ndarray:
    """Return codes as an int64 array ``(n,)``, or say what is wrong with them."""
    n_codes = arguments.number(n_codes, "n_codes", 2, 65536, whole=True)
    codes = arguments.array(codes, "codes", kinds="fiucb", finite=False)
    if codes.dtype.kind not in "iu":
        raise TypeError(
            f"codes: got {codes.dtype} numbers; encode sound with mu_law_encode(x) first."
        )
    if codes.ndim != 1 or codes.size == 0:
        raise ValueError(f"codes: expected shape (n,) with n >= 1, got {codes.shape}.")
    if codes.min() < 0 or codes.max() >= n_codes:
        raise ValueError(
            f"codes: {codes.min()} to {codes.max()} found; codes lie in 0 .. {n_codes - 1}."
        )
    return codes.astype(np.int64)
