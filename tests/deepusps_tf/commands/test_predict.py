import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from deepusps_tf import load, main
from deepusps_tf.commands.predict import predict
from deepusps_tf.serving.export import export_model
from deepusps_tf.settings.config import Config
from tests.deepusps_tf.conftest import disc_photo, tiny_model
from tests.deepusps_tf.serving.described import describe


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    export_model(network=tiny_model(backbone="", size=32), size=32, folder=folder)
    return folder


@pytest.fixture
def config(model, tmp_path, monkeypatch):
    """Two photos, a broken one, what is no photo, and a picture that is there already."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos/sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.jpg"):
        Image.fromarray(disc_photo(0)[0]).save(tmp_path / "photos" / name)
    config = Config(
        mode="predict",
        images="photos",
        model=str(model),
        output="out",
        crf=False,
        summary="told/all.json",
    )
    assert predict(config) == 0
    (tmp_path / "out/sub/b.png").unlink()
    (tmp_path / "photos/broken.jpg").write_bytes(b"cut")
    (tmp_path / "photos/IMG.cr2").write_bytes(b"x")
    (tmp_path / "photos/gone.jpg").symlink_to("nowhere")
    return config


def test_the_summary_says_what_became_of_every_file(config, tmp_path, capsys):
    capsys.readouterr()
    assert predict(config) == 0
    out, err = capsys.readouterr()
    assert out == "1 pictures written, 1 kept, in out\n"
    lines = [line for line in err.splitlines() if not line.startswith("mask:")]
    assert "passed over: 1 file (.cr2), such as IMG.cr2; 1 link to nowhere, such as gone.jpg" in (
        lines
    )
    reason = "photos/broken.jpg: "
    assert any(line.startswith(f"left out: {reason}") for line in lines)
    told = json.loads((tmp_path / "told/all.json").read_text())
    counts = {"written": 1, "kept": 1, "skipped": 1, "passed over": 2}
    assert {name: told[name] for name in counts} == counts
    assert [told[name] for name in ("images", "output", "as")] == ["photos", "out", "mask"]
    skipped = next(each for each in told["files"] if each["result"] == "skipped")
    assert skipped.pop("reason").startswith(reason)
    assert told["files"] == [
        {"file": "photos/sub/b.jpg", "result": "written", "picture": "out/sub/b.png"},
        {"file": "photos/a.png", "result": "kept", "picture": "out/a.png"},
        {"file": "photos/broken.jpg", "result": "skipped"},
        {
            "file": "photos/IMG.cr2",
            "result": "passed over",
            "reason": "not a suffix of photos: .cr2",
        },
        {"file": "photos/gone.jpg", "result": "passed over", "reason": "link to nowhere"},
    ]


def test_a_skipped_photo_has_a_status_of_its_own_where_it_is_asked_for(config, monkeypatch):
    for strict, status in ((False, 0), (True, 3)):
        changed = dataclasses.replace(config, strict=strict)
        monkeypatch.setattr(main, "from_flags", lambda changed=changed: changed)
        assert main.main([]) == status


def test_nothing_but_broken_photos_is_an_error_and_told(config, tmp_path):
    for name in ("a.png", "sub/b.jpg"):
        (tmp_path / "photos" / name).unlink()
    with pytest.raises(InputError, match="^photos/broken.jpg: "):
        predict(config)
    told = json.loads((tmp_path / "told/all.json").read_text())
    assert (told["written"], told["kept"], told["skipped"]) == (0, 0, 1)


def test_the_command_and_a_loaded_model_make_the_same_of_a_photo(model, tmp_path, capsys):
    folder, photo = describe(model, tmp_path / "model"), tmp_path / "a.png"
    Image.fromarray(disc_photo(0)[0]).save(photo)
    places = {"images": str(photo), "model": str(folder), "output": str(tmp_path / "out.png")}
    config = Config(mode="predict", prediction="probability", crf_processes=1, **places)
    assert predict(config) == 0
    assert "CRF" not in capsys.readouterr().err
    expected = np.rint(255 * load(folder).predict(photo)).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(config.output)), expected)
