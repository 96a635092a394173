"""Rebuild what ``data/`` holds from its sources, and keep its manifest: what ``make data`` runs.

    python -m lecture_utils.build_data               # every step, then the manifest
    python -m lecture_utils.build_data clips speech  # only these steps
    python -m lecture_utils.build_data --manifest    # only the manifest: new weights, hashes

Recordings come from Debian packages, fetched with ``apt-get download`` or put by hand into
``sources/`` of the cache folder; rendered sounds need this checkout alone. For the maintainer: the
notebooks only load what is shipped.
"""

from __future__ import annotations

import argparse
import functools
import sys

from lecture_utils import data
from lecture_utils.build_data import recordings, renders, rolls, soundfonts
from lecture_utils.build_data.manifest import refresh_manifest


def main(arguments: list[str] | None = None) -> None:
    """Run the steps named on the command line, then refresh the manifest.

    A step that cannot be done is named at the end, with what it needs; the others are done.
    """
    parser = argparse.ArgumentParser(description="Rebuild data/ from its sources.")
    parser.add_argument("steps", nargs="*", help=f"of {', '.join(STEPS)}; all by default")
    parser.add_argument("--manifest", action="store_true", help="only refresh the manifest")
    options = parser.parse_args(arguments)
    unknown = set(options.steps) - set(STEPS)
    if unknown:
        parser.error(f"no step {', '.join(sorted(unknown))}; the steps are {', '.join(STEPS)}")
    problems = []
    for step in [] if options.manifest else options.steps or STEPS:
        print(f"building {step}", flush=True)
        try:
            STEPS[step]()
        except (OSError, ValueError, ImportError) as error:
            problems.append(f"{step}: {error}")
    try:
        problems += refresh_manifest()
    except (OSError, ValueError) as error:
        problems.append(str(error))
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(data.names())} files, all as listed")


STEPS = {
    "clips": recordings.build_clips,
    "jazz": functools.partial(recordings.build_clips, "librosa-0.7.2"),
    "speech": recordings.build_speech,
    "other_voice": recordings.build_other_voice,
    "rolls": rolls.build_piano_rolls,
    "bank": soundfonts.build_bank_samples,
    "renders": renders.build_renders,
}


if __name__ == "__main__":
    main()
