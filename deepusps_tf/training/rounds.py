"""A round: what is trained, on what and how long."""

import dataclasses
import math

from deepusps_tf.data.batches import steps_per_epoch


@dataclasses.dataclass(frozen=True)
class Round:
    """What one round trains on and how.

    Attributes:
        name: `rbd/round1` and so on, or `fusion`; also its folder under the workdir.
        number: place in the whole schedule, so that each round shuffles in its own order.
        threshold: where labels are cut into foreground and background; all, or one a label set.
        learning_rate: Adam's, at the first epoch.
        epochs: how many.
    """

    name: str
    number: int
    threshold: float | tuple[float, ...]
    learning_rate: float
    epochs: int


def epochs_for(*, epochs: int, steps: int, photos: int, batch_size: int) -> int:
    """So many epochs, or as many as make so many steps."""
    return max(epochs, math.ceil(steps / steps_per_epoch(photos, batch_size)))
