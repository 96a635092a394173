"""Cut the recorded clips and the speech out of their sources: part of ``make data``."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from lecture_utils import audio, data
from lecture_utils.build_data.sources import source

#: Reserved prompts start here in path order: never trained or tuned on.
FIRST_RESERVED_PROMPT = "vm-saveoper.g722"
#: The course's sentence: the one reserved prompt of 4 to 5 s, cut to its speech (seconds).
SENTENCE_PROMPT, SENTENCE_CUT = "vm-tmpexists.g722", (0.08, 4.56)
#: Two minutes of a voice that no network of the course has met: these prompts, in this order.
OTHER_VOICE = ("abouttotry", "congrats", "echotest", "enterkeywords", "instruct")


def build_clips(name_of_source: str = "sonic-pi-samples") -> None:
    """Cut the recorded clips of one source: mono, 22.05 kHz, turned down where it clips."""
    folder = source(name_of_source)
    for listed in map(data.entry, data.names("clip")):
        if not listed.get("original", "").startswith(name_of_source):
            continue
        original = folder / listed["original"].split("/", 1)[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the mix-down, which is wanted here
            x, rate = audio.read(original, 22_050, *listed.get("excerpt", ()))
        x *= min(1.0, 0.99 / np.abs(x).max())
        if "excerpt" in listed:
            x = faded(x, 0.05 * rate)
        audio.write(data.ROOT / listed["file"], x, rate)


def build_speech() -> None:
    """Decode the reserved prompts: the held-out speech set, and the sentence of the course."""
    reserved = [p for p in prompts() if is_reserved(p)]
    x = np.concatenate([decode_g722(p) for p in reserved])
    audio.write(data.ROOT / "speech/speech_test.flac", x, 16_000)
    start, stop = (int(16_000 * t) for t in SENTENCE_CUT)
    sentence = next(p for p in reserved if p.name == SENTENCE_PROMPT)
    x = decode_g722(sentence)[start:stop]
    audio.write(data.ROOT / "speech/sentence.flac", faded(x, 160), 16_000)


def build_other_voice() -> None:
    """Decode two minutes of another speaker, in Italian: what notebook 10 learns a voice from."""
    folder = source("asterisk-core-sounds-it-g722") / "usr/share/asterisk/sounds/it_IT_m_Carlo"
    x = np.concatenate([decode_g722(folder / f"demo-{name}.g722") for name in OTHER_VOICE])
    audio.write(data.ROOT / "voices/other_voice.flac", x, 16_000)


def prompts() -> list[Path]:
    """List the prompts of the speech package, in path order."""
    folder = source("asterisk-core-sounds-en-g722") / "usr/share/asterisk/sounds"
    return sorted(folder.rglob("*.g722"), key=str)


def is_reserved(prompt: Path) -> bool:
    """Tell whether a prompt is held out: never trained or tuned on."""
    relative = prompt.as_posix().split("en_US_f_Allison/")[1]
    return relative >= FIRST_RESERVED_PROMPT


def decode_g722(file: Path) -> np.ndarray:
    """Decode one prompt: sound at 16 kHz."""
    try:
        import av
    except ImportError:
        raise ModuleNotFoundError(
            "Decoding G.722 needs PyAV, for this step alone; install it with `pip install av`."
        ) from None
    with av.open(str(file), format="g722") as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return audio.as_audio(np.concatenate(frames))


def faded(x: np.ndarray, n_samples: float) -> np.ndarray:
    """Return the sound with its first and last `n_samples` faded."""
    fade = np.sin(np.linspace(0, np.pi / 2, int(n_samples), dtype=np.float32)) ** 2
    x = x.copy()
    x[: len(fade)] *= fade
    x[-len(fade) :] *= fade[::-1]
    return x
