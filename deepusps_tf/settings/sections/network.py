"""The network: its features, their weights, what it sees."""

import dataclasses

from deepusps_tf.settings.parts import BACKBONES
from deepusps_tf.settings.setting import AT_LEAST_1, EIGHTS, NOT_NEGATIVE, SHARE, setting

GROUP = "network"
TRAIN = ("train",)


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
    """The network that rounds and fusion train."""

    backbone: str = setting(
        "drn_d_105",
        "Feature network.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        registry=BACKBONES,
    )
    pretrained: str = setting(
        "default",
        "Weights each round starts from: a file, 'default' (what the backbone's package "
        "carries) or 'none' (random). What a file lacks, such as the head, each round draws anew.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    frozen_blocks: int = setting(
        0,
        "First blocks of the feature network that keep their pretrained weights and statistics: "
        "faster steps, less to spoil by noisy labels.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    size: int = setting(
        432,
        "Side of the square the network sees, in pixels.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
        rules=[AT_LEAST_1, EIGHTS],
    )
    # These change labels too, by what `Config.in_rounds` and `in_joint_rounds` make of them.
    round_backbone: str | None = setting(
        None,
        "Feature network of all rounds, joint ones too, where it is another than --backbone, which "
        "the last training has.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        registry=BACKBONES,
    )
    round_frozen_blocks: int | None = setting(
        None,
        "The same of --round_backbone's blocks. Not given: --frozen_blocks.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    round_size: int = setting(
        0,
        "--size in the methods' rounds, whose networks only label: smaller is faster. 0: --size.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[NOT_NEGATIVE, EIGHTS],
    )
    batchnorm_momentum: float = setting(
        0.9,
        "Momentum of the BatchNorm moving statistics (Keras' .99 lags in short rounds).",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    synchronized_batchnorm: bool = setting(
        True,
        "BatchNorm statistics over the photos of all devices; off as in the authors' release, "
        "where each device has those of its own.",
        modes=TRAIN,
        changes="labels",
        group=GROUP,
    )
    weight_average: float = setting(
        0.0,
        "Networks end with the moving average of their weights over steps with this momentum, as "
        "0.99, not with the last step's. Labels that are averages of predictions do not change by "
        "it. 0: off.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[SHARE],
    )
