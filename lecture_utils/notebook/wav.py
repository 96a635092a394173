"""Sounds as they travel in a page: 16-bit mono WAV files in base64.

Used by :mod:`lecture_utils.notebook.listen`, and by the tests of every notebook.
"""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np

_CLIP = re.compile(r"data:audio/wav;base64,([A-Za-z0-9+/=]*)")


def pack(x: np.ndarray, sample_rate: int) -> bytes:
    """Return float32 sound ``(n,)`` as a 16-bit WAV file; what lies beyond +-1 is clipped."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.clip(np.round(x * 32768.0), -32768, 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def clips(page: str) -> list[tuple[np.ndarray, int]]:
    """Decode every sound in HTML, for tests.

    Returns
    -------
    list of (np.ndarray, int)
        Sound ``(n,)`` float32 and sample rate in Hz, in the order of the page.

    Raises
    ------
    ValueError
        If a clip is no WAV file.
    """
    found = []
    for text in _CLIP.findall(page):
        try:
            with wave.open(io.BytesIO(base64.b64decode(text, validate=True))) as file:
                if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                    raise ValueError("it is not 16-bit mono")
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                found.append((samples.astype(np.float32) / 32768, file.getframerate()))
        except (wave.Error, EOFError, ValueError) as error:
            raise ValueError(
                f"page: clip {len(found)} is no readable WAV file ({error})."
            ) from None
    return found
