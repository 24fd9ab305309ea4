"""The schedule: three rounds for each handcrafted method, then one fusion network."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from absl import logging

from data_prep.errors import InputError
from deepusps_tf.config import Config
from deepusps_tf.crf import CrfSettings
from deepusps_tf.crf_pool import CrfPool
from deepusps_tf.devices import make_strategy
from deepusps_tf.evaluate import score_labels, score_network
from deepusps_tf.model import build_model
from deepusps_tf.records import RecordSet, manifest_path, open_labels, open_set
from deepusps_tf.stages import StageRow, scored
from deepusps_tf.summaries import write_round_pictures, write_scores
from deepusps_tf.train import RESULT, Round, RoundResult, read_result, train_round

# Labels made by a network are cut here; handcrafted maps at 1.5 x their mean.
REFINED_THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What a whole run left behind: every stage's scores and the fused network's round."""

    rows: list[StageRow]
    fusion: RoundResult


@dataclasses.dataclass(frozen=True)
class PhotoSets:
    """The opened photos of a run: those trained on and, where there are any, the test photos."""

    train: RecordSet
    test: RecordSet | None


def open_photos(records: str) -> PhotoSets:
    """Opens the photo sets under a records folder."""
    test = f"{records}/test/images"
    has_test = tf.io.gfile.exists(manifest_path(test))
    return PhotoSets(open_set(f"{records}/train/images"), open_set(test) if has_test else None)


def open_round0(records: str, split: str, method: str, images: RecordSet) -> RecordSet:
    """Opens a method's handcrafted maps of a photo set."""
    return open_labels(f"{records}/{split}/labels/{method}/round0", images)


def run_rounds(config: Config) -> RunResult:
    """Runs or resumes the whole schedule of a workdir.

    Args:
        config: the settings; its records must be there.

    Returns:
        The rows of the stage table, empty where no photo has a mask, and the fusion.
    """
    photos = open_photos(config.records)
    strategy = make_strategy(config.devices)
    rows: list[StageRow] = []
    refined = []
    with crf_pool(config) as pool:
        for place, method in enumerate(config.methods):
            labels, method_rows = _refine_method(config, photos, method, place, strategy, pool)
            refined.append(labels)
            rows += method_rows
        spec = Round(
            name="fusion",
            number=len(config.methods) * config.rounds,
            threshold=REFINED_THRESHOLD,
            beta_squared=config.fusion_beta_squared,
            learning_rate=config.fusion_learning_rate,
            epochs=config.fusion_epochs,
            collect=False,
        )
        fusion = _train(config, spec, photos, refined, strategy, pool)
        rows += _score_round(config, photos, fusion, "fusion", 1, pool)
    return RunResult(rows, fusion)


@contextlib.contextmanager
def crf_pool(config: Config) -> Iterator[CrfPool | None]:
    """Starts the CRF's processes for a run, or gives None with --nocrf."""
    if not config.crf:
        yield None
        return
    with CrfPool(config.crf_processes, CrfSettings(iterations=config.crf_iterations)) as pool:
        yield pool


def _refine_method(
    config: Config,
    photos: PhotoSets,
    method: str,
    place: int,
    strategy: tf.distribute.Strategy,
    pool: CrfPool | None,
) -> tuple[RecordSet, list[StageRow]]:
    """Runs one method's rounds, each on the labels of the one before."""
    labels = open_round0(config.records, "train", method, photos.train)
    rows = _score_maps(config, photos, method, labels)
    threshold = config.threshold_scale * labels.manifest.mean_saliency
    if not 0 < threshold < 1:
        raise InputError(
            f"{labels.stem}: mean saliency {labels.manifest.mean_saliency:.3f} cannot be cut at "
            f"{threshold:.3f}; leave {method} out of --methods"
        )
    for number in range(1, config.rounds + 1):
        spec = Round(
            name=f"{method}/round{number}",
            number=place * config.rounds + number - 1,
            threshold=threshold,
            beta_squared=config.beta_squared,
            learning_rate=config.learning_rates[number - 1],
            epochs=config.epochs,
            collect=True,
        )
        result = _train(config, spec, photos, [labels], strategy, pool)
        before, labels = labels, open_labels(result.labels, photos.train)
        rows += _score_round(config, photos, result, method, number, pool)
        write_round_pictures(
            folder=_logs(config, method),
            step=number,
            images=photos.train,
            labels=[before, labels],
            size=config.size,
        )
        threshold = REFINED_THRESHOLD
    return labels, rows


def _train(
    config: Config,
    spec: Round,
    photos: PhotoSets,
    labels: list[RecordSet],
    strategy: tf.distribute.Strategy,
    pool: CrfPool | None,
) -> RoundResult:
    logging.info("%s: cut at %.3f, learning rate %g", spec.name, spec.threshold, spec.learning_rate)
    return train_round(
        config=config, spec=spec, images=photos.train, labels=labels, strategy=strategy, pool=pool
    )


def _score_maps(
    config: Config, photos: PhotoSets, method: str, train_labels: RecordSet
) -> list[StageRow]:
    """Scores a method's handcrafted maps on every photo set that has masks."""

    def score() -> list[StageRow]:
        rows = []
        for split, images in (("train", photos.train), ("test", photos.test)):
            if images is None or not images.manifest.has_masks:
                continue
            labels = train_labels
            if split == "test":
                labels = open_round0(config.records, "test", method, images)
            scores = score_labels(
                images=images, labels=labels, size=config.size, batch_size=config.batch_size
            )
            rows.append(StageRow(method, 0, "map", split, scores))
        return rows

    return _scored(config, f"{method}/round0", score)


def _score_round(
    config: Config,
    photos: PhotoSets,
    result: RoundResult,
    method: str,
    number: int,
    pool: CrfPool | None,
) -> list[StageRow]:
    """Scores a round's labels on the training photos and its network on the test photos."""

    def score() -> list[StageRow]:
        rows = []
        sizes = {"size": config.size, "batch_size": config.batch_size}
        if result.labels and photos.train.manifest.has_masks:
            labels = open_labels(result.labels, photos.train)
            scores = score_labels(images=photos.train, labels=labels, **sizes)
            rows.append(StageRow(method, number, "labels", "train", scores))
        if photos.test is not None and photos.test.manifest.has_masks:
            network = load_network(config, result)
            outputs = score_network(network=network, images=photos.test, pool=pool, **sizes)
            rows += [
                StageRow(method, number, output, "test", scores)
                for output, scores in outputs.items()
            ]
        return rows

    return _scored(config, result.folder.relative_to(config.workdir), score)


def load_network(config: Config, result: RoundResult):
    """Builds the run's network with the weights a round ended in."""
    network = build_model(backbone=config.backbone, size=config.size)
    network.load_weights(result.weights)
    return network


def load_fusion(config: Config):
    """Loads the fused network of a finished run.

    Raises:
        InputError: where the workdir holds no finished run.
    """
    folder = Path(config.workdir) / "fusion"
    if not (folder / RESULT).is_file():
        raise InputError(f"{config.workdir}: holds no finished run; finish it with --mode=train")
    return load_network(config, read_result(folder))


def score_fusion(config: Config) -> list[StageRow]:
    """Scores the fused network of a workdir on the test photos of --records.

    Raises:
        InputError: where the run is not finished, or the records have no test photos with masks.
    """
    images = open_photos(config.records).test
    if images is None or not images.manifest.has_masks:
        raise InputError(f"{config.records}/test: no photos with masks to score on")
    with crf_pool(config) as pool:
        outputs = score_network(
            network=load_fusion(config),
            images=images,
            size=config.size,
            batch_size=config.batch_size,
            pool=pool,
        )
    return [StageRow("fusion", 1, output, "test", scores) for output, scores in outputs.items()]


def _scored(config: Config, name: str | Path, score) -> list[StageRow]:
    rows = scored(Path(config.workdir) / name, score)
    for row in rows:
        values = dataclasses.asdict(row.scores)
        del values["count"]
        named = {f"{row.split}/{row.output}/{metric}": value for metric, value in values.items()}
        write_scores(_logs(config, row.method), row.stage, named)
    return rows


def _logs(config: Config, method: str) -> Path:
    return Path(config.workdir) / "logs" / method / "stages"
