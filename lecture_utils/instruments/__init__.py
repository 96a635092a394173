"""Sounds to learn from and to play with: a sampler, performed lines, scores."""
