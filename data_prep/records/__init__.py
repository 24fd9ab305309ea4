"""TFRecord shards: what a record holds, how shards are written, published and opened.

Imports `data_prep.base`.
"""
