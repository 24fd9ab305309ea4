"""From shards to batches: the photos of a run and how records are decoded for a network.

Imports `data_prep`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batches": ["scoring_batches", "training_batches"],
        "photo_sets": ["PhotoSets", "open_photos"],
    },
)
