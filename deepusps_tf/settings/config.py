"""Every setting of a run, with its default, its line in --help and the range it must lie in."""

import dataclasses
import math
from collections.abc import Sequence

from data_prep.methods.names import METHODS
from deepusps_tf.settings.checks import refuse_contradictions, require


def setting(default, text: str, *, choices: Sequence[str] | None = None, flag: str | None = None):
    """Declares one Config field, its default, its line in --help and its allowed values.

    Args:
        default: the value where the flag is not given.
        text: the flag's help.
        choices: what is allowed; None: anything of the field's type.
        flag: the flag's name where it is not the field's.
    """
    return dataclasses.field(
        default=default, metadata={"help": text, "choices": choices, "flag": flag}
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """One experiment. Defaults are the settings of the authors' release (432 px, DRN-D-105).

    Raises:
        InputError: on construction, when settings contradict each other.
    """

    mode: str = setting(
        "train",
        "What to do.",
        choices=("train", "evaluate", "predict", "export", "report", "table"),
    )

    images: str | None = setting(None, "Folder of unlabelled training photos.")
    masks: str | None = setting(
        None,
        "Folder of truth masks named like the photos. They only score; none is trained on but by "
        "--oracle.",
    )
    test_images: str | None = setting(
        None, "Folder of test photos, never trained on; --mode=evaluate scores on it."
    )
    test_masks: str | None = setting(None, "Folder of truth masks of --test_images.")
    holdout: float = setting(
        0.0, "Share of --images kept out of training as the test set, where --masks are given."
    )
    sample_size: int = setting(
        0, "Use that many embedded sample pictures instead of --images; 0: do not."
    )
    records: str | None = setting(
        None, "Record sets (train/, test/). Prepared from --images first where absent."
    )
    workdir: str | None = setting(None, "Folder of everything a run writes.")
    experiment: str | None = setting(
        None, "What tables and reports call the run; by default the name of its workdir."
    )
    methods: tuple[str, ...] = setting(
        METHODS, f"Handcrafted methods that label the photos, of {', '.join(METHODS)}."
    )
    jobs: int = setting(0, "Processes that make handcrafted maps; 0: one a core.")
    max_side: int = setting(
        1024, "Photos with a longer side are stored at this side, in pixels (maps are made at 400)."
    )

    backbone: str = setting("drn_d_105", "Feature network; see deepusps_tf/backbones.")
    pretrained: str = setting(
        "default",
        "Weights each round starts from: a file, 'default' (what the backbone's package "
        "carries) or 'none' (random).",
    )
    frozen_blocks: int = setting(
        0,
        "First blocks of the feature network that keep their pretrained weights and statistics: "
        "faster steps, less to spoil by noisy labels.",
    )
    size: int = setting(432, "Side of the square the network sees, in pixels.")
    round_size: int = setting(
        0,
        "The same in the methods' rounds, whose networks only label: smaller is faster. 0: --size.",
    )
    batchnorm_momentum: float = setting(
        0.9, "Momentum of the BatchNorm moving statistics (Keras' .99 lags in short rounds)."
    )

    precision: str = setting(
        "float32",
        "What training computes in; mixed_bfloat16 is for GPUs and CPUs with bfloat16 arithmetic. "
        "Weights, loss and labels are float32 always.",
        choices=("float32", "mixed_bfloat16"),
    )

    rounds: int = setting(3, "Rounds a method: 1 inter-image and the rest self-supervision.")
    refined: str | None = setting(
        None,
        "Workdir of a run on the same photos whose labels after round --rounds are taken, in place "
        "of refining anew; with --repeats, of its repeats.",
    )
    until_stable: float = setting(
        0.0,
        "End a method's rounds once a round changes its labels by less than this on average "
        "(of 0 to 1); 0: run all --rounds.",
    )
    collapse_warning: float = setting(
        0.1, "Warn when a larger share of a round's labels is all empty or all full."
    )
    epochs: int = setting(25, "Epochs a round.")
    min_steps: int = setting(
        0, "Steps a round at least: --epochs of few photos are raised until they make as many."
    )
    mirror: bool = setting(
        False,
        "Train on a random half of each epoch's photos mirrored; their predictions are turned back "
        "before they are averaged.",
    )
    fusion: str = setting(
        "mean_loss",
        "How the methods' labels make one network: mean_loss is the paper's, trimmed_loss leaves "
        "out the third of a photo's labels that fits worst, direct takes raw maps, without rounds.",
        choices=("mean_loss", "trimmed_loss", "direct", "weighted", "noise_model", "assessment"),
    )
    oracle: str = setting(
        "none",
        "TRAINS ON TRUTH MASKS, to compare with: truth takes them as the final network's labels, "
        "fusion takes at every pixel the methods' refined label nearest to them.",
        choices=("none", "truth", "fusion"),
    )
    joint_rounds: int = setting(
        0,
        "Rounds between the methods' own and the last training: one network learns all methods' "
        "labels, as --fusion says, and its refined averages are what the next learns. 0: the "
        "paper's. An --oracle has none.",
    )
    fusion_epochs: int = setting(200, "Epochs of the fusion network and of each joint round.")
    fusion_min_steps: int = setting(0, "Steps of these at least, as --min_steps.")
    assessment_epochs: int = setting(5, "Epochs of the network that --fusion=assessment trains.")
    batch_size: int = setting(20, "Photos a step over all devices.")
    learning_rates: tuple[float, ...] = setting(
        (1e-6, 2e-6, 5e-6), "Adam's learning rate of each round; more than --rounds may stand here."
    )
    fusion_learning_rate: float = setting(1e-4, "Adam's learning rate in fusion and joint rounds.")
    learning_rate_power: float = setting(
        0.9, "Epoch e of E runs at rate x (1 - e/E) ** this power."
    )
    beta_squared: float = setting(1.0, "beta^2 of the F-beta loss in refinement.")
    fusion_beta_squared: float = setting(4.0, "beta^2 of the loss in fusion and joint rounds.")
    threshold_scale: float = setting(
        1.5, "Handcrafted maps are cut at this times their method's mean saliency."
    )
    mva_momentum: float = setting(0.7, "alpha of the moving average of refined predictions.")
    seed: int = setting(0, "Seed of the new layers and of the shuffling.")
    repeats: int = setting(
        1, "Trainings, with seeds --seed, --seed + 1, ...; more than 1: in <workdir>/repeat1, ..."
    )
    devices: str = setting(
        "auto",
        "auto (all GPUs, else the CPU), cpu:N (N logical CPUs), gpu:N, gpu:0,2, or workers: "
        "the processes that TF_CONFIG lists, on one machine or several.",
    )

    crf: bool = setting(True, "Refine predictions with the dense CRF.")
    crf_iterations: int = setting(5, "Mean-field iterations of the CRF.")
    crf_bilateral_sxy: float = setting(
        80.0,
        "How far the CRF joins pixels of like colour, in pixels of a 432x432 map; a map of another "
        "size has it scaled.",
    )
    crf_processes: int = setting(0, "Processes that run CRFs; 0: one a core.")
    crf_cache: int = setting(
        1024, "Megabytes of CRF lattices kept from epoch to epoch, 6 a photo at 160x160; 0: none."
    )

    format: str = setting(
        "saved_model",
        "What --mode=export writes: the next version for TF Serving, or one file in the workdir.",
        choices=("saved_model", "keras", "weights", "onnx", "litert"),
    )
    compare: str | None = setting(
        None,
        "Workdir of another finished run, an oracle for instance, whose error on each photo "
        "--mode=report draws against this run's.",
    )
    model: str | None = setting(
        None, "An exported model's folder, for --mode=predict and to evaluate on --images."
    )
    output: str | None = setting(
        None,
        "Folder that --mode=predict writes to, evaluate its figures and table its table.",
    )
    maps: str | None = setting(
        None, "Folder of 8-bit maps named like --masks, for --mode=evaluate to score."
    )
    test_set: str | None = setting(
        None,
        "What --mode=evaluate calls what it scores on; by default the folder that the masks lie "
        "in, or the name of the records.",
    )
    resolution: str = setting(
        "own",
        "Where --mode=evaluate scores a run on labelled photos: at their own size or, as the paper "
        "does, at the network's.",
        choices=("own", "network"),
    )
    prediction: str = setting(
        "mask",
        "What --mode=predict writes of each photo: its mask, its probability map, or the photo cut "
        "out (RGBA).",
        choices=("mask", "probability", "cutout"),
        flag="as",
    )
    workdirs: tuple[str, ...] = setting(
        (), "Runs that --mode=table compares; folders of evaluated maps may be among them."
    )

    def __post_init__(self):
        """Refuses values that cannot work, alone or together, before anything is written."""
        positive = ("size", "batch_size", "rounds", "epochs", "fusion_epochs", "assessment_epochs")
        for name in (*positive, "max_side", "repeats"):
            require(getattr(self, name) >= 1, f"--{name} must be at least 1")
        counts = (
            *("jobs", "crf_processes", "crf_cache", "sample_size", "crf_iterations"),
            *("frozen_blocks", "min_steps", "fusion_min_steps", "joint_rounds", "round_size"),
        )
        for name in counts:
            require(getattr(self, name) >= 0, f"--{name} must not be negative")
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata["choices"]
            require(
                choices is None or value in choices,
                f"--{flag_name(field)}={value}: choose from {', '.join(choices or ())}",
            )
        for name in ("size", "round_size"):
            side = getattr(self, name)
            require(side % 8 == 0, f"--{name}={side}: must be a multiple of 8")
        require(0 <= self.holdout < 1, f"--holdout={self.holdout}: must be in [0, 1)")
        for name in ("mva_momentum", "until_stable", "collapse_warning"):
            require(0 <= getattr(self, name) < 1, f"--{name} must be in [0, 1)")
        require(bool(self.methods), "--methods: name at least one")
        unknown = sorted(set(self.methods) - set(METHODS))
        require(not unknown, f"--methods={','.join(unknown)}: choose from {','.join(METHODS)}")
        require(len(set(self.methods)) == len(self.methods), "--methods: a method is named twice")
        require(
            len(self.learning_rates) >= self.rounds,
            f"--learning_rates has {len(self.learning_rates)} values for --rounds={self.rounds}: "
            "give one a round",
        )
        reach = self.crf_bilateral_sxy
        # Where hardly any two pixels meet, pydensecrf ends the process.
        require(1 <= reach < math.inf, "--crf_bilateral_sxy must be at least 1 and finite")
        rates = (*self.learning_rates, self.fusion_learning_rate)
        require(all(rate > 0 for rate in rates), "learning rates must be above 0")
        refuse_contradictions(self)

    @property
    def refines(self) -> bool:
        """Whether methods are refined in rounds before fusion."""
        return self.fusion != "direct" and self.oracle != "truth"

    @property
    def in_rounds(self) -> "Config":
        """The settings of the methods' rounds, where there are any: their `size` may be another."""
        side = self.round_size if self.refines else 0
        return dataclasses.replace(self, size=side or self.size)

    @property
    def joint(self) -> int:
        """How many joint rounds there are: none on truth."""
        return self.joint_rounds if self.oracle == "none" else 0

    @property
    def labelled(self) -> tuple[str | None, str | None]:
        """The photos and masks that --mode=evaluate scores on, where folders are given."""
        if self.test_images:
            return self.test_images, self.test_masks
        return self.images, self.masks

    @property
    def truth_notice(self) -> str:
        """What must stand beside every figure of a run that used truth; else empty."""
        if self.oracle == "none":
            return ""
        return (
            f"ORACLE RUN, --oracle={self.oracle}: TRAINED WITH THE TRUTH MASKS of its training "
            "photos. Its fusion figures are an upper bound, not unsupervised results."
        )


def flag_name(field: dataclasses.Field) -> str:
    """Names the flag of a Config field."""
    return field.metadata["flag"] or field.name
