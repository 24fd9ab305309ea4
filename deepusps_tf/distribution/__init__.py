"""Which devices and which processes a run trains on.

Imports `settings`.
"""
