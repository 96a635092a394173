"""A listening test: ratings as a table, what they prove, and how they look. Notebook 09."""

from lecture_utils.listening_test.merging import merge, too_few
from lecture_utils.listening_test.pictures import HIDDEN, draw_listeners, draw_means
from lecture_utils.listening_test.ratings import (
    Rating,
    of_page,
    read,
    save,
    table,
)
from lecture_utils.listening_test.simulation import simulate
from lecture_utils.listening_test.statistics import (
    bootstrap_mean,
    difference,
    means,
    post_screen,
    rank_correlation,
    sign_test,
    williams_orders,
)
from lecture_utils.listening_test.stimuli import anchors

__all__ = [
    "HIDDEN",
    "Rating",
    "anchors",
    "bootstrap_mean",
    "difference",
    "draw_listeners",
    "draw_means",
    "means",
    "merge",
    "of_page",
    "post_screen",
    "rank_correlation",
    "read",
    "save",
    "sign_test",
    "simulate",
    "table",
    "too_few",
    "williams_orders",
]
