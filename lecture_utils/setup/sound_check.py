"""Are the loudspeakers heard? ``make stage`` plays a sweep and listens to it with the microphone.

It needs sounddevice, which comes with the extra ``rulers``, and PortAudio. Where something lacks,
a sentence says so; the first player of the notebook on stage is tried by ear then.
"""

from __future__ import annotations

import numpy as np

from lecture_utils.setup.doctor import FINE, SLOW

#: A sweep from 200 Hz to 4 kHz at -20 dBFS, which small loudspeakers play, and silence after it.
SECONDS, LOW, HIGH, PEAK, AFTER = 1.0, 200.0, 4000.0, 0.1, 1.0
#: As late, switching between versions is felt.
LATE = 0.25

BY_EAR = "press play in the first cell of the notebook, and listen"
_CHOOSE = "choose the loudspeakers in the system's settings of sound, then `make stage` again"


def sweep(rate: float) -> np.ndarray:
    """Return the sweep and the silence after it, shape ``(n,)``, at `rate` samples per second."""
    t = np.arange(int(SECONDS * rate)) / rate
    phase = 2 * np.pi * (LOW * t + (HIGH - LOW) / (2 * SECONDS) * t**2)
    x = PEAK * np.sin(phase) * np.hanning(len(t)) ** 0.25
    return np.pad(x, (0, int(AFTER * rate))).astype(np.float32)


def measure(sent: np.ndarray, heard: np.ndarray, rate: float) -> tuple[float, float, float]:
    """Find a sweep in a recording (a matched filter).

    Parameters
    ----------
    sent, heard : np.ndarray
        What was played and what came back, shape ``(n,)`` each.
    rate : float
        Samples per second.

    Returns
    -------
    delay, level, clear : float
        Seconds from the one to the other; level of the direct sound against what was sent, in dB;
        how far it stands above the rest, in dB (noise gives about 12).
    """
    from scipy.signal import fftconvolve

    match = abs(fftconvolve(heard, sent[::-1])[len(sent) - 1 :]) / np.sum(sent**2)
    best = int(np.argmax(match))
    rest = np.sqrt(np.mean(match**2)) + 1e-12
    level = 20 * np.log10(match[best] + 1e-12)
    return best / rate, float(level), float(20 * np.log10((match[best] + 1e-12) / rest))


def look_at_sound() -> tuple[str, ...]:
    """Play the sweep and listen; return status, what was found, and what to do."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        return SLOW, f"not tried ({error})", BY_EAR
    try:
        speaker = sounddevice.query_devices(kind="output")
    except (ValueError, sounddevice.PortAudioError):
        return SLOW, "this machine has no sound output", f"connect loudspeakers; {_CHOOSE}"
    rate, name = int(speaker["default_samplerate"]), speaker["name"]
    sent = sweep(rate)
    print(f"Now a sweep of one second from {name} ...", flush=True)
    try:
        sounddevice.query_devices(kind="input")
        heard = sounddevice.playrec(sent, rate, channels=1, blocking=True)[:, 0]
    except (ValueError, sounddevice.PortAudioError):  # no microphone, or one that is not for us
        try:
            sounddevice.play(sent, rate, blocking=True)
        except sounddevice.PortAudioError as error:
            return SLOW, f"{name} does not play ({error})", _CHOOSE
        return SLOW, f"a sweep went to {name}, no microphone listens", "say whether you heard it"
    delay, level, clear = measure(sent, heard, rate)
    if clear < 20:
        return SLOW, f"the microphone did not hear {name}", f"turn it up, or {_CHOOSE}"
    found = f"{name}: heard at {level:.0f} dB, {1000 * delay:.0f} ms late with the way back"
    if abs(heard).max() > 0.99:
        return (
            SLOW,
            f"{found}; the microphone clips",
            "turn the loudspeakers or the microphone down",
        )
    if delay > LATE:
        return SLOW, found, "a cable is faster than Bluetooth, HDMI or a network"
    return FINE, found
