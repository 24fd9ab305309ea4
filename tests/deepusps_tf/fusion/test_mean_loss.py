from deepusps_tf.fusion.base import make_fusion
from tests.deepusps_tf.fusion.fusing import learned, maps_of


def test_all_labels_are_learned_cut_in_the_middle(tiny_config):
    task = learned(tiny_config)
    assert (task.labels, task.threshold) == (tuple(maps_of(tiny_config)), 0.5)
    assert task.written is None and make_fusion(tiny_config).estimates(10, 2) is None
