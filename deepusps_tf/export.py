"""The trained network as a SavedModel that TF Serving loads; preprocessing lives inside it."""

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from deepusps_tf.records import clear_write_errors


class ServingModule(tf.Module):
    """A network with the signatures of the exported model.

    `serving_default`: encoded photos, string [B] (JPEG, PNG, GIF or BMP, sizes may differ) ->
    `probability` float32 [B, S, S, 1] at the network's size and `mask`, PNG bytes [B], each at its
    photo's own size. `tensor`: photos float32 [B, H, W, 3] in 0..255 of any H, W -> `probability`
    float32 [B, H, W, 1].

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
    """

    def __init__(self, network: keras.Model, size: int):
        super().__init__()
        self.network = network
        self.size = size

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="bytes")])
    def encoded(self, photos):
        """Serves encoded photos."""
        shapes, resized = tf.map_fn(
            self._decode,
            photos,
            fn_output_signature=(
                tf.TensorSpec([2], tf.int32),
                tf.TensorSpec([self.size, self.size, 3], tf.float32),
            ),
        )
        probability = self._predict(resized)
        mask = tf.map_fn(_encode_mask, (probability, shapes), fn_output_signature=tf.string)
        return {"probability": probability, "mask": mask}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="image")])
    def tensor(self, photos):
        """Serves decoded photos."""
        probability = self._predict(self._resize(photos))
        own_size = tf.shape(photos)[1:3]
        return {"probability": tf.image.resize(probability, own_size)}

    def _predict(self, photos):
        # An empty batch would crash oneDNN's convolutions, so none is ever run on one.
        count = tf.shape(photos)[0]
        filled = tf.pad(photos, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        return self.network(filled, training=False)[:count]

    def _decode(self, photo):
        rgb = tf.io.decode_image(photo, channels=3, expand_animations=False)
        rgb.set_shape([None, None, 3])
        return tf.shape(rgb)[:2], self._resize(rgb)

    def _resize(self, photos):
        resized = tf.image.resize(photos, (self.size, self.size), method="bicubic", antialias=True)
        return tf.clip_by_value(resized, 0.0, 255.0)


def _encode_mask(probability_and_shape):
    probability, shape = probability_and_shape
    salient = tf.image.resize(probability, shape) > 0.5
    return tf.io.encode_png(tf.cast(salient, tf.uint8) * 255)


def export_model(*, network: keras.Model, size: int, folder: Path) -> Path:
    """Writes the next version of a TF Serving model folder, whole or not at all.

    Args:
        network: the trained network.
        size: side of its input in pixels.
        folder: the model folder; gets `<n>/`, one more than the largest there.

    Returns:
        The folder of the new version.

    Raises:
        InputError: naming the folder, where the disk is full or forbids it.
    """
    folder = Path(folder)
    version = 1 + max(exported_versions(folder), default=0)
    partial = folder / f"{version}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    module = ServingModule(network, size)
    signatures = {"serving_default": module.encoded, "tensor": module.tensor}
    with clear_write_errors(str(partial)):
        tf.saved_model.save(module, str(partial), signatures=signatures)
    return partial.replace(folder / str(version))


def exported_versions(folder: Path) -> list[int]:
    """Lists the whole versions in a model folder, ascending."""
    return sorted(int(path.name) for path in Path(folder).glob("*") if path.name.isdigit())
