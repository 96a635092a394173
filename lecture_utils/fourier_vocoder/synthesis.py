"""From a log-mel to sound, in pieces: magnitude network, Griffin-Lim, repair network.

Used by notebooks 09 and 10.
"""

from __future__ import annotations

import numpy as np
import torch

from lecture_utils import arguments, mel
from lecture_utils.fourier_vocoder import spectrum as fourier
from lecture_utils.fourier_vocoder.network import MagnitudeNetwork, RepairNetwork
from lecture_utils.fourier_vocoder.phase_search import griffin_lim, start_phase, to_phasor
from lecture_utils.fourier_vocoder.spectrum import EDGE, HOP, PIECES

#: Frames of one piece: eight seconds.
CHUNK = 500
#: Frames that a piece takes over from the one before with their phase, and frames it looks ahead.
SHARED, AHEAD = 8, 8
#: Steps that bring the mel bands back to their level, after the repair.
BAND_STEPS = 2


@torch.inference_mode()
def vocode(
    log_mel: np.typing.ArrayLike,
    magnitude: MagnitudeNetwork,
    repair: RepairNetwork | None = None,
    n_rounds: int | None = None,
) -> np.ndarray:
    """Turn a log-mel spectrogram into sound.

    Long input is done in pieces of :data:`CHUNK` frames. A piece begins with the last frames of
    the one before, whose phase stays as it is, so there is no seam; and memory stays bounded.

    Parameters
    ----------
    log_mel : array_like
        Shape ``(80, frames)``, from ``mel.log_mel(x)``; two frames or more.
    magnitude : MagnitudeNetwork
        Gives the magnitude.
    repair : RepairNetwork, optional
        Repairs what Griffin-Lim found; then the mel bands get the level that the mel says.
    n_rounds : int, optional
        Rounds of Griffin-Lim: by default those that `repair` was trained for, or 60 without it.

    Returns
    -------
    np.ndarray
        Shape ``(frames * 256,)``, float32.

    Raises
    ------
    TypeError
        If a network is of another kind.
    ValueError
        If the mel has another shape, too few frames, or NaN or infinite entries.
    """
    for model, kind in ((magnitude, MagnitudeNetwork), (repair, RepairNetwork)):
        if (not isinstance(model, kind) and model is not None) or magnitude is None:
            raise TypeError(
                f"expected a {kind.__name__}, got {type(model).__name__}; weights.load(name, "
                f"fourier_vocoder.{kind.__name__}) gives one."
            )
    values = mel.check_log_mel(log_mel)
    n_frames = values.shape[1]
    if n_frames < 2:
        raise ValueError("mel: 1 frame given, at least 2 needed; give a longer sound.")
    if n_rounds is None:
        n_rounds = 60 if repair is None else repair.n_rounds
    n_rounds = arguments.number(n_rounds, "n_rounds", 0, whole=True)

    frames = torch.from_numpy(np.ascontiguousarray(values.T))[None]
    found, repaired = OverlapAdd(n_frames), OverlapAdd(n_frames)
    context = 0 if repair is None else repair.context_frames + BAND_STEPS * PIECES
    known = _Known()
    done = 0  # frames that have been repaired
    for start in range(0, n_frames, CHUNK):
        end = min(start + CHUNK, n_frames)
        phased = _phase_of_piece(frames, start, end, magnitude, n_rounds, known)
        found.add(start, phased)
        if repair is None:
            continue
        # the sound that later pieces no longer change reaches this far
        stop = n_frames if end == n_frames else end - PIECES - context
        if stop > done:
            left, right = max(0, done - context), min(n_frames, stop + context)
            log_magnitude = known.log_magnitude(left, right)
            made = repair(fourier.stft_of_padded(found.padded(left, right)), log_magnitude)
            made = fourier.with_bands_of(made, frames[:, left:right], BAND_STEPS)
            repaired.add(done, made[:, done - left : stop - left])
            done = stop
        known.forget_before(done - context)
    return (found if repair is None else repaired).sound()


class _Known:
    """What a piece leaves for the next: the last log magnitudes and phases."""

    def __init__(self) -> None:
        self.first, self.log, self.phasor = 0, None, None

    def append(self, log: torch.Tensor, phasor: torch.Tensor) -> None:
        self.log = log if self.log is None else torch.cat([self.log, log], 1)
        self.phasor = phasor[:, -SHARED:].clone()

    def log_magnitude(self, left: int, right: int) -> torch.Tensor:
        return self.log[:, left - self.first : right - self.first]

    def forget_before(self, frame: int) -> None:
        frame = max(frame, self.first)
        self.log, self.first = self.log[:, frame - self.first :].clone(), frame


def _phase_of_piece(
    frames: torch.Tensor, start: int, end: int, network: MagnitudeNetwork, n_rounds: int,
    known: _Known,
) -> torch.Tensor:  # fmt: skip
    """Return Griffin-Lim's spectrum of the frames ``start .. end``."""
    n_fixed = min(SHARED, start)
    left, right = start - n_fixed, min(frames.shape[1], end + AHEAD)
    c = network.context_frames
    outer = max(0, left - c)
    log = network(frames[:, outer : right + c])[:, left - outer : right - outer]
    magnitude = torch.exp(log)
    before = known.phasor[:, -1].angle() if n_fixed else None
    phasor = to_phasor(start_phase(magnitude[:, n_fixed:], before))
    if n_fixed:
        phasor = torch.cat([known.phasor[:, -n_fixed:], phasor], 1)
    phasor = griffin_lim(magnitude, n_rounds, phasor, n_fixed)
    kept = slice(n_fixed, n_fixed + end - start)
    known.append(log[:, kept], phasor[:, kept])
    return magnitude[:, kept] * phasor[:, kept]


class OverlapAdd:
    """Sound that grows by spectra of a few frames at a time.

    Parameters
    ----------
    n_frames : int
        Of the whole sound.
    """

    def __init__(self, n_frames: int) -> None:
        self.n_frames = n_frames
        self.total: torch.Tensor | None = None

    def add(self, start: int, spectrum: torch.Tensor) -> None:
        """Add the frames of a spectrum ``(1, frames, bins)``, the first of which is `start`."""
        if self.total is None:
            self.total = torch.zeros((self.n_frames + PIECES - 1) * HOP)
        piece = fourier.overlap_add(spectrum)[0]
        self.total[start * HOP : start * HOP + len(piece)] += piece

    def padded(self, left: int, right: int) -> torch.Tensor:
        """Return the sound under the frames ``left .. right``, and EDGE samples on either side.

        At the ends of the whole sound these are mirrored.
        """
        weights = fourier.window_sum(self.n_frames)
        at_start, at_end = left == 0, right == self.n_frames
        first = left * HOP + (EDGE if at_start else 0)
        last = (right + PIECES - 1) * HOP - (EDGE if at_end else 0)
        x = (self.total[first:last] / weights[first:last])[None]
        return fourier.mirrored(x, EDGE if at_start else 0, EDGE if at_end else 0)

    def sound(self) -> np.ndarray:
        """Return the whole sound, ``(n_frames * HOP,)``."""
        kept = slice(EDGE, EDGE + self.n_frames * HOP)
        return (self.total[kept] / fourier.window_sum(self.n_frames)[kept]).numpy()
