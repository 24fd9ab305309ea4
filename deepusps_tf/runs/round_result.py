"""What a finished round leaves behind, and the file that makes it count as finished."""

import dataclasses
import json
from pathlib import Path

import keras

from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from data_prep.records.format import RecordSet, open_labels
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.checkpoints import load_weights
from deepusps_tf.settings.config import Config

WEIGHTS = "network.weights.h5"
RESULT = "round.json"
JOINT = "joint"  # where a run keeps its joint rounds, in the place of a method


@dataclasses.dataclass(frozen=True)
class RoundFigures:
    """Figures of a finished round.

    Attributes:
        losses: mean training loss of each epoch.
        change: mean absolute change, of 0 to 1, from the labels learned (each version of them) to
            those written, or None.
        coverage: share of the photos' pixels that the labels written call salient, or None where
            none were, or by an older version.
        learned: that of each label set learned, cut as they were; empty where `coverage` is None.
    """

    losses: tuple[float, ...]
    change: float | None
    coverage: float | None = None
    learned: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """What a finished round left behind.

    Attributes:
        folder: the round's folder.
        labels: the label version it wrote, or None.
        figures: of the round.
    """

    folder: Path
    labels: RecordSet | None
    figures: RoundFigures

    @property
    def losses(self) -> tuple[float, ...]:
        """Mean training loss of each epoch."""
        return self.figures.losses

    @property
    def change(self) -> float | None:
        """How far the round moved the labels; see `RoundFigures`."""
        return self.figures.change

    @property
    def weights(self) -> Path:
        """The trained network's weights."""
        return self.folder / WEIGHTS


def is_finished(folder: Path) -> bool:
    """Whether a round's folder holds a whole result."""
    return (folder / RESULT).is_file()


def round_folders(workdir: Path, method: str, rounds: int) -> list[Path]:
    """Where a run keeps the first rounds of a method, finished or not."""
    return [workdir / method / f"round{number + 1}" for number in range(rounds)]


def labels_stem(folder: Path) -> str:
    """Where a round writes its labels."""
    return str(folder / "labels")


def read_result(folder: Path, images: RecordSet) -> RoundResult:
    """Reads the result of a finished round and opens the labels it wrote for `images`.

    Raises:
        InputError: where a file is damaged, or the labels are not those of `images`.
    """
    labelled, figures = _read(folder)
    labels = open_labels(labels_stem(folder), images) if labelled else None
    return RoundResult(folder, labels, figures)


def read_figures(folder: Path) -> RoundFigures:
    """Reads the figures of a finished round.

    Raises:
        InputError: where the file that holds them is damaged.
    """
    return _read(folder)[1]


def _read(folder: Path) -> tuple[bool, RoundFigures]:
    """Whether a finished round wrote labels, and its figures."""
    path = folder / RESULT
    with damage_named(path, "delete it to train that round again"):
        fields = json.loads(path.read_text(encoding="utf-8"))
        return fields["labels"], RoundFigures(
            losses=tuple(fields["losses"]),
            change=fields["change"],
            coverage=fields.get("coverage"),
            learned=tuple(fields.get("learned", ())),
        )


def is_stable(number: int, change: float, until_stable: float) -> bool:
    """Whether a method's rounds end with this one, because it changed its labels by that little."""
    return number > 1 and change < until_stable


def read_refined(
    workdir: Path, method: str, rounds: int, until_stable: float, images: RecordSet
) -> RecordSet:
    """Opens the labels that a run wrote of a method after `rounds` rounds, or the last before.

    Raises:
        InputError: where it has neither finished that many rounds nor ended before by
            `until_stable`, or it was on other photos than `images`.
    """
    folders = round_folders(workdir, method, rounds)
    finished = sum(is_finished(folder) for folder in folders)
    if finished:
        result = read_result(folders[finished - 1], images)
        if finished == rounds or is_stable(finished, result.change, until_stable):
            return result.labels
    raise InputError(
        f"{folders[-1]}: holds no finished round; finish that run, or choose --refined and --rounds"
    )


def write_result(result: RoundResult) -> None:
    """Makes a round count as finished; its weights and labels must be there."""
    fields = {"labels": result.labels is not None, **dataclasses.asdict(result.figures)}
    write_text(str(result.folder / RESULT), json.dumps(fields) + "\n")


def load_fusion(config: Config) -> keras.Model:
    """Builds the fused network of a finished run.

    Raises:
        InputError: where the workdir holds no finished run.
    """
    folder = Path(config.workdir) / "fusion"
    if not is_finished(folder):
        raise InputError(f"{config.workdir}: holds no finished run; finish it with --mode=train")
    network = build_model(backbone=config.backbone, size=config.size)
    load_weights(network, folder / WEIGHTS, f"delete {folder} to train it again")
    return network
