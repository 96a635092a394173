"""A listening test: ratings as a table, what they prove, and how they look. Notebook 09."""

from lecture_utils.listening_test.ratings import Rating, merge, new_listener, read, save, table

__all__ = ["Rating", "merge", "new_listener", "read", "save", "table"]
