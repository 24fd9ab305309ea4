import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import write_png
from data_prep.pictures.origin import photo_hash
from data_prep.pictures.photos import list_photos
from data_prep.records.format import (
    IMAGE_FEATURES,
    LABEL_FEATURES,
    open_labels,
    open_set,
    order_ids,
)
from data_prep.write_records import write_records
from deepusps_tf.data.batches import training_batches
from deepusps_tf.data.photo_sets import open_photos


@pytest.fixture
def folders(tmp_path):
    random = np.random.default_rng(0)
    for name in ("images", "masks", "maps/rbd", "maps/mc"):
        (tmp_path / name).mkdir(parents=True)
    for number in range(5):
        rgb = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        kind = "jpg" if number % 2 else "png"
        Image.fromarray(rgb).save(tmp_path / f"images/p{number}.{kind}")
        mask = np.zeros((30, 40), np.uint8)
        mask[5:20, number : number + 9] = 255
        Image.fromarray(mask).save(tmp_path / f"masks/p{number}.png")
        for method, level in (("rbd", 51), ("mc", 102)):
            Image.fromarray(np.full((30, 40), level, np.uint8)).save(
                tmp_path / f"maps/{method}/p{number}.png"
            )
    return tmp_path


def write(folders, **changes):
    options = {
        "photos": list_photos(folders / "images"),
        "maps": {name: folders / "maps" / name for name in ("rbd", "mc")},
        "masks": folders / "masks",
        "output": str(folders / "set"),
        "progress": False,
        **changes,
    }
    return write_records(**options)


def parsed(record_set, features):
    records = tf.data.TFRecordDataset(record_set.shards)
    return [tf.io.parse_single_example(record, features) for record in records]


def test_photos_masks_and_labels_go_together(folders):
    summary = write(folders)
    assert summary.count == 5
    assert summary.mean_saliency == pytest.approx({"rbd": 0.2, "mc": 0.4})
    images = open_set(f"{folders}/set/images")
    assert list(images.ids) == order_ids(f"p{number}" for number in range(5))
    assert images.manifest.has_masks
    for example in parsed(images, IMAGE_FEATURES):
        name = example["id"].numpy().decode()
        assert (int(example["height"]), int(example["width"])) == (30, 40)
        mask = tf.io.decode_png(example["mask"]).numpy()[..., 0]
        assert np.array_equal(mask, np.asarray(Image.open(folders / f"masks/{name}.png")))
    labels = open_labels(f"{folders}/set/labels/mc/round0", images)
    values = [tf.io.decode_png(e["label"]).numpy() for e in parsed(labels, LABEL_FEATURES)]
    assert np.unique(values).tolist() == [102]


def test_records_elsewhere_are_the_same_and_feed_training(folders):
    """`ram://` stands for `gs://` and others that TensorFlow's file layer opens."""
    write(folders)
    for split in ("train", "test"):
        write(folders, output=f"ram://write_records/{split}")
    for path in (folders / "set").rglob("*.*"):
        with tf.io.gfile.GFile(
            f"ram://write_records/train/{path.relative_to(folders / 'set')}", "rb"
        ) as file:
            assert file.read() == path.read_bytes()
    photos = open_photos("ram://write_records")
    assert photos.judged()[0] == "test"
    batches = training_batches(
        images=photos.train,
        labels=[photos.handcrafted("train", method) for method in ("rbd", "mc")],
        size=16,
        batch_size=5,
        seed=0,
        first_epoch=0,
        epochs=1,
    )
    ((inputs, labels),) = batches
    assert sorted(inputs["index"].numpy()) == list(range(5))
    assert np.allclose(labels, [0.2, 0.4], atol=1e-6)
    assert not (folders / "ram:").exists()


def test_plain_jpegs_keep_their_bytes_and_others_their_pixels(folders):
    write(folders)
    images = open_set(f"{folders}/set/images")
    for example in parsed(images, IMAGE_FEATURES):
        name = example["id"].numpy().decode()
        if (folders / f"images/{name}.jpg").is_file():
            assert example["image"].numpy() == (folders / f"images/{name}.jpg").read_bytes()
        else:
            stored = tf.io.decode_image(example["image"]).numpy()
            assert np.array_equal(stored, np.asarray(Image.open(folders / f"images/{name}.png")))


def test_turned_photo_is_stored_upright(folders):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30), "red").save(folders / "images/p1.jpg", exif=exif)
    for name in ("masks/p1.png", "maps/rbd/p1.png", "maps/mc/p1.png"):
        Image.new("L", (30, 40)).save(folders / name)
    write(folders)
    sizes = {
        e["id"].numpy().decode(): (int(e["height"]), int(e["width"]))
        for e in parsed(open_set(f"{folders}/set/images"), IMAGE_FEATURES)
    }
    assert sizes["p1"] == (40, 30) and sizes["p3"] == (30, 40)


def test_damaged_exif_is_no_damage_to_the_photo(folders):
    """A density in the JPEG's header keeps Pillow from reading the EXIF when it opens the file."""
    exif = b"Exif\0\0XX not a TIFF header"
    for name, options in (("p0.png", {}), ("p1.jpg", {"dpi": (72, 72)})):
        Image.new("RGB", (40, 30), "red").save(folders / "images" / name, exif=exif, **options)
    write(folders)
    stored = {
        e["id"].numpy().decode(): e["image"].numpy()
        for e in parsed(open_set(f"{folders}/set/images"), IMAGE_FEATURES)
    }
    assert stored["p1"] == (folders / "images/p1.jpg").read_bytes()
    assert (tf.io.decode_image(stored["p0"]).numpy() == [255, 0, 0]).all()


def test_large_photos_are_shrunk_with_their_maps_and_masks(folders):
    write(folders, max_side=20)
    images = open_set(f"{folders}/set/images")
    for example in parsed(images, IMAGE_FEATURES):
        assert tf.io.decode_image(example["image"]).shape == (15, 20, 3)
        mask = tf.io.decode_png(example["mask"]).numpy()
        assert mask.shape == (15, 20, 1) and set(np.unique(mask)) == {0, 255}


def test_same_photos_make_the_same_bytes(folders):
    write(folders)
    write(folders, output=str(folders / "again"), photos=list_photos(folders / "images")[::-1])
    for path in sorted((folders / "set").rglob("*.tfrecord")):
        twin = folders / "again" / path.relative_to(folders / "set")
        assert path.read_bytes() == twin.read_bytes()


def test_missing_map_is_named_before_anything_is_written(folders):
    (folders / "maps/mc/p3.png").unlink()
    with pytest.raises(InputError, match="maps/mc: no map for photo p3; run"):
        write(folders)
    assert not (folders / "set").exists()


def test_map_of_another_size_is_named(folders):
    Image.new("L", (10, 10)).save(folders / "maps/mc/p2.png")
    with pytest.raises(InputError, match="mc/p2.png: is 10x10, its photo 40x30"):
        write(folders)


def test_missing_mask_is_named(folders):
    (folders / "masks/p2.png").unlink()
    with pytest.raises(InputError, match="masks: no mask for photo p2"):
        write(folders)


def test_mask_of_another_size_is_named(folders):
    Image.new("L", (10, 10)).save(folders / "masks/p2.png")
    with pytest.raises(InputError, match="p2.png: is 10x10, its photo 40x30"):
        write(folders)


def test_a_map_that_says_it_is_of_another_photo_is_refused(folders):
    path = folders / "maps/mc/p1.png"
    write_png(path, np.full((30, 40), 102, np.uint8), made_of=photo_hash(folders / "images/p1.jpg"))
    write(folders)
    write_png(path, np.full((30, 40), 102, np.uint8), made_of=photo_hash(folders / "images/p2.png"))
    with pytest.raises(InputError, match=r"mc/p1.png: was made of another photo than .*p1.jpg; m"):
        write(folders)
