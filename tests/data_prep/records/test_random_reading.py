import shutil

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.records import format as records
from data_prep.records.format import LabelRecord, open_set
from data_prep.records.random_reading import damaged_shard_named, record_reader
from data_prep.records.shard_writer import write_shards

COUNT = 10


@pytest.fixture
def stem(tmp_path, monkeypatch):
    """A set of 10 labels of growing size in shards of 4, 3 and 3."""
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 4)
    return written(f"{tmp_path}/set")


def written(stem, value=0):
    labels = (
        LabelRecord.from_map(f"p{place}", np.full((2, 9 * place + 1), value + place, np.uint8))
        for place in range(COUNT)
    )
    write_shards(stem=stem, records=labels, count=COUNT)
    return stem


def in_order(opened):
    return list(tf.data.TFRecordDataset(opened.shards).as_numpy_iterator())


def read_at(opened, places):
    read = record_reader(opened)
    chosen = tf.data.Dataset.from_tensor_slices(np.array(places, np.int64))
    return list(chosen.map(read, num_parallel_calls=2).as_numpy_iterator())


def test_any_order_gives_the_records_of_that_order(stem):
    opened = open_set(stem)
    whole = in_order(opened)
    assert len({len(record) for record in whole}) > 3
    for places in (range(COUNT), [9, 0, 4, 3, 7, 6, 9], [5]):
        assert read_at(opened, places) == [whole[place] for place in places]


def test_bounds_add_up_to_the_files(stem):
    opened = open_set(stem)
    ends = np.cumsum([tf.io.gfile.stat(path).length for path in opened.shards])
    assert opened.bounds.dtype == np.int64 and opened.bounds.shape == (COUNT + 1,)
    assert opened.bounds[[0, 4, 7, 10]].tolist() == [0, *ends]


def test_other_file_systems_are_read_alike(stem):
    opened = open_set(stem)
    for path in [*opened.shards, records.manifest_path(stem)]:
        tf.io.gfile.copy(path, f"ram://random_reading/{path.rpartition('/')[2]}")
    elsewhere = open_set("ram://random_reading/set")
    assert read_at(elsewhere, [9, 0, 5]) == [in_order(opened)[place] for place in (9, 0, 5)]


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "a flipped byte":
        data[-7] ^= 255
    path.write_bytes(data[:-9] if how == "cut" else b"" if how == "emptied" else data)
    if how == "gone":
        path.unlink()


@pytest.mark.parametrize("how", ["a flipped byte", "cut", "emptied", "gone"])
def test_a_shard_damaged_after_opening_is_named(stem, tmp_path, how):
    opened, whole = open_set(stem), open_set(written(f"{tmp_path}/whole"))
    damage(tmp_path / "set-00001-of-00003.tfrecord", how)
    said = {"gone": "shard is missing", "emptied": "holds 0 records, its manifest says 3"}
    with (
        pytest.raises(
            InputError, match=f"^{stem}-00001-of-00003.tfrecord: {said.get(how, 'damaged shard')}"
        ),
        damaged_shard_named([whole, opened]),
    ):
        read_at(opened, [9, 0, 6])
    assert len(read_at(opened, [9, 0])) == 2


def test_shards_written_anew_are_named(stem, tmp_path):
    opened = open_set(stem)
    for path in tmp_path.glob("set-*.tfrecord"):
        path.unlink()
    labels = (
        LabelRecord.from_map(f"p{place}", np.zeros((2, 900), np.uint8)) for place in range(COUNT)
    )
    write_shards(stem=f"{tmp_path}/again/set", records=labels, count=COUNT)
    for path in tmp_path.glob("again/*.tfrecord"):
        shutil.copy(path, tmp_path / path.name)
    with (
        pytest.raises(InputError, match=f"^{stem}: its shards were written anew while they were"),
        damaged_shard_named([opened]),
    ):
        read_at(opened, range(COUNT))


def test_other_failures_are_told_as_they_are(stem):
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="Base64 string length"),
        damaged_shard_named([open_set(stem)]),
    ):
        tf.io.decode_base64("!").numpy()
