r"""A fusion of your own: at each pixel the median of the methods' labels, written once, learned.

PYTHONPATH=examples/extend python -m deepusps_tf.main --flagfile=configs/cpu.flags \
    --images=DIR --fusion=my_fusion:Median

A file in the current folder needs no PYTHONPATH. See deepusps_tf/fusion/base.py.
"""

import numpy as np

from deepusps_tf.fusion.base import FusedLabels


class Median(FusedLabels):
    """Learns one label a photo, the per-pixel median of all methods'."""

    def maps(self, images, labels):
        """Yields each photo's label, float32 [S, S] in [0, 1], in record order."""
        for batch in self.batches(images, labels):
            yield from np.median(batch["labels"].numpy(), axis=-1)
