import shutil

import numpy as np
import pytest

from data_prep.records.format import open_set, stored_pictures
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.reporting.final_masks import FinalModel, final_model, find_masks
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.serving.saliency_model import wrap_network
from tests.deepusps_tf.conftest import SIDE, disc_photo, tiny_model, write_disc_records


class GreyModel:
    """Finds as much as its strength in every photo, and notes which it was shown."""

    def __init__(self, strength):
        self.strength, self.shown = strength, []

    def predict(self, picture):
        self.shown.append(picture)
        return np.full((40, 48), self.strength, np.float32)


@pytest.fixture
def images(tmp_path):
    write_disc_records(tmp_path / "set", count=6)
    return open_set(f"{tmp_path}/set/images")


def test_photos_are_predicted_once_for_each_model(tmp_path, images):
    cache = tmp_path / "report/masks.npz"
    pictures = list(stored_pictures(images))

    def found(model, places, key):
        return find_masks(
            FinalModel(key, None, lambda: model), [(images, place) for place in places], cache
        )

    model = GreyModel(0.8)
    first = found(model, [4, 1, 4], "one")
    assert [photo.id for photo in first] == [images.ids[place] for place in (4, 1, 4)]
    assert model.shown == [pictures[4], pictures[1]]
    np.testing.assert_array_equal(first[0].rgb, disc_photo(4)[0])
    assert (first[0].probability == 204).all() and first[0].mask.all()
    again = GreyModel(0.1)
    kept = found(again, [1, 2], "one")
    assert again.shown == [pictures[2]]
    assert [int(photo.probability[0, 0]) for photo in kept] == [204, 26]
    found(again, [4], "one")  # no longer kept, as the last report did not show it
    assert again.shown == [pictures[2], pictures[4]]
    other = GreyModel(0.1)
    assert not found(other, [4], "two")[0].mask.any() and other.shown == [pictures[4]]
    cache.write_bytes(b"damaged")
    assert found(other, [4], "two")[0].id == images.ids[4]


def test_the_model_is_the_newest_export_with_its_crf(finished_run, tmp_path):
    folder = tmp_path / "run/export"
    network, crf = tiny_model(backbone="", size=SIDE), CrfSettings(iterations=2)
    facts = ModelFacts(refined=True, crf=crf)
    export_model(network=network, size=SIDE, folder=folder, facts=facts)
    first = final_model(finished_run)
    assert first.path == folder / "1" and str(crf) in first.key
    assert first.load().crf == crf
    shutil.copytree(folder / "1", folder / "2")
    second = final_model(finished_run)
    assert second.path == folder / "2" and second.key == first.key


@pytest.mark.usefixtures("tiny_network")
def test_without_an_export_it_is_the_network_with_the_crf_of_the_settings(finished_run, images):
    model = final_model(finished_run)
    assert model.path is None and model.key == final_model(finished_run).key
    loaded = model.load()
    assert loaded.crf == CrfSettings(iterations=finished_run.crf_iterations)
    loaded.crf = None
    picture = next(stored_pictures(images))
    network = wrap_network(tiny_model(backbone="", size=SIDE, seed=3), SIDE)
    np.testing.assert_array_equal(loaded.predict(picture), network.predict(picture))
