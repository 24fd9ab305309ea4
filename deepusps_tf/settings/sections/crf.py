"""The dense CRF that refines predictions."""

import dataclasses
import math

from deepusps_tf.settings.setting import NOT_NEGATIVE, Rule, setting

GROUP = "CRF"
REFINING = ("train", "evaluate", "predict")
# Where hardly any two pixels meet, pydensecrf ends the process.
_REACH = Rule(lambda reach: 1 <= reach < math.inf, "--{flag} must be at least 1 and finite")


@dataclasses.dataclass(frozen=True)
class RefinementSettings:
    """The CRF, and the processes that it runs in."""

    crf: bool = setting(
        True,
        "Refine predictions with the dense CRF. An exported model brings a CRF of its own, which "
        "predict and evaluate take unless flags choose another.",
        modes=(*REFINING, "table"),
        changes="labels",
        group=GROUP,
    )
    crf_iterations: int = setting(
        5,
        "Mean-field iterations of the CRF.",
        modes=REFINING,
        changes="labels",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    crf_bilateral_sxy: float = setting(
        80.0,
        "How far the CRF joins pixels of like colour, in pixels of a 432x432 map; a map of another "
        "size has it scaled.",
        modes=REFINING,
        changes="labels",
        group=GROUP,
        rules=[_REACH],
    )
    crf_processes: int = setting(
        0,
        "Processes that run CRFs; 0: one a core.",
        modes=(*REFINING, "report"),
        changes="nothing",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    crf_cache: int = setting(
        1024,
        "Megabytes of CRF lattices kept from epoch to epoch, 6 a photo at 160x160; 0: none.",
        modes=("train",),
        changes="nothing",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
