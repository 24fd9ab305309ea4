"""The versions that a run's labels went through: each method's maps, then what its rounds left."""

import dataclasses
from pathlib import Path

from data_prep.records.format import RecordSet
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.labels.pseudo_labels import REFINED_THRESHOLD, gamma
from deepusps_tf.runs.round_result import (
    JOINT,
    RoundFigures,
    is_finished,
    read_result,
    round_folders,
)
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE


@dataclasses.dataclass(frozen=True)
class LabelVersion:
    """One version of a label set of the training photos.

    Attributes:
        name: what columns call it: `rbd map, threshold 0.32`, `rbd 1`.
        labels: the label set.
        threshold: above which a pixel of it is salient.
        is_map: whether it is a method's maps, which networks learn cut at the threshold.
    """

    name: str
    labels: RecordSet
    threshold: float
    is_map: bool = False


@dataclasses.dataclass(frozen=True)
class LabelHistory:
    """What a method's labels, or those of all methods together, went through.

    Attributes:
        method: the method's name, or `joint`.
        versions: the maps, of a method, then the labels of each finished round.
        rounds: the folder of each finished round and its figures.
    """

    method: str
    versions: tuple[LabelVersion, ...]
    rounds: tuple[tuple[Path, RoundFigures], ...]

    @property
    def last(self) -> LabelVersion:
        """What the final network learned of it."""
        return self.versions[-1]


def label_histories(config: Config, photos: PhotoSets) -> list[LabelHistory]:
    """Opens all label versions of a run: of each method and, where there were any, joint rounds.

    Rounds are those of the run that `refined` names, where it names one that is still there, up to
    the first that is not finished.

    Raises:
        InputError: where a file of them is damaged.
    """
    run, scale = Path(config.refined or config.workdir), _threshold_scale(config)
    histories = []
    for method in config.method_names:
        maps = photos.handcrafted("train", method)
        threshold = gamma(maps, scale)
        first = LabelVersion(f"{method} map, threshold {threshold:.2f}", maps, threshold, True)
        rounds = _finished(run, method, config.rounds, photos.train)
        histories.append(_history(method, (first,), rounds))
    joint = _finished(Path(config.workdir), JOINT, config.joint, photos.train)
    return [*histories, _history(JOINT, (), joint)] if joint else histories


def _history(method: str, first: tuple[LabelVersion, ...], rounds: list) -> LabelHistory:
    made = (
        LabelVersion(f"{method} {number}", result.labels, REFINED_THRESHOLD)
        for number, result in enumerate(rounds, 1)
    )
    figures = tuple((result.folder, result.figures) for result in rounds)
    return LabelHistory(method, (*first, *made), figures)


def _finished(run: Path, method: str, rounds: int, images: RecordSet) -> list:
    """The results of a method's rounds, up to the first that is not there.

    It was stable before, not refined at all, is not yet, or the run is gone.
    """
    results = []
    for folder in round_folders(run, method, rounds):
        if not is_finished(folder):
            break
        results.append(read_result(folder, images))
    return results


def _threshold_scale(config: Config) -> float:
    """What the maps of the rounds that are shown were cut by."""
    refined = Path(config.refined or "") / RUN_FLAGFILE
    if config.refined and refined.is_file():
        return read_flagfile(refined).threshold_scale
    return config.threshold_scale
