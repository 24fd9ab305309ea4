"""Measurements behind the figures in BUILD_NOTES.md; each prints how it was made."""
