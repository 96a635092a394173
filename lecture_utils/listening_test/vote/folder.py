"""A listening test on disk: a folder with its sounds and a file that names them.

``test.json`` holds the test's name, its title, and for each trial the stimuli with their files. A
stimulus called "reference" may also be heard openly, as in MUSHRA (ITU-R BS.1534). Used by
``make vote`` and notebook 09.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test.ratings import MAX_NAME

#: Most stimuli of a trial (ITU-R BS.1534 says 12) and most trials of a test: a class gets tired.
MOST_STIMULI, MOST_TRIALS = 12, 12
#: All sounds of a test are held in memory while it runs; more than this is refused (bytes).
MOST_BYTES = 100_000_000
#: Kinds of sound files that phones play.
KINDS = {".wav": "audio/wav", ".flac": "audio/flac"}


@dataclass(frozen=True)
class ListeningTest:
    """What is rated.

    Parameters
    ----------
    name : str
        Written to each rating as ``session_test_id``.
    title : str
        Shown on the phones.
    trials : dict
        Trial -> stimulus -> sound file. Each trial is one page of the test.
    """

    name: str
    title: str
    trials: dict[str, dict[str, Path]]

    @property
    def stimuli(self) -> dict[str, list[str]]:
        """The names of the stimuli of each trial."""
        return {trial: list(sounds) for trial, sounds in self.trials.items()}


def write_test(
    folder: str | os.PathLike,
    trials: Mapping[str, Mapping[str, np.typing.ArrayLike]],
    sample_rate: int,
    name: str = "test",
    title: str = "Which sounds better?",
) -> Path:
    """Write a listening test that ``make vote TEST=folder`` can show to a class.

    In each trial all sounds get the loudness of the first one (ITU-R BS.1770), because a louder
    sound tends to win, and shorter ones end in silence, because their length must not tell them
    apart.

    Parameters
    ----------
    folder : str or path
        Is made if it is not there. Votes that lie in it are kept.
    trials : mapping
        Trial -> stimulus -> sound of shape ``(n,)``. Call the original "reference": then phones
        may also play it openly.
    sample_rate : int
        Of all sounds, in Hz.
    name : str
        Of the test.
    title : str
        Shown on the phones.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    TypeError, ValueError
        If there is no trial, a trial has fewer than 2 or more than 12 stimuli, a name is empty or
        too long, or a sound has no samples that can be played.
    """
    from lecture_utils.audio import as_audio
    from lecture_utils.notebook import listen

    folder, stimuli = arguments.path(folder, "folder"), _names(trials)
    packed = {}
    for trial, sounds in trials.items():
        arrays = [as_audio(x, repr(stimulus)) for stimulus, x in sounds.items()]
        longest = max(len(x) for x in arrays)
        padded = [np.pad(x, (0, longest - len(x))) for x in arrays]
        whole = dict(zip(stimuli[trial.strip()], padded, strict=True))
        packed[trial.strip()] = listen.prepare(whole, sample_rate, None, True, MOST_STIMULI)[1]

    folder.mkdir(parents=True, exist_ok=True)
    listed: dict[str, dict[str, str]] = {}
    for number, (trial, wavs) in enumerate(packed.items(), 1):
        listed[trial] = {}
        for place, (stimulus, wav) in enumerate(zip(stimuli[trial], wavs, strict=True), 1):
            file = f"trial{number}_{place:02d}.wav"
            (folder / file).write_bytes(wav)
            listed[trial][stimulus] = file
    about = {
        "test": _name(name, "name"),
        "title": arguments.text(title, "title"),
        "trials": listed,
    }
    part = folder / ".test.json.part"
    part.write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    os.replace(part, folder / "test.json")  # the last file: a folder half written is no test
    return folder


def read_test(folder: str | os.PathLike) -> ListeningTest:
    """Read a listening test from its folder, and check it.

    Raises
    ------
    FileNotFoundError
        If the folder, its ``test.json`` or a sound is missing.
    ValueError
        If ``test.json`` is damaged, a sound is no WAV or FLAC file in this folder, or all sounds
        together are too large.
    """
    folder = arguments.path(folder, "folder")
    file = folder / "test.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"No test in {folder}; write one with vote.write_test(folder, ...)."
        )
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        name, title = _name(about["test"], "test"), str(about["title"])
        stimuli = _names(about["trials"])
        files = {t: list(about["trials"][t].values()) for t in about["trials"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{file} is damaged ({error}); write the test again.") from None
    trials = {
        trial: {s: _sound(folder, f) for s, f in zip(names, files[trial], strict=True)}
        for trial, names in stimuli.items()
    }
    size = sum(path.stat().st_size for sounds in trials.values() for path in sounds.values())
    if size > MOST_BYTES:
        raise ValueError(
            f"{folder}: its sounds take {size / 1e6:.0f} MB; phones on one network can load "
            f"{MOST_BYTES / 1e6:.0f} MB at most, so use fewer or shorter ones."
        )
    return ListeningTest(name, title, trials)


def _names(trials: Mapping) -> dict[str, list[str]]:
    """Return the checked names of trials and stimuli."""
    if not isinstance(trials, Mapping) or not all(isinstance(s, Mapping) for s in trials.values()):
        raise TypeError("trials: give a dict of trials, each a dict of stimulus: sound.")
    if not 1 <= len(trials) <= MOST_TRIALS:
        raise ValueError(f"trials: {len(trials)} given; a test has 1 to {MOST_TRIALS}.")
    found = {}
    for trial, sounds in trials.items():
        trial = _name(trial, "trial")
        found[trial] = [_name(stimulus, f"stimulus of {trial!r}") for stimulus in sounds]
        if not 2 <= len(sounds) <= MOST_STIMULI:
            raise ValueError(
                f"trial {trial!r}: {len(sounds)} stimuli; give 2 to {MOST_STIMULI} to compare."
            )
        if len(set(found[trial])) < len(sounds):
            raise ValueError(f"trial {trial!r}: two stimuli have the same name; rename one.")
    if len(found) < len(trials):
        raise ValueError("trials: two trials have the same name; rename one.")
    return found


def _name(value: str, what: str) -> str:
    value = arguments.text(value, what).strip()
    if not value or len(value) > MAX_NAME or not value.isprintable():
        raise ValueError(f"{what}: give a name of 1 to {MAX_NAME} characters, not {value[:90]!r}.")
    return value


def _sound(folder: Path, name: str) -> Path:
    path = folder / str(name)
    if path.resolve().parent != folder.resolve() or path.suffix.lower() not in KINDS:
        raise ValueError(f"{name!r}: each sound is a WAV or FLAC file in {folder} itself.")
    if not path.is_file():
        raise FileNotFoundError(f"The sound {path} is missing; write the test again.")
    with path.open("rb") as file:
        start = file.read(12)
    is_sound = start[:4] == b"fLaC" or (start[:4], start[8:]) == (b"RIFF", b"WAVE")
    if not is_sound:
        raise ValueError(f"{path} is no WAV or FLAC file; write the test again.")
    return path
