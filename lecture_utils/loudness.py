"""How loud a sound is to the ear: ITU-R BS.1770, in LUFS.

Its filter (K-weighting) leaves out what is hardly heard, such as a constant offset or rumble, and
its gate leaves out the pauses. Used by every player of :mod:`lecture_utils.listen`.
"""

from __future__ import annotations

import numpy as np

from lecture_utils.audio import as_audio, check_sample_rate

#: The standard measures blocks of this many seconds.
BLOCK_SECONDS = 0.4


def lufs(x: np.typing.ArrayLike, sample_rate: int) -> float:
    """Return the loudness of a sound in LUFS (dB re full scale, as the ear weighs it).

    A sine of 1 kHz at full scale has -3 LUFS. A sound shorter than one block (0.4 s) is measured as
    if it lasted for one.

    Parameters
    ----------
    x : array_like
        Mono sound ``(n,)``.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        Loudness in LUFS; ``-inf`` for silence and for nothing but an offset.

    Raises
    ------
    TypeError, ValueError
        If `x` is no sound or `sample_rate` no sample rate.
    """
    import torch
    from torchaudio.functional import loudness

    x, sample_rate = as_audio(x).astype(np.float64), check_sample_rate(sample_rate)
    x = x - x.mean()
    peak = float(np.abs(x).max())
    if peak < 1e-7:  # below the last of 24 bits: rounding
        return -np.inf
    # Measured at a fixed peak: so the standard's absolute gate (-70 LUFS) can't shut out a soft
    # sound, and torchaudio's filters, which clip at 1, have room.
    block = int(round(BLOCK_SECONDS * sample_rate))
    padded = np.pad(x / (8 * peak), (0, max(0, block - len(x))))
    lasted = min(1.0, len(x) / block)
    measured = float(loudness(torch.from_numpy(padded)[None], sample_rate))
    return measured + 20 * float(np.log10(8 * peak)) - 10 * float(np.log10(lasted))
