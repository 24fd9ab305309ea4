"""From predictions to labels: the CRF and its processes, the moving average, label shards.

Imports `settings`, `distribution` and `data`.
"""
