"""Timbre transfer: somebody else's tune through an instrument that DDSP has learned.

Pitch and loudness of the source are first brought to where the instrument plays (Engel et al.
2020, section 4.3: octave and loudness are fitted). Used by notebook 08.
"""

from __future__ import annotations

import numpy as np
import torch

from lecture_utils.audio import as_audio
from lecture_utils.ddsp.features import f0, loudness
from lecture_utils.ddsp.network import Autoencoder


def hold_pitch(f0_hz: np.ndarray, n_frames: int = 25) -> np.ndarray:
    """Let each note's last pitch last `n_frames` more, unless the next note begins before.

    A note still rings after its end, and silence has no pitch to ring at.
    """
    index = np.where(f0_hz > 0, np.arange(len(f0_hz)), -1)
    last = np.maximum.accumulate(index)
    held = (last >= 0) & (np.arange(len(f0_hz)) - last <= n_frames)
    return np.where(held, f0_hz[np.maximum(last, 0)], 0).astype(np.float32)


def fit_controls(
    f0_hz: np.ndarray, loudness_db: np.ndarray, pitch_hz: float, level_db: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move a tune by whole octaves and its loudness by one number to where an instrument plays.

    Parameters
    ----------
    f0_hz, loudness_db : np.ndarray
        Of the source, ``(frames,)``; f0 is 0 where there is no pitch. The longer is cut.
    pitch_hz, level_db : float
        Medians of the instrument's training sound, over frames with a pitch.

    Returns
    -------
    tuple of np.ndarray
        f0 in Hz and loudness in dB, float32, ``(frames,)``.

    Raises
    ------
    ValueError
        If the source has no pitch anywhere: it is silent, all noise, or has several voices.
    """
    n = min(len(f0_hz), len(loudness_db))
    f0_hz, loudness_db = np.asarray(f0_hz[:n]), np.asarray(loudness_db[:n])
    voiced = f0_hz > 0
    if not voiced.any():
        raise ValueError(
            "source: no pitch was found in it; take one voice that hums, sings or whistles."
        )
    octaves = np.round(np.log2(pitch_hz / np.median(f0_hz[voiced])))
    louder = level_db - np.median(loudness_db[voiced])
    return (f0_hz * 2**octaves).astype(np.float32), (loudness_db + louder).astype(np.float32)


@torch.inference_mode()
def transfer(
    model: Autoencoder,
    x: np.typing.ArrayLike,
    f0_hz: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Play the tune of `x` on the model's instrument.

    Parameters
    ----------
    model : Autoencoder
        Loaded weights, whose ``facts`` tell the instrument's ``pitch_hz`` and ``level_db``.
    x : array_like
        One voice, ``(n,)`` at the model's sample rate.
    f0_hz : np.ndarray, optional
        Its pitch per control frame if it is known; found by :func:`lecture_utils.ddsp.f0`
        otherwise (about half a second for a second of sound).
    seed : int
        Of the noise.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop,)``, float32.

    Raises
    ------
    ValueError
        If no pitch is found, or the weights do not tell where their instrument plays.
    """
    x, facts = as_audio(x), getattr(model, "facts", {})
    if not {"pitch_hz", "level_db"} <= facts.keys():
        raise ValueError("model: has no pitch_hz and level_db; load shipped DDSP weights.")
    if f0_hz is None:
        f0_hz = f0(x, model.sample_rate, model.hop_length)
    curves = fit_controls(
        hold_pitch(f0_hz), loudness(x, model.sample_rate, model.hop_length),
        facts["pitch_hz"], facts["level_db"],
    )  # fmt: skip
    controls = [torch.from_numpy(curve)[None] for curve in curves]
    noise = torch.rand(
        1, controls[0].shape[1] * model.hop_length, generator=torch.manual_seed(seed)
    )
    return model(*controls, noise=2 * noise - 1)[0].numpy()
