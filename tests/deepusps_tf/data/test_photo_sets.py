from data_prep.pictures.images import encode_png
from data_prep.records.format import ImageRecord, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.photo_sets import trained_on
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
