import numpy as np
import pytest
import tensorflow as tf

from benchmarks.hostile_photos import picture
from benchmarks.hostile_requests import send_requests


def save_model(folder, mask: bytes):
    """Saves a model that answers with probabilities of 0 and the same mask for every photo."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="bytes")])
    def encoded(photos):
        count = tf.shape(photos)[0]
        probability = tf.zeros(tf.stack([count, 8, 8, 1]))
        return {"probability": probability, "mask_bytes": tf.fill([count], mask)}

    def decoded(dtype):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], dtype, name="image")])
        def zeros(photos):
            return {"probability": tf.zeros(tf.shape(photos[..., :1]))}

        return zeros

    signatures = {"tensor": decoded(tf.float32), "tensor_uint8": decoded(tf.uint8)}
    signatures["serving_default"] = encoded
    tf.saved_model.save(tf.Module(), str(folder / "1"), signatures=signatures)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mask", "verdicts"),
    [
        (picture("PNG", np.random.default_rng(0)), {"answered", "refused"}),
        (b"rubbish", {"failed", "answered", "refused"}),  # answered: no photos, so no masks
    ],
)
def test_a_mask_that_is_no_png_is_a_failure_and_no_refusal(tmp_path, mask, verdicts):
    save_model(tmp_path, mask)
    found = set()
    for answer in send_requests(tmp_path, 20, 0):
        if answer.kind.startswith("serving_default"):
            assert ("a mask that is no PNG" in answer.failure) == (answer.verdict == "failed")
            assert answer.verdict != "answered" or mask != b"rubbish" or "no photo" in answer.kind
            found.add(answer.verdict.split(",")[0])
    assert found == verdicts
