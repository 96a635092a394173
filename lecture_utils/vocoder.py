"""What the GAN vocoders share: published weight layout, losses on features, and mel -> sound.

Used by the rooms `melgan` and `hifi_gan` and by notebooks 06, 07 and 09.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from lecture_utils import mel
from lecture_utils.audio import HOP_LENGTH

#: Frames of one piece in :func:`vocode`: eight seconds at 16 kHz, hop 256.
CHUNK_FRAMES = 500

Features = list[list[torch.Tensor]]


def conv1d(*args: int, **options: int) -> nn.Module:
    """Return a weight-normalised one-dimensional convolution."""
    return weight_norm(nn.Conv1d(*args, **options))


def remove_weight_norm(module: nn.Module) -> nn.Module:
    """Fold direction and length of every weight into one tensor: same output, faster."""
    for child in module.modules():
        if parametrize.is_parametrized(child, "weight"):
            parametrize.remove_parametrizations(child, "weight")
    return module


def context_frames(block_radius: int, rates: tuple[int, ...], kernels: tuple[int, ...]) -> int:
    """Count the mel frames on either side that can reach a sample of a generator's output.

    Walks back from the output: last convolution (3 samples), then per stage the residual blocks'
    reach and the transposed convolution, which divides time by its rate; at last the first
    convolution (3 frames).
    """
    reach = 3
    for rate, kernel in zip(reversed(rates), reversed(kernels), strict=True):
        reach = -(-(reach + block_radius + kernel - 1) // rate)
    return reach + 3


def feature_matching_loss(real: Features, fake: Features) -> torch.Tensor:
    """Sum of L1 distances between the discriminators' feature maps of real and made sound.

    (Larsen et al. 2016; MelGAN equation 3, HiFi-GAN equation 5.) Lists of discriminators of
    lists of layers.
    """
    return sum(
        F.l1_loss(f, r.detach())
        for real_maps, fake_maps in zip(real, fake, strict=True)
        for r, f in zip(real_maps, fake_maps, strict=True)
    )


@torch.inference_mode()
def vocode(log_mel: np.typing.ArrayLike, model: nn.Module, preset: str = "course16k") -> np.ndarray:
    """Turn a log-mel spectrogram into sound with a generator.

    Long input is done in pieces that overlap by the generator's receptive field, so that memory
    stays bounded and no seam remains.

    Parameters
    ----------
    log_mel : array_like
        Shape ``(n_mels, frames)``, one frame or more.
    model : nn.Module
        A generator with ``context_frames``: frames on either side that reach a sample.
    preset : str
        The mel front-end the model was trained with.

    Returns
    -------
    np.ndarray
        Shape ``(frames * 256,)``, float32.
    """
    values = torch.from_numpy(mel.check_log_mel(log_mel, preset))
    n_frames, context = values.shape[1], model.context_frames
    pieces = []
    for start in range(0, n_frames, CHUNK_FRAMES):
        end = min(start + CHUNK_FRAMES, n_frames)
        left, right = max(0, start - context), min(n_frames, end + context)
        y = model(values[None, :, left:right])[0, 0]
        pieces.append(y[(start - left) * HOP_LENGTH : (end - left) * HOP_LENGTH])
    return torch.cat(pieces).numpy()
