"""TFRecord shards: what a record holds, how shards are written, published and opened.

Imports `base` and `pictures`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "format": ["ImageRecord", "LabelRecord", "RecordSet", "open_labels", "open_set"],
        "shard_writer": ["write_shards"],
    },
)
