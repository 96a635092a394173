"""What the notebooks' exercises ask and how answers are judged: one module a section room.

Every :class:`lecture_utils.notebook.check.Exercise` in ``exercises/griffin_lim.py`` is checked by
``check.exercise("griffin_lim.NAME", student_function)``. Worked solutions are not here.
"""
