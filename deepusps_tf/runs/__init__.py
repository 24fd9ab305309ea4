"""What lies on disk of a run: its settings and lock, committed epochs, finished rounds.

Imports rooms up to `labels`.
"""
