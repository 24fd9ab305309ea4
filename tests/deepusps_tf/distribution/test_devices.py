import json

import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.distribution.devices import make_strategy


def test_a_process_has_one_strategy_over_the_same_devices():
    assert make_strategy("cpu:4") is make_strategy("cpu:4") is not make_strategy("cpu:2")


def test_four_logical_cpus_mirror():
    assert make_strategy("cpu:4").num_replicas_in_sync == 4
    assert make_strategy("cpu:2").num_replicas_in_sync == 2


@pytest.mark.parametrize("devices", ["auto", "cpu:1"])
def test_one_device_needs_no_mirror(devices):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has GPUs, which auto takes")
    assert make_strategy(devices).num_replicas_in_sync == 1


@pytest.mark.parametrize("devices", ["gpu:99", "gpu:0,98"])
def test_absent_gpus_are_refused(devices):
    with pytest.raises(InputError, match="this machine has"):
        make_strategy(devices)


@pytest.mark.parametrize("devices", ["", "cpu", "cpu:0", "gpu:a", "tpu:8", "cpu:4;gpu:1"])
def test_other_text_is_refused(devices):
    with pytest.raises(InputError, match="write auto, cpu:4, gpu:4, gpu:0,2 or workers"):
        make_strategy(devices)


def test_more_cpus_than_split_at_the_start_are_refused():
    tf.zeros([1])
    with pytest.raises(InputError, match="cpu:64: TensorFlow runs already"):
        make_strategy("cpu:64")


TWO = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        json.dumps({"cluster": TWO, "task": {"type": "worker"}}),
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": "x"}}),
        json.dumps(
            {"cluster": {"worker": TWO["worker"][:1]}, "task": {"type": "worker", "index": 0}}
        ),
        json.dumps({"cluster": {**TWO, "ps": ["a:1"]}, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_unusable_clusters_are_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="--devices=workers: set TF_CONFIG=.*its own index"):
        make_strategy("workers")
