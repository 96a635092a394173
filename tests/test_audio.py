"""The door of every room: what comes in as sound, and how wrong input is answered."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecture_utils import audio, griffin_lim, phase, sound_file


def tone(seconds=0.5, hz=440.0, rate=16000):
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


def test_integer_pcm_is_scaled():
    assert audio.as_audio(np.array([-32768, 0, 16384], np.int16)).tolist() == [-1.0, 0.0, 0.5]
    assert audio.as_audio(np.array([0, 128, 192], np.uint8)).tolist() == [-1.0, 0.0, 0.5]
    assert audio.as_audio(np.array([-(2**31), 2**30], np.int32)).tolist() == [-1.0, 0.5]


@pytest.mark.parametrize("shape", [(1, 100), (100, 1), (1, 1, 100)])
def test_empty_axes_go(shape):
    x = np.arange(100, dtype=np.float32) / 100
    assert np.array_equal(audio.as_audio(x.reshape(shape)), x)


@pytest.mark.parametrize("channels_first", [True, False])
def test_stereo_is_mixed_down_with_a_warning(channels_first):
    stereo = np.stack([np.full(100, 0.2), np.full(100, 0.6)])
    with pytest.warns(UserWarning, match="2 channels mixed down"):
        mono = audio.as_audio(stereo if channels_first else stereo.T)
    assert np.allclose(mono, 0.4)


@pytest.mark.parametrize("other", [-1.0, -0.9, -0.6])
def test_channels_that_cancel_are_not_mixed(other, tmp_path):
    left = 0.5 * tone()
    with pytest.warns(UserWarning, match="2 channels cancel each other; channel 1 alone is used"):
        assert np.array_equal(audio.as_audio(np.stack([left, other * left])), left)
    soundfile.write(tmp_path / "wide.wav", np.stack([other * left, left], 1), 16000)
    with pytest.warns(UserWarning, match=r"wide.wav: 2 channels cancel.*channel [12] alone"):
        assert np.abs(np.abs(audio.read(tmp_path / "wide.wav")[0]) - np.abs(left)).max() < 1e-4


def test_channels_that_differ_are_mixed():
    rng = np.random.default_rng(0)
    for channels in (rng.normal(0, 0.1, (8, 9000)), np.stack([tone(), 0 * tone()])):
        with pytest.warns(UserWarning, match="channels mixed down to mono"):
            assert np.allclose(audio.as_audio(channels), channels.mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([], ValueError, "0 samples given"),
        ([0.0, np.nan], ValueError, "sample 1 is nan"),
        ([np.inf, 0.0], ValueError, "sample 0 is inf"),
        (np.full(10, 12000.0), ValueError, "divide 16-bit sound by 32768"),
        (np.arange(10) * 1000, ValueError, "divide 16-bit sound by 32768"),
        (np.zeros(5, complex), TypeError, "complex"),
        (["a"], TypeError, "real samples"),
        (np.zeros((20, 20)), ValueError, "one sound at a time"),
        (np.zeros((2, 3, 100)), ValueError, "one sound at a time"),
        ([[0.0, 1.0], [1.0]], ValueError, "rows of different lengths"),
    ],
)
def test_wrong_sound_gets_one_sentence(x, error, message):
    with pytest.raises(error, match=message) as info:
        audio.as_audio(x)
    assert "\n" not in str(info.value)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int16, np.uint8, np.int64, np.bool_]),
        hnp.array_shapes(max_dims=3, min_side=0, max_side=12),
    )
)
@pytest.mark.filterwarnings("ignore:.*mixed down:UserWarning")
def test_any_array_works_or_is_refused_clearly(x):
    try:
        y = audio.as_audio(x)
    except (ValueError, TypeError) as error:
        assert str(error).startswith("audio: ") and "\n" not in str(error)
    else:
        assert y.dtype == np.float32 and y.ndim == 1 and len(y) and np.isfinite(y).all()


@pytest.mark.parametrize("rate", [-1, 0, 50, 1e7, 44100.5, "16000", None, float("nan")])
def test_wrong_rate(rate):
    with pytest.raises(ValueError, match="is not a sample rate"):
        audio.check_sample_rate(rate)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_write_then_read(tmp_path, suffix):
    path = audio.write(tmp_path / f"tone.{suffix}", 0.5 * tone(), 16000)
    x, rate = audio.read(path)
    assert rate == 16000 and np.abs(x - 0.5 * tone()).max() < 2**-15


def test_read_resamples_96_khz_eight_bit_stereo(tmp_path):
    path = tmp_path / "odd.wav"
    x = 0.5 * tone(rate=96000)
    soundfile.write(path, np.stack([x, x], 1), 96000, subtype="PCM_U8")
    with pytest.warns(UserWarning, match="mixed down"):
        y, rate = audio.read(path, sample_rate=16000)
    assert rate == 16000 and len(y) == 8000
    assert np.abs(y - 0.5 * tone())[100:-100].max() < 0.02


@pytest.mark.parametrize("first", ["loud", "quiet"])
def test_a_whole_mp3_is_read_although_it_tells_no_length(tmp_path, first):
    """Without the table in its first frame, the length is guessed from the frame after it."""
    noise = 0.3 * np.random.default_rng(0).uniform(-1, 1, 24000)
    x = np.concatenate([noise, 0.1 * tone(2.0)][:: 1 if first == "loud" else -1])
    path = tmp_path / "vbr.mp3"
    with soundfile.SoundFile(
        path, "w", 16000, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.3
    ) as file:
        file.write(x)
    whole, _ = audio.read(path)
    data = path.read_bytes()
    tagged = data.index(b"\xff\xf3", 100)  # the frame after the one with the table
    path.write_bytes(data[tagged:])
    assert abs(soundfile.info(path).frames - len(x)) > 10_000
    y, rate = audio.read(path)
    late = len(y) - len(whole)  # nobody cuts off the encoder's delay now
    assert rate == 16000 and 0 <= late < 2500
    start = int(np.correlate(y, whole[4000:-4000], "valid").argmax())
    assert np.corrcoef(y[start : start + len(whole) - 8000], whole[4000:-4000])[0, 1] > 0.99
    assert len(audio.read(path, start=2.0, duration=0.5)[0]) == 8000
    with pytest.raises(ValueError, match="lasts 3.* s; nothing starts at 9 s"):
        audio.read(path, start=9)


def test_flac_of_unknown_length_is_read_to_its_end(tmp_path):
    path = tmp_path / "streamed.flac"
    x = 0.5 * tone(5.0)
    soundfile.write(path, x, 16000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits that tell the number of samples
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert soundfile.info(path).frames > 2**62
    assert np.abs(audio.read(path)[0] - x).max() < 2**-15
    part, _ = audio.read(path, start=4.5, duration=3)
    assert np.abs(part - x[72000:]).max() < 2**-15
    with pytest.raises(ValueError, match="nothing readable from 7 s on"):
        audio.read(path, start=7)


def test_endless_streams_stay_within_memory(tmp_path, monkeypatch):
    path = tmp_path / "streamed.flac"
    soundfile.write(path, np.zeros(50_000), 16000)
    data = bytearray(path.read_bytes())
    data[21], data[22:26] = data[21] & 0xF0, bytes(4)
    path.write_bytes(data)
    monkeypatch.setattr(sound_file, "MAX_SECONDS", 2.0)
    with pytest.raises(ValueError, match="lasts too long; read a part of at most"):
        audio.read(path)
    assert len(audio.read(path, duration=1.5)[0]) == 24000


@pytest.mark.parametrize("suffix", ["flac", "mp3", "wav"])
def test_half_a_file_is_used_and_told(tmp_path, suffix):
    path = tmp_path / f"half.{suffix}"
    soundfile.write(path, 0.5 * tone(6.0), 16000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match=r"half.* is cut off or damaged; the [23].* s before it"):
        x, _ = audio.read(path)
    assert 2 < len(x) / 16000 < 3.5
    assert np.abs(np.abs(x[16000:24000]).max() - 0.5) < 0.05


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_that_tells_no_length_is_whole(tmp_path, size):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, 0.5 * tone(2.0), 16000)
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    assert len(audio.read(path)[0]) == 32_000


def test_read_refuses_what_is_no_sound(tmp_path):
    (tmp_path / "text.wav").write_text("not a sound")
    (tmp_path / "empty.wav").write_bytes(b"")
    for name in ("text.wav", "empty.wav"):
        with pytest.raises(ValueError, match=f"{name} is not a readable sound file"):
            audio.read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="check the name"):
        audio.read(tmp_path / "missing.wav")
    soundfile.write(tmp_path / "no_samples.wav", np.zeros(0), 16000)
    with pytest.raises(ValueError, match="lasts 0.00 s"):
        audio.read(tmp_path / "no_samples.wav")


def test_an_hour_is_read_in_parts(tmp_path):
    path = tmp_path / "hour.flac"
    soundfile.write(path, np.zeros(3600 * 1000, np.int16), 1000)
    with pytest.raises(ValueError, match="lasts 60 minutes; read a part"):
        audio.read(path)
    x, _ = audio.read(path, start=1800, duration=2)
    assert len(x) == 2000
    with pytest.raises(ValueError, match="nothing starts"):
        audio.read(path, start=4000, duration=2)


def test_resample_keeps_pitch_and_level():
    y = audio.resample(tone(1.0, rate=48000), 48000, 16000)
    assert np.abs(y - tone(1.0))[200:-200].max() < 1e-3


@pytest.mark.parametrize(
    ("n", "old", "new"),
    [(16000, 48000, 16000), (7001, 44100, 16000), (333, 8000, 22050), (1, 16000, 44100)],
)
def test_resample_equals_librosa(n, old, new):
    import librosa

    x = np.random.default_rng(n).standard_normal(n).astype(np.float32) / 8
    wanted = librosa.resample(x, orig_sr=old, target_sr=new, res_type="soxr_hq")
    assert np.array_equal(audio.resample(x, old, new), wanted)


def test_levels():
    assert audio.level_db(tone()) == pytest.approx(-3.01, abs=0.01)
    assert audio.level_db(np.zeros(10)) == -np.inf
    assert audio.level_db(audio.match_level(0.1 * tone(), tone())) == pytest.approx(-3.01, abs=0.01)
    assert not audio.match_level(np.zeros(10), tone()).any()


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (512, 100), (2048, 1024)])
def test_stft_equals_librosa_and_comes_back(n_fft, hop):
    import librosa

    x = np.random.default_rng(0).normal(0, 0.1, 12345).astype(np.float32)
    spectrum = audio.stft(x, n_fft, hop)
    expected = librosa.stft(x, n_fft=n_fft, hop_length=hop, pad_mode="reflect")
    assert spectrum.shape == (n_fft // 2 + 1, 1 + len(x) // hop)
    assert np.abs(spectrum - expected).max() < 1e-4
    assert np.abs(audio.istft(spectrum, hop, len(x)) - x).max() < 1e-5


SOUNDS = {
    "tone": lambda t, hz, rng: np.sin(2 * np.pi * hz * t + rng.uniform(0, 7)),
    "chord": lambda t, hz, rng: sum(np.sin(2 * np.pi * k * hz * t) for k in (4, 5, 6)),
    "noise": lambda t, hz, rng: rng.standard_normal(len(t)),
    "clicks": lambda t, hz, rng: (t % round(1 / hz) == 0) * 1.0,
    "pluck": lambda t, hz, rng: np.sin(2 * np.pi * hz * t) * np.exp(-t / 500),
    "swell": lambda t, hz, rng: np.sin(2 * np.pi * hz * t) * t,
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(sorted(SOUNDS)), half=st.integers(2, 600), hop=st.floats(0.05, 1),
    n=st.floats(1.01, 9), more=st.floats(0, 1), hz=st.floats(0.004, 0.2), seed=st.integers(0, 999),
)  # fmt: skip
def test_whatever_is_done_to_a_spectrum_the_sound_stays_as_loud(kind, half, hop, n, more, hz, seed):
    """Within 6 dB of the sound's peak, to the last sample; and unchanged if nothing was done."""
    n_fft, hop, n = 2 * half, max(1, int(hop * half)), int(n * half) + 2
    x = SOUNDS[kind](np.arange(n), hz, np.random.default_rng(seed))
    x = (0.4 * x / np.abs(x).max()).astype(np.float32)
    spectrum = audio.stft(x, n_fft, hop)
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(n_fft) / half)
    weight = np.zeros(n + 2 * n_fft)
    for t in range(spectrum.shape[1]):
        weight[t * hop : t * hop + n_fft] += window**2
    well_seen = weight[half : half + n] > 0.1 * weight.max()
    back = audio.istft(spectrum, hop, n)
    if kind not in ("swell", "clicks"):  # their end may be louder than all the rest
        assert np.abs(back - x)[well_seen].max() < 1e-4
    random = np.random.default_rng(seed).uniform(-np.pi, np.pi, spectrum.shape)
    held = (spectrum.shape[1] - 1) * hop
    lengths = n, held + int(more * half)
    made = [audio.istft(np.abs(spectrum) * np.exp(1j * random), hop, k) for k in lengths]
    made += [back, phase.scramble(x, 1.0, seed, n_fft, hop)]
    for n_iter in (0, 1, 4):
        search = griffin_lim.griffin_lim
        made.append(search(np.abs(spectrum), n_iter, hop_length=hop, seed=seed, length=n))
    assert max(np.abs(y).max() for y in made) < 2 * 0.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(n_fft=1023), "even number"),
        (dict(n_fft=0), "even number"),
        (dict(hop_length=0), "overlap by half"),
        (dict(hop_length=600), "overlap by half"),
        (dict(n_fft=1024.0), "whole number"),
    ],
)
def test_stft_sizes(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        audio.stft(tone(), **arguments)


def test_stft_of_one_sample():
    with pytest.raises(ValueError, match="513 samples needed"):
        audio.stft(np.ones(1))
    with pytest.raises(TypeError, match="expected complex"):
        audio.istft(np.ones((513, 10)))
    with pytest.raises(ValueError, match="hold no samples"):
        audio.istft(np.ones((513, 1), complex))
