r"""Griffin-Lim: search a phase for a magnitude (Griffin & Lim 1984; Perraudin et al. 2013).

A magnitude M is given, a signal is wanted. Two steps alternate:

1. put the phase found so far on M and take the signal y nearest to it,
   ``y = argmin_y ||M exp(j phase) - STFT(y)||^2``, the inverse STFT;
2. take the STFT of y and keep its phase only.

Used by notebook 05.
"""

from __future__ import annotations

import numpy as np
import torch

from lecture_utils import arguments, mel
from lecture_utils.audio import (
    HOP_LENGTH,
    check_not_transposed,
    check_stft_sizes,
    divide_by_windows,
)


class LeastSquaresSTFT:
    """STFT and its least-squares inverse for one signal length: what the loop repeats.

    The frames are those of :func:`lecture_utils.audio.stft` (periodic Hann window, centred,
    mirrored edges), stored ``(frames, bins)`` so that each frame lies in one piece of memory.
    What never changes (window, sum of squared windows) is computed once.

    Parameters
    ----------
    length : int
        Samples of the signal.
    n_fft, hop_length : int
        Window and step in samples.
    dtype : torch.dtype
        torch.float32 or torch.float64.
    """

    def __init__(
        self, length: int, n_fft: int, hop_length: int, dtype: torch.dtype = torch.float32
    ) -> None:
        check_stft_sizes(n_fft, hop_length)
        arguments.number(length, "length", n_fft // 2 + 1, whole=True)
        self.length, self.n_fft, self.hop_length = length, n_fft, hop_length
        self.n_frames = 1 + length // hop_length
        self.window = torch.hann_window(n_fft, dtype=dtype)
        self.window_sum = self.overlap_add((self.window**2).expand(self.n_frames, n_fft))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the STFT of `x` ``(length,)`` as complex ``(frames, bins)``."""
        half = self.n_fft // 2
        padded = torch.nn.functional.pad(x[None], (half, half), mode="reflect")[0]
        frames = padded.unfold(0, self.n_fft, self.hop_length)
        return torch.fft.rfft(frames * self.window)

    def inverse(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Return the signal ``(length,)`` whose STFT is nearest to `spectrum` ``(frames, bins)``.

        Setting the derivative of ``sum_t |frame_t - window * y|^2`` to zero gives a weighted mean
        of the overlapping frames: ``y = sum(window * frame) / sum(window^2)``
        (Griffin & Lim 1984, equation 6).
        """
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * self.window
        return divide_by_windows(self.overlap_add(frames), self.window_sum)

    def overlap_add(self, frames: torch.Tensor) -> torch.Tensor:
        """Add frames ``(frames, n_fft)`` at their places, one hop apart: ``(length,)``."""
        n_frames, n_fft = frames.shape
        pieces = -(-n_fft // self.hop_length)  # hops that one frame spans
        if short := pieces * self.hop_length - n_fft:
            frames = torch.nn.functional.pad(frames, (0, short))
        frames = frames.reshape(n_frames, pieces, self.hop_length)
        total = frames.new_zeros(n_frames + pieces, self.hop_length)
        for piece in range(pieces):
            total[piece : piece + n_frames] += frames[:, piece]
        return total.reshape(-1)[n_fft // 2 : n_fft // 2 + self.length]


def griffin_lim(
    magnitude: np.ndarray | torch.Tensor,
    n_iter: int = 32,
    momentum: float = 0.99,
    n_fft: int | None = None,
    hop_length: int = HOP_LENGTH,
    init: str | np.ndarray | torch.Tensor = "random",
    seed: int | None = None,
    history: bool = False,
    length: int | None = None,
) -> np.ndarray | torch.Tensor | tuple:
    """Find a signal whose STFT magnitude is close to `magnitude`.

    Parameters
    ----------
    magnitude : np.ndarray or torch.Tensor
        Shape ``(bins, frames)``, >= 0. float64 is computed in float64, all else in float32.
    n_iter : int
        Iterations, >= 0; with 0 the start phase is simply inverted.
    momentum : float
        0 is the algorithm of 1984; 0.99 the fast one of 2013, which extrapolates the STFTs along
        their last step. In [0, 1).
    n_fft : int, optional
        ``2 * (bins - 1)`` by default, and nothing else fits.
    hop_length : int
        Step in samples.
    init : {"random", "zeros"} or array
        Start phase: uniform in [0, 2 pi), zero, or given in radians, shape ``(bins, frames)``.
    seed : int, optional
        For the random start.
    history : bool
        Return the spectral convergence ``|| |STFT(y)| - M || / ||M||`` of each iterate as well.
    length : int, optional
        Samples wanted; ``(frames - 1) * hop_length`` by default, at most ``hop_length - 1`` more.

    Returns
    -------
    y : np.ndarray or torch.Tensor
        Shape ``(length,)``; NumPy in, NumPy out.
    convergence : np.ndarray
        Only with ``history=True``: shape ``(n_iter + 1,)``, of the start and after each iteration.

    Raises
    ------
    TypeError, ValueError
        If `magnitude` is complex, not 2-D, negative or not finite, or sizes do not fit.

    Notes
    -----
    Within the sound the result stays within 6 dB of the sound's peak. In the first and last window
    it need not: fewer frames overlap there, and their mirrored edges leave the phase more freedom.
    A pure tone with hops of half a window ends up to 8 dB louder there in one of a hundred cases.

    The extrapolation is written as in librosa, ``c - a / (1 + a) c_previous``; it has the same
    phase as Perraudin's ``c + a (c - c_previous)``, which is ``1 + a`` times as long.
    """
    is_tensor = isinstance(magnitude, torch.Tensor)
    target = _check_magnitude(magnitude, n_fft)
    if n_fft is None and length is None:
        check_not_transposed(target.shape, "magnitude")
    bins, n_frames = target.shape
    n_fft = 2 * (bins - 1)
    length = _check_length(length, n_frames, n_fft, hop_length)
    n_iter, momentum = _check_loop(n_iter, momentum)
    target = target.T.contiguous()
    phasor = _start_phasor(init, seed, target)
    transform = LeastSquaresSTFT(length, n_fft, hop_length, target.dtype)

    convergence, previous = [], None
    for _ in range(n_iter):
        y = transform.inverse(target * phasor)
        rebuilt = transform.forward(y)
        if history:
            convergence.append(_convergence(rebuilt, target))
        if previous is None or momentum == 0:
            phasor = rebuilt.sgn()  # z / |z|: the phase alone
        else:
            phasor = torch.sub(rebuilt, previous, alpha=momentum / (1 + momentum)).sgn()
        previous = rebuilt
    y = transform.inverse(target * phasor)
    if history:
        convergence.append(_convergence(transform.forward(y), target))
    y = y if is_tensor else y.numpy()
    return (y, np.array(convergence)) if history else y


def from_mel(
    log_mel: np.ndarray,
    preset: str = "course16k",
    n_iter: int = 60,
    momentum: float = 0.99,
    seed: int | None = None,
) -> np.ndarray:
    """Turn a log-mel spectrogram into sound: invert the mel bands, then search the phase.

    Frame t of the vocoders' mel is centred on sample ``(t + 1/2) * hop_length``, frame t of
    :func:`griffin_lim` on ``t * hop_length``. One frame is repeated on either side and half a hop
    cut off, so that the result lies exactly under the original.

    Parameters
    ----------
    log_mel : np.ndarray
        Shape ``(n_mels, frames)``, from :func:`lecture_utils.mel.log_mel` with the same preset.
    preset : str
        Name of the mel front-end.
    n_iter, momentum, seed
        As in :func:`griffin_lim`.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop_length,)``.
    """
    hop_length = mel.get_preset(preset).hop_length
    magnitude = mel.invert(log_mel, preset)
    n_frames = magnitude.shape[1]
    magnitude = np.pad(magnitude, ((0, 0), (1, 1)), mode="edge")
    y = griffin_lim(magnitude, n_iter, momentum, hop_length=hop_length, seed=seed)
    return y[hop_length // 2 : hop_length // 2 + n_frames * hop_length]


def spectral_convergence(
    x: np.ndarray | torch.Tensor,
    magnitude: np.ndarray | torch.Tensor,
    hop_length: int = HOP_LENGTH,
) -> float:
    """Return ``|| |STFT(x)| - M || / ||M||``: 0 is perfect, in dB ``20 log10``.

    Parameters
    ----------
    x : array
        Sound, shape ``(n,)``.
    magnitude : array
        M, shape ``(bins, frames)`` with ``frames = 1 + n // hop_length``.
    hop_length : int
        Step in samples.
    """
    target = _check_magnitude(magnitude, None)
    x = torch.from_numpy(arguments.array(x, "x", ("n",)).copy()).to(target.dtype)
    bins, n_frames = target.shape
    check_stft_sizes(2 * (bins - 1), hop_length)
    if 1 + len(x) // hop_length != n_frames:
        raise ValueError(
            f"x: shape {tuple(x.shape)} has no {n_frames} frames at hop_length={hop_length}; "
            "compare a sound with a magnitude of the same length."
        )

    transform = LeastSquaresSTFT(len(x), 2 * (bins - 1), hop_length, target.dtype)
    return _convergence(transform.forward(x), target.T)


def _convergence(rebuilt: torch.Tensor, target: torch.Tensor) -> float:
    error = torch.linalg.norm(rebuilt.abs() - target, dtype=torch.float64)
    return float(error / torch.linalg.norm(target, dtype=torch.float64))


def _check_magnitude(magnitude: np.ndarray | torch.Tensor, n_fft: int | None) -> torch.Tensor:
    """Return a real float tensor ``(bins, frames)`` or say what is wrong."""
    values = arguments.array(magnitude, "magnitude", kinds="fiu")
    if not isinstance(magnitude, torch.Tensor):
        magnitude = torch.from_numpy(np.ascontiguousarray(values))
    magnitude = magnitude.detach()
    if magnitude.dtype != torch.float64:
        magnitude = magnitude.float()
    if magnitude.ndim != 2 or magnitude.shape[0] < 3 or magnitude.shape[1] < 2:
        raise ValueError(
            f"magnitude: expected shape (bins, frames) with 2 or more frames, "
            f"got {tuple(magnitude.shape)}."
        )
    if len(magnitude) == mel.PRESETS["course16k"].n_mels:
        raise ValueError(f"magnitude: {len(magnitude)} rows are a mel's; use griffin_lim.from_mel.")
    if n_fft is not None and arguments.number(n_fft, "n_fft", whole=True) != 2 * (
        magnitude.shape[0] - 1
    ):
        raise ValueError(
            f"magnitude: {magnitude.shape[0]} bins belong to n_fft={2 * (magnitude.shape[0] - 1)}, "
            f"not {n_fft}; transpose the array or change n_fft."
        )
    if (magnitude < 0).any():
        raise ValueError("magnitude: has negative entries; undo the logarithm first (np.exp).")
    if not (magnitude > 0).any():
        raise ValueError("magnitude: is zero everywhere; there is no sound to find.")
    return magnitude


def _check_length(length: int | None, n_frames: int, n_fft: int, hop_length: int) -> int:
    check_stft_sizes(n_fft, hop_length)
    shortest = (n_frames - 1) * hop_length
    length = shortest if length is None else arguments.number(length, "length", whole=True)
    if not shortest <= length < shortest + hop_length:
        raise ValueError(
            f"length={length}: {n_frames} frames at hop_length={hop_length} hold "
            f"{shortest} to {shortest + hop_length - 1} samples."
        )
    if length <= n_fft // 2:
        raise ValueError(
            f"magnitude: {n_frames} frames make {length} samples, too short for the mirrored "
            f"edges of n_fft={n_fft}; give more frames."
        )
    return length


def _check_loop(n_iter: int, momentum: float) -> tuple[int, float]:
    n_iter, momentum = (
        arguments.number(n_iter, "n_iter", 0, whole=True),
        arguments.number(momentum, "momentum"),
    )
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum!r}: give a number from 0 up to, not including, 1.")
    return n_iter, momentum


def _start_phasor(
    init: str | np.ndarray | torch.Tensor, seed: int | None, target: torch.Tensor
) -> torch.Tensor:
    """Return unit complex numbers ``(frames, bins)`` for the start phase."""
    if isinstance(init, str):
        if init == "zeros":
            return torch.ones_like(target, dtype=target.dtype.to_complex())
        if init != "random":
            raise ValueError(f"init={init!r}: give 'random', 'zeros' or an array of phases.")
        # NumPy's generator: the same seed gives the same start on every machine
        turns = np.random.default_rng(arguments.seed(seed)).random(tuple(target.shape))
        phase = torch.from_numpy(2 * np.pi * turns)
    else:
        phase = arguments.array(init, "init", ("bins", "frames"))
        if phase.T.shape != target.shape:
            raise ValueError(
                f"init: expected phases in radians, shape {tuple(target.T.shape)}, got "
                f"{phase.shape}."
            )
        phase = torch.from_numpy(phase.T.copy())
    phase = phase.to(target.dtype).contiguous()
    return torch.polar(torch.ones_like(phase), phase)
