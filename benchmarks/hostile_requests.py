"""Malformed requests to the signatures of an exported model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.answers import Answer
from benchmarks.hostile_photos import hostile_photo, picture


def send_requests(model: Path, count: int, seed: int) -> Iterator[Answer]:
    """Sends `count` requests drawn from a seed; the model must answer each and a good one after.

    Args:
        model: the folder of an export's versions.
        count: how many.
        seed: of what is drawn.

    Yields:
        An `Answer` a request: `refused` for a typed error, `answered` for maps and masks that are
        whole, else `failed`.
    """
    import tensorflow as tf

    from deepusps_tf.settings.places import exported_versions

    random = np.random.default_rng(seed)
    signatures = tf.saved_model.load(str(model / str(exported_versions(model)[-1]))).signatures
    good = tf.constant([picture("PNG", random)])
    expected = signatures["serving_default"](bytes=good)["probability"].numpy()
    for _ in range(count):
        kind, name, tensors = _request(random)
        try:
            tensors = {key: tf.constant(value) for key, value in tensors.items()}
            answer = signatures[name](**tensors)
        except (tf.errors.InvalidArgumentError, TypeError, ValueError) as error:
            wrong, verdict = "", f"refused, {type(error).__name__}"
        except tf.errors.OpError as error:
            wrong, verdict = f"{type(error).__name__}: {error.message[:200]}", "failed"
        else:
            wrong = _flaw(answer, tensors)
            verdict = "failed" if wrong else "answered"
        again = signatures["serving_default"](bytes=good)["probability"].numpy()
        if not np.array_equal(again, expected):
            wrong, verdict = "a good request got another answer afterwards", "failed"
        yield Answer(f"{name}: {kind}", verdict, f"{name}, {kind}: {wrong}" if wrong else "")


def _request(random: np.random.Generator) -> tuple[str, str, dict[str, np.ndarray | list]]:
    """Draws a request: what it is, the signature and its tensors."""
    if random.random() < 0.5:
        photos = [hostile_photo(random)[1] for _ in range(random.integers(1, 4))]
        mixed = [picture("JPEG", random), *photos]
        kinds = {
            "hostile photos": photos,
            "a good one among hostile photos": mixed,
            "no photo": np.zeros(0, "S1"),
            "empty strings": [b"", b""],
            "numbers in place of bytes": np.zeros(2, np.float32),
            "a table of photos": [[picture("PNG", random)]],
        }
        kind = "hostile photos" if random.random() < 0.4 else str(random.choice(sorted(kinds)))
        return kind, "serving_default", {"bytes": kinds[kind]}
    name = str(random.choice(["tensor", "tensor_uint8"]))
    dtype = np.float32 if name == "tensor" else np.uint8
    height, width = (int(side) for side in random.integers(1, 700, 2))
    kinds = {
        "no photo": np.zeros((0, height, width, 3), dtype),
        "no pixels": np.zeros((1, 0, width, 3), dtype),
        "four channels": np.zeros((1, height, width, 4), dtype),
        "without a batch": np.zeros((height, width, 3), dtype),
        "of another type": np.zeros((1, height, width, 3), np.float64),
        "one pixel high": random.integers(0, 255, (2, 1, width, 3)).astype(dtype),
        "any size": random.integers(0, 255, (1, height, width, 3)).astype(dtype),
        "another name": np.zeros((1, height, width, 3), dtype),
    }
    if name == "tensor":
        kinds["not a number"] = np.full((1, height, width, 3), np.nan, dtype)
        kinds["huge numbers"] = np.full((1, height, width, 3), 3e38, dtype)
    kind = str(random.choice(sorted(kinds)))
    return kind, name, {"photo" if kind == "another name" else "image": kinds[kind]}


def _flaw(answer: dict, tensors: dict) -> str:
    """Says what is wrong with an answer; what is not a number may come of what is none."""
    import tensorflow as tf

    probability = answer["probability"].numpy()
    (sent,) = tensors.values()
    if probability.shape[0] != sent.shape[0]:
        return f"{probability.shape[0]} maps of {sent.shape[0]} photos"
    if "mask_bytes" in answer:
        for mask in answer["mask_bytes"].numpy():
            try:
                tf.io.decode_png(mask, channels=1)
            except tf.errors.InvalidArgumentError as error:
                return f"a mask that is no PNG: {error.message[:200]}"
    elif probability.shape[1:3] != sent.shape[1:3]:
        return f"a map {probability.shape} of photos {sent.shape}"
    if sent.dtype == tf.float32 and not np.isfinite(sent.numpy()).all():
        return ""
    if not ((probability >= 0) & (probability <= 1)).all():
        return "probabilities outside 0..1"
    return ""
