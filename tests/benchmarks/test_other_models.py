import hashlib
import json

import numpy as np
import pytest

from benchmarks.other_models import Contender, joined_model, measured
from data_prep.base.errors import InputError
from data_prep.pictures.images import write_png
from deepusps_tf.evaluation.folders import Pair


def test_the_pieces_of_a_model_are_joined_and_checked(tmp_path):
    (tmp_path / "dist").mkdir()
    names = [hashlib.sha256(piece).hexdigest() for piece in (b"first", b"second")]
    for name, piece in zip(names, (b"first", b"second"), strict=True):
        (tmp_path / "dist" / name).write_bytes(piece)
    listed = {"/models/small": {"chunks": [{"hash": name} for name in names]}}
    with pytest.raises(InputError, match=r"has no dist/resources.json; unpack the package there"):
        joined_model(tmp_path, "small")
    (tmp_path / "dist/resources.json").write_text(json.dumps(listed))
    assert joined_model(tmp_path, "small") == b"firstsecond"
    with pytest.raises(InputError, match=r"resources.json: damaged"):
        joined_model(tmp_path, "medium")
    (tmp_path / "dist" / names[1]).write_bytes(b"other")
    with pytest.raises(InputError, match=f"{names[1]}: damaged; unpack"):
        joined_model(tmp_path, "small")


def test_a_row_has_the_figures_of_the_maps(tmp_path):
    mask = np.zeros((10, 10), np.uint8)
    mask[:5] = 255
    write_png(tmp_path / "mask.png", mask)
    pairs = [Pair("a", tmp_path / "a.jpg", tmp_path / "mask.png")] * 2
    half = Contender("half", lambda _: np.full((10, 10), 0.6, np.float32), 1_250_000, masks=True)
    name, f, _, mae, *_, size, masks = measured(half, pairs)
    # Half of what it finds is right: 1.3 * 0.5 / (0.3 * 0.5 + 1) = 0.5652.
    assert (name, f, mae, size, masks) == ("half", "56.52", "50.00", "1.2", "yes")
