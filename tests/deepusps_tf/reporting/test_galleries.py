import dataclasses

import numpy as np

from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting.galleries import PHOTOS, SIDE, judged_gallery, label_gallery
from deepusps_tf.reporting.label_history import label_histories
from deepusps_tf.reporting.photo_errors import JudgedPhoto


def test_maps_are_shown_cut_as_networks_learn_them(tiny_config):
    # At the pictures' own size, so that none is resized.
    config = dataclasses.replace(tiny_config, size=SIDE, methods=("mc", "rbd"), threshold_scale=2.0)
    photos = open_photos(config.records)
    gallery = label_gallery(label_histories(config, photos), photos.train, SIDE)
    maps = [photos.handcrafted("train", method) for method in ("mc", "rbd")]
    thresholds = [2 * each.manifest.mean_saliency for each in maps]
    assert gallery.columns == [
        "photo",
        f"mc map, threshold {thresholds[0]:.2f}",
        f"rbd map, threshold {thresholds[1]:.2f}",
    ]
    (batch,) = scoring_batches(images=photos.train, labels=maps, size=SIDE, batch_size=10).take(1)
    assert [caption for caption, _ in gallery.rows] == list(photos.train.ids[:PHOTOS])
    for (_, cells), values in zip(gallery.rows, batch["labels"].numpy(), strict=False):
        for place, (cell, threshold) in enumerate(zip(cells[1:], thresholds, strict=True)):
            expected = np.where(values[..., place] > threshold, 255, 0)
            assert 0 < (expected > 0).mean() < 0.5
            np.testing.assert_array_equal(cell, np.repeat(expected[..., None], 3, axis=-1))


def test_another_runs_outputs_stand_before_the_truth():
    def photo(output):
        flat = np.full((160, 160), output, np.float32)
        maps = {"rbd": np.full_like(flat, 0.4)}
        outputs = {"fused": np.full_like(flat, 0.6), "fused + CRF": flat}
        mask = np.ones_like(flat)
        return JudgedPhoto("a", np.full((160, 160, 3), 51, np.uint8), maps, outputs, mask)

    gallery = judged_gallery("Title", "Text", [photo(0.8)], [photo(0.2)], "oracle")
    columns = ["photo", "rbd map", "fused", "fused + CRF", "oracle", "mask by hand"]
    assert (gallery.title, gallery.columns) == ("Title", columns)
    ((caption, cells),) = gallery.rows
    assert caption == "a, MAE 20.0, of oracle 80.0"
    assert [np.unique(cell).tolist() for cell in cells] == [[51], [102], [153], [204], [51], [255]]
    alone = judged_gallery("Title", "Text", [photo(0.8)])
    assert alone.columns == [name for name in columns if name != "oracle"]
    assert [caption for caption, _ in alone.rows] == ["a, MAE 20.0"]
