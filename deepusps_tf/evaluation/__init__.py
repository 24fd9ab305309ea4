"""Scores of finished runs, exports and maps on any labelled photos, and their comparison.

Imports rooms up to `training`.
"""
