"""What is done, in which folder, from which seed."""

import dataclasses

from deepusps_tf.settings.setting import AT_LEAST_1, MODES, setting

GROUP = "run"
TRAIN = ("train",)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """A run as a whole."""

    mode: str = setting(
        "train", "What to do.", modes=MODES, changes="nothing", group=GROUP, choices=MODES
    )
    workdir: str | None = setting(
        None,
        "Folder of everything a run writes.",
        modes=("train", "evaluate", "export", "report", "studio"),
        changes="training",
        group=GROUP,
        own_row=False,
        local=True,
    )
    experiment: str | None = setting(
        None,
        "What tables and reports call the run; by default the name of its workdir.",
        modes=("train", "report"),
        changes="scoring",
        group=GROUP,
        own_row=True,
    )
    seed: int = setting(
        0,
        "Seed of each round's new layers and of the shuffling.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        own_row=False,
    )
    repeats: int = setting(
        1,
        "Trainings, with seeds --seed, --seed + 1, ...; more than 1: in <workdir>/repeat1, ...",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[AT_LEAST_1],
    )
    json_log: bool = setting(
        False,
        "Write what happens in a run to <workdir>/logs/events.jsonl too, a JSON object a line.",
        modes=TRAIN,
        changes="nothing",
        group=GROUP,
    )


@dataclasses.dataclass(frozen=True)
class DeviceSettings:
    """Where a run computes, and in what precision."""

    devices: str = setting(
        "auto",
        "auto (all GPUs, else the CPU), cpu:N (N logical CPUs), gpu:N, gpu:0,2, or workers: "
        "the processes that TF_CONFIG lists, on one machine or several.",
        modes=TRAIN,
        changes="nothing",
        group="devices",
    )
    precision: str = setting(
        "float32",
        "What training computes in; mixed_bfloat16 is for GPUs and CPUs with bfloat16 arithmetic. "
        "Weights, loss and labels are float32 always.",
        modes=TRAIN,
        changes="labels",
        group="devices",
        choices=("float32", "mixed_bfloat16"),
    )
