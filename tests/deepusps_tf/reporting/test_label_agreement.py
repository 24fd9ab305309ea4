from types import SimpleNamespace

import numpy as np
import pytest

from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting.label_agreement import Agreement, agreement, compared_versions, overlaps
from deepusps_tf.reporting.label_history import LabelHistory, LabelVersion, label_histories


def test_overlap_is_what_both_call_salient_of_what_either_does():
    first = [[1, 1], [0, 0]]
    second = [[1, 0], [1, 0]]
    empty = np.zeros((2, 2))
    cut = np.stack([first, second, empty], axis=-1).astype(bool)
    none = np.zeros((2, 2, 3), bool)
    np.testing.assert_allclose(
        overlaps(np.stack([cut, none])),
        [[[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]], np.ones((3, 3))],
    )


def test_photos_and_label_sets_are_rated_by_their_pairs():
    overlap = np.ones((2, 3, 3))
    for (a, b), values in {(0, 1): (0.9, 0.5), (0, 2): (0.6, 0.4), (1, 2): (0.3, 0.3)}.items():
        overlap[:, a, b] = overlap[:, b, a] = values
    agreed = Agreement(("rbd", "mc", "hs"), overlap, np.zeros((2, 3)))
    assert agreed.of_photos == pytest.approx([0.6, 0.4]) and agreed.mean == pytest.approx(0.5)
    assert agreed.of_sets == pytest.approx({"rbd": 0.6, "mc": 0.5, "hs": 0.4})
    assert agreed.least(5) == [1, 0] and agreed.least(1) == [1]


def test_one_method_is_compared_with_its_own_maps():
    def history(method, *names):
        return LabelHistory(method, tuple(LabelVersion(name, None, 0.5) for name in names), ())

    def names(*histories):
        return [(name, version.name) for name, version in compared_versions(histories)]

    joint = history("joint", "joint 1")
    rbd, mc = history("rbd", "map", "rbd 1", "rbd 2"), history("mc", "mc map")
    assert names(rbd, joint) == [("rbd maps", "map"), ("rbd labels", "rbd 2")]
    assert names(rbd, mc, joint) == [("rbd", "rbd 2"), ("mc", "mc map")]
    assert names(mc) == [("mc maps", "mc map")]


def test_labels_on_disk_are_cut_and_compared(tiny_config):
    photos = open_photos(tiny_config.records)
    histories = label_histories(tiny_config, photos)
    agreed = agreement(photos.train, compared_versions(histories), 32)
    assert agreed.names == ("rbd", "mc") and agreed.overlap.shape == (10, 2, 2)
    # Both are noisy maps of the same discs.
    assert 0.5 < agreed.mean < 1 and (agreed.coverage > 0.02).all() and agreed.coverage.max() < 0.5
    assert agreement(photos.train, compared_versions(histories[:1]), 32) is None
    alike = SimpleNamespace(labels=histories[0].last.labels, threshold=histories[0].last.threshold)
    same = agreement(photos.train, [("a", alike), ("b", alike)], 32)
    assert same.mean == 1
