import dataclasses

import pytest

from tests.deepusps_tf.fusion.fusing import fuse, learned, same


def test_all_labels_are_learned(tiny_config):
    config = dataclasses.replace(tiny_config, fusion="trimmed_loss")
    assert learned(config) == learned(tiny_config)


@pytest.mark.usefixtures("tiny_network")
def test_trimming_changes_what_three_versions_teach_and_not_two(tiny_config, tmp_path):
    weights = {}
    for versions in (("rbd", "mc"), ("rbd", "mc", "rbd")):
        for fusion in ("mean_loss", "trimmed_loss"):
            workdir = str(tmp_path / f"{fusion}{len(versions)}")
            trained = fuse(tiny_config, versions, fusion=fusion, workdir=workdir)
            weights[fusion, len(versions)] = trained
    assert same(weights["trimmed_loss", 2], weights["mean_loss", 2])
    assert not same(weights["trimmed_loss", 3], weights["mean_loss", 3])
