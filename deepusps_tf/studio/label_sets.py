"""Which labels of a run's training photos there are now: the newest of each method, and of all."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from data_prep.records.format import RecordSet, manifest_path, open_labels
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.labels.pseudo_labels import gamma
from deepusps_tf.runs.round_result import (
    JOINT,
    is_finished,
    labels_stem,
    read_result,
    round_folders,
)
from deepusps_tf.settings.config import Config


class LabelSet(NamedTuple):
    """Labels of all photos.

    Attributes:
        name: whose: a method, `joint` or `fusion`.
        stage: what they are, in words.
        records: where they lie.
        threshold: where maps are cut, as networks learn them; None: they are shown as they are.
    """

    name: str
    stage: str
    records: RecordSet
    threshold: float | None = None


class RunLabels:
    """Finds the labels of a run, which may be training; what is finished is opened once.

    Args:
        config: of the run.
        photos: its photo sets.
    """

    def __init__(self, config: Config, photos: PhotoSets):
        self.photos = photos
        self._config = config
        self._opened = functools.cache(self._of_round)
        self._fused = functools.cache(open_labels)

    @functools.cached_property
    def maps(self) -> dict[str, RecordSet]:
        """The maps of each method, as the run began with them."""
        names = self._config.method_names
        return {method: self.photos.handcrafted("train", method) for method in names}

    def of_methods(self) -> list[LabelSet]:
        """The labels of each method after its last finished round, or its maps.

        Raises:
            InputError: some are damaged.
        """
        config, sets = self._config, []
        for method, maps in self.maps.items():
            run = Path(config.refined or config.workdir)
            rounds = _finished(round_folders(run, method, config.rounds)) if config.refines else ()
            if rounds:
                sets.append(self._opened(method, rounds[-1]))
            else:
                cut = gamma(maps, config.threshold_scale)
                sets.append(LabelSet(method, f"map, cut at {cut:.2f}", maps, cut))
        return sets

    def of_all(self) -> LabelSet | None:
        """The one label set that was made of all methods last; None where there is none yet.

        Raises:
            InputError: it is damaged.
        """
        workdir = Path(self._config.workdir)
        fused = labels_stem(workdir / "fusion")
        if tf.io.gfile.exists(manifest_path(fused)):
            return LabelSet("fusion", "fused", self._fused(fused, self.photos.train))
        rounds = _finished(round_folders(workdir, JOINT, self._config.joint))
        return self._opened(JOINT, rounds[-1]) if rounds else None

    def _of_round(self, name: str, folder: Path) -> LabelSet:
        number = folder.name.removeprefix("round")
        labels = read_result(folder, self.photos.train).labels
        return LabelSet(name, f"round {number}", labels)


def _finished(folders: Sequence[Path]) -> list[Path]:
    """The rounds up to the first that is not finished: a method may have been stable before."""
    first = next((i for i, folder in enumerate(folders) if not is_finished(folder)), len(folders))
    return list(folders[:first])
