import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.training.hand_over import FiniteCheck, HandOver


def pushed(hand_over, index, probability):
    """Hands maps of one pixel over."""
    maps = tf.reshape(tf.constant(probability, tf.float32), [-1, 1, 1, 1])
    hand_over.push(tf.constant(index), tf.zeros([len(index), 1, 1, 3]), maps)


def test_receivers_are_called_in_order_with_arrays():
    got = []
    receivers = [lambda *arrays, name=name: got.append((name, *arrays)) for name in "ab"]
    pushed(HandOver(receivers), [3, DUPLICATE], [0.25, 0.5])
    assert [name for name, *_ in got] == ["a", "b"]
    for _, index, image, probability in got:
        assert index.tolist() == [3, DUPLICATE]
        assert image.shape == (2, 1, 1, 3)
        assert probability.tolist() == [[[0.25]], [[0.5]]]


def test_a_failure_keeps_later_receivers_from_the_step_and_is_kept():
    got = []
    hand_over = HandOver([FiniteCheck(["a", "b"]).receive, lambda *arrays: got.append(arrays)])
    pushed(hand_over, [0, 1], [0.0, 1.0])
    assert len(got) == 1 and hand_over.failure is None
    with pytest.raises(InputError, match="not finite at photos b; lower the learning rate") as one:
        pushed(hand_over, [0, 1, DUPLICATE], [0.0, np.nan, np.inf])
    with pytest.raises(InputError, match="not finite at photos a, b"):
        pushed(hand_over, [0, 1], [np.inf, np.nan])
    assert len(got) == 1 and hand_over.failure is one.value
