"""From shards to batches: the photos of a run and how records are decoded for a network.

Imports `data_prep`.
"""
