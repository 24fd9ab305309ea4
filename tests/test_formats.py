"""Every format with every feature is one picture to all that read photos, or refused by name."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.pictures.opening import ImageError
from data_prep.pictures.photos import Photo
from data_prep.write_records import image_record
from deepusps_tf.data.decoding import decode_photo
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.photo_input import photo_rgb
from tests import photo_formats
from tests.model_format import section
from tests.photo_formats import LOSS, SIDE, Sample, samples

_PLACES = (1, 256, 65536)


def export_colours():
    """An export that answers each pixel as one number, red + 256 green + 65536 blue."""
    image = keras.Input((SIDE, SIDE, 3))
    mix = keras.layers.Conv2D(1, 1, use_bias=False)
    network = keras.Model(image, mix(image))
    mix.set_weights([np.array(_PLACES, np.float32).reshape(1, 1, 3, 1)])
    with tempfile.TemporaryDirectory() as folder:
        return tf.saved_model.load(str(export_model(network=network, size=SIDE, folder=folder)))


def served(model, content: bytes) -> np.ndarray | None:
    """The pixels that an export sees, uint8 [SIDE, SIDE, 3]; None where it refuses the bytes."""
    try:
        answer = model.signatures["serving_default"](bytes=tf.constant([content]))
    except tf.errors.InvalidArgumentError:
        return None
    numbers = answer["probability"][0].numpy().astype(np.int64)
    return (numbers // _PLACES % 256).astype(np.uint8)


def prepared(path: Path) -> np.ndarray:
    """The pixels of a photo's record, as training decodes them."""
    record = image_record(Photo(path.stem, path), None, 1024)
    return decode_photo(tf.constant(record.image)).numpy()


def predicted(path: Path) -> np.ndarray:
    return photo_rgb(path)


def is_near(pixels: np.ndarray, expected: np.ndarray, bound: int) -> bool:
    return pixels.shape == expected.shape and np.abs(pixels.astype(int) - expected).max() <= bound


def outcome(model, kind: str, sample: Sample, path: Path) -> str:
    """What became of a file; an AssertionError where it was read as another picture."""
    path.write_bytes(sample.content)
    bound = LOSS if photo_formats.is_lossy(kind) else 0
    seen = served(model, sample.content)
    try:
        rgb = predicted(path)
    except ImageError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        with pytest.raises(ImageError):
            prepared(path)
        assert seen is None
        return photo_formats.REFUSED
    assert is_near(rgb, sample.expected, bound), "predict"
    # Two readers of the same lossy file agree to the bit, however it was compressed.
    assert np.array_equal(prepared(path), rgb), "prepare and predict differ"
    if seen is None:
        return photo_formats.NOT_SERVED
    # Profiles are computed by two programs.
    assert is_near(seen, rgb, 2 if "profile" in path.stem else 0), "predict and served differ"
    return photo_formats.READ


def measured(model) -> dict[tuple[str, str], str]:
    """What became of the file of each format and feature."""
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for (kind, feature), sample in samples().items():
            path = Path(folder, f"{feature}.{kind.lower()}")
            try:
                outcomes[kind, feature] = outcome(model, kind, sample, path)
            except AssertionError as error:
                raise AssertionError(f"{kind}, {feature}: {error}") from error
    return outcomes


def test_the_page_says_what_was_measured():
    page = photo_formats.page(measured(export_colours()))
    assert page + section() == photo_formats.PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_beam_prepares_the_same_records(tmp_path):
    preparation = pytest.importorskip("tests.data_prep.beam_prepare.preparation")
    (tmp_path / "images").mkdir()
    for (kind, feature), sample in samples().items():
        path = tmp_path / "images" / f"{kind} {feature}.{kind.lower()}"
        path.write_bytes(sample.content)
    made = preparation.prepare_locally(tmp_path, masks=False)
    assert not made.skipped
    summary = preparation.prepare(tmp_path, masks=None)
    assert summary.photos == len(samples()) and not summary.left_out
    local = preparation.record_files(tmp_path / "local")
    assert preparation.record_files(tmp_path / "beam") == local
