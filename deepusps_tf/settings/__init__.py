"""Every setting of a run, what may stand together, and flagfiles.

Imports `data_prep`.
"""
