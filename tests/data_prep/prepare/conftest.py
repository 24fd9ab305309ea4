import dataclasses

import numpy as np
import pytest
from PIL import Image

from data_prep.records.source import Source


@pytest.fixture
def source(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    random = np.random.default_rng(0)
    for number in range(5):
        rgb = random.integers(0, 60, (40, 50, 3), dtype=np.uint8)
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 15 : 30 + number] = 255
        rgb[mask > 0] += np.uint8(150)
        Image.fromarray(rgb).save(tmp_path / f"images/p{number}.png")
        Image.fromarray(mask).save(tmp_path / f"masks/p{number}.png")
    return Source(
        images=str(tmp_path / "images"),
        masks=str(tmp_path / "masks"),
        test_images=None,
        test_masks=None,
        holdout=0.4,
        sample_size=0,
        sample_seed=None,
        methods=("rbd", "mc"),
        max_side=1024,
    )


def _files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for split in ("train", "test")
        for path in (folder / split).rglob("*")
        if path.is_file()
    }


@pytest.fixture
def separate(source):
    """The same folders, as those of test photos too."""
    return dataclasses.replace(
        source, holdout=0.0, test_images=source.images, test_masks=source.masks
    )
