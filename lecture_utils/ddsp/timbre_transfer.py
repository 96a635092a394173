"""Timbre transfer: somebody else's tune through an instrument that DDSP has learned.

Pitch and loudness of the source are first brought to where the instrument plays (Engel et al.
2020, section 4.3: octave and loudness are fitted). Used by notebook 08.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from scipy.signal import fftconvolve, lfilter

from lecture_utils import arguments
from lecture_utils.audio import SAMPLE_RATE, as_audio
from lecture_utils.ddsp.features import f0, loudness
from lecture_utils.ddsp.network import Autoencoder
from lecture_utils.ddsp.polyphony import doubt
from lecture_utils.ddsp.synth import CONTROL_HOP
from lecture_utils.instruments import performance, score
from lecture_utils.instruments.performance import Note


def hold_pitch(f0_hz: np.ndarray, n_frames: int = 25) -> np.ndarray:
    """Let each note's last pitch last `n_frames` more, unless the next note begins before.

    A note still rings after its end, and silence has no pitch to ring at.
    """
    f0_hz = _as_pitch(f0_hz)
    n_frames = arguments.number(n_frames, "n_frames", 0, whole=True)
    index = np.where(f0_hz > 0, np.arange(len(f0_hz)), -1)
    last = np.maximum.accumulate(index)
    held = (last >= 0) & (np.arange(len(f0_hz)) - last <= n_frames)
    return np.where(held, f0_hz[np.maximum(last, 0)], 0).astype(np.float32)


def _as_pitch(f0_hz: np.ndarray) -> np.ndarray:
    """Return a checked pitch curve with 0 for NaN (no pitch)."""
    f0_hz = arguments.array(f0_hz, "f0_hz", ("frames",), finite=False)
    f0_hz = arguments.array(np.where(np.isnan(f0_hz), 0, f0_hz), "f0_hz").astype(np.float64)
    odd = f0_hz[(f0_hz > 0) & ((f0_hz < 1) | (f0_hz > 1e5))]
    if len(odd):
        raise ValueError(f"f0_hz: {odd[0]:g} Hz is no pitch; give Hz, and 0 where there is none.")
    return f0_hz


def fit_controls(
    f0_hz: np.ndarray, loudness_db: np.ndarray, range_hz: tuple[float, float], loud_db: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move a tune by whole octaves and its loudness by one number to where an instrument plays.

    The tune moves by the smallest number of octaves that brings the most of it into the range: by
    none if it lies there. Loudness is fitted at its loud end (the 95th percentile): the middle
    depends on how long pauses and dying notes are, and a violin that is told to play softly is
    dark.

    Parameters
    ----------
    f0_hz, loudness_db : np.ndarray
        Of the source, ``(frames,)``; f0 is 0 where there is no pitch. The longer is cut.
    range_hz : tuple of float
        Lowest and highest pitch of the instrument's training sound.
    loud_db : float
        The 95th percentile of its loudness, over frames with a pitch.

    Returns
    -------
    tuple of np.ndarray
        f0 in Hz and loudness in dB, float32, ``(frames,)``.

    Raises
    ------
    ValueError
        If the source has no pitch anywhere: it is silent, all noise, or has several voices.
    """
    f0_hz = _as_pitch(f0_hz)
    loudness_db = arguments.array(loudness_db, "loudness_db", ("frames",))
    n = min(len(f0_hz), len(loudness_db))
    f0_hz, loudness_db, sounding = f0_hz[:n], loudness_db[:n], f0_hz[:n] > 0
    if not sounding.any():
        raise ValueError(
            "source: no pitch was found in it; take one voice that hums, sings or whistles."
        )
    if not isinstance(range_hz, (tuple, list)) or len(range_hz) != 2:
        raise TypeError(f"range_hz={arguments.shown(range_hz)}: give the lowest and highest pitch.")
    lowest, highest = (arguments.number(hz, "range_hz", 1) for hz in range_hz)
    loud_db = arguments.number(loud_db, "loud_db")
    tune, shifts = f0_hz[sounding], sorted(range(-6, 7), key=abs)
    inside = [np.mean((lowest <= tune * 2.0**k) & (tune * 2.0**k <= highest)) for k in shifts]
    octaves = shifts[int(np.argmax(np.round(inside, 2)))]  # a few odd frames move nothing
    louder = loud_db - np.percentile(loudness_db[sounding], 95)
    return (f0_hz * 2.0**octaves).astype(np.float32), (loudness_db + louder).astype(np.float32)


class Tracked(NamedTuple):
    """Pitch in Hz and how sure the tracker is of it, ``(frames,)``; and a doubt in words, or ""."""

    f0_hz: np.ndarray
    sureness: np.ndarray
    doubt: str


def track(
    x: np.typing.ArrayLike, sample_rate: int = SAMPLE_RATE, hop_length: int = CONTROL_HOP
) -> Tracked:
    """Follow the pitch of a voice, and tell whether it is one voice.

    The last sounds are remembered, so that turning a knob does not track a voice again.
    """
    return _track(as_audio(x).tobytes(), sample_rate, hop_length)


@functools.lru_cache(maxsize=4)
def _track(samples: bytes, sample_rate: int, hop_length: int) -> Tracked:
    x = np.frombuffer(samples, np.float32)
    found = f0(x, sample_rate, hop_length, return_sureness=True)
    for curve in found:
        curve.flags.writeable = False  # it is handed out again
    return Tracked(*found, doubt(x, *found, sample_rate, hop_length))


class Knobs(NamedTuple):
    """What can be turned beside the tune: no change by default.

    ``octaves`` up, a whole number; ``louder_db``, played louder, which is brighter, too;
    ``brightness``, -2 to 2: harmonic k is multiplied by k to this power; ``noise_db`` of bow or
    breath; ``room``, 0 to 1: how loud the echoes of a hall are beside the sound.
    """

    octaves: int = 0
    louder_db: float = 0.0
    brightness: float = 0.0
    noise_db: float = 0.0
    room: float = 0.0


def _checked(knobs: dict[str, float]) -> Knobs:
    for name in knobs:
        if name not in Knobs._fields:
            raise TypeError(f"{name}: no such knob; there are {', '.join(Knobs._fields)}.")
    knobs = Knobs(**knobs)
    arguments.number(knobs.octaves, "octaves", -4, 4, whole=True)
    for name, low, high in (("louder_db", -60, 20), ("brightness", -2, 2), ("noise_db", -80, 40),
                            ("room", 0, 1)):  # fmt: skip
        arguments.number(getattr(knobs, name), name, low, high)
    return knobs


@torch.inference_mode()
def transfer(
    model: Autoencoder,
    x: np.typing.ArrayLike,
    f0_hz: np.ndarray | None = None,
    seed: int = 0,
    **knobs: float,
) -> np.ndarray:
    """Play the tune of `x` on the model's instrument.

    Parameters
    ----------
    model : Autoencoder
        Loaded weights, whose ``facts`` tell the instrument's range and loudness.
    x : array_like
        One voice, ``(n,)`` at the model's sample rate.
    f0_hz : np.ndarray, optional
        Its pitch per control frame if it is known; found by :func:`track` otherwise (about a fifth
        of the sound's length).
    seed : int
        Of the noise.
    **knobs
        As in :class:`Knobs`; `octaves` and `louder_db` are counted from where the tune fits.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop,)``, float32.

    Raises
    ------
    TypeError
        If there is no such knob.
    ValueError
        If no pitch is found, or the weights do not tell where their instrument plays.

    Warns
    -----
    UserWarning
        If there is a :func:`lecture_utils.ddsp.polyphony.doubt` that it is one voice.
    """
    x, facts = as_audio(x), _facts(model)
    hops = model.sample_rate, model.hop_length
    if f0_hz is None:
        f0_hz, _, why = track(x, *hops)
    else:
        f0_hz = _as_pitch(f0_hz)
        why = doubt(x, f0_hz, None, *hops)
    if why and (f0_hz > 0).any():  # else it is an error, below
        arguments.warn(f"source: {why[0].lower()}{why[1:]}")
    curves = hold_pitch(f0_hz), loudness(x, *hops)
    fitted = fit_controls(*curves, (facts["lowest_hz"], facts["highest_hz"]), facts["loud_db"])
    return _play(model, *fitted, seed, _checked(knobs))


def play_notes(model: Autoencoder, notes: np.ndarray, seed: int = 0, **knobs: float) -> np.ndarray:
    """Play the melody of a MIDI file: its top voice, since the instrument plays one note at a time.

    How a note begins and ends, its vibrato and its glides are those of
    :func:`lecture_utils.instruments.performance.perform`. The melody is moved by octaves as in
    :func:`fit_controls`.

    Parameters
    ----------
    model : Autoencoder
        As for :func:`transfer`.
    notes : np.ndarray
        From :func:`lecture_utils.instruments.score.read_midi`.
    seed, **knobs
        As for :func:`transfer`.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop,)``, float32: a quarter of a second longer than the notes.
    """
    facts, melody = _facts(model), score.top_voice(notes)
    begun = [*melody[1:, 0], np.inf]
    played = [
        # a key that is struck again is heard again: the bow stops for a moment
        Note(start, min(stop, after - 0.05) if key == key_after else stop, key,
             0.4 + 0.5 * velocity / 127, slurred=start - stop_before < 0.03)
        for (start, stop, key, velocity), after, key_after, stop_before in zip(
            melody, begun, [*melody[1:, 2], -1], [-1, *melody[:-1, 1]], strict=True)
    ]  # fmt: skip
    seconds = float(melody[-1, 1]) + 0.25
    line = performance.perform(played, seconds, "violin", seed)
    # 26 dB from softest to loudest, as in the sampler, on a scale that fit_controls moves
    level = np.where(line.f0_hz > 0, 10 ** (26 / 20 * (line.dynamics - 1)), 0)
    level = uniform_filter1d(uniform_filter1d(level, 9), 9)  # a bow needs 40 ms to be at full level
    loudness_db = np.maximum(20 * np.log10(np.maximum(level, 1e-4)), -80)
    where = (facts["lowest_hz"], facts["highest_hz"]), facts["loud_db"]
    return _play(model, *fit_controls(hold_pitch(line.f0_hz), loudness_db, *where), seed,
                 _checked(knobs))  # fmt: skip


def _facts(model: Autoencoder) -> dict:
    facts = getattr(model, "facts", {})
    if not {"lowest_hz", "highest_hz", "loud_db"} <= facts.keys():
        raise ValueError("model: does not tell where it plays; load shipped DDSP weights.")
    return facts


@torch.inference_mode()
def _play(
    model: Autoencoder, f0_hz: np.ndarray, loudness_db: np.ndarray, seed: int, knobs: Knobs
) -> np.ndarray:
    """Play fitted curves with turned knobs."""
    f0 = torch.from_numpy(f0_hz * 2.0**knobs.octaves)[None].float()
    controls = model.decoder(f0, torch.from_numpy(loudness_db)[None] + knobs.louder_db)
    harmonics = controls.harmonic_distribution
    bent = harmonics * torch.arange(1.0, harmonics.shape[-1] + 1) ** knobs.brightness
    power = [(part**2).sum(-1, keepdim=True).clamp_min(1e-14) for part in (harmonics, bent)]
    controls = controls._replace(
        harmonic_distribution=bent * torch.sqrt(power[0] / power[1]),  # brighter, not louder
        noise_magnitudes=controls.noise_magnitudes * 10 ** (knobs.noise_db / 20),
    )
    seed = arguments.number(seed, "seed", 0, 2**63 - 1, whole=True)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, f0.shape[1] * model.hop_length, generator=generator)
    y = model.play(f0, controls, 2 * noise - 1)[0].numpy()
    if knobs.room:
        y = y + np.float32(knobs.room) * fftconvolve(y, _hall(model.sample_rate))[: len(y)]
    return y.astype(np.float32)


def _hall(sample_rate: int) -> np.ndarray:
    """Return the echoes of a made-up hall: noise that has faded by 60 dB after 1.5 s."""
    t = np.arange(round(1.5 * sample_rate)) / sample_rate
    noise = np.random.default_rng(0).standard_normal(len(t))
    echoes = lfilter([1], [1, -0.6], noise) * 10 ** (-2 * t) * (t > 0.02)  # walls are dull
    return (echoes / np.sqrt(np.sum(echoes**2))).astype(np.float32)
