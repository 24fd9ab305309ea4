"""A trained network in use: exports and what they answer, prediction of photos.

Imports rooms up to `runs`.
"""
