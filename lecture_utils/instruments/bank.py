"""The table of the sample bank: what each recorded tone holds. Used by the sampler's parts."""

from __future__ import annotations

import functools
import json

from lecture_utils import data


@functools.cache
def table() -> dict[str, list[dict]]:
    """Return the rows of the table by instrument: file, pitch, steady part, level, strength."""
    return json.loads(data.path("bank").read_text(encoding="utf-8"))
