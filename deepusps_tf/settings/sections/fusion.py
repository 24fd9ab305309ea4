"""From the methods' labels to the final network."""

import dataclasses

from deepusps_tf.settings.parts import FUSIONS
from deepusps_tf.settings.setting import AT_LEAST_1, NOT_NEGATIVE, RATE, RING, SHARE, setting

GROUP = "fusion"
TRAIN = ("train",)
JOINT_LABELS = AVERAGES, PREDICTIONS = ("averages", "predictions")


@dataclasses.dataclass(frozen=True)
class FusionSettings:
    """Joint rounds and the last training."""

    fusion: str = setting(
        "mean_loss",
        "How the methods' labels make one network: mean_loss is the paper's, trimmed_loss leaves "
        "out the third of a photo's labels that fits worst, direct takes raw maps, without rounds.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        registry=FUSIONS,
    )
    oracle: str = setting(
        "none",
        "TRAINS ON TRUTH MASKS, to compare with: truth takes them as the final network's labels, "
        "fusion takes at every pixel the methods' refined label nearest to them.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        choices=("none", "truth", "fusion"),
    )
    joint_rounds: int = setting(
        0,
        "Rounds between the methods' own and the last training: one network learns all methods' "
        "labels, as --fusion says, and its refined averages are what the next learns. 0: the "
        "paper's. An --oracle has none.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    joint_labels: str = setting(
        "averages",
        "What a joint round's labels are: averages of its training's refined predictions, as in "
        "the methods' rounds, or predictions of the trained network, refined once. Only with the "
        "latter has it --fusion_crops, --fusion_ring and --fusion_colours.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        choices=JOINT_LABELS,
    )
    fusion_epochs: int = setting(
        200,
        "Epochs of the fusion network and of each joint round.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    fusion_min_steps: int = setting(
        0,
        "Steps of these at least, as --min_steps.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    assessment_epochs: int = setting(
        5,
        "Epochs of the network that --fusion=assessment trains.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    fusion_learning_rate: float = setting(
        1e-4,
        "Adam's learning rate in fusion and joint rounds.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[RATE],
    )
    fusion_beta_squared: float = setting(
        4.0,
        "beta^2 of the loss in fusion and joint rounds.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
    )
    fusion_crops: float = setting(
        0.0,
        "Share of the photos of which the last training shows a random part, with that part of the "
        "labels, so that objects reach the border. Joint rounds do as --joint_labels says.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[SHARE],
    )
    fusion_ring: float = setting(
        0.0,
        "Width, in sides of a photo, of the ring along its border in which the last training's "
        "labels do not count, because handcrafted methods take the border for background. Parts "
        "of photos (--fusion_crops) teach it what touches a border. Joint rounds do as "
        "--joint_labels says.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[RING],
    )
    fusion_colours: float = setting(
        0.0,
        "How far the last training changes brightness, contrast and saturation of photos at "
        "random: 0.2 changes the first two by a fifth at most, saturation by two. Joint rounds do "
        "as --joint_labels says.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[SHARE],
    )
