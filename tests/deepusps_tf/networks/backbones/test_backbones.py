import pytest

from deepusps_tf.settings.parts import BACKBONES


@pytest.mark.parametrize(
    ("backbone", "numbers"),
    [
        (
            "efficientnet_lite0",
            {"conv_stem": 0, "bn0": 0, "blocks.0.bn1": 0, "blocks.15.project_conv": 15},
        ),
        ("drn_d_22", {"layer0.0": 0, "layer8.1": 8, "layer3.1.conv2": 3}),
        ("resnet101", {"conv1_bn": 0, "conv2_block1_1_conv": 1, "conv5_block3_3_bn": 4}),
    ],
)
def test_blocks_are_numbered_from_the_photo_on(backbone, numbers):
    block_number = BACKBONES.find(backbone).block_number
    assert {name: block_number(name) for name in numbers} == numbers
    for name in ("decoder.skip", "decoder.join_bn", "seg", "normalise", "image"):
        assert block_number(name) is None
