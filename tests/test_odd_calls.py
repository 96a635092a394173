"""Every public function of the rooms, called with one argument that is odd or nearly right."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from odd import ODD, relatives, works_or_says

from lecture_utils import (
    audio,
    data,
    ddsp,
    gan,
    griffin_lim,
    hifi_gan,
    listening_test,
    mel,
    melgan,
    pianoroll,
    vocoder,
    wavenet,
)  # fmt: skip
from lecture_utils import weights as weight_files
from lecture_utils.ddsp import timbre_transfer
from lecture_utils.diffusion import NoiseSchedule, cascade, sample, songs, unet
from lecture_utils.diffusion import metrics as song_metrics
from lecture_utils.instruments import performance, sampler, score
from lecture_utils.listening_test.ratings import to_csv
from lecture_utils.notebook import mushra
from lecture_utils.wavenet import linear_prediction, mu_law, score_conditioning

torch.manual_seed(0)
RNG = np.random.default_rng(0)
X = (0.1 * RNG.standard_normal(1600)).astype(np.float32)
WAVE = torch.from_numpy(X)[None, None]
LOG_MEL = mel.log_mel(X)
SCORES = [torch.randn(2, 7), torch.randn(2, 4)]
FEATURES = [[torch.randn(2, 3, 5), torch.randn(2, 4)], [torch.randn(2, 3, 2)]]
PHRASES = (torch.rand(2, 5, 64, 84) < 0.05).float()
CELLS = PHRASES.numpy() > 0
CODES = torch.randint(0, 256, (2, 40))
F0, LOUD = torch.full((1, 30), 300.0), torch.full((1, 30), -30.0)

melgan_generator = melgan.Generator(base_channels=2, n_residual_layers=1).eval()
hifi_generator = hifi_gan.Generator(channels=16, block_kernels=(3,), dilations=((1,),)).eval()
waves = wavenet.WaveNet(2, 1, 4, 4)
told = wavenet.WaveNet(2, 1, 4, 4, conditioning_channels=2, conditioning_hop=10)
violin = ddsp.Autoencoder(8, 4, 5, reverb_seconds=0.01).eval()
violin.facts = {"lowest_hz": 200.0, "highest_hz": 1500.0, "loud_db": -15.0}
muse, critic = gan.Generator(4, 8).eval(), gan.Critic(8)
dice = muse.noise(2, 0)
schedule = NoiseSchedule.linear(10)
image, steps = torch.randn(1, 2, 8, 8), torch.tensor([3])
network = unet.UNet(2, 1, 8)
song = songs.write_song(np.random.default_rng(0), "A")
levels = song.levels
roll = pianoroll.from_notes([(0, 0, 4, 60), (0, 4, 6, 64)], 16)
notes = score.read_midi(data.path("entertainer"))[:20]
played = notes[:5, :4]
RATINGS = listening_test.simulate({"reference": 98, "a": 40, "b": 60}, 5, "page", seed=0)
RATED = listening_test.table(RATINGS, "page")
VALUES = {"a": 1.0, "b": 2.0, "c": 3.0}
LINE = np.full(300, 300.0, np.float32), np.full(300, 0.5, np.float32)

#: Each public function with arguments that are right.
CALLS = {
    gan.critic_loss: {"real": SCORES[0], "fake": SCORES[0]},
    gan.generator_loss: {"fake": SCORES[0]},
    gan.gradient_penalty: {"critic": lambda x: x.sum(1), "real": SCORES[0], "fake": SCORES[0],
                           "mix": torch.rand(2)},
    gan.modes_found: {"points": torch.randn(9, 2), "places": torch.randn(3, 2), "radius": 0.2,
                      "share": 0.02},
    gan.moves: {"x": torch.zeros(2, 5, 64, 84)},
    gan.binary: {"soft": torch.rand(2, 3)},
    gan.generate: {"model": muse, "noise": dice, "given": CELLS, "track": 1},
    gan.interpolate: {"start": dice, "end": dice, "way": 0.5},
    muse.noise: {"batch": 2, "seed": 0},
    muse: {"noise": dice, "given": PHRASES, "is_given": torch.ones(2, 5)},
    critic: {"x": PHRASES},
    melgan.discriminator_loss: {"real": SCORES, "fake": SCORES},
    melgan.generator_loss: {"fake": SCORES},
    melgan.feature_loss: {"real": FEATURES, "fake": FEATURES},
    melgan_generator: {"log_mel": torch.randn(1, 80, 5)},
    melgan.MultiScaleDiscriminator(4, 2): {"x": WAVE},
    melgan.ScaleDiscriminator(4): {"x": WAVE},
    melgan.ScaleDiscriminator: {"base_channels": 4, "n_layers": 1},
    melgan.Generator: {"n_mels": 8, "base_channels": 2, "n_residual_layers": 1, "rates": (2, 2)},
    hifi_gan.discriminator_loss: {"real": SCORES, "fake": SCORES},
    hifi_gan.generator_loss: {"fake": SCORES},
    hifi_gan.feature_loss: {"real": FEATURES, "fake": FEATURES},
    hifi_gan.mel_loss: {"real": WAVE, "fake": WAVE, "preset": "course16k"},
    hifi_generator: {"log_mel": torch.randn(1, 80, 5)},
    hifi_gan.PeriodDiscriminator(3, 0.01): {"x": WAVE},
    hifi_gan.MultiPeriodDiscriminator(0.01, (2, 3)): {"x": WAVE},
    hifi_gan.ScaleDiscriminator(0.01): {"x": WAVE},
    hifi_gan.MultiScaleDiscriminator(0.01, 2): {"x": WAVE},
    hifi_gan.PeriodDiscriminator: {"period": 3, "width": 0.01},
    hifi_gan.MultiPeriodDiscriminator: {"width": 0.01, "periods": (2, 3)},
    hifi_gan.Generator.from_config: {"name": "v3"},
    hifi_gan.Generator: {"n_mels": 8, "channels": 8, "rates": (2, 2), "kernels": (4, 4),
                         "block_kernels": (3,), "dilations": ((1,),)},
    vocoder.feature_matching_loss: {"real": FEATURES, "fake": FEATURES},
    vocoder.vocode: {"log_mel": LOG_MEL, "model": melgan_generator, "preset": "course16k"},
    vocoder.context_frames: {"block_radius": 3, "rates": (2, 2), "kernels": (4, 4)},
    wavenet.receptive_field: {"dilations": [1, 2, 4], "kernel_size": 2},
    wavenet.negative_log_likelihood: {"logits": torch.randn(2, 256, 40), "codes": CODES},
    wavenet.WaveNet: {"n_layers": 2, "n_stacks": 1, "residual_channels": 4, "skip_channels": 4,
                      "conditioning_channels": 2, "conditioning_hop": 10},
    waves: {"codes": CODES},
    told: {"codes": CODES, "conditioning": torch.randn(2, 2, 4)},
    wavenet.CausalConv1d(2, 3, 2): {"x": torch.randn(1, 2, 9)},
    wavenet.generate: {"model": told, "n_samples": 30, "conditioning": np.zeros((2, 3)),
                       "temperature": 1.0, "prime": CODES[0, :5].numpy(), "seed": 0,
                       "progress": False},
    wavenet.generate_naive: {"model": waves, "n_samples": 3, "temperature": 1.0, "seed": 0},
    mu_law.mu_law_encode: {"x": X, "n_codes": 256},
    mu_law.mu_law_decode: {"codes": CODES[0].numpy(), "n_codes": 256},
    linear_prediction.fit: {"x": X, "order": 4},
    linear_prediction.predict: {"x": X, "weights": np.ones(3) / 4},
    linear_prediction.residual: {"x": X, "weights": np.ones(3) / 4},
    linear_prediction.synthesise: {"surprises": X, "weights": np.ones(3) / 4},
    linear_prediction.bits_per_sample: {"x": X, "weights": np.ones(3) / 4, "deviation": 0.1},
    linear_prediction.fit_deviation: {"x": X, "weights": np.ones(3) / 4},
    score_conditioning.score_frames: {"notes": played, "pedal": [(0.0, 1.0)], "seconds": 1.0},
    ddsp.exp_sigmoid: {"x": torch.randn(4)},
    ddsp.multi_scale_spectral_loss: {"target": WAVE[0], "estimate": WAVE[0], "n_ffts": (64, 128)},
    ddsp.loudness: {"x": X, "sample_rate": 16000, "hop_length": 64},
    ddsp.f0: {"x": X[:800], "sample_rate": 16000, "hop_length": 64, "f_min": 65.0, "f_max": 500.0},
    ddsp.harmonic_oscillator: {"f0_hz": F0, "amplitude": F0 / 1000,
                               "harmonic_distribution": torch.rand(1, 30, 4),
                               "sample_rate": 16000, "hop_length": 64},
    ddsp.filtered_noise: {"magnitudes": torch.rand(1, 3, 5), "hop_length": 64,
                          "noise": torch.rand(1, 192)},
    ddsp.Reverb: {"n_samples": 10},
    ddsp.Reverb(10): {"x": torch.randn(1, 100)},
    ddsp.Autoencoder: {"hidden": 8, "n_harmonics": 4, "n_bands": 5, "n_z": 2,
                       "reverb_seconds": 0.01, "sample_rate": 16000, "hop_length": 64},
    violin: {"f0_hz": F0, "loudness_db": LOUD, "noise": torch.rand(1, 1920)},
    violin.parts: {"f0_hz": F0, "loudness_db": LOUD},
    ddsp.Autoencoder(8, 4, 5, 2, 0).encoder: {"x": torch.randn(1, 1600)},
    timbre_transfer.hold_pitch: {"f0_hz": LINE[0], "n_frames": 25},
    timbre_transfer.fit_controls: {"f0_hz": LINE[0], "loudness_db": -LINE[0],
                                   "range_hz": (100.0, 900.0), "loud_db": -15.0},
    timbre_transfer.transfer: {"model": violin, "x": X, "f0_hz": LINE[0][:25], "seed": 0},
    pianoroll.PianoRoll: {"sounding": CELLS[0], "onsets": None, "programs": (128, 0, 27, 33, 48),
                          "lowest_pitch": 24, "steps_per_beat": 4, "tempo": 90.0,
                          "meter": (3, 4)},
    pianoroll.from_notes: {"notes": [(0, 0, 2, 60)], "steps": 8, "programs": (0,),
                           "lowest_pitch": 24, "n_pitches": 84, "tempo": 90.0},
    pianoroll.from_events: {"events": ["Program_change_0", "Note_on_60", "Time_shift_2",
                                       "Note_off_60"], "tempo": 90.0},
    pianoroll.to_events: {"roll": roll},
    pianoroll.play: {"roll": roll, "sample_rate": 8000},
    pianoroll.draw: {"roll": roll, "keys": (50, 70)},
    pianoroll.from_midi: {"file": data.path("gymnopedie_no1"), "steps_per_beat": 2,
                          "lowest_pitch": 0, "n_pitches": 128},
    pianoroll.empty_bars: {"roll": CELLS, "steps_per_bar": 16},
    pianoroll.used_pitch_classes: {"roll": CELLS, "lowest_pitch": 24, "steps_per_bar": 16},
    pianoroll.qualified_notes: {"roll": CELLS, "onsets": None, "min_steps": 2},
    pianoroll.drum_pattern: {"drums": CELLS[:, 0], "steps_per_beat": 4, "strokes": 8},
    pianoroll.tonal_distance: {"one": CELLS[:, 1], "other": CELLS[:, 2], "lowest_pitch": 24,
                               "steps_per_beat": 4},
    pianoroll.scale_consistency: {"roll": CELLS, "lowest_pitch": 24},
    pianoroll.starts: {"cells": CELLS},
    pianoroll.corpus: {"part": "test"},
    pianoroll.describe: {"cells": CELLS},
    pianoroll.habits: {"cells": CELLS},
    pianoroll.bars_again: {"cells": CELLS},
    pianoroll.nearest: {"cells": CELLS, "others": CELLS, "transpose": 1},
    pianoroll.shuffled: {"cells": CELLS, "seed": 0},
    pianoroll.random_like: {"cells": CELLS, "seed": 0},
    roll.only: {"track": 0},
    score.read_midi: {"file": data.path("gymnopedie_no1")},
    score.humanise: {"notes": notes, "seed": 0, "tempo": 1.0, "transpose": 0, "pedal": True},
    sampler.note: {"instrument": "violin", "pitch": "A4", "seconds": 0.2, "dynamics": 0.5,
                   "sample_rate": 16000},
    sampler.render_solo: {"instrument": "violin", "f0_hz": LINE[0], "dynamics": LINE[1]},
    sampler.render_piano: {"notes": played, "pedal": [(0.0, 1.0)], "sample_rate": 8000},
    sampler.line: {"instrument": "violin", "notes": [("A4", 1), (None, 1)], "tempo": 200},
    performance.to_midi: {"pitch": "A4"},
    performance.phrases: {"minutes": 0.2, "instrument": "violin", "seed": 0},
    NoiseSchedule: {"betas": np.array([0.1, 0.2])},
    NoiseSchedule.linear: {"n_steps": 10, "beta_start": 1e-4, "beta_end": 0.02},
    NoiseSchedule.scaled_linear: {"n_steps": 10, "beta_start": 1e-4, "beta_end": 0.02},
    NoiseSchedule.cosine: {"n_steps": 10, "offset": 0.008},
    schedule.q_sample: {"x0": image, "t": 3, "noise": image},
    schedule.predict_x0: {"x_t": image, "t": steps, "predicted_noise": image},
    schedule.p_sample: {"x_t": image, "t": 3, "predicted_noise": image, "noise": image,
                        "variance": "small"},
    schedule.ddim_sample: {"x_t": image, "t": 3, "predicted_noise": image, "t_next": 1},
    sample: {"schedule": schedule, "predict": lambda x, t: x, "start": image, "n_steps": 2,
             "seed": 0, "known": image, "mask": image > 0},
    network: {"x": image, "t": steps, "condition": image[:, :1]},
    unet.UNet: {"channels": 2, "condition_channels": 1, "width": 8},
    unet.time_embedding: {"t": steps, "size": 8},
    cascade.image: {"level": "melody", "levels": levels},
    cascade.condition: {"level": "melody", "levels": levels},
    cascade.window: {"x": levels["melody"], "level": "melody", "bar": 0},
    songs.write_song: {"rng": np.random.default_rng(0), "form": "A", "key": 0, "minor": True},
    songs.random_form: {"rng": np.random.default_rng(0), "max_bars": 32},
    songs.form_image: {"form": "iA", "key": 0, "minor": False},
    songs.read_form: {"image": levels["form"]},
    songs.to_roll: {"melody": levels["melody"], "accompaniment": levels["accompaniment"],
                    "tempo": 140},
    songs.sketch_roll: {"sketch": levels["sketch"], "tempo": 140},
    song_metrics.sketch_agreement: {"melody": levels["melody"], "sketch": levels["sketch"]},
    song_metrics.chord_tone_rate: {"melody": levels["melody"],
                                   "accompaniment": levels["accompaniment"]},
    song_metrics.likeness: {"one": levels["melody"], "other": levels["melody"]},
    song_metrics.returns: {"melody": levels["melody"], "bars": 2},
    listening_test.bootstrap_mean: {"scores": np.arange(5.0), "confidence": 0.9,
                                    "n_resamples": 200, "seed": 0},
    listening_test.means: {"table": RATED, "confidence": 0.9, "n_resamples": 200, "seed": 0},
    listening_test.difference: {"table": RATED, "first": "a", "second": "b", "seed": 0},
    listening_test.post_screen: {"ratings": RATINGS},
    listening_test.sign_test: {"right": 3, "n": 5},
    listening_test.rank_correlation: {"first": VALUES, "second": VALUES, "lower_is_better": True},
    listening_test.williams_orders: {"n_stimuli": 4},
    listening_test.simulate: {"opinions": {"a": 40, "b": 50}, "n_listeners": 3, "trial": "page",
                              "test": "t", "n_careless": 1, "taste": 3.0, "severity": 2.0,
                              "seed": 0},
    listening_test.anchors: {"x": X, "sample_rate": 16000},
    listening_test.table: {"ratings": RATINGS, "trial": "page"},
    listening_test.too_few: {"n_listeners": 3},
    listening_test.draw_listeners: {"table": RATED, "own": "simulated-01", "title": "x"},
    to_csv: {"ratings": RATINGS},
    mushra.rate: {"sounds": {"reference": X, "a": X, "b": X}, "sample_rate": 16000, "test": "t",
                  "trial": "p", "caption": "c", "training": False, "seed": 0},
    mushra.pairs: {"people": {"a": X}, "machines": {"b": X}, "sample_rate": 16000, "test": "t",
                   "trial": "p", "caption": "c", "seed": 0},
    mel.log_mel: {"x": X, "preset": "course16k", "sample_rate": 16000},
    weight_files.load: {"name": "ddsp_flute", "model_class": ddsp.Autoencoder},
    data.load: {"name": "kick", "sample_rate": 8000},
    data.load_array: {"name": "hum_f0"},
    data.names: {"kind": "clip"},
}  # fmt: skip


def called(function):
    """Return a name for the report."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '?').split('.')[-1]}.{name}"


@pytest.mark.parametrize("function", CALLS, ids=called)
def test_right_calls_work_and_odd_ones_are_told(function):
    right, wrong = CALLS[function], []
    with torch.set_grad_enabled(function is gan.gradient_penalty):
        function(**right)
        calls = [
            right | {name: odd} for name, value in right.items() for odd in ODD + relatives(value)
            if (name, repr(odd)) not in SLOW
        ] + [dict.fromkeys(right, odd) for odd in ODD]  # fmt: skip
        for call in calls:
            try:
                works_or_says(function, **call)
            except Exception as error:
                changed = {k: v for k, v in call.items() if v is not right[k]}
                wrong.append(
                    f"{changed!r:.50}: {type(error).__name__}: {error}"[:200].replace("\n", " ")
                )
    assert not wrong, "\n".join(wrong)


#: Legal, but nothing to wait for.
SLOW = {(name, "1000000000.0") for name in ("seconds", "minutes")} | {("hop_length", "1")}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data())
def test_any_two_arguments_may_be_odd(choose):
    """Also together, and with values from elsewhere in the table."""
    function = choose.draw(st.sampled_from(list(CALLS)))
    right = CALLS[function]
    call = dict(right)
    for name in choose.draw(st.lists(st.sampled_from(list(right)), min_size=1, max_size=2)):
        call[name] = choose.draw(st.sampled_from(ODD + relatives(right[name]) + ELSEWHERE))
        assume((name, repr(call[name])) not in SLOW)
    works_or_says(function, **call)


#: Arguments that are right for something else.
ELSEWHERE = [X, WAVE, LOG_MEL, SCORES, FEATURES, PHRASES, CELLS, CODES, F0, violin, muse, roll,
             schedule, image, song, notes, played, np.fft.rfft(X), [X, X]]  # fmt: skip


def test_right_answers_where_there_was_none_or_a_wrong_one():
    """Each of these was wrong, or a library's complaint, when others tried the course."""
    one, none = torch.ones(4), torch.zeros(4)
    assert melgan.discriminator_loss([one], [none]) == 1.0
    for loss in (melgan.discriminator_loss, hifi_gan.discriminator_loss):
        with pytest.raises(TypeError, match="real: expected a list, one entry for each"):
            loss(one, none)
        with pytest.raises(ValueError, match="real has 1 entries and fake 2"):
            loss([one], [none, none])
    with pytest.raises(ValueError, match=r"fake: shape \(1, 4\) needed, \(3, 4\) given"):
        vocoder.feature_matching_loss([[torch.ones(1, 4)]], [[torch.ones(3, 4)]])
    x = torch.randn(3, 5)
    assert gan.gradient_penalty(lambda x: torch.ones(3), x, x) == 1.0  # the slope is 0
    assert gan.gradient_penalty(lambda x: torch.ones(3, requires_grad=True), x, x) == 1.0
    assert ddsp.exp_sigmoid(np.zeros(2)).tolist() == pytest.approx([2 * 0.5 ** np.log(10)] * 2)
    held = timbre_transfer.hold_pitch([440.0, 0.0, float("nan"), 0.0], 2)
    assert held.tolist() == [440, 440, 440, 0]
    assert waves(CODES.to(torch.uint8)).equal(waves(CODES))
    mel_of_two = torch.randn(1, 80, 6)
    assert torch.allclose(hifi_generator(mel_of_two.double()), hifi_generator(mel_of_two))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pianoroll.PianoRoll(np.zeros((1, 84, 8))), "84 steps and 8 keys; transposed"),
        (lambda: violin(F0, LOUD + 90), "60 dB found; 0 dB is full scale"),
        (lambda: wavenet.receptive_field([1, 2], 0), "kernel_size=0"),
        (lambda: linear_prediction.bits_per_sample(X, [0.5], 0), "deviation=0"),
        (lambda: griffin_lim.griffin_lim(np.ones((200, 513))), r"frames first; pass magnitude.T"),
        (lambda: griffin_lim.griffin_lim(np.ones((80, 200))), "rows are a mel's"),
        (lambda: griffin_lim.griffin_lim(-np.ones((80, 200))), "rows are a mel's"),
        (lambda: audio.istft(np.ones((2000, 513), complex)), r"frames first; pass spectrum.T"),
        (lambda: waves(CODES.float()), "got torch.float32; encode sound"),
        (lambda: waves(CODES > 0), "got torch.bool; encode sound"),
        (lambda: waves(CODES.numpy()), "expected a torch tensor, got ndarray"),
        (lambda: waves(CODES[0]), r"shape \(batch, n\) needed, \(40,\) given"),
        (lambda: waves(CODES + 256), "codes lie in 0 .. 255"),
        (lambda: wavenet.generate(waves, 10, seed=-1), "seed=-1"),
        (lambda: wavenet.generate(X, 10), "expected a WaveNet, got ndarray"),
        (lambda: wavenet.generate_naive(waves, 2.5), "n_samples=2.5"),
        (lambda: wavenet.generate_naive(waves, 2, temperature=0), "a number above 0"),
        (lambda: hifi_gan.PeriodDiscriminator(3, 0.01)(WAVE[0]), r"shape \(batch, 1, n\) needed"),
        (lambda: melgan_generator(torch.ones(1, 40, 9)), r"shape \(batch, 80, frames\) needed"),
        (lambda: melgan_generator(LOG_MEL), "expected a torch tensor, got ndarray"),
        (lambda: hifi_generator(LOG_MEL), "expected a torch tensor, got ndarray"),
        (lambda: mel.log_mel(X, sample_rate=44_100), "course16k is for 16000 Hz; use audio.resamp"),
    ],
)
def test_sentences_for_the_odd_calls_that_others_found(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()
