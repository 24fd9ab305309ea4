import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.pictures.file_hashes import HASHES
from data_prep.pictures.images import write_png
from data_prep.prepare import prepare_records, take_changes
from data_prep.records.corrections import newest_versions
from data_prep.records.format import LABEL_FEATURES, open_labels, open_set
from data_prep.records.source import Source


@pytest.fixture
def source(tmp_path):
    """Photos p0 to p4 of 50x40 with masks, two of them test photos, and maps made elsewhere."""
    for name in ("images", "masks", "mine"):
        (tmp_path / name).mkdir()
    for number in range(5):
        rgb = np.full((40, 50, 3), 20 * number, np.uint8)
        rgb[10:30, 15:30] += np.uint8(100)
        Image.fromarray(rgb).save(tmp_path / f"images/p{number}.png")
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 15:30] = 255
        Image.fromarray(mask).save(tmp_path / f"masks/p{number}.png")
        Image.fromarray(mask // 2 + 9).save(tmp_path / f"mine/p{number}.png")
    given = f"mine={tmp_path}/mine"
    images, masks = str(tmp_path / "images"), str(tmp_path / "masks")
    return Source(images, masks, None, None, 0.4, 0, None, ("mc", given), 1024)


@pytest.fixture
def records(source, tmp_path):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    return tmp_path / "records"


def labels_of(records, split, version, method="mc"):
    """The labels of a version by id, and their manifest's mean saliency."""
    images = open_set(f"{records}/{split}/images")
    labels = open_labels(f"{records}/{split}/labels/{method}/{version}", images)
    values = {}
    for record in tf.data.TFRecordDataset(labels.shards):
        example = tf.io.parse_single_example(record, LABEL_FEATURES)
        values[example["id"].numpy().decode()] = tf.io.decode_png(example["label"]).numpy()[..., 0]
    return values, labels.manifest.mean_saliency


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def training_photo(records):
    return open_set(f"{records}/train/images").ids[0]


def test_a_corrected_map_becomes_a_version_beside_the_first(source, records, capsys):
    before, train = files_of(records), training_photo(records)
    write_png(records / f"maps/train/mc/{train}.png", np.full((40, 50), 60, np.uint8))
    capsys.readouterr()
    prepare_records(source=source, records=records, jobs=1)
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        f"{records}/maps/train/mc/{train}.png: changed since {records} was made; new runs train "
        "on mc so"
    )
    assert newest_versions(records) == {"mc": "corrected1"}
    first, _ = labels_of(records, "train", "round0")
    made, mean = labels_of(records, "train", "corrected1")
    assert (made.pop(train) == 60).all() and not (first.pop(train) == 60).all()
    assert made.keys() == first.keys()
    for name, label in made.items():
        np.testing.assert_array_equal(label, first[name])
    levels = [60 * np.ones(1), *made.values()]
    assert mean == pytest.approx(np.mean([level.mean() for level in levels]) / 255)
    np.testing.assert_equal(
        labels_of(records, "test", "corrected1"), labels_of(records, "test", "round0")
    )
    now = files_of(records)  # nothing that runs may be reading was written to
    kept = {path for path in before if path.name not in (HASHES, f"{train}.png")}
    assert all(now[path] == before[path] for path in kept) and len(kept) > 10


def test_it_is_taken_once_and_again_when_it_changes_again(source, records, capsys):
    path = records / f"maps/train/mc/{training_photo(records)}.png"
    for level, version in ((60, "corrected1"), (70, "corrected2")):
        write_png(path, np.full((40, 50), level, np.uint8))
        for _ in range(2):
            prepare_records(source=source, records=records, jobs=1)
            assert newest_versions(records) == {"mc": version}
        assert capsys.readouterr().out.count("changed since") == 1
        assert (labels_of(records, "train", version)[0][path.stem] == level).all()


def test_records_named_alone_take_corrections_too(records):
    write_png(records / "maps/train/mc/p0.png", np.full((40, 50), 60, np.uint8))
    take_changes(records)
    assert newest_versions(records) == {"mc": "corrected1"}


def test_a_map_corrected_where_it_was_made_is_taken_from_there(source, records, tmp_path):
    write_png(tmp_path / "mine/p0.png", np.full((40, 50), 60, np.uint8))
    prepare_records(source=source, records=records, jobs=1)
    assert newest_versions(records) == {"mine": "corrected1"}
    labels = {
        **labels_of(records, "train", "corrected1", "mine")[0],
        **labels_of(records, "test", "corrected1", "mine")[0],
    }
    assert (labels["p0"] == 60).all() and labels["p2"].max() == 136


def test_a_corrected_map_of_a_photo_in_a_subfolder_is_taken(source, tmp_path, monkeypatch, capsys):
    for folder in ("images", "masks", "mine"):
        (tmp_path / folder / "sub").mkdir()
        (tmp_path / folder / "p1.png").rename(tmp_path / folder / "sub/p0.png")
    monkeypatch.chdir(tmp_path)  # paths of source.json are relative to it
    walked = dataclasses.replace(source, images="images", masks="masks", recursive=True)
    records = tmp_path / "records"
    prepare_records(source=walked, records=records, jobs=1)
    monkeypatch.chdir("/")
    write_png(records / "maps/train/mc/sub/p0.png", np.full((40, 50), 60, np.uint8))
    write_png(tmp_path / "mine/sub/p0.png", np.full((40, 50), 70, np.uint8))
    Image.new("L", (50, 40), 255).save(tmp_path / "masks/sub/p0.png")
    capsys.readouterr()
    take_changes(records)
    assert f"{tmp_path}/masks: sub/p0.png changed since" in capsys.readouterr().out
    assert newest_versions(records) == {"mc": "corrected1", "mine": "corrected1"}
    for method, level in (("mc", 60), ("mine", 70)):
        first, made = (
            {
                **labels_of(records, "train", version, method)[0],
                **labels_of(records, "test", version, method)[0],
            }
            for version in ("round0", "corrected1")
        )
        assert (made.pop("sub/p0") == level).all() and not (first.pop("sub/p0") == level).all()
        np.testing.assert_equal(made, first)  # that of p0 too
    Image.new("RGB", (50, 40), "red").save(tmp_path / "images/sub/p0.png")
    write_png(records / "maps/train/mc/sub/p0.png", np.full((40, 50), 80, np.uint8))
    take_changes(records)
    assert f"{tmp_path}/images: sub/p0.png changed since" in capsys.readouterr().out
    assert newest_versions(records)["mc"] == "corrected1"


def test_records_alone_need_no_method_that_another_program_registered(records):
    kept = json.loads((records / "source.json").read_text())
    kept["methods"].append("theirs")
    (records / "source.json").write_text(json.dumps(kept))
    write_png(records / "maps/train/mc/p0.png", np.full((40, 50), 60, np.uint8))
    take_changes(records)
    assert newest_versions(records) == {"mc": "corrected1"}


def test_a_map_that_does_not_fit_is_named_and_nothing_kept(source, records):
    write_png(records / "maps/train/mc/p0.png", np.full((4, 5), 60, np.uint8))
    for _ in range(2):
        with pytest.raises(InputError, match=r"mc/p0.png: is 5x4 .*photo 50x40; give the map the"):
            prepare_records(source=source, records=records, jobs=1)
    assert newest_versions(records) == {}


def test_edited_photos_and_masks_are_named_and_their_maps_not_taken(source, records, capsys):
    images, masks = records.parent / "images", records.parent / "masks"
    Image.new("RGB", (50, 40), "red").save(images / "p0.png")
    Image.new("L", (50, 40)).save(masks / "p2.png")
    write_png(records / "maps/train/mc/p0.png", np.full((40, 50), 60, np.uint8))
    capsys.readouterr()
    for _ in range(2):
        prepare_records(source=source, records=records, jobs=1)
        photos, truth = sorted(capsys.readouterr().out.splitlines())
        assert photos.startswith(f"{images}: p0.png changed since {records} was made; this run")
        assert photos.endswith("choose another --records and --workdir")
        assert truth.startswith(f"{masks}: p2.png changed")
    assert newest_versions(records) == {}


def test_touched_and_missing_files_are_no_corrections(source, records, capsys):
    (records / "maps/train/mc/p1.png").touch()
    (records.parent / "images/p2.png").touch()
    (records / "maps/train/mc/p2.png").unlink()
    capsys.readouterr()
    with locked_folder(records, "wait"):  # as by another run on the same records
        prepare_records(source=source, records=records, jobs=1)
    assert capsys.readouterr().out == ""
    assert newest_versions(records) == {}


def test_two_runs_do_not_take_corrections_at_once(source, records):
    write_png(records / "maps/train/mc/p0.png", np.full((40, 50), 60, np.uint8))
    with (
        locked_folder(records, "wait"),
        pytest.raises(InputError, match="another run is under way here; wait for it or choose"),
    ):
        prepare_records(source=source, records=records, jobs=1)


def test_records_of_before_go_on_as_they_are(source, records, capsys):
    (records / HASHES).unlink()
    write_png(records / "maps/train/mc/p0.png", np.full((40, 50), 60, np.uint8))
    capsys.readouterr()
    prepare_records(source=source, records=records, jobs=1)
    take_changes(records)
    assert capsys.readouterr().out == ""
    assert newest_versions(records) == {} and not (records / HASHES).exists()


def test_records_made_anew_hold_the_corrected_maps_from_the_first(source, records):
    path = records / f"maps/train/mc/{training_photo(records)}.png"
    write_png(path, np.full((40, 50), 60, np.uint8))
    prepare_records(source=source, records=records, jobs=1)
    (records / "prepared").unlink()
    prepare_records(source=source, records=records, jobs=1)
    assert newest_versions(records) == {}
    assert (labels_of(records, "train", "round0")[0][path.stem] == 60).all()


def test_maps_of_a_method_that_was_added_can_be_corrected(source, records):
    source = Source(**{**vars(source), "methods": (*source.methods, "rbd")})
    prepare_records(source=source, records=records, jobs=1)
    write_png(records / "maps/train/rbd/p0.png", np.full((40, 50), 60, np.uint8))
    prepare_records(source=source, records=records, jobs=1)
    assert newest_versions(records) == {"rbd": "corrected1"}
    assert json.loads((records / "source.json").read_text())["methods"][-1] == "rbd"
