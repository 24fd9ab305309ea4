"""What an exported model answers: decoding, preprocessing and the network as one graph."""

import keras
import tensorflow as tf

from deepusps_tf.inference import inference_twin

MAX_PIXELS = 1 << 26  # of an encoded photo, by its header: 67 million, 800 MB while it is resized


class ServingModule(tf.Module):
    """A network with the signatures of the exported model.

    `serving_default`: encoded photos, `bytes` string [B] (JPEG, PNG, GIF or BMP, sizes may differ)
    -> `probability` float32 [B, S, S, 1] at the network's size and `mask_bytes`, PNGs [B], each at
    its photo's own size (TF Serving's REST sends names that end so in base64). `tensor`: photos
    `image` float32 [B, H, W, 3] in 0..255 of any H, W -> `probability` float32 [B, H, W, 1].
    `tensor_uint8`: the same from uint8.

    What is no photo, or one whose header declares more than `MAX_PIXELS`, is refused with
    INVALID_ARGUMENT before it is decoded.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
    """

    def __init__(self, network: keras.Model, size: int):
        super().__init__()
        self.network = inference_twin(network)
        self.size = size

    @property
    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """The signatures by name."""
        return {
            "serving_default": self.encoded,
            "tensor": self.tensor,
            "tensor_uint8": self.tensor_uint8,
        }

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
        return {"probability": probability, "mask_bytes": mask}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="image")])
    def tensor(self, photos):
        """Serves decoded photos."""
        return self._probability(photos)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")])
    def tensor_uint8(self, photos):
        """Serves decoded photos of 8 bits a channel."""
        return self._probability(tf.cast(photos, tf.float32))

    def _probability(self, photos):
        probability = self._predict(self._resize(photos))
        own_size = tf.shape(photos)[1:3]
        return {"probability": tf.image.resize(probability, own_size)}

    def _predict(self, photos):
        # An empty batch would crash oneDNN's convolutions, so none is ever run on one.
        count = tf.shape(photos)[0]
        filled = tf.pad(photos, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        return self.network(filled, training=False)[:count]

    def _decode(self, photo):
        pixels = declared_pixels(photo)
        bounded = tf.debugging.Assert(
            tf.logical_and(pixels > 0, pixels <= MAX_PIXELS),
            [f"not a JPEG, PNG, GIF or BMP of at most {MAX_PIXELS} pixels; it declares", pixels],
        )
        with tf.control_dependencies([bounded]):
            photo = tf.identity(photo)
        rgb = tf.io.decode_image(photo, channels=3, expand_animations=False)
        rgb.set_shape([None, None, 3])
        return tf.shape(rgb)[:2], self._resize(rgb)

    def _resize(self, photos):
        resized = tf.image.resize(photos, (self.size, self.size), method="bicubic", antialias=True)
        return tf.clip_by_value(resized, 0.0, 255.0)


def declared_pixels(photo: tf.Tensor) -> tf.Tensor:
    """Reads width x height from a photo's header, without decoding it.

    Args:
        photo: string scalar, the bytes of a file.

    Returns:
        int64 scalar; 0 where the bytes are no JPEG, PNG, GIF or BMP.
    """

    def starts(magic: bytes, at_least: int):
        long_enough = tf.strings.length(photo) >= at_least
        return tf.logical_and(long_enough, tf.strings.substr(photo, 0, len(magic)) == magic)

    def integers(start: int, dtype, little_endian: bool):
        field = tf.strings.substr(photo, start, 2 * dtype.size)
        sides = tf.io.decode_raw(field, dtype, little_endian=little_endian)
        return tf.abs(tf.reduce_prod(tf.cast(sides, tf.int64)))

    def jpeg():
        return tf.reduce_prod(tf.io.extract_jpeg_shape(photo, output_type=tf.int32)[:2])

    return tf.case(
        [
            (starts(b"\xff\xd8\xff", 4), lambda: tf.cast(jpeg(), tf.int64)),
            (starts(b"\x89PNG\r\n\x1a\n", 24), lambda: integers(16, tf.int32, False)),
            (starts(b"GIF8", 10), lambda: integers(6, tf.uint16, True)),
            (starts(b"BM", 26), lambda: integers(18, tf.int32, True)),
        ],
        default=lambda: tf.constant(0, tf.int64),
    )


def _encode_mask(probability_and_shape):
    probability, shape = probability_and_shape
    salient = tf.image.resize(probability, shape) > 0.5
    return tf.io.encode_png(tf.cast(salient, tf.uint8) * 255)
