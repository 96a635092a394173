"""The hidden stimuli of a MUSHRA test: low-pass copies of the original, called anchors.

Source: ITU-R BS.1534-3, section 5.1. Used by notebook 09.
"""

from __future__ import annotations

import numpy as np

from lecture_utils.audio import as_audio, check_sample_rate

#: Name of an anchor -> the highest frequency that it lets through, in Hz.
CUT_OFF_HZ = {"anchor35": 3500.0, "anchor70": 7000.0}


def anchors(x: np.typing.ArrayLike, sample_rate: int) -> dict[str, np.ndarray]:
    """Return the low-pass copies of a sound: 3.5 kHz (as by telephone) and 7 kHz.

    The filter is flat within 0.1 dB up to the cut-off, 25 dB down 500 Hz above it and 50 dB down
    1 kHz above it, and shifts nothing in time. A copy that the sample rate leaves no room for is
    left out (3.5 kHz needs 9 kHz, 7 kHz needs 16 kHz).

    Parameters
    ----------
    x : array_like
        The original, shape ``(n,)``.
    sample_rate : int
        In Hz.

    Returns
    -------
    dict of str to np.ndarray
        "anchor35" and "anchor70": float32, shape ``(n,)``.

    Raises
    ------
    ValueError
        If the sample rate leaves no room for either.
    """
    from scipy.signal import firwin, kaiserord, oaconvolve

    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    found = {}
    for name, cut_off in CUT_OFF_HZ.items():
        if cut_off + 1000 > sample_rate / 2:
            continue
        taps, beta = kaiserord(55, 600 / (sample_rate / 2))
        taps |= 1  # an odd number: it delays by whole samples, which "same" takes back
        h = firwin(taps, cut_off + 300, window=("kaiser", beta), fs=sample_rate)
        found[name] = oaconvolve(x.astype(np.float64), h, mode="same").astype(np.float32)
    if not found:
        raise ValueError(f"sample_rate: {sample_rate} Hz has no room for an anchor; give 9 kHz up.")
    return found
