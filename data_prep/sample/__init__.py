"""The embedded sample: composites of photographs that scikit-image and scikit-learn carry.

Imports `data_prep.base`, `data_prep.pictures` and `data_prep.regions`.
"""
