"""Measured figures of the course against their limits: ``make bench``.

A group is a function marked ``@group`` that yields ``(what, value, limit)``, fine if value <=
limit. Times are ratios inside one run: rounds interleaved, one thread, the median told, so that a
busy machine hits both sides. ``make bench ONLY=griffin`` runs the groups of that name.
"""

import functools
import os
import statistics
import subprocess
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

GROUPS = []


def group(function):
    """Add a group of rows to the table."""
    GROUPS.append(function)
    return function


def seconds(function):
    """Time one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def ratios(rounds, ours, *others):
    """Median over `rounds` of time(ours) / time(other), for each of `others`."""
    for function in (ours, *others):
        function()
    found = [[] for _ in others]
    for _ in range(rounds):
        own = seconds(ours)
        for ratio, other in zip(found, others, strict=True):
            ratio.append(own / seconds(other))
    return [statistics.median(ratio) for ratio in found]


@group
def imports():
    """A light package."""
    code = (
        "import time; t = time.perf_counter(); import lecture_utils; print(time.perf_counter() - t)"
    )
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    yield "import lecture_utils, seconds", statistics.median(times), 0.3


@group
def griffin_lim():
    """Sixty iterations on 5 s, n_fft 1024, hop 256, from zero phase."""
    import librosa
    import numpy as np
    import torch
    import torchaudio

    from lecture_utils import audio, data
    from lecture_utils import griffin_lim as gl

    torch.set_num_threads(1)
    x = audio.as_audio(np.resize(data.load("guitar", 16000)[0], 5 * 16000))
    magnitude = np.abs(audio.stft(x))
    target, window = torch.from_numpy(magnitude), torch.hann_window(1024)

    def ours(n_iter, momentum):
        return gl.griffin_lim(magnitude, n_iter, momentum, init="zeros", length=len(x))

    def of_librosa(n_iter, momentum):
        return librosa.griffinlim(
            magnitude, n_iter=n_iter, hop_length=256, momentum=momentum, init=None,
            pad_mode="reflect", length=len(x),
        )  # fmt: skip

    def of_torchaudio(n_iter, momentum):
        return torchaudio.functional.griffinlim(
            target, window, 1024, 256, 1024, power=1.0, n_iter=n_iter, momentum=momentum,
            length=len(x), rand_init=False,
        )  # fmt: skip

    for momentum in (0.0, 0.99):
        reached = gl.spectral_convergence(ours(60, momentum), magnitude)
        for name, other in (("librosa", of_librosa), ("torchaudio", of_torchaudio)):
            theirs = gl.spectral_convergence(other(60, momentum), magnitude)
            what = f"Griffin-Lim, momentum {momentum:g}: convergence, difference to {name}"
            yield what, abs(reached - theirs), 0.003
    for n_iter in (1, 2):
        error = np.abs(ours(n_iter, 0.0) - of_librosa(n_iter, 0.0)).max()
        yield f"Griffin-Lim, {n_iter} iteration(s): sample, difference to librosa", error, 5e-5
    exact = magnitude.astype(float)
    _, history = gl.griffin_lim(exact, 60, 0.0, init="zeros", length=len(x), history=True)
    yield "Griffin-Lim, momentum 0, float64: largest rise of the error", np.diff(history).max(), 0

    spectrum = target * torch.ones((), dtype=torch.complex64)
    signal = torch.from_numpy(x)

    def floor():
        for _ in range(30):
            torch.stft(signal, 1024, 256, window=window, return_complex=True)
            torch.istft(spectrum, 1024, 256, window=window, length=len(x))

    found = ratios(
        9,
        lambda: ours(30, 0.99),
        floor,
        lambda: of_librosa(30, 0.99),
        lambda: of_torchaudio(30, 0.99),
    )
    yield "Griffin-Lim, time of an iteration / (torch.stft + torch.istft)", found[0], 1.3
    yield "Griffin-Lim, time of an iteration / librosa's", found[1], 1
    yield "Griffin-Lim, time of an iteration / torchaudio's", found[2], 1


@group
def sampler():
    """Ten minutes of violin."""
    from lecture_utils.build_data import renders

    start = time.process_time()
    renders.solo_training("violin", minutes=10)
    yield "Sampler, seconds of one core for ten minutes of violin", time.process_time() - start, 15


@group
def slider():
    """From a slider's new value to new sound and picture, in the kernel."""
    from lecture_utils import data, phase
    from lecture_utils.notebook import explore, plot

    x = data.load("guitar", 16000)[0][:16000]

    def draw(ax, sound, amount):
        plot.spectrogram(sound, 16000, ax=ax)

    explorer = explore.sound(
        lambda amount: phase.scramble(x, amount, seed=0), 16000, draw, "Spectrogram",
        amount=explore.slider(0, 1, 0.05, 0.5),
    )  # fmt: skip
    control, times = explorer.controls["amount"], []
    for step in range(11):
        times.append(seconds(lambda value=step / 20: setattr(control, "value", value)))
    yield "Slider, milliseconds to new sound and picture", 1000 * statistics.median(times), 150


@group
def vocoders():
    """Vocoders against the bare stack of their convolutions, one thread."""
    import numpy as np
    import torch
    from published import hifi_gan_written_out, melgan_written_out

    from lecture_utils import hifi_gan, melgan, vocoder

    torch.set_num_threads(1)
    builders = {"MelGAN": melgan.Generator}
    for n in ("V1", "V2", "V3"):
        builders[f"HiFi-GAN {n}"] = functools.partial(hifi_gan.Generator.from_config, n.lower())
    # beside the sizes of the papers, those of the course, which must be live on a laptop
    builders["course MelGAN"] = functools.partial(melgan.Generator, base_channels=10)
    builders["course HiFi-GAN"] = functools.partial(hifi_gan.Generator.from_config, "course")

    def both_ways(build, frames):
        """Return the same model as a call of ours and as a bare stack, in fresh memory."""
        model = build().eval()
        state = vocoder.remove_weight_norm(model).state_dict()  # both sides use the same tensors
        written_out = melgan_written_out
        if isinstance(model, hifi_gan.Generator):
            written_out = functools.partial(hifi_gan_written_out, c=model.config)
        return (
            lambda: vocoder.vocode(frames, model),
            torch.inference_mode()(lambda: written_out(state, torch.from_numpy(frames)[None])),
        )

    for name, build in builders.items():
        is_course = name.startswith("course")
        rate, n_frames = (16000, 250) if is_course else (22050, 86)
        frames = np.random.default_rng(0).normal(-3, 1, (80, n_frames)).astype(np.float32)
        error, times = 0, ([], [])
        for _ in range(5):  # where the tensors lie in memory can cost more than the limit
            pair = both_ways(build, frames)
            error = max(error, np.abs(pair[0]() - pair[1]()[0, 0].numpy()).max())
            for _ in range(5):
                for call, found in zip(pair, times, strict=True):
                    start = time.process_time()
                    call()
                    found.append(time.process_time() - start)
        yield f"{name}: sample, difference to the bare stack", error, 1e-5
        of_one_second = statistics.median(times[0]) / (n_frames * 256 / rate)
        limit = 1 / 40 if is_course else float("inf")
        yield f"{name}: seconds of one core for a second of sound", of_one_second, limit
        ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
        yield f"{name}: time / bare stack of its convolutions", ratio, 1.05
    code = (
        "import resource, sys, numpy as np; from lecture_utils import hifi_gan, vocoder\n"
        "mel = np.full((80, int(sys.argv[1]) * 125 // 2), -3, np.float32)\n"
        "y = vocoder.vocode(mel, hifi_gan.Generator.from_config('course').eval())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - 2 * y.nbytes / 2**20)"
    )
    short, long = (
        float(subprocess.check_output([sys.executable, "-c", code, n])) for n in ("5", "600")
    )
    # beside the sound itself, and the mel
    yield "vocode: MB of memory, 10 min less 5 s", long - short, 60


@group
def fourier_vocoder():
    """The vocoder of notebook 10: speed, and memory of a long sound, one thread."""
    import torch

    from lecture_utils import data, mel, vocoder, weights
    from lecture_utils.fourier_vocoder import MagnitudeNetwork, RepairNetwork, Vocos, vocode

    torch.set_num_threads(1)
    log_mel = mel.log_mel(data.load("speech_test", 16000)[0][: 40 * 16000])
    calls = {"vocos": functools.partial(vocoder.vocode, log_mel, weights.load("vocos", Vocos))}
    for name in ("", "_universal"):
        magnitude = weights.load(f"fourier_magnitude{name}", MagnitudeNetwork)
        repair = weights.load(f"fourier_repair{name}", RepairNetwork)
        calls[f"fourier_vocoder{name}"] = functools.partial(vocode, log_mel, magnitude, repair)
    for name, call in calls.items():
        times = []
        for _ in range(5):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
        what = f"{name}: seconds of one core for a second of sound"
        yield what, statistics.median(times) / 40, 1 / 60
    code = (
        "import resource, sys, numpy as np; from lecture_utils import fourier_vocoder as f\n"
        "mel = np.full((80, int(sys.argv[1]) * 125 // 2), -3, np.float32)\n"
        "y = f.vocode(mel, f.MagnitudeNetwork().eval(), f.RepairNetwork(n_rounds=1).eval())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - 5 * y.nbytes / 2**20)"
    )
    short, long = (
        float(subprocess.check_output([sys.executable, "-c", code, n])) for n in ("20", "600")
    )
    # beside the sound itself, its two sums, their weights, and the mel
    yield "fourier_vocoder: MB of memory, 10 min less 20 s", long - short, 60


def _versions(log_mel, x):
    """Return name -> sound made from a mel by every vocoder that there is."""
    import numpy as np

    from lecture_utils import audio, griffin_lim, hifi_gan, mel, vocoder, weights
    from lecture_utils import fourier_vocoder as frames

    made = {"original": x, "Griffin-Lim": griffin_lim.from_mel(log_mel, n_iter=60, seed=0)}
    for name in ("hifi_gan", "hifi_gan_violin"):
        made[name] = vocoder.vocode(log_mel, weights.load(name, hifi_gan.Generator))
    for name in ("", "_universal"):
        magnitude = weights.load(f"fourier_magnitude{name}", frames.MagnitudeNetwork)
        repair = weights.load(f"fourier_repair{name}", frames.RepairNetwork)
        made[f"fourier_magnitude{name}"] = frames.vocode(log_mel, magnitude)
        made[f"fourier_repair{name}"] = frames.vocode(log_mel, magnitude, repair)
    made["vocos"] = vocoder.vocode(log_mel, weights.load("vocos", frames.Vocos))
    if hifi_gan.has_published():
        other = mel.log_mel(audio.resample(x, 16000, 22050), "hifi_gan22k")
        y = vocoder.vocode(other, hifi_gan.published(), "hifi_gan22k")
        y = audio.resample(y, 22050, 16000)
        made["published V1, universal"] = np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)]
    return made


@group
def rulers_held_out():
    """Every vocoder on held-out sounds, by every ruler that is installed."""
    from lecture_utils import data, mel, metrics, rulers
    from lecture_utils.build_data import renders

    there = [package for package in rulers.PACKAGES if package not in rulers.missing()]
    sounds = {name: data.load(name, 16000)[0] for name in ("speech_test", "arctic", "motif")}
    sounds |= {n: data.load(f"{n}_test", 16000)[0][: 30 * 16000] for n in ("violin", "piano")}
    sounds["band"] = renders.band_phrases("test", 3)
    sounds |= {name: data.load(name, 16000)[0] for name in _held_out_clips()}
    for name, x in sounds.items():
        log_mel, is_speech = mel.log_mel(x), name in ("speech_test", "arctic")
        x = x[: 256 * log_mel.shape[1]]
        heard = rulers.words(x) if is_speech and "pocketsphinx" in there else None
        pitched = name in ("speech_test", "motif", "violin") and "swift_f0" in there
        known = rulers.pitch_hz(x) if pitched else None
        for who, y in _versions(log_mel, x).items():
            rows = {}
            if who != "original":
                rows["log-mel L1"] = metrics.log_mel_l1(x, y)
                rows["multi-resolution STFT distance"] = metrics.multi_resolution_stft(x, y)
            if is_speech and "speechmos" in there:
                judged = rulers.naturalness(y)
                rows |= {"DNSMOS overall": judged.overall, "DNSMOS P.808": judged.p808}
            if is_speech and "pesq" in there:
                rows["PESQ"] = rulers.pesq(x, y)
            if heard:
                rows["share of words changed"] = rulers.words_changed(heard, rulers.words(y))
            if known is not None:
                found = rulers.pitch_hz(y)[: len(known)]
                rows["share of gross pitch errors"] = rulers.gross_errors(known, found)
                rows["pitch, median error in cents"] = metrics.f0_error_cents(known, found)[0]
            if not is_speech:
                rows["flatness in dB"] = rulers.flatness_db(y)
            for what, value in rows.items():
                yield f"{name}, {who}: {what}", value, float("inf")


def _held_out_clips():
    """Return the clips that no vocoder learned from, but for the other voice."""
    from lecture_utils.build_data.training_sets import HELD_OUT_CLIPS

    return [name for name in HELD_OUT_CLIPS if name != "arctic"]


@group
def vocoders_held_out():
    """Copy-synthesis of held-out speech and violin from the same mel, f0 included."""
    import librosa
    import numpy as np

    from lecture_utils import data, griffin_lim, hifi_gan, mel, melgan, metrics, vocoder, weights

    rooms = {"melgan": melgan, "melgan_critics_only": melgan, "hifi_gan": hifi_gan}
    rooms |= {"hifi_gan_no_periods": hifi_gan, "hifi_gan_violin": hifi_gan}
    models = {name: weights.load(name, room.Generator) for name, room in rooms.items()}

    def by_librosa(log_mel):  # as griffin_lim.from_mel, but for the inversion of the bands
        found = librosa.util.nnls(mel.front_end("course16k").filters.numpy(), np.exp(log_mel))
        y = griffin_lim.griffin_lim(np.pad(found, ((0, 0), (1, 1)), mode="edge"), 60, seed=0)
        return y[128 : 128 + 256 * log_mel.shape[1]]

    for sound, seconds in (("speech", 79), ("arctic", 30), ("violin", 30)):
        name = sound if sound == "arctic" else f"{sound}_test"  # arctic: another voice
        x = data.load(name, 16000)[0][: seconds * 16000]
        log_mel = mel.log_mel(x)
        x = x[: 256 * log_mel.shape[1]]
        known = metrics.f0_hz(x)
        if sound == "violin":
            known = data.load_array("violin_test_f0")[::4][: len(known)]
        made = {"Griffin-Lim": griffin_lim.from_mel(log_mel, n_iter=60, seed=0)}
        if sound == "speech":
            made |= {"Griffin-Lim, librosa's NNLS": by_librosa(log_mel)}
        made |= {name: vocoder.vocode(log_mel, model) for name, model in models.items()}
        rows, cents_of = {}, {}
        for name, y in made.items():
            rows[name] = metrics.log_mel_l1(x, y), metrics.multi_resolution_stft(x, y)
            cents, share = metrics.f0_error_cents(known, metrics.f0_hz(y)[: len(known)])
            cents_of[name] = cents
            yield f"{name}, {sound}: log-mel L1", rows[name][0], float("inf")
            yield f"{name}, {sound}: multi-resolution STFT distance", rows[name][1], float("inf")
            yield f"{name}, {sound}: f0 median error in cents", cents, float("inf")
            yield f"{name}, {sound}: voiced frames without f0", 1 - share, float("inf")
        if sound == "speech":  # what the course wants of its own training
            ours, search = rows["hifi_gan"], rows["Griffin-Lim, librosa's NNLS"]
            yield "hifi_gan, speech: log-mel L1 / Griffin-Lim's", ours[0] / search[0], 0.8
            yield (
                "hifi_gan, speech: multi-resolution STFT / Griffin-Lim's",
                ours[1] / search[1],
                0.8,
            )
            yield (
                "hifi_gan, speech: f0 error / Griffin-Lim's",
                cents_of["hifi_gan"] / cents_of["Griffin-Lim, librosa's NNLS"],
                1.0,
            )
            both = rows["hifi_gan"][1] / rows["melgan"][1]
            yield "hifi_gan, speech: multi-resolution STFT / melgan's", both, 1.0
            ratio = rows["melgan"][1] / search[1]
            yield "melgan, speech: multi-resolution STFT / Griffin-Lim's", ratio, 1.0


@group
def muse_gan():
    """Eight seeds, 1,000 phrases each: beside held-out songs, training songs and chance."""
    import numpy as np

    from lecture_utils import gan, pianoroll, weights
    from lecture_utils.pianoroll import phrases

    model = list(weights.load_snapshots("muse_gan", gan.Generator).values())[-1]
    (train, song), (held_out, _) = pianoroll.corpus("train"), pianoroll.corpus("test")
    far, found, likeness, in_any_key, moves = {}, [], [], [], []

    def measure(name, cells):
        far.setdefault(name, []).append(phrases.differences(cells, held_out))

    measure("training songs", train)
    for seed in range(8):
        made = gan.generate(model, model.noise(1000, seed=seed))
        found.append(phrases.describe(made))
        moves.append(phrases.habits(made))
        likeness.append(1 - phrases.nearest(made, train))
        in_any_key.append(1 - phrases.nearest(made, train, transpose=3))
        measure("MuseGAN", made)
        measure("shuffled", phrases.shuffled(train, seed))
        measure("random", phrases.random_like(train, seed))
        others = [np.roll(made[:, k], k, axis=0) for k in range(5)]
        measure("players of different phrases", np.stack(others, axis=1))
    for what, theirs in phrases.habits(held_out).items():
        ours = np.mean([row[what] for row in moves])
        yield (
            f"MuseGAN, {what}: beside held-out songs (1.3 or 1 / 1.3 is wanted)",
            ours / theirs,
            np.inf,
        )
    for figure in found[0]:
        each = {name: np.array([row[figure] for row in rows]) for name, rows in far.items()}
        yield f"training songs, {figure}: to held-out ones", each["training songs"][0], np.inf
        for name in ("MuseGAN", "shuffled", "random"):
            yield f"{name}, {figure}: to held-out songs, mean of 8 seeds", each[name].mean(), np.inf
            yield f"{name}, {figure}: standard deviation over them", each[name].std(), np.inf
        ours, is_tonal = each["MuseGAN"], figure == "tonal distance"
        for other in ("shuffled", "random"):
            yield f"MuseGAN, {figure}: mean / {other}", ours.mean() / each[other].mean(), 1
            count = (ours >= each[other]).sum()
            limit = np.inf if is_tonal and other == "shuffled" else 0  # a draw, see the card
            yield f"MuseGAN, {figure}: seeds of 8 not nearer than {other}", count, limit
        if is_tonal:  # scattered notes are near the middle of the tonal space, so tracks agree
            other = "players of different phrases"
            yield f"MuseGAN, {figure}: mean / {other}", ours.mean() / each[other].mean(), 1
    files = [phrases.describe(train[song == number]) for number in np.unique(song)]
    for figure in ("used pitch classes", "qualified notes"):
        each = np.array([file[figure] for file in files])
        outside = [
            np.maximum(np.nanmin(each, 0) - ours[figure], ours[figure] - np.nanmax(each, 0)).max()
            for ours in found
        ]
        yield f"MuseGAN, {figure}: out of the training files' range by", max(outside), 0
    theirs = 1 - phrases.nearest(held_out, train)
    yield "MuseGAN: nearest training phrase, likeness at most, first seed", likeness[0].max(), 0.6
    yield "MuseGAN: the same, 8 seeds", np.max(likeness), np.inf
    yield "MuseGAN: the same in any of seven keys, 8 seeds", np.max(in_any_key), 0.75
    share = np.mean(np.array(in_any_key) > 0.5, axis=1).max()
    yield "MuseGAN: share of phrases above 0.5 in any key, largest of 8 seeds", share, 0.05
    ratio = np.median(likeness[0]) / np.median(theirs)
    yield "MuseGAN: likeness to the nearest training phrase / held-out songs'", ratio, 1.5


@group
def cascade():
    """Songs of form ABA, eight seeds: the cascade; its melody model told nothing; the flat one.

    What is owed to equal noise for equal letters is told apart by fresh noise. The flat model has
    the size of one level; the cascade is four.
    """
    import numpy as np

    from lecture_utils import weights
    from lecture_utils.diffusion import cascade, songs, unet
    from lecture_utils.diffusion import metrics as song_metrics

    names = (*cascade.LEVELS, "flat")
    models = {name: weights.load(f"cascade_{name}", unet.UNet) for name in names}
    for side, parts in {"cascade": cascade.LEVELS, "flat": ("flat",)}.items():
        count = sum(p.numel() for name in parts for p in models[name].parameters())
        yield f"{side}: parameters, millions", count / 1e6, float("inf")
        steps = sum(models[name].facts["step"] for name in parts)
        yield f"{side}: steps, thousands", steps / 1000, float("inf")
    plan = songs.form_image("ABA", 0, False)
    mean = {}

    def compose(seed, same_noise):
        levels = {"form": plan}
        for level in cascade.LEVELS[1:]:
            levels[level] = cascade.generate(
                models[level], level, levels, seed=seed, same_noise=same_noise
            )
        return levels

    songs_made = {same: [compose(seed, same) for seed in range(8)] for same in (True, False)}

    def told_nothing(seed, same_noise):
        levels = songs_made[same_noise][seed]
        melody = cascade.generate(
            models["melody"], "melody", levels, seed=seed, told=False, same_noise=same_noise
        )
        return levels | {"melody": melody}

    def flat(seed, same_noise):
        both = cascade.generate(
            models["flat"], "flat", {"form": plan}, seed=seed, same_noise=same_noise
        )
        return songs_made[True][seed] | {"melody": both[:2], "accompaniment": both[2:]}

    groups = {
        "cascade": songs_made[True],
        "cascade, fresh noise": songs_made[False],
        "told nothing": [told_nothing(seed, True) for seed in range(8)],
        "told nothing, fresh noise": [told_nothing(seed, False) for seed in range(8)],
        "flat": [flat(seed, True) for seed in range(8)],
        "flat, fresh noise": [flat(seed, False) for seed in range(8)],
        "by rule": [
            songs.write_song(np.random.default_rng(10_000 + seed), "ABA", 0, False).levels
            for seed in range(8)
        ],
    }
    what = ("strong beats off the sketch", "notes outside the chord", "A unlike A", "no return")
    for group, levels in groups.items():
        rows = [
            (
                song_metrics.sketch_agreement(x["melody"], x["sketch"]),
                song_metrics.chord_tone_rate(x["melody"], x["accompaniment"]),
                song_metrics.likeness(x["melody"][..., :64], x["melody"][..., 128:]),
                song_metrics.returns(x["melody"]),
            )
            for x in levels
        ]
        mean[group] = 1 - np.nanmean(rows, 0)
        for k, name in enumerate(what):
            yield f"{group}: {name}", mean[group][k], float("inf")
    band = {
        group: [song_metrics.band_figures(x["melody"], x["accompaniment"]) for x in groups[group]]
        for group in ("cascade", "by rule")
    }
    for name in band["cascade"][0]:
        ours, rule = (np.nanmean([row[name] for row in band[group]]) for group in band)
        yield f"cascade: {name}, share (by rule {rule:.2f})", ours, float("inf")
    for k, (name, limit) in enumerate(zip(what, (0.5, 0.7, 0.95, 0.95), strict=True)):
        # like with like: both with the same noise for the same letter, or both without
        ways = ("", ", fresh noise") if k > 1 else ("",)
        for one, other in [
            (f"cascade{way}", f"{rival}{way}") for rival in ("flat", "told nothing") for way in ways
        ]:
            yield f"{name}: {one} / {other}", mean[one][k] / mean[other][k], limit
    long = songs.write_song(np.random.default_rng(0), "AABA").levels
    for level in names:
        take = seconds(
            lambda level=level: cascade.generate(
                models[level], level, {} if level == "flat" else long, bars=32
            )
        )
        yield f"{level}: seconds for 32 bars", take, 10.0


@group
def wavenet():
    """Generation, one core: the compiled loop, a cached loop in PyTorch, the naive one."""
    import cached_torch
    import numpy as np
    import torch

    from lecture_utils import data, mel, weights
    from lecture_utils.wavenet import Generator, WaveNet, generate

    torch.set_num_threads(1)
    matrix, rates = torch.randn(512, 512), []
    for _ in range(20):
        rates.append(512**3 / seconds(lambda: matrix @ matrix))
    for name, rate in (("wavenet_piano", 8000), ("wavenet_violin", 16000)):
        model, log_mel = weights.load(name, WaveNet), None
        if model.conditioning:
            log_mel = mel.log_mel(data.load("motif", 16000)[0])

        def ours(n, model=model, log_mel=log_mel):
            return generate(model, n, log_mel, seed=0, return_codes=True, progress=False)

        def cached(n, model=model, log_mel=log_mel):
            return cached_torch.generate(model, n, log_mel, seed=0)

        same = np.mean(ours(400) == cached(400))
        yield f"{name}: codes unlike the cached PyTorch loop's, in 400", 1 - same, 0.01
        # per sample; each side makes as many as fill a tenth of a second or more
        found = [[], []]
        for _ in range(5):
            found[0].append(seconds(lambda: ours(16000)) / 16000)
            found[1].append(seconds(lambda: cached(400)) / 400)
        own, _ = map(statistics.median, found)
        yield f"{name}: seconds of one core for a second of sound", rate * own, 1 / 1.5
        ratio = statistics.median(a / b for a, b in zip(*found, strict=True))
        yield f"{name}: time / cached PyTorch", ratio, 1 / 20
        # what the naive loop does for every sample of a sound longer than the receptive field
        frames = None if log_mel is None else torch.from_numpy(log_mel)[None]
        codes = torch.zeros(1, model.receptive_field + 1, dtype=torch.long)
        once = torch.inference_mode()(functools.partial(model, codes, frames))
        yield (
            f"{name}: time / naive",
            statistics.median(own / seconds(once) for own in found[0] for _ in range(3)),
            1 / 200,
        )
        generator = Generator(model, None if log_mel is None else np.tile(log_mel, 20), 960_000)
        uniform = np.random.default_rng(0).random(16000, dtype=np.float32)
        one_second = functools.partial(generator.advance, np.zeros(16000, np.int64), uniform)
        blocks = [seconds(one_second) for _ in range(60)]
        ratio = statistics.median(blocks[-10:]) / statistics.median(blocks[:10])
        yield f"{name}: cost of a sample in the last 10 s of 60 / in the first 10", ratio, 1.1
        layers = sum(
            p.numel() for block in model.layers for n, p in block.named_parameters()
            if "weight" in n and "conditioning" not in n
        )  # fmt: skip
        additions = layers + sum(p.numel() for p in model.output.parameters() if p.dim() > 1)
        floor = rate * additions / max(rates)
        yield f"{name}: millions of multiply-adds a sample", additions / 1e6, float("inf")
        yield f"{name}: floor, their seconds as large matrix products", floor, float("inf")


@group
def wavenet_held_out():
    """Bits per sample against straight lines and counts; the motif from its mel."""
    import numpy as np

    from lecture_utils import data, griffin_lim, mel, metrics, weights
    from lecture_utils.build_data.training_sets import training_set
    from lecture_utils.train import wavenet as train_wavenet
    from lecture_utils.wavenet import WaveNet, generate
    from lecture_utils.wavenet import linear_prediction as lp
    from lecture_utils.wavenet.mu_law import mu_law_decode, mu_law_encode

    model = weights.load("wavenet_violin", WaveNet)
    training = training_set("violin").audio[: 720 * 16000]
    test = train_wavenet.Examples.of(data.load("violin_test", 16000)[0])
    bits = train_wavenet.held_out_bits(model, test)
    heard, known = mu_law_decode(test.codes), mu_law_encode(training)
    line = lp.fit(mu_law_decode(known), 32)
    # the deviation that suits the held-out sound best: an advantage for the line
    linear = lp.bits_per_sample(heard, line, lp.fit_deviation(heard, line))
    counts = np.bincount(known, minlength=256) + 1.0
    histogram = -np.log2(counts / counts.sum())[test.codes].mean()
    yield "wavenet_violin: bits per sample", bits, linear - 2
    yield "Linear prediction, order 32, violin: bits per sample", linear, float("inf")
    yield "Histogram, violin: bits per sample", histogram, float("inf")
    motif, f0_hz = data.load("motif", 16000)[0], data.load_array("motif_f0")
    log_mel = mel.log_mel(motif)
    versions = {
        f"wavenet_violin, draw {seed}": generate(
            model, 256 * log_mel.shape[1], log_mel, temperature=0.7, seed=seed, progress=False
        )
        for seed in range(3)
    } | {"Griffin-Lim": griffin_lim.from_mel(log_mel, n_iter=60, seed=0)}
    for name, y in versions.items():
        n = min(len(y), len(motif))
        found = metrics.f0_hz(y[:n])
        known = f0_hz[::4][: len(found)]  # 250 Hz to 62.5 Hz
        cents, share = metrics.f0_error_cents(known, found[: len(known)])
        yield f"{name}, motif: f0 median error in cents", cents, 15
        yield f"{name}, motif: share of voiced frames without f0", 1 - share, float("inf")
        distance = metrics.multi_resolution_stft(motif[:n], y[:n])
        yield f"{name}, motif: multi-resolution STFT distance", distance, float("inf")


@group
def ddsp():
    """Oscillator, noise and room against exact sums; their speed, one thread."""
    import numpy as np
    import torch
    from test_ddsp import exact_sines, per_harmonic_cumsum, random_controls

    from lecture_utils import ddsp, metrics

    torch.set_num_threads(1)
    rng, t = np.random.default_rng(0), np.arange(2500) / 250
    for f0 in (110.3, 220, 1760):
        for vibrato in (0, 0.02):
            hz = (f0 * (1 + vibrato * np.sin(2 * np.pi * 6 * t))).astype(np.float32)
            amplitude, shape = random_controls(2500, 60, dtype=torch.float32)
            y = ddsp.harmonic_oscillator(torch.tensor(hz[None]), amplitude, shape)[0].numpy()
            exact = exact_sines(hz.astype(float), (amplitude[..., None] * shape)[0].numpy())
            what = f"Oscillator, {f0} Hz, 10 s{', vibrato' if vibrato else ''}: error in dB"
            yield what, -metrics.snr_db(exact, y), -100
    ones = torch.ones(1, 250, 10)
    y = ddsp.harmonic_oscillator(torch.full((1, 250), 3000.0), ones[..., 0], ones)[0]
    level = torch.fft.rfft(y.double()).abs() / 8000
    level[[3000, 6000]] = 0
    yield "Oscillator, 3 kHz, 10 harmonics: loudest beside 3 and 6 kHz", float(level.max()), 1e-4

    magnitudes = rng.uniform(0, 1, (1, 250, 65)).astype(np.float32)
    noise = rng.uniform(-1, 1, (1, 16000)).astype(np.float32)
    window = np.hanning(129)[:128]
    wanted = np.zeros(16000 + 128)
    for frame in range(250):
        response = np.fft.fftshift(np.fft.irfft(magnitudes[0, frame].astype(float))) * window
        rung = np.convolve(noise[0, frame * 64 : frame * 64 + 64], response)
        wanted[frame * 64 : frame * 64 + len(rung)] += rung
    y = ddsp.filtered_noise(torch.tensor(magnitudes), 64, torch.tensor(noise))[0].numpy()
    yield "Noise, time-varying filter: error in dB", -metrics.snr_db(wanted[64:-64], y), -100
    click = torch.zeros(1, 640)
    click[0, 300] = 1
    flat = ddsp.filtered_noise(torch.ones(1, 10, 65), 64, click)
    yield (
        "Noise, a click through a flat filter: difference",
        float((flat - click).abs().max()),
        1e-6,
    )
    room = ddsp.Reverb(8000)
    room.response.data = torch.tensor(rng.normal(0, 0.02, 8000).astype(np.float32))
    whole = np.append(1, room.response.detach().numpy().astype(float))
    exact = np.fft.irfft(np.fft.rfft(noise[0], 32768) * np.fft.rfft(whole, 32768))[:16000]
    error = np.abs(room(torch.tensor(noise))[0].detach().numpy() - exact).max()
    yield "Reverb: difference to FFT convolution", error, 1e-5

    f0_hz = 110 * 2 ** (0.03 * torch.sin(torch.arange(1000) / 8))[None]
    controls = f0_hz, *random_controls(1000, 100, dtype=torch.float32)
    bands, loudness_db = torch.rand(1, 1000, 65), torch.full((1, 1000), -30.0)
    model = ddsp.Autoencoder(n_harmonics=100)

    def ours():
        ddsp.harmonic_oscillator(*controls) + ddsp.filtered_noise(bands)

    with torch.inference_mode():
        (ratio,) = ratios(9, ours, lambda: per_harmonic_cumsum(*controls))
        whole = statistics.median(seconds(lambda: model(f0_hz, loudness_db)) for _ in range(9))
    yield "Synthesiser, 4 s: time / a cumulative sum for each harmonic", ratio, 0.5
    yield "Decoder and synthesiser: seconds of one core for a second of sound", whole / 4, 1 / 15


@group
def ddsp_held_out():
    """A minute of each instrument, unheard, by all that can; tunes of others on each of them."""
    import numpy as np
    import torch

    from lecture_utils import data, ddsp, griffin_lim, mel, metrics, rulers, weights
    from lecture_utils.ddsp import timbre_transfer
    from lecture_utils.hifi_gan import Generator
    from lecture_utils.vocoder import vocode

    kinds = ("violin", "flute", "cello")
    models = {kind: weights.load(f"ddsp_{kind}", ddsp.Autoencoder) for kind in kinds}
    for kind, model in models.items():
        ours, test = f"ddsp_{kind}", _minute(kind)
        log_mel = mel.log_mel(test.audio)
        *controls, _ = test.cut(np.array([0]), len(test.f0_hz))
        torch.manual_seed(0)
        with torch.inference_mode():
            played = {ours: model(*controls)[0].numpy()}
        played["Griffin-Lim from mel"] = griffin_lim.from_mel(log_mel, n_iter=60, seed=0)
        sizes = {ours: model}
        for name in ("hifi_gan", "hifi_gan_violin") if kind == "violin" else ():
            if name in data.names():
                sizes[name] = weights.load(name, Generator)
                played[name] = vocode(log_mel, sizes[name])
        for name, model_of in sizes.items():
            count = sum(p.numel() for p in model_of.parameters())
            yield f"{name}: parameters, millions", count / 1e6, float("inf")
        voiced = test.f0_hz > 0
        for name, y in played.items():
            n = min(len(y), len(test.audio)) // 256 * 256
            x, y, who = test.audio[:n], y[:n], f"{name}, {kind}"
            loss = float(ddsp.multi_scale_spectral_loss(torch.tensor(x), torch.tensor(y)))
            yield f"{who}: multi-scale spectral loss", loss, float("inf")
            yield f"{who}: log-mel L1", metrics.log_mel_l1(x, y), float("inf")
            distance = metrics.multi_resolution_stft(x, y)
            yield f"{who}: multi-resolution STFT distance", distance, float("inf")
            cents, _ = _f0_error(test.f0_hz, y)
            limits = (10, 2) if name == ours else (float("inf"), float("inf"))
            yield f"{who}: f0 median error in cents", cents, limits[0]
            if "swift_f0" not in rulers.missing():
                found = rulers.pitch_hz(y)
                known = test.f0_hz[::4][: len(found)]
                gross = rulers.gross_errors(known, found[: len(known)])
                yield f"{who}: share of gross pitch errors", gross, float("inf")
            off = np.abs(ddsp.loudness(y) - ddsp.loudness(x))[voiced[: n // 64]]
            yield f"{who}: loudness error in dB", np.median(off), limits[1]

    for kind, model in models.items():
        for name in ("hum", "ah", "whistle"):
            x, f0_hz = data.load(name, 16000)[0], data.load_array(f"{name}_f0")
            facts = model.facts
            wanted, _ = timbre_transfer.fit_controls(
                f0_hz, ddsp.loudness(x), (facts["lowest_hz"], facts["highest_hz"]), facts["loud_db"]
            )
            cents, share = _f0_error(wanted, timbre_transfer.transfer(model, x, f0_hz))
            yield f"{name} on the {kind}: f0 median error in cents", cents, 15
            yield f"{name} on the {kind}: voiced frames without f0", 1 - share, 0.05


def _minute(kind):
    """Return a minute of an instrument that no model learned from: the violin's is shipped."""
    from lecture_utils import data
    from lecture_utils.build_data import renders
    from lecture_utils.instruments import performance, sampler
    from lecture_utils.train.ddsp import Examples

    if kind == "violin":
        return Examples.of(data.load("violin_test", 16000)[0], data.load_array("violin_test_f0"))
    line = performance.phrases(1.0, kind, renders.TEST_SEED)
    sound = sampler.render_solo(kind, *line, renders.RATE, renders.TEST_SEED)
    return Examples.of(sound, line.f0_hz)


def _f0_error(known, y):
    from lecture_utils import metrics

    found = metrics.f0_hz(y, f_max=3000)
    n = min(len(known[::4]), len(found))  # 250 Hz to 62.5 Hz
    return metrics.f0_error_cents(known[::4][:n], found[:n])


@group
def listening():
    """A thousand classes of fifty simulated listeners: are the intervals as sure as they say?"""
    from simulated_class import coverage

    held, right = coverage(50, 1000)
    yield (
        "95 % intervals of 50 listeners: distance from 95 % of truths held",
        abs(held - 0.95),
        0.02,
    )
    yield "50 listeners: share of classes with a wrong order", 1 - right, 0.001
    held, _ = coverage(8, 1000)
    yield "95 % intervals of 8 listeners: distance from 95 % of truths held", abs(held - 0.95), 0.02


def main(only=""):
    """Print the table; return 1 if a limit is missed."""
    warnings.simplefilter("ignore")
    missed = 0
    for function in GROUPS:
        if only not in function.__name__:
            continue
        for what, value, limit in function():
            missed += value > limit
            print(f"{'MISSED' if value > limit else 'fine':6}  {what:<72}{value:>10.3g}"
                  f"  (at most {limit:g})", flush=True)  # fmt: skip
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
