import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import roofline
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.training.start import freeze_blocks

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("event", "part"),
    [
        ("training_model/net/blocks.2.expand_conv/convolution:_MklNativeConv2D", roofline.FROZEN),
        ("training_model/net/blocks.7.expand_conv/convolution:Conv2D", roofline.POINTWISE),
        (
            "gradient_tape/training_model/net/blocks.7.expand_conv/c:_MklNativeConv2DBackpropInput",
            roofline.POINTWISE_BACK,
        ),
        (
            "gradient_tape/net/blocks.7.depthwise_conv/d:DepthwiseConv2dNativeBackpropFilter",
            roofline.DEPTHWISE_BACK,
        ),
        ("training_model/net/blocks.7.bn0/batchnorm:FusedBatchNormV3", roofline.NORM),
        ("training_model/net/logits/MatMul:BatchMatMulV2", roofline.JOINS),
        ("release_adam/AssignSubVariableOp_3:AssignSubVariableOp", roofline.ADAM),
        ("training_model/EagerPyFunc:EagerPyFunc", roofline.HAND_OVER),
        ("compile_loss/label_loss/Sum:Sum", roofline.REST),
    ],
)
def test_an_operation_belongs_to_a_part(event, part):
    assert roofline.part_of(event, {"blocks.2.expand_conv"}.__contains__) == part


def test_work_of_a_network_is_that_of_its_shapes():
    model = build_model(backbone="efficientnet_lite0", size=32, pretrained=None)
    freeze_blocks(model, "efficientnet_lite0", 15)
    work = roofline.needed_work(model, batch=2)
    # Block 15 sees 2x2 places of 192 channels, expands them to 1152 and projects to 320; the
    # decoder brings 320 and, at 4x4 places, 40 channels to 64, joins them by 3x3, and ends in one.
    places, fine = 2 * 4, 2 * 16
    block = 2 * places * 1152 * (192 + 320)
    decoder = 2 * places * 320 * 64 + 2 * fine * (40 * 64 + 9 * 64 * 64 + 64)
    assert work[roofline.POINTWISE].operations == block + decoder
    assert work[roofline.DEPTHWISE].operations == 2 * places * 1152 * 9
    # What sees only frozen features needs no gradient for them: the block's first and the skip's.
    firsts = 2 * places * 1152 * 192 + 2 * fine * 40 * 64
    assert work[roofline.POINTWISE_BACK].operations == 2 * (block + decoder) - firsts


def test_a_part_is_bound_by_the_slower_of_two():
    work = roofline.Work(operations=6e9, moved=1e9)
    assert work.least_seconds(2e9, 1e9) == 3 and work.least_seconds(6e9, 0.5e9) == 2


@pytest.mark.slow
def test_the_table_finds_time_in_all_parts_that_work():
    # A process of its own: it bounds TensorFlow's threads.
    command = [sys.executable, "-m", "benchmarks.roofline", "--steps=1"]
    command += ["--networks=efficientnet_lite0:32:2", "--frozen_blocks=5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {line[:34].strip(): line[34:].split() for line in done.stdout.splitlines()}
    assert set(roofline.PARTS) < set(rows)
    for part in (roofline.FROZEN, roofline.POINTWISE, roofline.DEPTHWISE_BACK, roofline.NORM_BACK):
        least, measured = map(float, rows[part][2:4])
        assert 0 < least < measured
