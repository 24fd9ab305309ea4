"""A network in training: what its step hands over beside computing the loss."""

import keras
import tensorflow as tf

from deepusps_tf.data.batches import mirror_where
from deepusps_tf.fusion.base import StepEstimates
from deepusps_tf.training.hand_over import HandOver


class TrainingModel(keras.Model):
    """A network whose training step hands (index, image, prediction) over before its update.

    Args:
        network: photos float32 [B, S, S, 3] -> probabilities float32 [B, S, S, 1].
        estimates: what a fusion estimates beside it. It is a layer of this model, so that what
            saves the model's weights saves its own with them.

    Attributes:
        step_estimates: the same.
        hand_over: takes the predictions; may be changed between rounds.
    """

    def __init__(self, network: keras.Model, estimates: StepEstimates | None = None):
        super().__init__()
        self.network = network
        self.step_estimates = estimates
        self.hand_over: HandOver | None = None

    def call(self, inputs, training=False):
        """Maps {"index", "image"} to probabilities."""
        return self.network(inputs["image"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Hands a training step's prediction over, then computes the compiled loss.

        Where the inputs say what counts, the rest is empty in labels and prediction alike.

        Photos mirrored for training are handed over as they were, so that the moving average and
        the CRF's lattices stay those of one photo.
        """
        if training:
            image, probability = (
                mirror_where(x["mirrored"], maps) for maps in (x["image"], y_pred)
            )
            tf.py_function(self._push, [x["index"], image, probability], [])
            if self.step_estimates is not None:
                y = self.step_estimates.in_step(y, y_pred, x["index"])
            if "counted" in x:
                # What is background to both adds nothing to a loss, and has no gradient.
                y, y_pred = y * x["counted"], y_pred * x["counted"]
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def make_train_function(self, force=False):
        """Makes the step that `fit` calls.

        Over several workers it is not Keras' own, which takes the mean of their logs along an axis
        that scalars do not have.
        """
        strategy = self.distribute_strategy
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            super().make_train_function(force)
            return
        if self.train_function is not None and not force:
            return

        @tf.function
        def step(iterator):
            logs = strategy.run(self.train_step, args=(next(iterator),))
            return {name: strategy.reduce("MEAN", log, axis=None) for name, log in logs.items()}

        self.train_function = step

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras' own, not public, looks at a batch, which it cannot put together from several
        # workers. This model is built already.
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            super()._maybe_symbolic_build(iterator, data_batch)

    def _push(self, index, image, probability) -> None:
        self.hand_over.push(index, image, probability)
