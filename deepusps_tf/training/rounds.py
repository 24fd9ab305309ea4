"""A round: what is trained, on what and how long."""

import dataclasses
import math

from deepusps_tf.data.batches import steps_per_epoch
from deepusps_tf.runs.round_result import JOINT

FUSION = "fusion"  # the folder, and what tables call it


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


def title_of(method: str, number: int) -> str:
    """What people are told that a round is.

    Args:
        method: a method, `joint` or `fusion`.
        number: of the round, from 1; 0 for the method's maps.
    """
    if method == JOINT:
        return f"joint round {number}"
    if number == 0:
        return f"maps of {method}"
    return method if method == FUSION else f"round {number} of {method}"


def labels_stage(name: str) -> str:
    """The stage of a job that makes a round's labels, where its network predicts them."""
    return f"{name} labels"


def scores_stage(name: str) -> str:
    """The stage of a job that scores a round, `<method>/round0` for a method's maps."""
    return f"{name} scores"


def epochs_for(*, epochs: int, steps: int, photos: int, batch_size: int) -> int:
    """So many epochs, or as many as make so many steps."""
    return max(epochs, math.ceil(steps / steps_per_epoch(photos, batch_size)))
