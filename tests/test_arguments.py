"""Whatever comes in, a public function works or answers with one clear sentence of its own."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd import ODD, works_or_says

from lecture_utils import arguments as doors
from lecture_utils import audio, griffin_lim, mel, metrics, phase
from lecture_utils.notebook import plot

RATE = 16000
RNG = np.random.default_rng(0)
X = (0.1 * RNG.standard_normal(4000)).astype(np.float32)
SPECTRUM = audio.stft(X)
M, ANGLE = np.abs(SPECTRUM), np.angle(SPECTRUM)
LOG_MEL = mel.log_mel(X)

SOUNDS = [
    np.zeros(0), np.full(4000, np.nan), np.append(X, np.inf), 0 * X, X[:1], np.stack([X, X]),
    (3e4 * X).astype(np.int16), (100 * X + 128).astype(np.uint8), X > 0, X + 0j, 1e30 * X,
    np.array(["a", "b"]), np.array([1, None], object), np.zeros((3, 4, 5)), torch.tensor(X),
    torch.full((4000,), torch.nan), torch.ones(4000, dtype=torch.int16), torch.tensor(X).half(),
    torch.tensor(X, requires_grad=True), torch.tensor(X)[None], X[:600].tolist(),
]  # fmt: skip
MATRICES = [
    M, M.T, -M - 1, 0 * M, M + np.inf, np.where(M > 0, np.nan, M), M[:, :1], M[:2], M[:512],
    M[None], M.astype(np.float16), (10 * M).astype(int), M > 1, np.zeros((513, 0)),
    np.zeros((0, 0)),
    SPECTRUM, SPECTRUM * np.nan, SPECTRUM[:, :1], torch.tensor(M), torch.tensor(SPECTRUM), ANGLE,
    torch.tensor(M, requires_grad=True), LOG_MEL, LOG_MEL.T, LOG_MEL + 1e3, np.array([["a"]]),
]  # fmt: skip

#: Each public function, with one argument left open.
FUNCTIONS = {
    "as_audio": audio.as_audio,
    "check_sample_rate": audio.check_sample_rate,
    "read": audio.read,
    "resample": lambda v: audio.resample(v, RATE, 8000),
    "resample old": lambda v: audio.resample(X, v, 8000),
    "resample new": lambda v: audio.resample(X, RATE, v),
    "level_db": audio.level_db,
    "match_level": lambda v: audio.match_level(v, X),
    "match_level reference": lambda v: audio.match_level(X, v),
    "stft": audio.stft,
    "stft n_fft": lambda v: audio.stft(X, v, 64),
    "stft hop": lambda v: audio.stft(X, 1024, v),
    "istft": audio.istft,
    "istft hop": lambda v: audio.istft(SPECTRUM, v),
    "istft length": lambda v: audio.istft(SPECTRUM, 256, v),
    "combine magnitude": lambda v: phase.combine(v, ANGLE),
    "combine phase": lambda v: phase.combine(M, v),
    "wrap": phase.wrap,
    "quantise": lambda v: phase.quantise(v, 3),
    "quantise n_bits": lambda v: phase.quantise(ANGLE, v),
    "random_phase seed": lambda v: phase.random_phase((2, 2), v),
    "mix": lambda v: phase.mix(v, ANGLE, 0.5),
    "mix other": lambda v: phase.mix(ANGLE, v, 0.5),
    "mix amount": lambda v: phase.mix(ANGLE, ANGLE, v),
    "replace": lambda v: phase.replace(v, 0.0),
    "replace phase": lambda v: phase.replace(X, v),
    "scramble": phase.scramble,
    "scramble amount": lambda v: phase.scramble(X, v),
    "scramble seed": lambda v: phase.scramble(X, 1, v),
    "swap": lambda v: phase.swap(v, X),
    "instantaneous_frequency": phase.instantaneous_frequency,
    "instantaneous_frequency rate": lambda v: phase.instantaneous_frequency(SPECTRUM, v),
    "instantaneous_frequency hop": lambda v: phase.instantaneous_frequency(SPECTRUM, RATE, v),
    "group_delay": phase.group_delay,
    "griffin_lim": lambda v: griffin_lim.griffin_lim(v, 1),
    "griffin_lim n_iter": lambda v: griffin_lim.griffin_lim(M, v),
    "griffin_lim momentum": lambda v: griffin_lim.griffin_lim(M, 1, v),
    "griffin_lim n_fft": lambda v: griffin_lim.griffin_lim(M, 1, 0, v),
    "griffin_lim hop": lambda v: griffin_lim.griffin_lim(M, 1, hop_length=v),
    "griffin_lim init": lambda v: griffin_lim.griffin_lim(M, 1, init=v),
    "griffin_lim seed": lambda v: griffin_lim.griffin_lim(M, 1, seed=v),
    "griffin_lim length": lambda v: griffin_lim.griffin_lim(M, 1, length=v),
    "from_mel": lambda v: griffin_lim.from_mel(v, n_iter=1),
    "from_mel preset": lambda v: griffin_lim.from_mel(LOG_MEL, v, 1),
    "spectral_convergence": lambda v: griffin_lim.spectral_convergence(v, M),
    "spectral_convergence magnitude": lambda v: griffin_lim.spectral_convergence(X, v),
    "spectral_convergence hop": lambda v: griffin_lim.spectral_convergence(X, M, v),
    "get_preset": mel.get_preset,
    "log_mel": lambda v: None if _is_tensor_of_nan(v) else mel.log_mel(v),
    "log_mel preset": lambda v: mel.log_mel(X, v),
    "invert": mel.invert,
    "invert n_iter": lambda v: mel.invert(LOG_MEL, n_iter=v),
    "check_log_mel": mel.check_log_mel,
    "MelSpectrogram": mel.MelSpectrogram(),
    "MelSpectrogram rate": mel.MelSpectrogram,
    "MelSpectrogram n_mels": lambda v: mel.MelSpectrogram(n_mels=v),
    "MelSpectrogram f_min": lambda v: mel.MelSpectrogram(f_min=v),
    "MelSpectrogram f_max": lambda v: mel.MelSpectrogram(f_max=v),
    "MelSpectrogram epsilon": lambda v: mel.MelSpectrogram(epsilon=v),
    "snr_db": lambda v: metrics.snr_db(v, X),
    "spectral_convergence_db": lambda v: metrics.spectral_convergence_db(X, v),
    "spectral_convergence_db n_fft": lambda v: metrics.spectral_convergence_db(X, X, v, 64),
    "multi_resolution_stft": lambda v: metrics.multi_resolution_stft(X, v),
    "multi_resolution_stft n_ffts": lambda v: metrics.multi_resolution_stft(X, X, v),
    "log_mel_l1": lambda v: metrics.log_mel_l1(X, v),
    "f0_hz rate": lambda v: metrics.f0_hz(X[:1500], v),
    "f0_hz hop": lambda v: None if repr(v) == "1" else metrics.f0_hz(X[:1500], RATE, v),
    "f0_hz f_min": lambda v: metrics.f0_hz(X[:1500], RATE, 256, v),
    "f0_hz f_max": lambda v: metrics.f0_hz(X[:1500], RATE, 256, 65, v),
    "cents": lambda v: metrics.cents(v, np.ones(4000)),
    "f0_error_cents": lambda v: metrics.f0_error_cents(v, np.ones(4000)),
    "waveform": lambda v: plot.waveform(v, RATE),
    "spectrogram": lambda v: plot.spectrogram(v, RATE),
    "spectrogram rate": lambda v: plot.spectrogram(M, v),
    "spectrogram hop": lambda v: plot.spectrogram(M, RATE, 1024, v),
    "spectrogram top_db": lambda v: plot.spectrogram(M, RATE, top_db=v),
    "spectrogram reference": lambda v: plot.spectrogram(M, RATE, reference=v),
    "spectrogram f_max": lambda v: plot.spectrogram(M, RATE, f_max=v),
    "phase picture": lambda v: plot.phase(v, RATE),
    "image": lambda v: plot.image(v, RATE),
    "image limits": lambda v: plot.image(M, RATE, limits=v),
    "mel picture": lambda v: plot.mel(v, RATE),
    "subplots": plot.subplots,
    "show alt": lambda v: plot.show(plot.subplots()[0], v) if v is not ODD[2] else None,
}


def _is_tensor_of_nan(value):
    """A batch in training is not searched for NaN: the training loop does that once, for all."""
    return isinstance(value, torch.Tensor) and bool(torch.isnan(value).any())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_values(name):
    takes_data = " " not in name or name.split()[1] in ("magnitude", "phase", "init", "picture")
    for value in ODD + (SOUNDS + MATRICES if takes_data else []):
        works_or_says(FUNCTIONS[name], value)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Sound files as people have them."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "text.wav").write_text("this is no sound")
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "no_samples.wav", np.zeros(0), RATE)
    soundfile.write(folder / "nan.wav", np.append(X, np.nan), RATE, subtype="FLOAT")
    soundfile.write(folder / "hour.wav", np.zeros(3600 * 1000), 1000, subtype="PCM_U8")
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.wav", "not a readable sound file"),
        ("empty.wav", "not a readable sound file"),
        ("no_samples.wav", "nothing starts"),
        ("nan.wav", "sample 4000 is nan"),
        ("hour.wav", "lasts 60 minutes"),
        ("missing.wav", "No sound file"),
        ("", "No sound file"),
    ],
)
def test_files(files, name, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        audio.read(files / name)


def test_part_of_a_file_that_asks_for_too_much_ends_with_it(files):
    x, rate = audio.read(files / "hour.wav", start=3590, duration=1e6)
    assert (len(x), rate) == (10_000, 1000)
    for value in ODD:
        works_or_says(audio.read, files / "hour.wav", None, 3599, value)
        works_or_says(audio.read, files / "hour.wav", None, value, 1.0)


@pytest.mark.parametrize("name", ["x", "x.mp3", "x.ogg", "x.xyz", "", "no/folder.wav", None, 5])
def test_write_says_which_names_it_takes(tmp_path, name):
    path = tmp_path / name if isinstance(name, str) else name
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=r"must end|folder|file"):
        audio.write(path, X, RATE)
    assert list(tmp_path.iterdir()) == []


numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(), st.none(), st.text(max_size=3))
arrays = st.builds(
    lambda shape, kind, scale: (scale * RNG.standard_normal(shape)).astype(kind),
    st.lists(st.integers(0, 40), max_size=3).map(tuple),
    st.sampled_from(["f4", "f8", "c8", "i2", "u1", "?"]),
    st.sampled_from([0.0, 0.1, 3.0]),
)
COMMON = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@COMMON
@given(arrays, numbers, numbers)
def test_any_array_and_sizes(values, first, second):
    with np.errstate(invalid="ignore", over="ignore"):
        small = second if not isinstance(second, int) else second % 3
        works_or_says(audio.stft, values, first, second)
        works_or_says(audio.istft, values, first, second)
        works_or_says(phase.mix, values, values, first)
        works_or_says(phase.scramble, values, first, second, 16, 4)
        works_or_says(phase.replace, values, values, 16, 4)
        works_or_says(phase.instantaneous_frequency, values, first, second)
        works_or_says(griffin_lim.griffin_lim, values, small, first, None, 4)
        works_or_says(griffin_lim.spectral_convergence, values.ravel(), values, second)
        works_or_says(mel.invert, values, "course16k", small)
        works_or_says(metrics.multi_resolution_stft, values, values, (16, 32))
        works_or_says(metrics.cents, values, first)


@COMMON
@given(numbers, numbers, numbers)
def test_numbers_come_back_whole_and_in_range(value, low, high):
    low, high = (x if isinstance(x, (int, float)) and x == x else d for x, d in
                 ((low, -np.inf), (high, np.inf)))  # fmt: skip
    for whole in (False, True):
        found = works_or_says(lambda w: doors.number(value, "x", low, high, w), whole)
        if found is not None:
            assert low <= found <= high and np.isfinite(found) and found == value
            assert isinstance(found, int if whole else float)


def test_sentences_of_the_door():
    for call, sentence in {
        lambda: doors.number("3", "n", 0): "n='3': give a number, 0 or more.",
        lambda: doors.number(7, "n", 1, 3, whole=True): "n=7: give a whole number from 1 to 3.",
        lambda: doors.number(X, "n"): "n=<ndarray>: give a number.",
        lambda: doors.array(
            M + 0j, "m"
        ): "m: got complex numbers; use np.abs() or np.angle() first.",
        lambda: doors.array(X, "m", ("a", "b")): "m: expected shape (a, b), got (4000,).",
        lambda: doors.array(["x"], "m"): "m: expected real numbers, got <U1.",
        lambda: doors.array(X, "m", kinds="c"): "m: expected complex numbers, got float32.",
        lambda: doors.counts((2, 0), "rates"): "rates=0: give a whole number, 1 or more.",
        lambda: doors.counts(3, "rates"): "rates=3: give a list of whole numbers, one or more.",
        lambda: doors.text(3, "name"): "name=3: give a name as text.",
        lambda: doors.flag("yes", "pedal"): "pedal='yes': give True or False.",
        lambda: doors.both([1], []): (
            "real has 1 entries and fake 0: one for each discriminator needed."
        ),
        lambda: doors.seed(-1): "seed=-1: give a whole number, 0 or more.",
        lambda: doors.path(3): "path: expected the name of a file, got int.",
    }.items():
        with pytest.raises((ValueError, TypeError)) as info:
            call()
        assert str(info.value) == sentence
