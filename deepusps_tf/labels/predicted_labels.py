"""Labels that a trained network gives: what it predicts of whole photos, refined."""

from collections.abc import Iterator

import keras
import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import photo_batches
from deepusps_tf.labels.crf_pool import CrfPool


def predicted_labels(
    *, network: keras.Model, images: RecordSet, size: int, batch_size: int, pool: CrfPool | None
) -> Iterator[np.ndarray]:
    """Labels every photo: the mean of what a network finds in it and in its mirror image.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1]; not
            built under a strategy, where Keras would run each batch once a replica.
        images: the photos.
        size: S.
        batch_size: photos at once.
        pool: refines the means by the CRF; None leaves them as they are.

    Yields:
        uint8 [S, S], in record order.
    """
    batches = photo_batches(images=images, labels=[], size=size, batch_size=batch_size)
    for batch in batches.as_numpy_iterator():
        photos = batch["image"]
        seen = network.predict_on_batch(photos)[..., 0]
        mirrored = network.predict_on_batch(photos[:, :, ::-1])[..., 0]
        maps = (seen + mirrored[:, :, ::-1]) / 2
        if pool is not None:
            maps = pool.refine_all(zip(np.rint(photos).astype(np.uint8), maps, strict=True))
        for probability in maps:
            yield np.clip(np.rint(probability * 255), 0, 255).astype(np.uint8)
