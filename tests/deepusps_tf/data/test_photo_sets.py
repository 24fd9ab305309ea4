import shutil

from data_prep.pictures.images import encode_png
from data_prep.records.format import ImageRecord, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.photo_sets import open_photos, trained_on
from tests.deepusps_tf.conftest import disc_photo, write_disc_records


def test_photos_are_known_by_their_picture_not_by_their_id(tmp_path):
    write_disc_records(tmp_path / "theirs/train", count=3, masks=False)
    named = {"photo000": 7, "other": 1, "photo002": 2}  # another's id, another id, the same photo
    records = (
        ImageRecord(name, encode_png(disc_photo(number)[0]), 40, 48)
        for name, number in named.items()
    )
    write_shards(stem=f"{tmp_path}/images", records=records, count=3)
    images = open_set(f"{tmp_path}/images")
    assert trained_on(str(tmp_path / "theirs"), images) == {"other", "photo002"}
    assert trained_on(str(tmp_path / "nowhere"), images) is None


def test_maps_are_of_the_version_that_is_meant(disc_records):
    first = open_photos(str(disc_records)).handcrafted("train", "rbd")
    assert first.stem == f"{disc_records}/train/labels/rbd/round0"
    for path in (disc_records / "train/labels/rbd").iterdir():
        shutil.copy(path, path.with_name(path.name.replace("round0", "corrected1")))
    photos = open_photos(str(disc_records), {"rbd": "corrected1"})
    assert photos.handcrafted("train", "rbd").stem == f"{disc_records}/train/labels/rbd/corrected1"
    assert photos.handcrafted("train", "mc").stem == f"{disc_records}/train/labels/mc/round0"
