import numpy as np
import pytest

from deepusps_tf.reporting.photo_errors import JudgedPhoto


def test_error_is_that_of_the_last_output():
    mask = np.array([[0, 1], [0, 1]], np.float32)
    outputs = {"fused": mask, "fused + CRF": np.array([[0.5, 1], [0, 0.7]], np.float32)}
    photo = JudgedPhoto("a", np.zeros((2, 2, 3), np.uint8), {}, outputs, mask)
    assert photo.error == pytest.approx(0.8 / 4)
