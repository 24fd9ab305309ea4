"""The schedule of a run and the rounds that it is made of.

Imports rooms up to `fusion`.
"""
