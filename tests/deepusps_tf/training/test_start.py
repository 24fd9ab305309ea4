import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.settings.config import Config
from deepusps_tf.training.start import check_settings, draw_weights, starting_network
from tests.deepusps_tf.networks.shallow import DRN


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


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "drn_d_22"])
def test_a_draw_is_that_of_the_initializers(tiny_config, backbone):
    config = dataclasses.replace(tiny_config, backbone=backbone, frozen_blocks=0)
    network, drawn = starting_network(config, 1)
    kernels = [weight for weight in network.weights if weight.name == "kernel"]
    assert {id(weight.variable) for weight in drawn} == {id(kernel) for kernel in kernels}
    draw_weights(drawn, 0, "rbd/round1")
    for kernel, initializer in drawn:
        values, spread = kernel.numpy(), initializer.stddev
        deviations = 5 / np.sqrt(values.size)
        assert abs(values.mean()) < deviations * spread
        assert values.std() == pytest.approx(spread, rel=deviations)
    assert not np.asarray(network.get_layer("seg").bias).any()


def test_every_round_has_weights_of_its_own(tiny_config):
    config = dataclasses.replace(tiny_config, backbone="drn_d_22", frozen_blocks=0)
    network, drawn = starting_network(config, 1)
    drawn = drawn[-2:]  # quicker than all
    assert [weight.variable.path for weight in drawn] == ["layer8.0/kernel", "seg/kernel"]
    methods = ("rbd", "dsr", "mc", "hs")
    names = [f"{method}/round{number}" for method in methods for number in (1, 2, 3)]
    names += ["joint/round1", "joint/round2", "fusion"]
    kernels = {}
    for seed in (0, 1):
        for name in names:
            draw_weights(drawn, seed, name)
            for layer in ("seg", "layer8.0"):
                kernel = network.get_layer(layer).kernel.numpy()
                kernels[kernel.tobytes()] = (seed, name, layer)
    assert len(kernels) == 2 * 2 * 15
    heads = np.stack(
        [np.frombuffer(kernel, np.float32) for kernel, key in kernels.items() if key[2] == "seg"]
    )
    assert heads.std() == pytest.approx(1, abs=0.02)  # sqrt(2 / (1 * 1 * 2)), as the release's
    # 1,024 weights each: two heads that share nothing correlate by 1 / 32 at random.
    assert np.abs(np.corrcoef(heads) - np.eye(30)).max() < 5 / 32


def test_a_round_gets_the_same_weights_on_other_devices(tiny_config):
    config = dataclasses.replace(tiny_config, backbone=DRN, frozen_blocks=0)
    network, drawn = starting_network(config, 1)
    draw_weights(drawn, 7, "mc/round2")
    expected = network.get_weights()
    draw_weights(drawn, 7, "fusion")
    strategy = make_strategy("cpu:4")
    with strategy.scope():
        other, theirs = starting_network(config, 4)
        draw_weights(theirs, 7, "mc/round2")
    for one, same in zip(expected, other.get_weights(), strict=True):
        assert one.tobytes() == same.tobytes()


def test_the_head_alone_is_drawn_where_the_feature_network_is_loaded(tiny_config, tmp_path):
    config = dataclasses.replace(
        tiny_config, backbone="efficientnet_lite0", pretrained="default", frozen_blocks=0
    )
    network, drawn = starting_network(config, 1)
    loaded = {variable.path: variable.numpy() for variable in network.weights}
    names = [variable.path.partition("/")[0] for variable, _ in drawn]
    assert names == ["decoder.features", "decoder.skip", "decoder.join", "seg"]
    draw_weights(drawn, 0, "fusion")
    changed = [path for path in loaded if not np.array_equal(loaded[path], _value(network, path))]
    assert sorted(changed) == sorted(f"{name}/kernel" for name in names)
    # A file of the whole network has a head: each round goes on from it.
    network.save_weights(tmp_path / "whole.weights.h5")
    whole = dataclasses.replace(config, pretrained=str(tmp_path / "whole.weights.h5"))
    same, none = starting_network(whole, 1)
    draw_weights(none, 0, "rbd/round1")
    assert none == []
    for one, other in zip(network.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def _value(network, path: str) -> np.ndarray:
    (variable,) = (variable for variable in network.weights if variable.path == path)
    return variable.numpy()


@pytest.mark.slow
@pytest.mark.parametrize("synchronized", [True, False])
def test_batchnorm_of_one_or_of_all_devices(synchronized):
    strategy = make_strategy("cpu:4")
    config = Config(backbone=DRN, pretrained="none", size=16, synchronized_batchnorm=synchronized)
    with strategy.scope():
        network, _ = starting_network(config, 4)
    photos = np.random.default_rng(0).uniform(0, 255, (8, 16, 16, 3)).astype(np.float32)
    parts = np.split(photos, 4)

    def output():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        return network(tf.gather(np.stack(parts), own), training=True)

    start = network.get_weights()
    outputs = strategy.experimental_local_results(tf.function(strategy.run)(output))
    made = np.concatenate([part.numpy() for part in outputs])
    moved = network.get_weights()
    alone, _ = starting_network(config, 1)
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
