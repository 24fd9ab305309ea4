import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.pictures.images import write_png
from data_prep.records.choices import map_line, method_line, photo_line
from data_prep.records.format import IMAGE_FEATURES, LABEL_FEATURES
from deepusps_tf.runs.chosen import run_photos, take_choices, taken_choices, without_methods


@pytest.fixture
def config(tiny_config, tmp_path):
    """A run without two photos and MC, and with one map of RBD redrawn in white."""
    file = tmp_path / "choices.txt"
    lines = [photo_line("photo003"), method_line("mc"), map_line("rbd", "photo005")]
    file.write_text("\n".join([*lines, photo_line("photo007")]) + "\n")
    write_png(tmp_path / "redrawn/rbd/photo005.png", np.full((40, 48), 255, np.uint8))
    return dataclasses.replace(tiny_config, choices=str(file))


def examples(records, features) -> dict[str, dict]:
    """What a set holds, by id."""
    found = {}
    for record in tf.data.TFRecordDataset(records.shards).as_numpy_iterator():
        example = tf.io.parse_single_example(record, features)
        found[example["id"].numpy().decode()] = {
            name: value.numpy() for name, value in example.items()
        }
    return found


def test_photos_are_left_out_and_maps_taken(config):
    before = run_photos(dataclasses.replace(config, choices=None))
    take_choices(without_methods(config))
    photos = run_photos(config)
    left = [photo for photo in before.train.ids if photo not in ("photo003", "photo007")]
    assert list(photos.train.ids) == left and photos.train.manifest.has_masks
    images, all_images = (examples(each.train, IMAGE_FEATURES) for each in (photos, before))
    assert images == {name: all_images[name] for name in left}
    labels = examples(photos.handcrafted("train", "rbd"), LABEL_FEATURES)
    all_labels = examples(before.handcrafted("train", "rbd"), LABEL_FEATURES)
    redrawn = tf.io.decode_png(labels.pop("photo005")["label"]).numpy()
    assert (redrawn == 255).all() and redrawn.shape == (40, 48, 1)
    assert labels == {name: all_labels[name] for name in left if name != "photo005"}
    means = [tf.io.decode_png(each["label"]).numpy().mean() / 255 for each in labels.values()]
    mean = photos.handcrafted("train", "rbd").manifest.mean_saliency
    assert mean == pytest.approx(np.mean([*means, 1.0]))
    # The test photos stay, with the maps of all.
    assert photos.test == before.test
    assert photos.handcrafted("test", "rbd") == before.handcrafted("test", "rbd")


def test_methods_are_left_out(config):
    assert without_methods(config).method_names == ("rbd",)
    assert without_methods(dataclasses.replace(config, choices=None)).method_names == ("rbd", "mc")
    Path(config.choices).write_text(f"{method_line('rbd')}\n{method_line('mc')}\n")
    with pytest.raises(InputError, match=r"choices.txt: leaves out all --methods"):
        without_methods(config)


def test_a_run_that_began_goes_on_with_its_own_and_says_so(config, capsys):
    take_choices(config)
    own = Path(config.workdir) / "chosen"
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    take_choices(config)
    assert capsys.readouterr().out == ""
    file = Path(config.choices)
    then = file.read_text()
    file.write_text("# the same, in another order\n" + "\n".join(reversed(then.splitlines())))
    take_choices(config)
    assert capsys.readouterr().out == ""
    file.write_text(f"{photo_line('photo000')}\n")
    take_choices(config)
    assert "run: began with the choices that" in capsys.readouterr().out
    assert taken_choices(config.workdir).photos == ("photo003", "photo007")
    assert without_methods(config).method_names == ("rbd",)
    file.write_text(then)
    write_png(file.parent / "redrawn/rbd/photo005.png", np.full((40, 48), 9, np.uint8))
    take_choices(config)
    assert "choose another --workdir" in capsys.readouterr().out
    file.unlink()
    take_choices(config)
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([photo_line("gone")], r"choices.txt: gone is no photo of .*train/images; take its line"),
        ([map_line("rbd", "photo001")], r"redrawn/rbd/photo001.png: gone, but .*; put it back"),
        ([photo_line(f"photo00{n}") for n in range(10)], "choices.txt: leaves out all photos"),
    ],
)
def test_choices_that_cannot_be_taken_are_named_and_do_not_count(config, lines, message):
    file = Path(config.choices)
    then = file.read_text()
    file.write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        take_choices(config)
    assert not taken_choices(config.workdir)
    file.write_text(then)
    take_choices(config)
    assert len(run_photos(config).train.ids) == 8


def test_a_redrawn_map_must_have_its_photos_size(config):
    write_png(Path(config.choices).parent / "redrawn/rbd/photo005.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match=r"photo005.png: is 9x9 as records store it, its photo 48"):
        take_choices(config)
