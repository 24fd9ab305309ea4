import numpy as np
import pytest
from PIL import Image

from data_prep.records import format as records


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 3)


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    random = np.random.default_rng(0)
    for number in range(7):
        rgb = random.integers(0, 60, (30, 40 + number, 3), dtype=np.uint8)
        mask = np.zeros(rgb.shape[:2], np.uint8)
        mask[8:20, 10 : 25 + number] = 255
        rgb[mask > 0] += np.uint8(150)
        kind = "jpg" if number % 2 else "png"
        Image.fromarray(rgb).save(tmp_path / f"images/p{number}.{kind}")
        Image.fromarray(mask).save(tmp_path / f"masks/p{number}.png")
    return tmp_path
