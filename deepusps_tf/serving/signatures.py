"""What an exported model answers: decoding, preprocessing and the network as one graph."""

import keras
import tensorflow as tf

from deepusps_tf.data.decoding import decode_photo, fit_square
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.serving.bitmap import decode_bitmap
from deepusps_tf.serving.colour_profile import conversion_of, to_srgb
from deepusps_tf.serving.deep_png import decode_deep_png, is_deep_png
from deepusps_tf.serving.graph_refinement import refine_in_graph
from deepusps_tf.serving.opacity import put_on_white
from deepusps_tf.serving.orientation import read_orientation, turn_upright
from deepusps_tf.serving.photo_header import (
    declared_pixels,
    exif_block,
    has_opacity,
    is_bitmap,
    is_cmyk,
)
from deepusps_tf.serving.translucent_gif import is_translucent_gif

# Of an encoded photo, by its header: 350 MB, 720 MB with opacity, 1.3 GB with 16 bits.
MAX_PIXELS = 1 << 26


def _signature(answer_to: tf.TensorSpec):
    """Makes a graph of a method; without AutoGraph, which took half of the time of an export."""
    return tf.function(input_signature=[answer_to], autograph=False)


class ServingModule(tf.Module):
    """A network with the signatures of the exported model.

    `serving_default`: encoded photos, `bytes` string [B] (JPEG, PNG, GIF or BMP, sizes may differ)
    -> `probability` float32 [B, S, S, 1] at the network's size and `mask_bytes`, PNGs [B], each at
    its photo's own size (TF Serving's REST sends names that end so in base64). Photos are turned
    upright as their EXIF orientation says, colours of another ICC profile are brought to sRGB, and
    PNGs and BMPs with opacity are put on white.
    `tensor`: photos `image` float32 [B, H, W, 3] in 0..255 of any H, W -> `probability` float32
    [B, H, W, 1].
    `tensor_uint8`: the same from uint8.
    `unrefined`, `tensor_unrefined`: as `serving_default` and `tensor`, but with what the network
    itself predicts. The other three refine it with `crf`, as `refine_in_graph` does, at the
    network's size; without `crf` they answer the same.

    What is no photo, a CMYK JPEG, a GIF with a transparent colour and a photo whose header declares
    more than `MAX_PIXELS` are refused with INVALID_ARGUMENT before they are decoded.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
        crf: refines in the graph; None: nothing does.
    """

    def __init__(self, network: keras.Model, size: int, crf: CrfSettings | None = None):
        super().__init__()
        self.network = inference_twin(network)
        self.size = size
        squares = tf.TensorSpec([None, size, size, 3], tf.float32)
        probabilities = tf.TensorSpec([None, size, size, 1], tf.float32)
        # Each of the two is traced once, whatever the number of signatures.
        self._predict = tf.function(
            lambda photos: self.network(photos, training=False),
            input_signature=[squares],
            autograph=False,
        )
        self._refine = crf and tf.function(
            lambda probability, photos: refine_in_graph(probability, photos, crf, size),
            input_signature=[probabilities, squares],
            autograph=False,
        )

    @property
    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """The signatures by name."""
        return {
            "serving_default": self.encoded,
            "tensor": self.tensor,
            "tensor_uint8": self.tensor_uint8,
            "unrefined": self.unrefined,
            "tensor_unrefined": self.tensor_unrefined,
        }

    @_signature(tf.TensorSpec([None], tf.string, name="bytes"))
    def encoded(self, photos):
        """Serves encoded photos."""
        return self._of_encoded(photos, self.refine)

    @_signature(tf.TensorSpec([None], tf.string, name="bytes"))
    def unrefined(self, photos):
        """Serves encoded photos with what the network itself predicts."""
        return self._of_encoded(photos, _unrefined)

    @_signature(tf.TensorSpec([None, None, None, 3], tf.float32, name="image"))
    def tensor(self, photos):
        """Serves decoded photos."""
        return self._of_decoded(photos, self.refine)

    @_signature(tf.TensorSpec([None, None, None, 3], tf.uint8, name="image"))
    def tensor_uint8(self, photos):
        """Serves decoded photos of 8 bits a channel."""
        return self._of_decoded(photos, self.refine)

    @_signature(tf.TensorSpec([None, None, None, 3], tf.float32, name="image"))
    def tensor_unrefined(self, photos):
        """Serves decoded photos with what the network itself predicts."""
        return self._of_decoded(photos, _unrefined)

    def _of_encoded(self, photos, refine):
        shapes, squares = tf.map_fn(
            self._decode,
            photos,
            fn_output_signature=(
                tf.TensorSpec([2], tf.int32),
                tf.TensorSpec([self.size, self.size, 3], tf.float32),
            ),
        )
        probability = refine(self.predict_squares(squares), squares)
        mask = tf.map_fn(_encode_mask, (probability, shapes), fn_output_signature=tf.string)
        return {"probability": probability, "mask_bytes": mask}

    def _of_decoded(self, photos, refine):
        squares = fit_square(photos, self.size)
        probability = refine(self.predict_squares(squares), squares)
        own_size = tf.shape(photos)[1:3]
        return {"probability": tf.image.resize(probability, own_size)}

    def predict_squares(self, photos):
        """Runs the network on photos float32 [B, S, S, 3] in 0..255, as `fit_square` made them."""
        # An empty batch would crash oneDNN's convolutions, so none is ever run on one.
        count = tf.shape(photos)[0]
        filled = tf.pad(photos, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        return self._predict(filled)[:count]

    def refine(self, probability, photos):
        """Refines what `predict_squares` gives of photos, one after another to save memory."""
        if self._refine is None:
            return probability
        return tf.map_fn(
            lambda pair: self._refine(pair[0][None], pair[1][None])[0],
            (probability, photos),
            fn_output_signature=tf.TensorSpec([self.size, self.size, 1], tf.float32),
            parallel_iterations=1,
        )

    def _decode(self, photo):
        pixels = declared_pixels(photo)
        bounded = tf.debugging.Assert(
            tf.logical_and(pixels > 0, pixels <= MAX_PIXELS),
            [f"not a JPEG, PNG, GIF or BMP of at most {MAX_PIXELS} pixels; it declares", pixels],
        )
        # TensorFlow makes other colours of the four than Pillow, and reads no profile.
        readable = tf.debugging.Assert(
            tf.logical_not(is_cmyk(photo)), ["a CMYK JPEG is not served; save it as RGB"]
        )
        opaque = tf.debugging.Assert(
            tf.logical_not(is_translucent_gif(photo)),
            ["a GIF must have no transparent colour; save it as PNG"],
        )
        conversion = conversion_of(photo)
        of_srgb = tf.debugging.Assert(
            conversion.readable,
            ["a profile of colour tables is not served; convert the photo to sRGB"],
        )
        with tf.control_dependencies([bounded, readable, opaque, of_srgb]):
            photo = tf.identity(photo)

        def opaque_rgb(rgba):
            return put_on_white(to_srgb(rgba, conversion))

        rgb = tf.case(
            [
                (is_deep_png(photo), lambda: opaque_rgb(decode_deep_png(photo))),
                (has_opacity(photo), lambda: opaque_rgb(tf.io.decode_png(photo, channels=4))),
                (is_bitmap(photo), lambda: decode_bitmap(photo)),
            ],
            default=lambda: to_srgb(decode_photo(photo), conversion),
        )
        rgb.set_shape([None, None, 3])
        # Turned before it is resized, as in training: a resize sums in another order after it.
        upright = turn_upright(rgb, read_orientation(exif_block(photo)))
        return tf.shape(upright)[:2], fit_square(upright, self.size)


def _unrefined(probability, photos):
    del photos
    return probability


def _encode_mask(probability_and_shape):
    probability, shape = probability_and_shape
    salient = tf.image.resize(probability, shape) > 0.5
    return tf.io.encode_png(tf.cast(salient, tf.uint8) * 255)
