"""The order of what happens around an epoch, stated here alone."""

from collections.abc import Sequence

import keras

from deepusps_tf.labels.averaging import Averaging
from deepusps_tf.runs.checkpoints import EpochCommits
from deepusps_tf.training.step_count import StepCount
from deepusps_tf.training.tensorboard import EpochLog


def in_order(
    *,
    rate: keras.callbacks.LearningRateScheduler,
    log: EpochLog | None,
    count: StepCount | None,
    averaging: Averaging | None,
    of_fusion: Sequence[keras.callbacks.Callback],
    commits: EpochCommits,
) -> list[keras.callbacks.Callback]:
    """Puts the callbacks of a round in the one order that is right.

    Keras calls them in turn at the begin and at the end of each epoch:

    1. `rate` sets the learning rate, which the log shows.
    2. `log` is written before the CRFs still under way are waited for: it tells how many they are,
       and photos a second are those of training.
    3. `count` says how far the run is, likewise of training alone.
    4. `averaging` waits for them and closes the epoch's file of averages.
    5. `of_fusion` brings up to date what a fusion keeps beside the network.
    6. `commits` publishes all of that together with the weights, so nothing may come after it.

    Args:
        rate: the learning rate of each epoch.
        log: TensorBoard's, on the chief.
        count: of a job under way, which the chief alone has.
        averaging: where the round makes labels.
        of_fusion: `Fusion.callbacks`.
        commits: makes the epoch count.
    """
    parts = [rate, log, count, averaging, *of_fusion, commits]
    return [part for part in parts if part is not None]
