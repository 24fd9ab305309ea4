import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.pictures.images import encode_png
from data_prep.records import format as records
from data_prep.records.format import (
    IMAGE_FEATURES,
    ImageRecord,
    LabelRecord,
    open_labels,
    open_set,
    order_ids,
    shard_paths,
    shard_sizes,
)
from data_prep.records.shard_writer import write_shard, write_shards


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 4)


def write_labels(stem, ids, value=51):
    maps = (LabelRecord.from_map(name, np.full((2, 3), value, np.uint8)) for name in ids)
    return write_shards(stem=str(stem), records=maps, count=len(ids))


def test_image_record_round_trip():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    record = ImageRecord("grün 1", encode_png(pixels), 2, 4, encode_png(pixels[..., 0]))
    parsed = tf.io.parse_single_example(record.encode(), IMAGE_FEATURES)
    assert parsed["id"].numpy().decode() == "grün 1"
    assert (int(parsed["height"]), int(parsed["width"])) == (2, 4)
    assert np.array_equal(tf.io.decode_png(parsed["image"]).numpy(), pixels)
    assert np.array_equal(tf.io.decode_png(parsed["mask"]).numpy()[..., 0], pixels[..., 0])


def test_record_bytes_are_deterministic():
    record = ImageRecord("a", b"x", 1, 1, b"m")
    assert record.encode() == record.encode()


def test_sets_split_into_even_named_shards(tmp_path, small_shards):
    ids = [f"p{number}" for number in range(10)]
    manifest = write_labels(tmp_path / "round0", ids)
    assert manifest.shard_counts == (4, 3, 3)
    assert [Path(path).name for path in shard_paths(f"{tmp_path}/round0", 3)] == sorted(
        path.name for path in tmp_path.glob("*.tfrecord")
    )
    assert open_set(f"{tmp_path}/round0").ids == tuple(ids)
    assert manifest.mean_saliency == pytest.approx(0.2)


def test_shard_sizes_cover_the_count():
    assert shard_sizes(2000) == [2000]
    assert shard_sizes(2001) == [1001, 1000]


def test_order_is_fixed_by_the_ids_alone():
    # SHA-256 of c starts 2e7d, of b 3e23, of a ca97.
    assert order_ids(["b", "a", "c"]) == order_ids(["a", "b", "c"]) == ["c", "b", "a"]


def test_no_manifest_means_not_written(tmp_path):
    def interrupted():
        yield LabelRecord("a", b"", 0.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(stem=f"{tmp_path}/round0", records=interrupted(), count=2)
    with pytest.raises(InputError, match="round0.manifest.json: missing"):
        open_set(f"{tmp_path}/round0")


def test_missing_shard_is_named(tmp_path, small_shards):
    write_labels(tmp_path / "s", ["a", "b", "c", "d", "e"])
    (tmp_path / "s-00001-of-00002.tfrecord").unlink()
    with pytest.raises(InputError, match="s-00001-of-00002.tfrecord: shard is missing"):
        open_set(f"{tmp_path}/s")


@pytest.mark.parametrize("damage", ["flip", "cut", "garbage"])
def test_damaged_shard_is_named(tmp_path, damage):
    write_labels(tmp_path / "s", ["a", "b"])
    shard = tmp_path / "s-00000-of-00001.tfrecord"
    data = bytearray(shard.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 255
    shard.write_bytes(data[:-7] if damage == "cut" else b"x" * 99 if damage == "garbage" else data)
    with pytest.raises(InputError, match="s-00000-of-00001.tfrecord: damaged shard"):
        open_set(f"{tmp_path}/s")


def test_shard_cut_between_records_is_named(tmp_path):
    write_labels(tmp_path / "one", ["a"])
    write_labels(tmp_path / "s", ["a", "b"])
    (tmp_path / "one-00000-of-00001.tfrecord").replace(tmp_path / "s-00000-of-00001.tfrecord")
    with pytest.raises(InputError, match="holds 1 records, its manifest says 2"):
        open_set(f"{tmp_path}/s")


def test_duplicate_id_is_named(tmp_path):
    write_labels(tmp_path / "s", ["a", "b", "a"])
    with pytest.raises(InputError, match="id a appears twice"):
        open_set(f"{tmp_path}/s")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}'])
def test_damaged_manifest_is_named(tmp_path, text):
    write_labels(tmp_path / "s", ["a"])
    (tmp_path / "s.manifest.json").write_text(text)
    with pytest.raises(InputError, match="s.manifest.json: damaged; prepare"):
        open_set(f"{tmp_path}/s")


def test_other_format_version_is_refused(tmp_path):
    write_labels(tmp_path / "s", ["a"])
    path = tmp_path / "s.manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(InputError, match="format 99, this program reads 1"):
        open_set(f"{tmp_path}/s")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "c"], "no label for photo b"),
        (["a", "b", "c"], "label of unknown photo c"),
        (["b", "a"], "ids in another order"),
    ],
)
def test_labels_of_other_photos_are_refused(tmp_path, ids, message):
    write_labels(tmp_path / "images", ["a", "b"])
    write_labels(tmp_path / "labels", ids)
    with pytest.raises(InputError, match=message):
        open_labels(f"{tmp_path}/labels", open_set(f"{tmp_path}/images"))


def test_wrong_count_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected 3 records, got 1"):
        write_shards(stem=f"{tmp_path}/s", records=[LabelRecord("a", b"", 0.0)], count=3)


def test_what_the_producer_of_records_raises_is_told_as_it_is(tmp_path):
    def exhausted():
        yield LabelRecord("a", b"", 0.0)
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    with pytest.raises(tf.errors.ResourceExhaustedError, match="^OOM when allocating$"):
        write_shard(f"{tmp_path}/s.tfrecord", exhausted())
    assert list(tmp_path.iterdir()) == []


def test_shard_that_cannot_be_opened_or_renamed_is_named(tmp_path):
    (tmp_path / "taken/file").mkdir(parents=True)
    for name in ("nowhere/s.tfrecord", "taken"):
        path = f"{tmp_path}/{name}"
        with pytest.raises(InputError, match=f"^{path}: cannot be written "):
            write_shard(path, [LabelRecord("a", b"", 0.0)])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
