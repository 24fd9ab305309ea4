import dataclasses

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.distribution.devices import make_strategy
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
