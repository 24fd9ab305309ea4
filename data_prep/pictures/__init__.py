"""Photos: which files of a folder are photos, and how one is decoded and written.

Imports `data_prep.base`.
"""
