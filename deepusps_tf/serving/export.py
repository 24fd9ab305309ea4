"""The trained network as a SavedModel that TF Serving loads; preprocessing lives inside it."""

import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from data_prep.base.files import clear_write_errors
from data_prep.pictures.images import encode_png
from deepusps_tf.serving.model_card import CARD_FILE, card_text
from deepusps_tf.serving.model_facts import MODEL_FILE, ModelFacts, facts_text
from deepusps_tf.serving.signatures import ServingModule
from deepusps_tf.settings.places import exported_versions

WARM_UP = "assets.extra/tf_serving_warmup_requests"
_WARM_UP_SIDE = 256


def export_model(
    *, network: keras.Model, size: int, folder: Path, facts: ModelFacts | None = None
) -> Path:
    """Writes the next version of a TF Serving model folder, whole or not at all.

    Args:
        network: the trained network.
        size: side of its input in pixels.
        folder: the model folder; gets `<n>/`, one more than the largest there.
        facts: what the model says of itself, in `assets.extra/model.json` and, for people, in
            `README.md` beside that, and so what refines in the graph; None: nothing.

    Returns:
        The folder of the new version.

    Raises:
        InputError: naming the folder, where the disk is full or forbids it.
    """
    folder = Path(folder)
    version = 1 + max(exported_versions(folder), default=0)
    partial = folder / f"{version}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    module = ServingModule(network, size, facts and facts.served_crf)
    with clear_write_errors(str(partial)):
        tf.saved_model.save(module, str(partial), signatures=module.signatures)
        _write_warm_up(partial / WARM_UP, folder.name)
        if facts is not None:
            (partial / MODEL_FILE).write_text(facts_text(facts), encoding="utf-8")
            (partial / CARD_FILE).write_text(card_text(facts), encoding="utf-8")
    return partial.replace(folder / str(version))


def _write_warm_up(path: Path, model_name: str) -> None:
    """Writes a request a signature, which TF Serving runs before it says that it is ready."""
    photo = np.full((_WARM_UP_SIDE, _WARM_UP_SIDE, 3), 128, np.uint8)
    inputs = {
        "serving_default": {"bytes": np.array([encode_png(photo)])},
        "tensor": {"image": photo[None].astype(np.float32)},
        "tensor_uint8": {"image": photo[None]},
    }
    inputs |= {
        "unrefined": inputs["serving_default"],
        "tensor_unrefined": inputs["tensor"],
    }
    tf.io.gfile.makedirs(str(path.parent))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, tensors in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature
            for name, values in tensors.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(
                prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString(
                    deterministic=True
                )
            )
