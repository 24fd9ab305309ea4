import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

from data_prep.pictures.images import encode_png
from data_prep.records import format as records
from data_prep.records.format import ImageRecord, LabelRecord, open_labels, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.augmentation import PhotoChanges
from deepusps_tf.data.batches import (
    DUPLICATE,
    chosen_photos,
    epoch_order,
    label_mask_batches,
    mirror_where,
    photo_batches,
    scoring_batches,
    steps_per_epoch,
    training_batches,
)
from tests.deepusps_tf.conftest import disc_photo, write_disc_records


@pytest.fixture
def labels(disc_records, disc_photos):
    return [open_labels(f"{disc_records}/train/labels/rbd/round0", disc_photos)]


def epochs_of(images, labels, *, batch_size=4, seed=0, first_epoch=0, epochs=2, **workers):
    """Runs training batches and returns the indices of each epoch."""
    batches = training_batches(
        images=images,
        labels=labels,
        size=16,
        batch_size=batch_size,
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
        **workers,
    )
    indices = [inputs["index"].numpy().tolist() for inputs, _ in batches]
    steps = steps_per_epoch(len(images.ids), batch_size)
    return [
        list(itertools.chain(*indices[start : start + steps]))
        for start in range(0, len(indices), steps)
    ]


@pytest.mark.parametrize("batch_size", [1, 4, 10, 25])
def test_every_photo_once_an_epoch_and_whole_batches(disc_photos, labels, batch_size):
    for epoch in epochs_of(disc_photos, labels, batch_size=batch_size):
        assert sorted(index for index in epoch if index != DUPLICATE) == list(range(10))
        assert len(epoch) % batch_size == 0 and len(epoch) < 10 + batch_size


def test_order_is_a_function_of_seed_and_epoch(disc_photos, labels):
    whole = epochs_of(disc_photos, labels, epochs=3)
    assert whole == epochs_of(disc_photos, labels, epochs=3)
    assert whole[1:] == epochs_of(disc_photos, labels, first_epoch=1, epochs=3)
    assert whole[0] != whole[1]
    assert whole != epochs_of(disc_photos, labels, epochs=3, seed=1)


def test_every_record_may_come_at_every_place():
    orders = np.stack([order_of(400, epoch=epoch) for epoch in range(40)])
    assert (np.sort(orders) == np.arange(400)).all()
    places = np.arange(400)
    correlations = [np.corrcoef(places, order)[0, 1] for order in orders]
    # Of a uniform permutation they have mean 0 and standard deviation 1 / sqrt(399).
    assert np.abs(np.mean(correlations)) < 4 / np.sqrt(399 * 40)
    assert 0.7 < np.std(correlations) * np.sqrt(399) < 1.3
    consecutive = [np.corrcoef(*pair)[0, 1] for pair in itertools.pairwise(orders)]
    assert np.abs(np.mean(consecutive)) < 4 / np.sqrt(399 * 39)
    # Where the last record comes is uniform, at the front and at the back.
    last = (orders == 399).argmax(axis=1)
    assert last.min() < 40 and last.max() >= 360
    assert 400 / 2 - 80 < last.mean() < 400 / 2 + 80
    assert len({tuple(order) for order in orders}) == 40
    # Few stay behind their neighbour: one a permutation on average, not the 400 of record order.
    assert (np.diff(orders, axis=1) == 1).sum(axis=1).mean() < 2.5


def test_all_orders_of_few_photos_come_equally_often():
    orders = collections.Counter(tuple(order_of(3, epoch=epoch)) for epoch in range(600))
    assert len(orders) == 6 and 60 < min(orders.values()) <= max(orders.values()) < 140


def order_of(count, *, epoch, padding=0):
    """Place in record order of the photo at each place of an epoch."""
    return epoch_order(count, padding, tf.constant(epoch, tf.int64), epoch)[1].numpy()


def test_duplicates_are_other_photos_each_epoch_and_lie_anywhere():
    seen, places = [], []
    for epoch in range(30):
        index, record = epoch_order(10, 4, tf.constant(epoch, tf.int64), epoch)
        repeated = index.numpy() == DUPLICATE
        assert np.array_equal(index[~repeated], record[~repeated])
        assert repeated.sum() == 4
        seen.append(sorted(record.numpy()[repeated]))
        places.append(np.flatnonzero(repeated))
    assert seen[:3] == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 8, 9]]
    assert set(np.concatenate(places)) == set(range(14))


def test_labels_of_many_sets_and_shards_stay_with_their_photos(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 3)
    shifts = {"a": 3, "b": 9}

    def flat(place, shift, side):
        return np.full((side, side), 20 * place + shift, np.uint8)

    photos = (
        ImageRecord(f"p{n}", encode_png(np.dstack([flat(n, 0, 4 + n)] * 3)), 4 + n, 4 + n)
        for n in range(8)
    )
    write_shards(stem=f"{tmp_path}/images", records=photos, count=8)
    for name in shifts:
        maps = (LabelRecord.from_map(f"p{n}", flat(n, shifts[name], 30 - n)) for n in range(8))
        write_shards(stem=f"{tmp_path}/{name}", records=maps, count=8)
    images = open_set(f"{tmp_path}/images")
    assert len(images.shards) == 3
    sets = [open_labels(f"{tmp_path}/{name}", images) for name in shifts]
    batches = training_batches(
        images=images, labels=sets, size=8, batch_size=4, seed=5, first_epoch=0, epochs=2
    )
    for inputs, maps in batches:
        level = 20 * inputs["index"].numpy()
        assert np.allclose(inputs["image"].numpy()[:, 3, 3, 0], level, atol=1e-3)
        for place, name in enumerate(shifts):
            expected = (level + shifts[name]) / np.float32(255)
            assert np.allclose(maps.numpy()[:, 3, 3, place], expected, atol=1e-6)


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_every_batch_of_one(disc_photos, labels, workers):
    whole = epochs_of(disc_photos, labels)
    shares = [
        epochs_of(disc_photos, labels, worker=worker, workers=workers) for worker in range(workers)
    ]
    for epoch in range(2):
        together = zip(*(share[epoch] for share in shares), strict=True)
        assert list(itertools.chain(*together)) == whole[epoch]


def test_workers_mirror_the_photos_that_one_mirrors(disc_photos, labels):
    def mirrored(**workers):
        batches = training_batches(
            images=disc_photos,
            labels=labels,
            size=16,
            batch_size=4,
            seed=0,
            first_epoch=0,
            epochs=2,
            changes=PhotoChanges(mirror=True),
            **workers,
        )
        return np.stack([inputs["mirrored"].numpy() for inputs, _ in batches])

    whole = mirrored()
    assert 0 < whole.sum() < whole.size
    assert np.array_equal(whole[:, 0::2], mirrored(worker=0, workers=2))
    assert np.array_equal(whole[:, 1::2], mirrored(worker=1, workers=2))


def test_labels_belong_to_their_photos(disc_photos, labels):
    batches = training_batches(
        images=disc_photos,
        labels=labels * 2,
        size=32,
        batch_size=5,
        seed=0,
        first_epoch=0,
        epochs=1,
    )
    for inputs, maps in batches:
        assert set(inputs) == {"index", "image", "mirrored"}
        assert not inputs["mirrored"].numpy().any()
        assert maps.shape == (5, 32, 32, 2)
        assert np.array_equal(maps[..., 0], maps[..., 1])
        bright = inputs["image"].numpy().mean(axis=-1) > 120
        inside = maps.numpy()[..., 0][bright].mean()
        assert inside > 0.5 > 0.25 > maps.numpy()[..., 0][~bright].mean()


def mirrored_epochs(images, labels, **settings):
    """Runs training batches of all ten photos, one an epoch: (index, image, mirrored, labels)."""
    batches = training_batches(
        images=images,
        labels=labels,
        size=16,
        batch_size=10,
        seed=0,
        changes=PhotoChanges(mirror=True),
        **settings,
    )
    return [
        (inputs["index"].numpy(), inputs["image"].numpy(), inputs["mirrored"].numpy(), maps.numpy())
        for inputs, maps in batches
    ]


def test_mirrored_photos_are_turned_with_their_labels_and_back_exactly(disc_photos, labels):
    (whole,) = scoring_batches(images=disc_photos, labels=labels, size=16, batch_size=10)
    drawn = []
    for index, image, mirrored, maps in mirrored_epochs(
        disc_photos, labels, first_epoch=0, epochs=8
    ):
        expected = {
            "image": whole["image"].numpy()[index],
            "labels": whole["labels"].numpy()[index],
        }
        for name, batch in (("image", image), ("labels", maps)):
            turned = mirrored == 1
            assert np.array_equal(batch[turned], expected[name][turned][:, :, ::-1])
            assert np.array_equal(batch[~turned], expected[name][~turned])
            assert np.array_equal(mirror_where(mirrored, batch), expected[name])
        drawn.append(mirrored)
    assert 20 < np.sum(drawn) < 60  # of 80
    assert len({tuple(mirrored) for mirrored in drawn}) > 1


def test_mirroring_is_a_function_of_seed_and_epoch(disc_photos, labels):
    whole = mirrored_epochs(disc_photos, labels, first_epoch=0, epochs=3)
    resumed = mirrored_epochs(disc_photos, labels, first_epoch=2, epochs=3)
    assert all(np.array_equal(*pair) for pair in zip(whole[2], resumed[0], strict=True))


def changed_epochs(images, labels, **settings):
    """Runs training batches of all ten photos, one an epoch: (index, image, labels)."""
    common = {"images": images, "labels": labels, "size": 32, "batch_size": 10, "seed": 0}
    batches = training_batches(**common, **settings)
    return [(inputs["index"].numpy(), inputs["image"].numpy(), y.numpy()) for inputs, y in batches]


def test_parts_are_shown_of_a_share_of_photos_with_their_labels(disc_photos, labels):
    (whole,) = scoring_batches(images=disc_photos, labels=labels, size=32, batch_size=10)
    cut = 0
    for index, image, maps in changed_epochs(
        disc_photos, labels, first_epoch=0, epochs=8, changes=PhotoChanges(crops=0.5)
    ):
        same = (image == whole["image"].numpy()[index]).all(axis=(1, 2, 3))
        assert np.array_equal(maps[same], whole["labels"].numpy()[index][same])
        cut += np.sum(~same)
        # Discs are bright, with their labels: so they are in any part.
        bright = image.mean(axis=-1) > 120
        assert maps[..., 0][bright].mean() > 0.5 > 0.25 > maps[..., 0][~bright].mean()
    assert 20 < cut < 60  # of 80


def test_labels_of_the_ring_do_not_count_and_the_ring_is_mirrored(disc_photos, labels):
    common = {"images": disc_photos, "labels": labels, "size": 32, "batch_size": 10, "seed": 0}
    ends = {"first_epoch": 0, "epochs": 1}
    ((whole, _),) = training_batches(**common, **ends, changes=PhotoChanges(ring=0.1))
    off = np.pad(np.ones((26, 26)), 3)  # centres of three pixels a side lie within a tenth
    assert (whole["counted"].numpy()[..., 0] == off).all()
    changes = [PhotoChanges(crops=0.9, ring=0.2, mirror=mirror) for mirror in (False, True)]
    plain, turned = (
        next(iter(training_batches(**common, **ends, changes=each)))[0] for each in changes
    )
    back = mirror_where(turned["mirrored"], turned["counted"])
    assert np.array_equal(back, plain["counted"])
    assert not np.array_equal(turned["counted"], plain["counted"])


def test_colours_change_and_labels_do_not(disc_photos, labels):
    (whole,) = scoring_batches(images=disc_photos, labels=labels, size=32, batch_size=10)
    ((index, image, maps),) = changed_epochs(
        disc_photos, labels, first_epoch=0, epochs=1, changes=PhotoChanges(colours=0.2)
    )
    assert np.array_equal(maps, whole["labels"].numpy()[index])
    ratio = image.mean(axis=(1, 2, 3)) / whole["image"].numpy()[index].mean(axis=(1, 2, 3))
    assert ratio.min() > 0.8 and ratio.max() < 1.25 and np.ptp(ratio) > 0.1


def test_changes_are_a_function_of_seed_and_epoch_on_any_worker(disc_photos, labels):
    changes = {"changes": PhotoChanges(mirror=True, crops=0.5, colours=0.2)}
    whole = changed_epochs(disc_photos, labels, first_epoch=0, epochs=3, **changes)
    resumed = changed_epochs(disc_photos, labels, first_epoch=2, epochs=3, **changes)
    assert all(np.array_equal(*pair) for pair in zip(whole[2], resumed[0], strict=True))
    shared = changed_epochs(
        disc_photos, labels, first_epoch=2, epochs=3, worker=1, workers=2, **changes
    )
    for all_of_it, part in zip(whole[2], shared[0], strict=True):
        assert np.array_equal(all_of_it[1::2], part)


def test_scoring_batches_keep_record_order_and_carry_the_truth(disc_photos, labels):
    batches = list(scoring_batches(images=disc_photos, labels=labels, size=32, batch_size=4))
    ids = [photo_id.decode() for batch in batches for photo_id in batch["id"].numpy()]
    assert tuple(ids) == disc_photos.ids
    assert [batch["image"].shape[0] for batch in batches] == [4, 4, 2]
    truth = disc_photo(0)[1] > 127
    mask = batches[0]["mask"].numpy()[0, ..., 0]
    assert set(np.unique(mask)) == {0, 1}
    assert mask.mean() == pytest.approx(truth.mean(), abs=0.02)
    assert batches[0]["index"].numpy().tolist() == [0, 1, 2, 3]
    assert batches[0]["image"].numpy().min() >= 0 and batches[0]["image"].numpy().max() <= 255


def test_label_mask_batches_are_the_labels_and_masks_of_scoring_batches(disc_photos, labels):
    whole = next(iter(scoring_batches(images=disc_photos, labels=labels, size=32, batch_size=10)))
    ((maps, masks),) = label_mask_batches(images=disc_photos, labels=labels, size=32)
    assert np.array_equal(maps, whole["labels"]) and np.array_equal(masks, whole["mask"])


def test_chosen_photos_are_those_of_the_batches_in_the_order_asked_for(disc_photos, labels):
    (whole,) = photo_batches(images=disc_photos, labels=labels, size=16, batch_size=10)
    places = [7, 0, 3]
    chosen = chosen_photos(images=disc_photos, labels=labels, places=places, size=16)
    assert chosen.keys() == whole.keys()
    for name, values in chosen.items():
        np.testing.assert_array_equal(values, whole[name].numpy()[places])


def test_no_dataset_has_the_tuning_that_may_oversleep_its_end(disc_photos, labels):
    settings = {"images": disc_photos, "labels": labels, "size": 32, "batch_size": 4}
    training = training_batches(**settings, seed=0, first_epoch=0, epochs=1)
    for dataset in (training, photo_batches(**settings), scoring_batches(**settings)):
        assert dataset.options().autotune.enabled is False


def test_masks_are_empty_where_there_are_none(tmp_path):
    write_disc_records(tmp_path, count=2, methods=(), masks=False)
    images = open_set(f"{tmp_path}/images")
    assert not images.manifest.has_masks
    batch = next(iter(scoring_batches(images=images, size=16, batch_size=2)))
    assert "labels" not in batch and batch["mask"].numpy().sum() == 0
