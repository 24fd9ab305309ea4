"""The stages of a run, what each takes by what is known beforehand, and which are done."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.work import Stage
from data_prep.pictures.photos import list_photos
from data_prep.records.format import manifest_path
from data_prep.records.layout import PREPARED
from data_prep.sample.sample import split_counts
from deepusps_tf.data.batches import steps_per_epoch
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.fusion.base import FUSED_STAGE, FusedLabels
from deepusps_tf.runs.round_result import JOINT, is_finished, labels_stem
from deepusps_tf.scoring.store import STAGE_FILE
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import chosen_fusion
from deepusps_tf.settings.places import exported_versions
from deepusps_tf.training.rounds import FUSION, epochs_for, labels_stage, scores_stage, title_of

# Seconds on 2 CPU cores: of a handcrafted map, a record, and of a photo of 256x256 pixels a
# training step, a CRF, a prediction. They only weigh the stages until each kind is measured.
MAP, RECORD = 0.07, 0.005
STEP, CRF, PREDICTION = 0.1, 0.03, 0.03
REPORT, EXPORT = 15.0, 30.0


@dataclasses.dataclass(frozen=True)
class PhotoCounts:
    """How many photos a run has.

    Attributes:
        train: to train on.
        test: to test on.
        masked: the splits that have masks: `train`, `test`.
    """

    train: int
    test: int = 0
    masked: frozenset[str] = frozenset()


def count_photos(config: Config) -> PhotoCounts:
    """Counts a run's photos: those of its records, or those that these will be made of.

    Raises:
        InputError: they cannot be found.
    """
    made = (Path(config.records) / PREPARED).is_file()
    if config.sample_size and not made:
        return PhotoCounts(**split_counts(config.sample_size), masked=frozenset({"train", "test"}))
    if config.images and not made:
        return _listed_photos(config)
    photos = open_photos(config.records)
    test = len(photos.test.ids) if photos.test else 0
    return PhotoCounts(len(photos.train.ids), test, frozenset(photos.masked()))


def run_stages(config: Config, counts: PhotoCounts) -> list[Stage]:
    """The stages of a run in their order, also those that are done.

    Args:
        config: its settings.
        counts: its photos.
    """
    photos, methods, stages = counts.train + counts.test, len(config.method_names), []
    if config.images or config.sample_size:
        maps, records = photos * methods, photos * (1 + methods)
        stages.append(Stage("maps", "maps", "maps", MAP * maps, maps))
        stages.append(Stage("records", "records", "records", RECORD * records, records))
    for method in config.method_names:
        stages += _scoring(config.in_rounds, counts, method, 0)
        if config.refines and not config.refined:
            for number in range(1, config.rounds + 1):
                stages += _label_round(config, counts, method, number)
    stages += _final_stages(config, counts)
    judged = "test" if "test" in counts.masked else "train"
    shown = getattr(counts, judged) if counts.masked else 0
    report = REPORT + _predicting(config, shown, crf=config.crf)
    stages.append(Stage("export", "export", "export", EXPORT))
    stages.append(Stage("report", "report", "report", report))
    return stages


def done_stages(config: Config) -> frozenset[str]:
    """The keys of the stages that earlier processes finished, those of other runs too."""
    workdir, done = Path(config.workdir), set()
    if (Path(config.records) / PREPARED).is_file():
        done |= {"maps", "records"}
    rounds = [
        f"{method}/round{number}"
        for method in config.method_names
        for number in range(config.rounds + 1)
    ]
    rounds += [f"{JOINT}/round{number}" for number in range(1, config.joint + 1)]
    for name in (*rounds, FUSION):
        if is_finished(workdir / name):
            done |= {name, labels_stage(name)}
        if (workdir / name / STAGE_FILE).is_file():
            done.add(scores_stage(name))
    if Path(manifest_path(labels_stem(workdir / FUSION))).is_file():
        done.add(FUSED_STAGE)
    if exported_versions(workdir / "export"):
        done.add("export")
    return frozenset(done)


def _listed_photos(config: Config) -> PhotoCounts:
    photos = len(list_photos(config.images, recursive=config.walks))
    masked = {"train"} if config.masks else set()
    if config.test_images:
        test = len(list_photos(config.test_images, recursive=config.walks))
        return PhotoCounts(photos, test, frozenset(masked | {"test"}))
    if not (config.masks and config.holdout):
        return PhotoCounts(photos, 0, frozenset(masked))
    test = max(1, round(config.holdout * photos))
    return PhotoCounts(photos - test, test, frozenset({"train", "test"}))


def _label_round(config: Config, counts: PhotoCounts, method: str, number: int) -> Iterator[Stage]:
    settings = config.in_rounds
    epochs, steps = settings.epochs, settings.min_steps
    name = f"{method}/round{number}"
    title = title_of(method, number)
    yield _training(settings, counts, name, title, epochs=epochs, least=steps, crf=config.crf)
    yield from _scoring(settings, counts, method, number)


def _final_stages(config: Config, counts: PhotoCounts) -> Iterator[Stage]:
    lengths = {"epochs": config.fusion_epochs, "least": config.fusion_min_steps}
    if issubclass(chosen_fusion(config), FusedLabels):
        seconds = _predicting(config, counts.train, crf=False)
        title = "fused labels"
        yield Stage(FUSED_STAGE, title, "predictions", seconds, counts.train)
    joint = config.in_joint_rounds
    for number in range(1, config.joint + 1):
        name, title = f"{JOINT}/round{number}", title_of(JOINT, number)
        predicts = config.joint_labels == "predictions"
        crf = config.crf and not predicts
        yield _training(joint, counts, name, title, **lengths, crf=crf)
        if predicts:
            seconds = _predicting(joint, counts.train, crf=config.crf)
            title = f"labels of {title}"
            yield Stage(labels_stage(name), title, "predictions", seconds, counts.train)
        yield from _scoring(joint, counts, JOINT, number)
    yield _training(config, counts, FUSION, title_of(FUSION, 1), **lengths, crf=False)
    yield from _scoring(config, counts, FUSION, 1)


def _training(
    config: Config,
    counts: PhotoCounts,
    name: str,
    title: str,
    *,
    epochs: int,
    least: int,
    crf: bool,
) -> Stage:
    batch = config.batch_size
    epochs = epochs_for(epochs=epochs, steps=least, photos=counts.train, batch_size=batch)
    steps = epochs * steps_per_epoch(counts.train, batch)
    seconds = steps * batch * _area(config) * (STEP + CRF * crf)
    # A step's time depends on the network and its size, and on whether CRFs run beside it.
    kind = f"training/{config.backbone} {config.size}{' CRF' * crf}"
    return Stage(name, title, kind, seconds, steps)


def _scoring(config: Config, counts: PhotoCounts, method: str, number: int) -> list[Stage]:
    """The scoring of a round, or of a method's maps; none where there are no masks."""
    if not counts.masked:
        return []
    judged = "test" if "test" in counts.masked else "train"
    seconds = sum(
        _predicting(config, getattr(counts, split), crf=config.crf and split == judged)
        for split in counts.masked
    )
    name = method if method == FUSION else f"{method}/round{number}"
    share = 0.1 if number == 0 else 1.0  # maps are there already
    title = f"scores of {title_of(method, number)}"
    kind = "scores" if number else "map scores"
    return [Stage(scores_stage(name), title, kind, 1 + share * seconds)]


def _predicting(config: Config, photos: int, *, crf: bool) -> float:
    return photos * _area(config) * (PREDICTION + CRF * crf)


def _area(config: Config) -> float:
    return (config.size / 256) ** 2
