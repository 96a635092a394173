"""Training recipes: ``python -m lecture_utils.train NAME``."""
