"""The schedule: three rounds for each handcrafted method, joint rounds, then the fused network."""

import dataclasses
import functools
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import steps_per_epoch
from deepusps_tf.data.photo_sets import PhotoSets, open_photos
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.fusion.oracle import check_oracle
from deepusps_tf.fusion.registry import FusionTask, fusion_task
from deepusps_tf.labels.crf_pool import CrfPool, start_crf
from deepusps_tf.labels.pseudo_labels import REFINED_THRESHOLD, handcrafted_threshold
from deepusps_tf.networks.folding import copy_folded, inference_twin
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.checkpoints import load_weights
from deepusps_tf.runs.round_result import (
    JOINT,
    RoundResult,
    is_finished,
    is_stable,
    read_refined,
    read_result,
)
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import LABELS, MAP, score_labels, score_network
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.scoring.store import scored
from deepusps_tf.settings.config import Config
from deepusps_tf.training.tensorboard import write_round_pictures, write_scores, write_settings
from deepusps_tf.training.trainer import Round, Trainer


def run_rounds(config: Config, strategy: tf.distribute.Strategy) -> list[Figures]:
    """Runs or resumes the whole schedule of a workdir.

    Args:
        config: the settings; its records must be there.
        strategy: where to train.

    Returns:
        The rows of the stage table, empty where no photo has a mask.

    Raises:
        InputError: for settings or records that cannot be used.
    """
    photos = open_photos(config.records)
    check_oracle(config, photos)
    with start_crf(config) as pool:
        schedule = Schedule(config.in_rounds, photos, strategy, pool)
        labels = [schedule.label(method) for method in config.methods]
    # Lattices that the first pool kept may be of another size, and leave no room for others.
    with start_crf(config) as pool:
        Schedule(config, photos, strategy, pool).fuse(labels)
    return collect_rows(config)


class Schedule:
    """Runs rounds in order and scores what each leaves behind, where there are masks.

    Args:
        config: the run's settings; for `label`, those of its rounds.
        photos: its photo sets.
        strategy: where to train.
        pool: the CRF's processes, or None.
    """

    def __init__(
        self,
        config: Config,
        photos: PhotoSets,
        strategy: tf.distribute.Strategy,
        pool: CrfPool | None,
    ):
        self._config = config
        self._photos = photos
        self._strategy = strategy
        self._workers = Workers(strategy)
        self._pool = pool

    @functools.cached_property
    def _network(self) -> keras.Model:
        """Every round's network is scored in this one."""
        return build_model(backbone=self._config.backbone, size=self._config.size)

    @functools.cached_property
    def _twin(self) -> keras.Model:
        """The same without BatchNorm, built and traced once."""
        return inference_twin(self._network)

    def label(self, method: str) -> RecordSet:
        """Makes one method's labels for the fusion: its maps, refined unless that is left out."""
        config, photos = self._config, self._photos
        maps = photos.handcrafted("train", method)
        self._score_maps(method, maps)
        if not config.refines:
            return maps
        if config.refined:
            run, stable = Path(config.refined), config.until_stable
            return read_refined(run, method, config.rounds, stable, photos.train)
        return self._refine(method, maps)

    def _refine(self, method: str, labels: RecordSet) -> RecordSet:
        """Runs one method's rounds, each on the labels of the one before; returns the last.

        Ends before the last round where one changed its labels by less than `--until_stable`.
        """
        config = self._config
        threshold = handcrafted_threshold(labels, config.threshold_scale)
        for number in range(1, config.rounds + 1):
            spec = Round(
                name=f"{method}/round{number}",
                number=config.methods.index(method) * config.rounds + number - 1,
                threshold=threshold,
                learning_rate=config.learning_rates[number - 1],
                epochs=self._epochs(config.epochs, config.min_steps),
            )
            result = self._train(spec, [labels], lambda: self._refiner)
            before, labels = labels, result.labels
            self._score_round(result, method, number, [before, labels], written=labels)
            threshold = REFINED_THRESHOLD
            if is_stable(number, result.change, config.until_stable):
                logging.info("%s: labels are stable after round %d", method, number)
                break
        return labels

    def fuse(self, labels: list[RecordSet]) -> None:
        """Trains one network on all methods' labels, as `--fusion` says, after any joint rounds."""
        config = self._config
        task = self._workers.chief_first(lambda: fusion_task(config, self._photos, labels))
        for number in range(1, config.joint + 1):
            task = self._refine_jointly(task, number)
        spec = self._fusion_round("fusion", config.joint, task)
        result = self._train(spec, task.labels, lambda: self._make_fuser(task, collect=False))
        if self._workers.is_chief:
            write_settings(self._logs("fusion"), dataclasses.asdict(config))
        self._score_round(result, "fusion", 1, task.labels, written=task.written)

    def _refine_jointly(self, task: FusionTask, number: int) -> FusionTask:
        """Runs a joint round, on all methods' labels or those of the one before it."""
        spec = self._fusion_round(f"{JOINT}/round{number}", number - 1, task)
        result = self._train(spec, task.labels, lambda: self._make_fuser(task, collect=True))
        shown = [*task.labels, result.labels]
        self._score_round(result, JOINT, number, shown, written=result.labels)
        return FusionTask((result.labels,))

    def _fusion_round(self, name: str, place: int, task: FusionTask) -> Round:
        """The round of that place behind the methods' own."""
        config = self._config
        return Round(
            name=name,
            number=len(config.methods) * config.rounds + place,
            threshold=task.threshold,
            learning_rate=config.fusion_learning_rate,
            epochs=self._epochs(config.fusion_epochs, config.fusion_min_steps),
        )

    def _epochs(self, epochs: int, steps: int) -> int:
        """So many epochs, or as many as make so many steps."""
        count = len(self._photos.train.ids)
        return max(epochs, math.ceil(steps / steps_per_epoch(count, self._config.batch_size)))

    @functools.cached_property
    def _refiner(self) -> Trainer:
        return Trainer(
            self._config, self._strategy, beta_squared=self._config.beta_squared, collect=True
        )

    def _make_fuser(self, task: FusionTask, *, collect: bool) -> Trainer:
        return Trainer(
            self._config,
            self._strategy,
            beta_squared=self._config.fusion_beta_squared,
            collect=collect,
            label_sets=len(task.labels),
            noise=task.noise,
            trimmed=task.trimmed,
        )

    def _train(
        self, spec: Round, labels: Sequence[RecordSet], trainer: Callable[[], Trainer]
    ) -> RoundResult:
        """Trains a round, or reads the result of one that is finished."""
        folder = Path(self._config.workdir) / spec.name
        finished = is_finished(folder)
        self._workers.agree(int(finished), f"{folder}: finished")
        if finished:
            result = read_result(folder, self._photos.train)
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
            return result
        cuts = ", ".join(f"{cut:.3f}" for cut in np.atleast_1d(spec.threshold))
        logging.info(
            "%s: %d epochs, labels cut at %s, learning rate %g",
            spec.name,
            spec.epochs,
            cuts,
            spec.learning_rate,
        )
        return trainer().train(spec, self._photos.train, labels, self._pool)

    def _score_maps(self, method: str, train_labels: RecordSet) -> None:
        def score() -> list[Figures]:
            rows = []
            for split, images in self._photos.masked().items():
                labels = train_labels
                if split == "test":
                    labels = self._photos.handcrafted("test", method)
                scores = score_labels(images=images, labels=labels, size=self._config.size)
                rows.append(Figures(RunStage(method, 0, split), MAP, scores))
            return rows

        self._keep_rows(f"{method}/round0", score)

    def _score_round(
        self,
        result: RoundResult,
        method: str,
        number: int,
        labels: Sequence[RecordSet],
        written: RecordSet | None,
    ) -> None:
        """Scores a round's network and the labels written by or for it; pictures `labels`."""

        def score() -> list[Figures]:
            rows = []
            masked = self._photos.masked()
            load_weights(self._network, result.weights, f"delete {result.folder} to train it again")
            copy_folded(self._network, self._twin)
            write_round_pictures(
                folder=self._logs(method),
                step=number,
                images=self._photos.train,
                labels=labels,
                network=self._twin,
                size=self._config.size,
            )
            if written and "train" in masked:
                scores = score_labels(
                    images=masked["train"], labels=written, size=self._config.size
                )
                rows.append(Figures(RunStage(method, number, "train"), LABELS, scores))
            held_out, _ = self._photos.held_out()
            for split, images in masked.items():
                # Beside held-out photos, the training ones show predictions before the CRF alone.
                pool = self._pool if split == held_out else None
                outputs = score_network(
                    network=self._twin, images=images, pool=pool, **self._sizes()
                )
                for output, scores in outputs.items():
                    rows.append(Figures(RunStage(method, number, split), output, scores))
            return rows

        self._keep_rows(result.folder.relative_to(self._config.workdir), score)

    def _keep_rows(self, name: str | Path, score: Callable[[], list[Figures]]) -> None:
        """Keeps the rows of a stage that was scored before, or scores it and logs the figures.

        The chief alone does; the other workers go on to the next round and wait for it there.
        """
        if not self._workers.is_chief:
            return

        def score_and_log() -> list[Figures]:
            rows = score()
            for row in rows:
                values = dataclasses.asdict(row.scores)
                del values["count"]
                tag = f"{row.subject.split}/{row.output}"
                tagged = {f"{tag}/{metric}": value for metric, value in values.items()}
                write_scores(self._logs(row.subject.method), row.subject.stage, tagged)
            return rows

        scored(Path(self._config.workdir) / name, score_and_log)

    def _sizes(self) -> dict[str, int]:
        return {"size": self._config.size, "batch_size": self._config.batch_size}

    def _logs(self, method: str) -> Path:
        return Path(self._config.workdir) / "logs" / method / "stages"
