"""Small shared package of the course "Audio-domain Music Generation".

One module per lecture section, named like its notebook, on a few common rooms. Import what you
need::

    from lecture_utils import audio, data, griffin_lim, listen

Nothing heavy is imported here: torch, librosa and matplotlib come in with the room that uses them.
"""

__version__ = "0.1.0"
