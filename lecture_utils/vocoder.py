"""What the GAN vocoders share: published weight layout, losses on features, and mel -> sound.

Used by the rooms `melgan` and `hifi_gan` and by notebooks 06 to 10.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from lecture_utils import arguments, mel

#: Frames of one piece in :func:`vocode`: four and a half seconds at 16 kHz, hop 256.
CHUNK_FRAMES = 280

Features = list[list[torch.Tensor]]


def conv1d(*args: int, **options: int) -> nn.Module:
    """Return a weight-normalised one-dimensional convolution."""
    return weight_norm(nn.Conv1d(*args, **options))


def remove_weight_norm(module: nn.Module) -> nn.Module:
    """Fold direction and length of every weight into one tensor: same output, faster."""
    for layer in list(module.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            # parametrize.remove_parametrizations edits the layer's class, which a deep copy shares
            # with its original: it would break the model that this one was copied from
            weight = nn.Parameter(layer.weight.detach().clone())
            layer.__class__ = parametrize.type_before_parametrizations(layer)
            del layer.parametrizations
            layer.weight = weight
    return module


def context_frames(block_radius: int, rates: tuple[int, ...], kernels: tuple[int, ...]) -> int:
    """Count the mel frames on either side that can reach a sample of a generator's output.

    Walks back from the output: last convolution (3 samples), then per stage the residual blocks'
    reach and the transposed convolution, which divides time by its rate; at last the first
    convolution (3 frames).

    Raises
    ------
    ValueError
        Unless there is a kernel for every rate, and all are whole numbers of 1 or more.
    """
    block_radius = arguments.number(block_radius, "block_radius", 0, whole=True)
    rates, kernels = arguments.counts(rates, "rates"), arguments.counts(kernels, "kernels")
    if len(rates) != len(kernels):
        raise ValueError(f"{rates=}, {kernels=}: give one kernel for every rate.")
    reach = 3
    for rate, kernel in zip(reversed(rates), reversed(kernels), strict=True):
        reach = -(-(reach + block_radius + kernel - 1) // rate)
    return reach + 3


def feature_matching_loss(real: Features, fake: Features) -> torch.Tensor:
    """Sum of L1 distances between the discriminators' feature maps of real and made sound.

    (Larsen et al. 2016; MelGAN equation 3, HiFi-GAN equation 5.) Lists of discriminators of
    lists of layers.
    """
    maps = [pair for layers in arguments.both(real, fake) for pair in arguments.both(*layers)]
    for r, f in maps:
        arguments.tensor(f, "fake", arguments.tensor(r, "real").shape)

    return sum(F.l1_loss(f, r.detach()) for r, f in maps)


def scores(real: list[torch.Tensor], fake: list[torch.Tensor]) -> list[tuple]:
    """Pair each discriminator's scores of real and of made sound, checked."""
    pairs = arguments.both(real, fake)
    for r, f in pairs:
        arguments.tensor(r, "real", like=f if torch.is_tensor(f) else None)
        arguments.tensor(f, "fake", like=r)
        if not r.numel() or not f.numel():
            raise ValueError("real, fake: a discriminator gave no scores.")
    return pairs


@torch.inference_mode()
def vocode(log_mel: np.typing.ArrayLike, model: nn.Module, preset: str = "course16k") -> np.ndarray:
    """Turn a log-mel spectrogram into sound with a generator.

    Long input is done in pieces that overlap by the generator's receptive field, so that memory
    stays bounded and no seam remains. A mel in another unit is vocoded all the same, with a
    warning.

    Parameters
    ----------
    log_mel : array_like
        Shape ``(n_mels, frames)``, one frame or more.
    model : nn.Module
        A generator of `melgan` or `hifi_gan`, or ``fourier_vocoder.Vocos``: it knows its
        ``hop_length`` and its ``context_frames`` (frames on either side that reach a sample).
    preset : str
        The mel front-end the model was trained with.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop_length,)``, float32; the hop is 256 in all published models.

    Raises
    ------
    TypeError
        If `model` is no generator.
    ValueError
        If the mel has another shape, NaN or infinite entries, or another number of bands than the
        model.
    """
    if not hasattr(model, "context_frames"):
        raise TypeError(
            f"model: {type(model).__name__} is no generator; give one of melgan or hifi_gan, for "
            "example weights.load(name, hifi_gan.Generator)."
        )
    values = mel.check_log_mel(log_mel, preset)

    n_frames, context, hop = values.shape[1], model.context_frames, model.hop_length
    if len(values) != model.config["n_mels"]:
        raise ValueError(
            f"mel: {len(values)} bands given, the model was built for {model.config['n_mels']}."
        )
    device = next(model.parameters()).device
    sound = np.empty(n_frames * hop, np.float32)
    for start in range(0, n_frames, CHUNK_FRAMES):
        end = min(start + CHUNK_FRAMES, n_frames)
        left, right = max(0, start - context), min(n_frames, end + context)
        y = model(torch.from_numpy(values[None, :, left:right]).to(device))[0, 0].float()
        sound[start * hop : end * hop] = y[(start - left) * hop : (end - left) * hop].cpu().numpy()
    return sound
