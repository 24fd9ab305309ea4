import dataclasses
import json
import shutil
import unicodedata

import pytest

from data_prep import prepare
from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.prepare import prepare_records
from data_prep.records.format import open_labels, open_set, order_ids
from data_prep.records.layout import SOURCE
from data_prep.records.source import Source
from tests.data_prep.prepare.conftest import _files


def test_held_out_photos_are_the_first_in_hash_order(source, tmp_path):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    ids = order_ids(f"p{number}" for number in range(5))
    train, test = (open_set(f"{tmp_path}/records/{name}/images") for name in ("train", "test"))
    assert (list(test.ids), list(train.ids)) == (ids[:2], ids[2:])
    assert train.manifest.has_masks and test.manifest.has_masks
    assert open_labels(f"{tmp_path}/records/test/labels/mc/round0", test).ids == test.ids


def test_prepared_records_are_left_alone(source, tmp_path, monkeypatch):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    monkeypatch.setattr(prepare, "write_records", None)
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    fewer = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=fewer, records=tmp_path / "records", jobs=1)
    with locked_folder(tmp_path / "records", "wait"):  # as by another run on the same records
        prepare_records(source=source, records=tmp_path / "records", jobs=1)


def test_photos_that_came_later_are_told_of(source, tmp_path, capsys):
    for _ in range(2):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert "changed" not in capsys.readouterr().out
    (tmp_path / "images/p0.png").rename(tmp_path / "images/new.png")
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert "images: its photos changed since" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "images")
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert "changed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[1]", '{"images": 3}'])
def test_damaged_mark_of_finished_records_is_named(source, tmp_path, content):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    (tmp_path / "records/prepared").write_text(content)
    with pytest.raises(InputError, match="records/prepared: damaged; delete it and run"):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    (tmp_path / "records/prepared").unlink()
    prepare_records(source=source, records=tmp_path / "records", jobs=1)


def test_two_preparations_of_one_folder_are_kept_apart(source, tmp_path):
    with (
        locked_folder(tmp_path / "records", "wait"),
        pytest.raises(InputError, match="another run is under way here; wait for it or choose"),
    ):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)


def test_records_of_another_source_are_refused(source, tmp_path):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    other = dataclasses.replace(source, holdout=0.2)
    with pytest.raises(InputError, match="made with holdout=0.4, not 0.2"):
        prepare_records(source=other, records=tmp_path / "records", jobs=1)


def test_stopped_preparation_goes_on_with_the_methods_of_the_next(source, tmp_path, monkeypatch):
    def stop(**_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(prepare, "write_records", stop)
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    prepare_records(source=one, records=tmp_path / "at_once", jobs=1)
    assert _files(tmp_path / "records") == _files(tmp_path / "at_once")


def test_maps_of_a_stopped_preparation_serve_their_own_photos_only(source, tmp_path, monkeypatch):
    def stop(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "write_records", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    other = dataclasses.replace(source, images=str(tmp_path / "masks"))
    with pytest.raises(InputError, match="made with images="):
        prepare_records(source=other, records=tmp_path / "records", jobs=1)


def test_stopped_preparation_is_not_taken_for_finished(source, tmp_path, monkeypatch):
    write = prepare.write_records

    def stop_at_test(**options):
        if options["output"].endswith("test"):
            raise KeyboardInterrupt
        return write(**options)

    monkeypatch.setattr(prepare, "write_records", stop_at_test)
    with pytest.raises(KeyboardInterrupt):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    monkeypatch.setattr(prepare, "write_records", write)
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert len(open_set(f"{tmp_path}/records/test/images").ids) == 2


def test_broken_photo_is_left_out(source, tmp_path, capsys):
    (tmp_path / "images/broken.jpg").write_bytes(b"\xff\xd8 cut")
    bare = dataclasses.replace(source, masks=None, holdout=0.0)
    prepare_records(source=bare, records=tmp_path / "records", jobs=1)
    assert "broken.jpg" in capsys.readouterr().out
    train = open_set(f"{tmp_path}/records/train/images")
    assert len(train.ids) == 5 and not train.manifest.has_masks
    assert not (tmp_path / "records/test").exists()


def test_separate_test_photos(separate, tmp_path):
    prepare_records(source=separate, records=tmp_path / "records", jobs=1)
    assert len(open_set(f"{tmp_path}/records/test/images").ids) == 5


def test_refused_sample_size_stands_in_no_ones_way(source, tmp_path):
    wrong = dataclasses.replace(
        source, images=None, masks=None, holdout=0, sample_size=3, sample_seed=0
    )
    with pytest.raises(InputError, match="--sample_size=3: choose 24 to 5000"):
        prepare_records(source=wrong, records=tmp_path / "records", jobs=1)
    assert not (tmp_path / "records" / SOURCE).exists()


@pytest.mark.slow
def test_embedded_sample(tmp_path):
    source = Source(None, None, None, None, 0.0, 24, 0, ("rbd",), 1024)
    prepare_records(source=source, records=tmp_path / "records", jobs=0)
    train, test = (open_set(f"{tmp_path}/records/{name}/images") for name in ("train", "test"))
    assert (len(train.ids), len(test.ids)) == (12, 12)
    assert train.manifest.has_masks and test.manifest.has_masks


def test_photos_of_subfolders(source, tmp_path, capsys):
    for folder in ("images", "masks"):
        (tmp_path / folder / "sub").mkdir()
        (tmp_path / folder / "p1.png").rename(tmp_path / folder / "sub/p0.png")
    (tmp_path / "images/IMG.cr2").touch()
    walked = dataclasses.replace(source, recursive=True)
    for _ in range(2):
        prepare_records(source=walked, records=tmp_path / "records", jobs=1)
    out = capsys.readouterr().out
    assert out == f"{tmp_path}/images: passed over: 1 file (.cr2), such as IMG.cr2\n"
    train, test = (open_set(f"{tmp_path}/records/{name}/images") for name in ("train", "test"))
    ids = ["p0", "p2", "p3", "p4", "sub/p0"]
    assert sorted(train.ids + test.ids) == ids
    maps = tmp_path / "records/maps/train/mc"
    assert [maps / f"{name}.png" for name in ids] == sorted(maps.rglob("*.png"))
    assert open_labels(f"{tmp_path}/records/train/labels/mc/round0", train).ids == train.ids
    with pytest.raises(InputError, match="made with recursive=True, not False"):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    prepare_records(source=source, records=tmp_path / "flat", jobs=1)
    line = f"{tmp_path}/images: passed over: 1 file (.cr2), such as IMG.cr2; 1 subfolder, such"
    assert line in capsys.readouterr().out
    assert "recursive" not in json.loads((tmp_path / "flat" / SOURCE).read_text())
    with pytest.raises(InputError, match="made with recursive=False, not True"):
        prepare_records(source=walked, records=tmp_path / "flat", jobs=1)


def test_folders_may_be_spelled_in_another_way(source, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    relative = dataclasses.replace(source, images="images", masks="masks/")
    prepare_records(source=relative, records=tmp_path / "records", jobs=1)
    made = json.loads((tmp_path / "records" / SOURCE).read_text())
    assert (made["images"], made["relative_to"]) == ("images", str(tmp_path))
    monkeypatch.setattr(prepare, "write_records", None)
    (tmp_path / "link").symlink_to(tmp_path / "images")
    for images in ("images/", "./images", "link", str(tmp_path / "images")):
        spelled = dataclasses.replace(source, images=images)
        prepare_records(source=spelled, records=tmp_path / "records", jobs=1)
    monkeypatch.chdir("/")
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert "changed" not in capsys.readouterr().out
    other = dataclasses.replace(source, images=str(tmp_path / "masks"))
    with pytest.raises(InputError, match=r"made with images=images, not .*masks; choose another"):
        prepare_records(source=other, records=tmp_path / "records", jobs=1)


def test_photos_that_were_moved_are_told_with_how_to_go_on(source, tmp_path):
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    old, new = tmp_path / "images", tmp_path / "album"
    old.rename(new)
    moved = dataclasses.replace(source, images=str(new))
    message = (
        f"{old} is gone and {new} holds photos of the same names; if they were moved there, "
        f"`ln -s {new} {old}` lets the old path go on"
    )
    with pytest.raises(InputError, match=f"made with images=.*; {message}$"):
        prepare_records(source=moved, records=tmp_path / "records", jobs=1)
    old.symlink_to(new)
    prepare_records(source=moved, records=tmp_path / "records", jobs=1)
    old.unlink()
    (new / "p0.png").unlink()
    with pytest.raises(InputError, match="choose another folder or delete the one it is in$"):
        prepare_records(source=moved, records=tmp_path / "records", jobs=1)


def test_names_in_another_unicode_form_are_the_same_photos(source, tmp_path, capsys):
    composed, parted = (unicodedata.normalize(form, "\u00e9") for form in ("NFC", "NFD"))
    (tmp_path / "images/p0.png").rename(tmp_path / f"images/{composed}.png")
    (tmp_path / "masks/p0.png").rename(tmp_path / f"masks/{parted}.png")
    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    (tmp_path / f"images/{composed}.png").rename(tmp_path / f"images/{parted}.png")
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    assert "changed" not in capsys.readouterr().out
    sets = [open_set(f"{tmp_path}/records/{name}/images") for name in ("train", "test")]
    assert composed in {photo_id for images in sets for photo_id in images.ids}
    for name, images in zip(("train", "test"), sets, strict=True):
        assert open_labels(f"{tmp_path}/records/{name}/labels/rbd/round0", images).ids
    assert len(list((tmp_path / "records/maps/train/mc").glob("*.png"))) == 5
