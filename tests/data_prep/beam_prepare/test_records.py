import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.records.format import open_labels, open_set
from tests.data_prep.beam_prepare.preparation import (
    BeamSummary,
    Layout,
    contents,
    prepare,
    prepare_locally,
    record_files,
)


def test_records_are_those_of_the_local_tools(folder):
    prepare_locally(folder)
    assert prepare(folder) == BeamSummary(photos=7, left_out=0)
    expected = record_files(folder / "local")
    assert len(expected) == 3 * 3 + 3  # shards and manifests of images and two methods
    assert record_files(folder / "beam") == expected
    assert contents(folder / "beam/maps", "*.png*") == contents(folder / "maps", "*.png")
    images = open_set(f"{folder}/beam/images")
    assert images.manifest.has_masks and images.manifest.shard_counts == (3, 2, 2)
    open_labels(f"{folder}/beam/labels/mc/round0", images)


def test_broken_photos_are_counted_and_named(folder):
    (folder / "images/cut.jpg").write_bytes(b"\xff\xd8 cut")
    (folder / "images/empty.png").touch()
    (folder / "images/notes.txt").write_text("no photo")
    made = prepare_locally(folder, masks=False)
    assert prepare(folder, masks=None) == BeamSummary(photos=7, left_out=2)
    lines = (folder / "beam/left_out.txt").read_text().splitlines()
    assert lines == [f"{path}: {reason}" for path, reason in made.skipped.items()]
    assert [line.partition(":")[0] for line in lines] == [
        f"{folder}/images/{name}" for name in ("cut.jpg", "empty.png")
    ]
    assert record_files(folder / "beam") == record_files(folder / "local")


def test_finished_records_are_left_alone_and_a_stopped_run_keeps_its_maps(folder):
    first = prepare(folder, masks=None)
    before = {path: path.stat().st_mtime_ns for path in (folder / "beam").rglob("*")}
    whole = record_files(folder / "beam")
    assert prepare(folder, masks=None) == first
    assert prepare(folder, masks=None, methods=("mc",)) == first
    assert {path: path.stat().st_mtime_ns for path in (folder / "beam").rglob("*")} == before
    with pytest.raises(InputError, match="made with masks=None, not"):
        prepare(folder)
    with pytest.raises(InputError, match="made with methods=.*, without dsr; choose another"):
        prepare(folder, masks=None, methods=("mc", "dsr"))

    for name in (
        "prepared",
        "labels/mc/round0.manifest.json",
        "images-00001-of-00003.tfrecord",
        "maps/rbd/p3.png",
    ):
        (folder / "beam" / name).unlink()
    kept = {path: before[path] for path in (folder / "beam/maps").rglob("*.png")}
    assert len(kept) == 13
    assert prepare(folder, masks=None) == first
    assert record_files(folder / "beam") == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert set((folder / "beam").rglob("*")) == set(before)  # nothing temporary


def test_a_stopped_run_makes_the_maps_of_a_replaced_photo_again(folder):
    prepare(folder, masks=None)
    (folder / "images/p2.png").write_bytes((folder / "images/p4.png").read_bytes())
    prepare_locally(folder, masks=False)
    (folder / "beam/prepared").unlink()
    kept = {
        path: path.stat().st_mtime_ns
        for path in (folder / "beam/maps").rglob("*.png")
        if path.name != "p2.png"
    }
    assert prepare(folder, masks=None) == BeamSummary(photos=7, left_out=0)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(folder / "beam/maps", "*.png*") == contents(folder / "maps", "*.png")
    assert record_files(folder / "beam") == record_files(folder / "local")


def test_photos_and_records_may_be_remote(folder):
    prepare_locally(folder, max_side=20)
    images, masks = f"bucket://{folder}/images/*", f"bucket://{folder}/masks/*"
    output = f"ram://remote{folder}"
    prepare(folder, images=images, masks=masks, output=output, max_side=20)
    for name, content in record_files(folder / "local").items():
        with tf.io.gfile.GFile(f"{output}/{name}", "rb") as file:
            assert file.read() == content


def test_layout_ranks_prefixes_and_cuts_shards():
    layout = Layout.from_counts({"00f1": 4, "0001": 2, "a000": 1})
    assert layout.starts == {"0001": 0, "00f1": 2, "a000": 6}
    assert layout.ends == (3, 5, 7) and layout.count == 7
    assert [layout.shard(rank) for rank in range(7)] == [0, 0, 0, 1, 1, 2, 2]
