"""Fusion by an assessment network, after Makansi, Ilg and Brox (2018, "FusionNet").

A small network sees a photo, one label of it and how far the labels of all methods disagree, and
predicts that label's error at every pixel. For each pixel the label with the smallest predicted
error is then taken. One network assesses all methods, so it must judge a label by the photo, not by
its maker.

Makansi et al. learn errors where the truth is known, on rendered scenes. Here no truth may be used,
so the target is the squared distance from what the other methods say,

    t_m(p) = (l_m(p) - c_m(p))^2,    c_m(p) = mean over k != m of l_k(p).

Why this can stand for the error: write l_m = s + e_m with truth s. Where the others err
independently of method m, given what the network sees, and without bias,

    E[t_m] = E[e_m^2] + E[(mean over k != m of e_k)^2],

the wanted error and a term that hardly depends on m where methods are about equally good. The
smallest target then points at the label of the smallest error. A network that minimises the cross
entropy with t_m learns E[t_m]: on one photo t_m is a matter of chance, over all photos it is not.
(The squared distance has the same minimum, but stalls where the sigmoid is flat, and most errors
are small.) Errors that the methods share stay invisible. The other way, errors of made-up
corruptions, would teach to see those corruptions rather than the methods' own errors.

The labels' disagreement is their standard deviation over methods. It is the same for all labels of
a pixel: it says where one of them must be wrong, but not which one.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from data_prep.records.format import RecordSet
from data_prep.records.random_reading import damaged_shard_named
from deepusps_tf.data.batches import steps_per_epoch, training_batches
from deepusps_tf.fusion.base import FusedLabels
from deepusps_tf.fusion.weighted import others_mean
from deepusps_tf.settings.parts import FUSIONS

LEARNING_RATE = 1e-3


def assessment_network(size: int, seed: int) -> keras.Model:
    """Builds the network: `assessment_inputs` [B, S, S, 5] -> squared error [B, S, S, 1].

    Two strided and two dilated convolutions see about 55 pixels across; the last works at full
    resolution.
    """

    def convolution(x, channels, place, side=3, activation="relu", **options):
        start = keras.initializers.HeNormal(seed * 100 + place)
        return layers.Conv2D(
            channels,
            side,
            padding="same",
            activation=activation,
            kernel_initializer=start,
            **options,
        )(x)

    inputs = keras.Input((size, size, 5))
    x = convolution(inputs, 16, 0, strides=2)
    x = convolution(x, 32, 1, strides=2)
    x = convolution(x, 32, 2, dilation_rate=2)
    x = convolution(x, 32, 3, dilation_rate=4)
    x = layers.UpSampling2D(4, interpolation="bilinear")(convolution(x, 8, 4, side=1))
    x = convolution(layers.Concatenate()([inputs, x]), 8, 5)
    return keras.Model(inputs, convolution(x, 1, 6, side=1, activation="sigmoid"))


def assessment_inputs(image, labels):
    """Lays photos and labels out for the network, one entry a label.

    Args:
        image: float32 [B, S, S, 3] in 0..255.
        labels: float32 [B, S, S, M] in [0, 1].

    Returns:
        float32 [B M, S, S, 5], all labels of the first photo first: photo (-.5 to .5), label,
        disagreement.
    """
    methods = labels.shape[-1]
    photos = ops.repeat(image / 255 - 0.5, methods, axis=0)
    disagreement = ops.repeat(ops.std(labels, axis=-1, keepdims=True), methods, axis=0)
    return ops.concatenate([photos, one_by_one(labels), disagreement], axis=-1)


def assessment_targets(labels):
    """Squared distance of each label from the others' mean: [B, S, S, M] -> [B M, S, S, 1]."""
    return one_by_one(ops.square(labels - others_mean(labels)))


def one_by_one(labels):
    """Gives each label an entry of its own: [B, S, S, M] -> [B M, S, S, 1]."""
    size = labels.shape[1]
    return ops.reshape(ops.transpose(labels, (0, 3, 1, 2)), (-1, size, size, 1))


def train_assessment(
    *,
    images: RecordSet,
    labels: Sequence[RecordSet],
    size: int,
    batch_size: int,
    epochs: int,
    seed: int,
) -> keras.Model:
    """Trains a network to assess label sets, without truth.

    Args:
        images: the photos.
        labels: two versions or more, of the same ids.
        size: side of the square the network sees, in pixels.
        batch_size: photos a step; each counts with all its labels.
        epochs: how many.
        seed: of its weights and the photos' order.
    """
    network = assessment_network(size, seed)
    network.compile(keras.optimizers.Adam(LEARNING_RATE), "binary_crossentropy", jit_compile=False)
    # Else Keras makes its variables in the first step, and traces that step twice.
    network.optimizer.build(network.trainable_variables)
    batches = training_batches(
        images=images,
        labels=labels,
        size=size,
        batch_size=batch_size,
        seed=seed,
        first_epoch=0,
        epochs=epochs,
    )
    with damaged_shard_named([images, *labels]):
        network.fit(
            batches.map(lambda x, y: (assessment_inputs(x["image"], y), assessment_targets(y))),
            epochs=epochs,
            steps_per_epoch=steps_per_epoch(len(images.ids), batch_size),
            shuffle=False,
            verbose=0,
        )
    return network


def least_error(network: keras.Model, image: tf.Tensor, labels: tf.Tensor) -> np.ndarray:
    """Takes for every pixel the label whose predicted error is smallest.

    Args:
        network: of `train_assessment`.
        image: float32 [B, S, S, 3] in 0..255.
        labels: float32 [B, S, S, M] in [0, 1].

    Returns:
        float32 [B, S, S].
    """
    errors = network.predict_on_batch(assessment_inputs(image, labels))
    labels = labels.numpy()
    count, size, _, methods = labels.shape
    best = errors.reshape(count, methods, size, size).argmin(axis=1)
    return np.take_along_axis(labels, best[..., None], axis=-1)[..., 0]


@FUSIONS.register("assessment")
class Assessment(FusedLabels):
    """Learns one label a photo: at each pixel the method's that a network assesses as best."""

    compares = True

    def maps(self, images: RecordSet, labels: Sequence[RecordSet]) -> Iterator[np.ndarray]:
        """Trains the assessing network, then yields each photo's label, float32 [S, S]."""
        config = self.config
        network = train_assessment(
            images=images,
            labels=labels,
            size=config.size,
            batch_size=config.batch_size,
            epochs=config.assessment_epochs,
            seed=config.seed,
        )
        for batch in self.batches(images, labels):
            yield from least_error(network, batch["image"], batch["labels"])
