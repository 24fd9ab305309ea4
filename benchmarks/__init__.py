"""Measurements behind the figures in docs/; each prints how it was made."""
