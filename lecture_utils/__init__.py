"""Small shared package of the course "Audio-domain Music Generation".

One room per lecture section, named like its notebook (a module or a folder), on a few common
ones. Import what you need::

    from lecture_utils import audio, data, griffin_lim
    from lecture_utils.notebook import check, explore, listen, plot

Nothing heavy is imported here: torch, librosa and matplotlib come in with the room that uses them.
"""

__version__ = "0.1.0"
