"""Which photos there are, and what is made of them before training.

Tables tell experiments apart by their records, not by what these were made of.
"""

import dataclasses

from data_prep.methods.names import HELP, METHODS
from deepusps_tf.settings.setting import AT_LEAST_1, NOT_NEGATIVE, SHARE, setting

GROUP = "photos and records"
TRAIN = ("train",)
LABELLED = ("train", "evaluate")


@dataclasses.dataclass(frozen=True)
class PhotoSettings:
    """Photos, masks, records and handcrafted maps."""

    images: str | None = setting(
        None,
        "Folder of unlabelled training photos; of photos to score on or to predict.",
        modes=("train", "evaluate", "predict"),
        changes="training",
        group=GROUP,
        own_row=False,
        local=True,
    )
    masks: str | None = setting(
        None,
        "Folder of truth masks named like the photos. They only score; none is trained on but by "
        "--oracle.",
        modes=LABELLED,
        changes="training",
        group=GROUP,
        own_row=False,
        local=True,
    )
    test_images: str | None = setting(
        None,
        "Folder of test photos, never trained on; --mode=evaluate scores on it.",
        modes=LABELLED,
        changes="training",
        group=GROUP,
        own_row=False,
        local=True,
    )
    test_masks: str | None = setting(
        None,
        "Folder of truth masks of --test_images.",
        modes=LABELLED,
        changes="training",
        group=GROUP,
        own_row=False,
        local=True,
    )
    recursive: bool | None = setting(
        None,
        "Take the photos in subfolders of --images too, and what is made of them into subfolders "
        "of the same names. Left out, predict does and the others do not.",
        modes=("train", "evaluate", "predict"),
        changes="training",
        group=GROUP,
        own_row=False,
    )
    holdout: float = setting(
        0.0,
        "Share of --images kept out of training as the test set, where --masks are given.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[SHARE],
        own_row=False,
    )
    sample_size: int = setting(
        0,
        "Use that many embedded sample pictures instead of --images; 0: do not.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[NOT_NEGATIVE],
        own_row=False,
    )
    records: str | None = setting(
        None,
        "Record sets (train/, test/). Prepared from --images first where absent.",
        modes=("train", "evaluate", "report", "studio"),
        changes="training",
        group=GROUP,
        path=True,
    )
    methods: tuple[str, ...] = setting(
        METHODS.names,
        HELP,
        modes=TRAIN,
        changes="training",
        group=GROUP,
    )
    choices: str | None = setting(
        None,
        "Text file of choices: photos and methods to leave out, redrawn maps to take.",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        local=True,
    )
    jobs: int = setting(
        0,
        "Processes that make handcrafted maps; 0: one a core.",
        modes=TRAIN,
        changes="nothing",
        group=GROUP,
        rules=[NOT_NEGATIVE],
    )
    max_side: int = setting(
        1024,
        "Photos with a longer side are stored at this side, in pixels (maps are made at 400).",
        modes=TRAIN,
        changes="training",
        group=GROUP,
        rules=[AT_LEAST_1],
        own_row=False,
    )
