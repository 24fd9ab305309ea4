import dataclasses
from types import SimpleNamespace

import numpy as np

from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting.contact_sheet import choose_photos, contact_sheet
from deepusps_tf.reporting.judgement import Judgement
from deepusps_tf.reporting.label_agreement import Agreement
from tests.deepusps_tf.conftest import write_disc_records


def agreed(shares):
    overlap = np.ones((len(shares), 2, 2))
    overlap[:, 0, 1] = overlap[:, 1, 0] = shares
    return Agreement(("rbd", "mc"), overlap, np.zeros((len(shares), 2)))


def places(chosen):
    return [place for _, place in chosen]


def test_without_masks_photos_come_by_chance_then_by_disagreement(tmp_path):
    write_disc_records(tmp_path / "train", count=30, masks=False)
    photos = open_photos(str(tmp_path))
    shares = np.linspace(0.9, 0.32, 30)
    chosen = choose_photos(photos, None, agreed(shares))
    assert len(set(places(chosen.random))) == 12
    assert places(chosen.random) == places(choose_photos(photos, None, None).random)
    unlucky = [place for place in range(29, -1, -1) if place not in places(chosen.random)]
    assert places(chosen.look) == unlucky[:6]
    assert chosen.notes[photos.train.ids[29]] == "overlap 32%"
    assert (chosen.photos, chosen.why) == ("training photos", "labels disagree most")
    cards = [*chosen.random, *chosen.look]
    found = [SimpleNamespace(id=images.ids[place]) for images, place in cards]
    sheet = contact_sheet(chosen, found)
    assert [len(sheet.random), len(sheet.look)] == [12, 6]
    worst = unlucky[0]
    assert sheet.look[0].caption == f"{photos.train.ids[worst]}, overlap {shares[worst]:.0%}"


def test_photos_with_masks_are_shown_with_their_errors_the_largest_last(tmp_path):
    write_disc_records(tmp_path / "train", count=3)
    write_disc_records(tmp_path / "test", count=20, first=50)
    photos = open_photos(str(tmp_path))
    errors = {photo_id: place / 100 for place, photo_id in enumerate(photos.test.ids)}
    worst = [
        SimpleNamespace(ours=SimpleNamespace(id=photo_id)) for photo_id in photos.test.ids[:11:-1]
    ]
    judged = Judgement([], worst, [], errors, {})
    chosen = choose_photos(photos, judged, agreed([0.5] * 3))
    assert {images.stem for images, _ in chosen.random} == {photos.test.stem}
    left = [place for place in range(19, 11, -1) if place not in places(chosen.random)]
    assert places(chosen.look) == left[:6]
    assert chosen.notes[photos.test.ids[7]] == "MAE 7.0%"
    assert (chosen.photos, chosen.why) == ("held-out photos", "largest errors")


def test_held_out_photos_without_masks_are_shown_too(tmp_path):
    write_disc_records(tmp_path / "train", count=3, masks=False)
    write_disc_records(tmp_path / "test", count=2, first=50, masks=False)
    photos = open_photos(str(tmp_path))
    chosen = choose_photos(photos, None, None)
    assert sorted(places(chosen.random)) == [0, 1] and chosen.photos == "held-out photos"
    bare = dataclasses.replace(photos, test=None)
    assert sorted(places(choose_photos(bare, None, None).random)) == [0, 1, 2]
