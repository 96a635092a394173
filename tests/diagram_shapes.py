"""What the diagrams of the notebooks tell of the models, asked of the models themselves.

Used by test_images.
"""

import functools
import math
import re

import numpy as np
import torch
from torch import nn

from lecture_utils import (
    audio,
    ddsp,
    diffusion,
    fourier_vocoder,
    gan,
    hifi_gan,
    mel,
    melgan,
    wavenet,
)
from lecture_utils.diffusion import cascade, songs, unet
from lecture_utils.fourier_vocoder import spectrum

#: What the words stand for in a shape such as ``(1, 64 * frames)``.
SIZES = {"n": 50, "frames": 20}


def numbers(text):
    """The whole numbers of a text; of a shape in brackets, its sizes (words as in SIZES)."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)  # 2,047
    if shape := re.search(r"\((.*)\)", text):
        sizes = [size.split("*") for size in shape[1].split(",") if size.strip()]
        return tuple(math.prod(SIZES.get(x.strip()) or int(x) for x in size) for size in sizes)
    return tuple(map(int, re.findall(r"\d+", text)))


class Watch:
    """Runs a model and keeps the shapes that go through its layers."""

    def __init__(self):
        self.into, self.out = {}, {}

    def __call__(self, name, layer):
        def keep(_, inputs, output):
            first = output[0] if isinstance(output, tuple) else output
            self.into[name], self.out[name] = tuple(inputs[0].shape), tuple(first.shape)

        layer.register_forward_hook(keep)


def gan_shapes():
    model, critic, watch = gan.Generator().eval(), gan.Critic(), Watch()
    watch("bars", model.bars)
    noise = model.noise(3, seed=0)
    phrases = model(noise)
    found = {f"musegan.{name}": tuple(part.shape) for name, part in noise.items()}
    return found | {
        "musegan.bars_in": watch.into["bars"], "musegan.bars_out": watch.out["bars"],
        "musegan.out": tuple(phrases.shape), "musegan.score": tuple(critic(phrases).shape),
    }  # fmt: skip


def diffusion_shapes():
    left = np.sqrt(diffusion.NoiseSchedule.linear().alphas_cumprod)
    found = {f"diffusion.left.{t}": (round(100 * left[t]),) for t in (0, 100, 300, 600, 999)}
    song = songs.write_song(np.random.default_rng(5), form="ABA", key=0, minor=False)
    for level in cascade.LEVELS:
        found[f"cascade.{level}"] = song.levels[level].shape
        found[f"cascade.window.{level}"] = (cascade.WINDOW_BARS[level],)
    model, watch = cascade.model_for("melody"), Watch()
    x = cascade.window(cascade.image("melody", song.levels), "melody", 0)
    told = cascade.window(cascade.condition("melody", song.levels), "melody", 0)
    for name, layer in (("full", model.down[0]), ("half", model.attention[0]),
                        ("quarter", model.attention[1])):  # fmt: skip
        watch(name, layer)
    assert isinstance(model, unet.UNet)
    x, told = torch.from_numpy(x)[None], torch.from_numpy(told)[None]
    out = model(x, torch.tensor([5]), told)
    shapes = {"x": x.shape, "condition": told.shape, "out": out.shape} | watch.out
    return found | {f"unet.{name}": tuple(shape) for name, shape in shapes.items()}


def reach(dilations):
    """Inputs that a stack of causal convolutions of two taps lets through, by the gradient."""
    stack = nn.Sequential(*(wavenet.CausalConv1d(1, 1, 2, dilation=d) for d in dilations))
    x = torch.zeros(1, 1, 64, requires_grad=True)
    stack(x)[0, 0, -1].backward()
    return int((x.grad != 0).sum())


def wavenet_shapes():
    model, watch = wavenet.WaveNet(), Watch()
    block = model.layers[0]
    for name, layer in (("first", block), ("gates", block.conv), ("z", block.residual),
                        ("skip", block.skip)):  # fmt: skip
        watch(name, layer)
    codes = torch.zeros(1, SIZES["n"], dtype=torch.long)
    out = model(codes)
    doubling = [2**i for i in range(4)]
    return {
        "wavenet.codes": tuple(codes.shape), "wavenet.embedding": watch.into["first"],
        "wavenet.n_layers": (len(model.layers),), "wavenet.skip": watch.out["skip"],
        "wavenet.out": tuple(out.shape), "wavenet.receptive_field": (model.receptive_field,),
        "block.in": watch.into["first"], "block.gates": watch.out["gates"],
        "block.z": watch.into["z"], "block.out": watch.out["first"],
        "block.skip": watch.out["skip"],
        "reach.standard": (reach([1] * 4),), "reach.dilated": (reach(doubling),),
        "reach.doubling": tuple(reach(doubling[-k:]) for k in (1, 2, 3, 4)),
    }  # fmt: skip


def stft_shapes():
    spectrum = audio.stft(np.zeros(2 * 16_000, np.float32))
    width, hop, n = 32, 8, 96  # the toy of notebook 05
    frames = torch.stft(torch.zeros(n), width, hop, window=torch.hann_window(width),
                        return_complex=True).shape[1]  # fmt: skip
    return {
        "stft.guitar": spectrum.shape, "stft.bins": spectrum.shape[:1],
        "stft.frames": (spectrum.shape[1], 2), "istft.frames": (frames, width, hop),
        "istft.equations": (frames * width, n + width),
    }  # fmt: skip


def dcgan_shapes():
    """The layers of notebook 06, section 2, and the same way back."""
    sizes, found = [(64, 64)] * 3 + [(64, 1)], {}
    x = torch.zeros(1, 64, 4, 4)
    for k, (i, o) in enumerate([None, *sizes][1:], 1):
        found[f"dcgan.g.{k - 1}"] = tuple(x.shape)
        x = nn.ConvTranspose2d(i, o, 4, stride=2, padding=1)(x)
    found["dcgan.g.4"] = found["dcgan.d.0"] = tuple(x.shape)
    for k, (i, o) in enumerate([(1, 64)] + [(64, 64)] * 3, 1):
        x = nn.Conv2d(i, o, 4, stride=2, padding=1)(x)
        found[f"dcgan.d.{k}"] = tuple(x.shape)
    return found | {"dcgan.d.score": tuple(nn.Conv2d(64, 1, 4)(x).shape)}


def window(convolutions):
    """How many samples reach one score of a stack of convolutions."""
    size, step = 1, 1
    for layer in convolutions:
        size += (layer.kernel_size[0] - 1) * layer.dilation[0] * step
        step *= layer.stride[0]
    return size


def melgan_shapes():
    model = melgan.Generator().eval()
    x = torch.zeros(1, 80, 62)
    found, stages = {"melgan.mel": tuple(x.shape[1:])}, []
    for layer in model.model:
        before, x = x, layer(x)
        if isinstance(layer, melgan.ResidualBlock):
            stages[-1] = tuple(x.shape[1:])
        elif x.shape[1] != before.shape[1]:  # a convolution, not padding or a ReLU
            stages.append(tuple(x.shape[1:]))
    found |= {f"melgan.{k}": shape for k, shape in enumerate(stages[:-1])}
    found["melgan.out"] = stages[-1]
    blocks = [layer for layer in model.model if isinstance(layer, melgan.ResidualBlock)][:3]
    found["melgan.reach"] = (
        window(m for block in blocks for m in block.block if isinstance(m, nn.Conv1d)),
    )
    judges, x = melgan.MultiScaleDiscriminator(4), torch.zeros(1, 1, 16_384)
    for k, (score, judge) in enumerate(zip(judges(x)[0], judges.model.values(), strict=True)):
        layers = [m for m in judge.modules() if isinstance(m, nn.Conv1d)]
        found[f"scales.window.{k}"] = (round(window(layers) * 2**k / 16),)
        found[f"scales.every.{k}"] = (round(x.shape[-1] / score.shape[-1] / 16),)
    return found


def hifi_gan_shapes():
    model, watch = hifi_gan.Generator.from_config("course").eval(), Watch()
    for k, up in enumerate([model.conv_pre, *model.ups]):
        watch(k, up)
    x = torch.zeros(1, 80, 50)
    found = {"hifi.mel": tuple(x.shape), "hifi.out": tuple(model(x).shape)}
    found |= {f"hifi.{k}": shape for k, shape in watch.out.items()}
    for k, block in enumerate(model.resblocks[:3]):
        first = block.convs1[0].kernel_size[0]
        found[f"mrf.kernel.{k}"] = (first, *(c.dilation[0] for c in block.convs1))
        found[f"mrf.reach.{k}"] = (window([*block.convs1, *block.convs2]),)
    judge = hifi_gan.PeriodDiscriminator(3, width=1 / 8)
    return found | {"fold.kernel": judge.convs[0].kernel_size}


def ddsp_shapes():
    frames, watch = SIZES["frames"], Watch()
    slide = ddsp.Autoencoder(n_z=16).eval()
    x = torch.zeros(1, frames * slide.hop_length)
    f0, loudness = torch.full((1, frames), 220.0), torch.full((1, frames), -30.0)
    z = slide.encoder(x)
    found = {
        "ddsp.f0": tuple(f0.shape), "ddsp.loudness": tuple(loudness.shape),
        "ddsp.z": tuple(z.shape), "ddsp.sound": tuple(slide(f0, loudness, z).shape),
        "ddsp.tones": slide.decoder.sizes[:2], "ddsp.bands": slide.decoder.sizes[2:],
    }  # fmt: skip
    model = ddsp.Autoencoder().eval()
    layers = {"f0": model.decoder.inputs[0], "loudness": model.decoder.inputs[1],
              "gru": model.decoder.gru, "raw": model.decoder.output}  # fmt: skip
    for name, layer in layers.items():
        watch(name, layer)
    controls = model.decoder(f0, loudness)
    shapes = watch.out | {"seen": watch.into["gru"]}
    names = ("amplitude", "harmonics", "noise")
    for name, control, count in zip(names, controls, model.decoder.sizes, strict=True):
        shapes |= {name: tuple(control.shape), f"n_{name}": (count,)}
    found |= {f"decoder.{name}": shape for name, shape in shapes.items()}
    return found | {"synth.harmonics": model.decoder.sizes[1:2],
                    "synth.bands": model.decoder.sizes[2:]}  # fmt: skip


def fourier_vocoder_shapes():
    x = torch.zeros(1, 62 * 256)
    log_mel, network = mel.log_mel(x), fourier_vocoder.RepairNetwork()
    magnitude = fourier_vocoder.MagnitudeNetwork()(log_mel.transpose(1, 2))
    seen = network.features(spectrum.stft(x), magnitude)
    turned = network.trunk(seen).chunk(2, -1)
    vocos = fourier_vocoder.Vocos()
    said = tuple(vocos.spectrum(log_mel)[0].T.shape)
    return {
        "vocos.mel": tuple(log_mel.shape[1:]), "vocos.magnitude": said, "vocos.angle": said,
        "vocos.blocks": (len(vocos.trunk.blocks),), "vocos.channels": (vocos.config["channels"],),
        "fourier.mel": tuple(log_mel.shape[1:]), "fourier.rounds": (network.n_rounds,),
        "fourier.magnitude": tuple(magnitude.transpose(1, 2).shape[1:]),
        "fourier.seen": tuple(seen.shape[2:]), "fourier.gains": tuple(turned[0].shape[2:]),
        "fourier.rotations": tuple(turned[1].shape[2:]),
    }  # fmt: skip


@functools.cache
def true_shapes():
    """Every number that a diagram tells of a model, from the model."""
    torch.manual_seed(0)
    families = (gan_shapes, diffusion_shapes, wavenet_shapes, stft_shapes, dcgan_shapes,
                melgan_shapes, hifi_gan_shapes, ddsp_shapes, fourier_vocoder_shapes)  # fmt: skip
    return {name: tuple(shape) for family in families for name, shape in family().items()}
