"""The fusion of examples/extend/my_fusion.py, as its file says to use it."""

import numpy as np
import pytest

from tests.deepusps_tf.conftest import label_maps
from tests.deepusps_tf.tiny_run import ROOT, run_example


@pytest.mark.slow
def test_the_median_is_written_and_trained_on_by_flag_alone(tmp_path):
    assert len((ROOT / "examples/extend/my_fusion.py").read_text().splitlines()) < 30
    methods = ("rbd", "mc", "dsr")
    more = (f"--methods={','.join(methods)}", "--fusion=my_fusion:Median")
    run = run_example(tmp_path, "my_fusion.py", *more)
    each = np.stack([label_maps(run / method / "round1") for method in methods])
    fused = label_maps(run / "fusion")
    assert fused.shape == (8, 32, 32) and fused.std() > 0
    assert np.array_equal(fused, np.median(each, axis=0))
    assert not np.array_equal(fused, np.rint(each.mean(axis=0)))
    assert (run / "fusion/network.weights.h5").is_file()
