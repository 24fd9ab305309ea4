import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.settings.config import Config
from deepusps_tf.training.start import check_settings, starting_network


@pytest.mark.parametrize("frozen", [16, 17])
def test_some_block_must_be_trained(tiny_config, frozen):
    config = dataclasses.replace(tiny_config, backbone="efficientnet_lite0", frozen_blocks=frozen)
    with pytest.raises(InputError, match=f"={frozen}: efficientnet_lite0 has 16 blocks, one must"):
        starting_network(config, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fusion": "weighted", "methods": ("mc",)}, "compares methods: name two --methods"),
        ({"refined": "r", "fusion": "direct"}, "--refined contradicts --fusion=direct"),
        ({"fusion": "my:own"}, "--fusion=my:own: no module my; run where it can be imported"),
        ({"loss": "mae"}, "--loss=mae: unknown; choose from f_beta"),
        ({"batch_size": 6}, "--batch_size=6 must divide by 4 devices"),
        ({"backbone": "vgg"}, "--backbone=vgg: unknown; choose from drn_d_22"),
        ({"pretrained": "gone.pth"}, "--pretrained=gone.pth: no such file"),
        ({"pretrained": __file__}, r"test_start\.py: "),
        ({"backbone": "efficientnet_lite0", "frozen_blocks": 16}, "has 16 blocks, one must"),
    ],
)
def test_settings_that_cannot_start_are_found_early(tiny_config, changes, message):
    with pytest.raises(InputError, match=message):
        check_settings(dataclasses.replace(tiny_config, **changes), make_strategy("cpu:4"))


@pytest.mark.slow
@pytest.mark.parametrize("synchronized", [True, False])
def test_batchnorm_of_one_or_of_all_devices(synchronized):
    strategy = make_strategy("cpu:4")
    config = Config(
        backbone="drn_d_22", pretrained="none", size=16, synchronized_batchnorm=synchronized
    )
    with strategy.scope():
        network = starting_network(config, 4)
    photos = np.random.default_rng(0).uniform(0, 255, (8, 16, 16, 3)).astype(np.float32)
    parts = np.split(photos, 4)

    def output():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        return network(tf.gather(np.stack(parts), own), training=True)

    start = network.get_weights()
    outputs = strategy.experimental_local_results(tf.function(strategy.run)(output))
    made = np.concatenate([part.numpy() for part in outputs])
    moved = network.get_weights()
    alone = starting_network(config, 1)
    groups = [photos] if synchronized else parts
    expected, statistics = [], []
    for group in groups:
        alone.set_weights(start)
        expected.append(alone(group, training=True).numpy())
        statistics.append(alone.get_weights())
    np.testing.assert_allclose(made, np.concatenate(expected), atol=1e-4)
    # The moving statistics, which predictions use, are those of the first device.
    for place, weights in enumerate(moved):
        np.testing.assert_allclose(weights, statistics[0][place], rtol=1e-3, atol=1e-4)
