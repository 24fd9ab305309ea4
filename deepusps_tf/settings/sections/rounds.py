"""The methods' rounds: how many, how long, at what rate, and what labels they make."""

import dataclasses

from deepusps_tf.settings.parts import LOSSES
from deepusps_tf.settings.setting import AT_LEAST_1, NOT_NEGATIVE, RATES, SHARE, setting

GROUP = "rounds"
TRAIN = ("train",)


@dataclasses.dataclass(frozen=True)
class RoundSettings:
    """The training of each method's networks, and their next labels."""

    rounds: int = setting(
        3,
        "Rounds a method: 1 inter-image and the rest self-supervision.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    refined: str | None = setting(
        None,
        "Workdir of a run on the same photos whose labels after round --rounds are taken, in place "
        "of refining anew; with --repeats, of its repeats.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        path=True,
    )
    until_stable: float = setting(
        0.0,
        "End a method's rounds once a round changes its labels by less than this on average "
        "(of 0 to 1); 0: run all --rounds.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[SHARE],
    )
    collapse_warning: float = setting(
        0.1,
        "Warn when a larger share of a round's labels is all empty or all full.",
        modes=TRAIN,
        changes="nothing",
        group=GROUP,
        rules=[SHARE],
    )
    epochs: int = setting(
        25,
        "Epochs a round.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    min_steps: int = setting(
        0,
        "Steps a round at least: --epochs of few photos are raised until they make as many.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    # Of an exported model, --mode=evaluate queues as many photos.
    batch_size: int = setting(
        20,
        "Photos a step over all devices.",
        modes=("train", "evaluate"),
        changes="labels",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    learning_rates: tuple[float, ...] = setting(
        (1e-6, 2e-6, 5e-6),
        "Adam's learning rate of each round; more than --rounds may stand here.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[RATES],
    )
    learning_rate_power: float = setting(
        0.9,
        "Epoch e of E runs at rate x (1 - e/E) ** this power.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    mirror: bool = setting(
        False,
        "Train on a random half of each epoch's photos mirrored; their predictions are turned back "
        "before they are averaged.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    loss: str = setting(
        "f_beta",
        "What training makes small: how far a network's probabilities are from its labels. f_beta "
        "is the paper's, 1 - F-beta.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        registry=LOSSES,
    )
    beta_squared: float = setting(
        1.0,
        "beta^2 of the F-beta loss in refinement.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    threshold_scale: float = setting(
        1.5,
        "Handcrafted maps are cut at this times their method's mean saliency.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    mva_momentum: float = setting(
        0.7,
        "alpha of the moving average of refined predictions.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[SHARE],
    )
