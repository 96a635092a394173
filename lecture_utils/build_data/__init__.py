"""Rebuild what ``data/`` holds: ``python -m lecture_utils.build_data``."""
