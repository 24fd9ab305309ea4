from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import fit_within, read_rgb
from deepusps_tf.evaluation.folders import (
    map_outputs,
    map_pairs,
    pair_records,
    photo_outputs,
    photo_pairs,
)
from deepusps_tf.labels.crf import RELEASE_SETTINGS
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.scoring.scores import map_scores, mean_scores
from deepusps_tf.serving.saliency_model import MAX_SIDE, SeenPhoto
from tests.deepusps_tf.conftest import disc_photo

DATA = Path(__file__).parents[4] / "shared" / "data" / "ECSSD-dev"


def save(folder, pictures):
    folder.mkdir(exist_ok=True)
    for name, pixels in pictures.items():
        Image.fromarray(np.uint8(pixels)).save(folder / name)
    return folder


@pytest.fixture
def maps_and_masks(tmp_path):
    first, second = np.zeros((6, 8)), np.zeros((9, 5))
    first[:3], second[:, 2:] = 255, 255
    masks = save(tmp_path / "masks", {"a.png": first, "b.png": second})
    maps = save(tmp_path / "maps", {"a.png": first * 0.6, "b.png": 255 - second})
    return maps, masks


def test_maps_keep_their_own_sizes(maps_and_masks):
    (first, first_mask), (second, second_mask) = map_outputs(map_pairs(*maps_and_masks))
    assert first["map"].shape == first_mask.shape == (1, 6, 8)
    assert second["map"].shape == second_mask.shape == (1, 9, 5)
    assert first["map"].max() == pytest.approx(153 / 255)
    np.testing.assert_array_equal(second["map"], 1 - second_mask)


def test_maps_of_0_and_1_are_scored_as_0_to_255(maps_and_masks):
    maps, masks = maps_and_masks
    for mask in masks.iterdir():
        Image.fromarray(np.array(Image.open(mask)) // 255).save(maps / mask.name)
    for outputs, mask in map_outputs(map_pairs(maps, masks)):
        np.testing.assert_array_equal(outputs["map"], mask)


class Bright:
    """A model that finds what is bright, and remembers what it was shown."""

    def __init__(self):
        self.seen = []

    def see(self, path):
        rgb = read_rgb(path)
        return SeenPhoto(rgb, fit_within(rgb, MAX_SIDE), rgb.shape[:2])

    def predict_seen(self, photos):
        self.seen += [(photo.square.shape, photo.rgb.shape) for photo in photos]
        return [grey(photo.rgb) for photo in photos]


def grey(rgb):
    return np.clip(np.float32(rgb.mean(axis=-1) / 300), 0.05, 0.95)


def test_photos_are_predicted_at_their_own_sizes(tmp_path):
    photos = [disc_photo(number) for number in range(3)]
    images = {f"p{number}.png": photo[number:] for number, (photo, _) in enumerate(photos)}
    masks = {f"p{number}.png": mask[number:] for number, (_, mask) in enumerate(photos)}
    save(tmp_path / "masks", {"of no photo.png": np.zeros((4, 4))})
    pairs = photo_pairs(save(tmp_path / "images", images), save(tmp_path / "masks", masks))
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        scored = list(photo_outputs(pairs, model=Bright(), pool=pool, queue=2))
    for (outputs, mask), name in zip(scored, images, strict=True):
        plain, refined = outputs["prediction"], outputs["prediction + CRF"]
        assert plain.shape == refined.shape == mask.shape == (1, *images[name].shape[:2])
        np.testing.assert_array_equal(plain[0], grey(images[name]))
        np.testing.assert_array_equal(mask[0], masks[name] / 255)
        assert np.abs(refined - mask).mean() < np.abs(plain - mask).mean()


def test_large_photos_are_predicted_small_and_scored_large(tmp_path):
    mask = np.zeros((30, 1024))
    mask[:, 512:] = 255
    masks = save(tmp_path / "masks", {"wide.png": mask})
    pairs = photo_pairs(save(tmp_path / "images", {"wide.png": mask}), masks)
    model = Bright()
    ((maps, truth),) = photo_outputs(pairs, model=model, pool=None, queue=1)
    assert model.seen == [((30, 1024, 3), (15, 512, 3))]
    assert list(maps) == ["prediction"]
    assert maps["prediction"].shape == truth.shape == (1, 30, 1024)


def test_what_is_missing_is_named(maps_and_masks):
    maps, masks = maps_and_masks
    (maps / "a.png").unlink()
    with pytest.raises(InputError, match="maps: no map for mask a; make it or move the mask"):
        map_pairs(maps, masks)
    (masks / "b.png").unlink()
    with pytest.raises(InputError, match="masks: no mask for map b; add it or move the map"):
        map_pairs(maps, masks)
    with pytest.raises(InputError, match="masks: no mask for photo b"):
        photo_pairs(maps, masks)
    (maps / "b.png").unlink()
    with pytest.raises(InputError, match="maps: holds no photo"):
        map_pairs(maps, masks)


def test_another_size_is_refused_before_anything_is_scored(maps_and_masks):
    maps, masks = maps_and_masks
    save(maps, {"b.png": np.zeros((9, 6))})
    with pytest.raises(InputError, match=r"b.png: is 6x9, its mask .*b.png 5x9; bring both"):
        map_pairs(maps, masks)


def test_damaged_file_is_named(maps_and_masks):
    maps, masks = maps_and_masks
    whole = (maps / "b.png").read_bytes()
    (maps / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="b.png: is no picture this program reads"):
        list(map_outputs(map_pairs(maps, masks)))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/ECSSD-dev")
def test_reference_maps_score_as_measured_apart_from_this_program():
    pairs = map_pairs(DATA / "reference_maps/RBD", DATA / "masks")
    scores = mean_scores([map_scores(maps["map"], mask) for maps, mask in map_outputs(pairs)])
    figures = [scores.mae, scores.f_adaptive, scores.f_fixed]
    assert scores.count == 500
    assert [round(100 * figure, 2) for figure in figures] == [17.45, 66.38, 63.05]


def test_photos_in_subfolders_have_masks_in_subfolders(tmp_path):
    mask = np.full((4, 6), 255, np.uint8)
    for folder in ("images", "masks"):
        save(tmp_path / folder, {"a.png": mask})
        save(tmp_path / folder / "sub", {"a.png": mask})
    pairs = photo_pairs(tmp_path / "images", tmp_path / "masks", recursive=True)
    assert [pair.mask for pair in pairs] == [
        tmp_path / "masks/a.png",
        tmp_path / "masks/sub/a.png",
    ]
    with pair_records(pairs, 64) as images:
        assert images.ids == ("a", "sub/a")
    assert len(photo_pairs(tmp_path / "images", tmp_path / "masks")) == 1
