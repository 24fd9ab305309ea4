import dataclasses
import json

import pytest
from PIL import Image

from data_prep import prepare, splits
from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.methods.names import METHODS
from data_prep.prepare import prepare_records
from data_prep.records.layout import SOURCE
from tests.data_prep.prepare.conftest import _files


@pytest.mark.parametrize("kind", ["source", "separate"])
def test_further_methods_are_added_to_finished_records(kind, request, tmp_path):
    source = request.getfixturevalue(kind)
    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "records").rglob("*-of-*")}
    other = dataclasses.replace(source, methods=("rbd",))
    with (
        locked_folder(tmp_path / "records", "wait"),
        pytest.raises(InputError, match="another run is under way here"),
    ):
        prepare_records(source=other, records=tmp_path / "records", jobs=1)
    prepare_records(source=other, records=tmp_path / "records", jobs=1)
    prepare_records(source=source, records=tmp_path / "at_once", jobs=1)
    assert _files(tmp_path / "records") == _files(tmp_path / "at_once")
    assert before and all(path.stat().st_mtime_ns == time for path, time in before.items())
    made = json.loads((tmp_path / "records" / SOURCE).read_text())
    assert made["methods"] == ["mc", "rbd"]


def test_an_addition_that_was_stopped_is_made_again(source, tmp_path, monkeypatch):
    def stop_at_test(**options):
        if "/test/" in options["output"]:
            raise KeyboardInterrupt
        return write(**options)

    write = prepare.write_first_labels
    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(prepare, "write_first_labels", stop_at_test)
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    prepare_records(source=source, records=tmp_path / "records", jobs=1)
    prepare_records(source=source, records=tmp_path / "at_once", jobs=1)
    assert _files(tmp_path / "records") == _files(tmp_path / "at_once")


def test_further_methods_need_the_photos_of_the_records(source, tmp_path, monkeypatch):
    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    monkeypatch.setattr(splits, "compute_maps", None)  # found before hours of maps
    photo = tmp_path / "images/p3.png"
    other = Image.open(photo).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other.save(photo)
    with pytest.raises(InputError, match=r"p3.png: not the photo in .*images; put it back"):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    photo.unlink()
    with pytest.raises(InputError, match=r"images: photo p3 of .*/images is gone; put it back"):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    prepare_records(source=one, records=tmp_path / "records", jobs=1)


def test_a_method_that_fails_on_a_photo_of_the_records_is_not_added(source, tmp_path, monkeypatch):
    def fail(_):
        raise ValueError("no")

    one = dataclasses.replace(source, methods=("mc",))
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
    monkeypatch.setitem(METHODS._parts, "rbd", fail)
    message = "p[0-4].png: .*records holds it, but not all of rbd can label it; leave the method"
    with pytest.raises(InputError, match=message):
        prepare_records(source=source, records=tmp_path / "records", jobs=1)
    prepare_records(source=one, records=tmp_path / "records", jobs=1)
