"""How far the labels of a photo are from each other."""

from collections.abc import Sequence

import cv2
import numpy as np
import tensorflow as tf

from data_prep.records.format import LABEL_FEATURES, UNTUNED
from deepusps_tf.studio.label_sets import LabelSet

_SIDE = 64  # what they are compared at, in pixels


def disagreements(sets: Sequence[LabelSet]) -> np.ndarray:
    """Compares label sets of the same photos.

    Args:
        sets: at least one.

    Returns:
        float32 [N] in [0, 1], in record order: how far a photo's labels are from their mean, on
        average over pixels and sets.
    """
    found = []
    streams = [
        tf.data.TFRecordDataset(each.records.shards).with_options(UNTUNED).as_numpy_iterator()
        for each in sets
    ]
    for records in zip(*streams, strict=True):
        labels = [
            shown_label(tf.io.parse_single_example(record, LABEL_FEATURES)["label"].numpy(), each)
            for record, each in zip(records, sets, strict=True)
        ]
        found.append(disagreement(labels))
    return np.array(found, np.float32)


def disagreement(labels: Sequence[np.ndarray]) -> float:
    """Compares labels uint8 [h, w], whose sizes may differ, as `disagreements` does."""
    small = np.stack(
        [cv2.resize(each, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for each in labels]
    )
    values = small.astype(np.float32) / 255
    return float(np.abs(values - values.mean(axis=0)).mean())


def shown_label(png: bytes, of: LabelSet) -> np.ndarray:
    """Decodes a stored label as networks learn it: uint8 [h, w], a map being 0 or 255."""
    label = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if of.threshold is None:
        return label
    return np.where(label > 255 * of.threshold, np.uint8(255), np.uint8(0))
