"""Music as tokens, as a piano roll and as MIDI; played, drawn, measured. Notebooks 00, 01, 02."""

from lecture_utils.pianoroll.band import play
from lecture_utils.pianoroll.lane import draw_lanes, lanes
from lecture_utils.pianoroll.melody import from_pitch
from lecture_utils.pianoroll.midi import from_midi, to_midi
from lecture_utils.pianoroll.phrases import (
    bars_again,
    corpus,
    describe,
    differences,
    habits,
    nearest,
    random_like,
    shuffled,
)
from lecture_utils.pianoroll.picture import draw
from lecture_utils.pianoroll.roll import BAND, DRUMS, PianoRoll, from_notes
from lecture_utils.pianoroll.roll_metrics import (
    as_cells,
    drum_pattern,
    empty_bars,
    qualified_notes,
    scale_consistency,
    starts,
    tonal_distance,
    used_pitch_classes,
)
from lecture_utils.pianoroll.tokens import from_events, to_events

__all__ = [
    "BAND", "DRUMS", "PianoRoll", "as_cells", "bars_again", "corpus", "describe", "differences",
    "draw", "draw_lanes", "drum_pattern", "empty_bars", "from_events", "from_midi", "from_notes",
    "from_pitch", "habits", "lanes", "nearest", "play", "qualified_notes", "random_like",
    "scale_consistency", "shuffled", "starts", "to_events", "to_midi", "tonal_distance",
    "used_pitch_classes",
]  # fmt: skip
