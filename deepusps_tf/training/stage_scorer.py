"""Scores what the stages of a run leave behind, where there are masks; on the chief alone."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from data_prep.base.job import current_job
from data_prep.base.log import note_shown
from data_prep.records.format import RecordSet
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.networks.folding import copy_folded, inference_twin
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.checkpoints import load_weights
from deepusps_tf.runs.round_result import RoundResult
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import LABELS, MAP, score_labels, score_network
from deepusps_tf.scoring.store import scored
from deepusps_tf.settings.config import Config
from deepusps_tf.training.round_line import round_figures, round_line
from deepusps_tf.training.rounds import scores_stage, title_of
from deepusps_tf.training.tensorboard import write_round_pictures, write_scores


class StageScorer:
    """Scores maps, labels and networks of one size, keeps the rows, shows them in TensorBoard.

    The chief alone does; for the other workers each method returns at once, and they go on to the
    next round and wait for it there.

    Args:
        config: the settings that the stages were trained by.
        photos: the run's photo sets.
        pool: the CRF's processes, or None.
        workers: those that train together.
    """

    def __init__(
        self, *, config: Config, photos: PhotoSets, pool: CrfPool | None, workers: Workers
    ):
        self._config = config
        self._photos = photos
        self._pool = pool
        self._workers = workers

    def of(self, config: Config) -> "StageScorer":
        """The scorer of stages that other settings trained; this one where they are the same."""
        if config == self._config:
            return self
        return StageScorer(
            config=config, photos=self._photos, pool=self._pool, workers=self._workers
        )

    @functools.cached_property
    def _network(self) -> keras.Model:
        """Every round's network is scored in this one."""
        return build_model(backbone=self._config.backbone, size=self._config.size)

    @functools.cached_property
    def _folded(self) -> keras.Model:
        """The same without BatchNorm, built and traced once."""
        return inference_twin(self._network)

    def score_maps(self, method: str, train_maps: RecordSet) -> None:
        """Scores one method's handcrafted maps on every set with masks."""

        def score() -> list[Figures]:
            rows = []
            for split, images in self._photos.masked().items():
                maps = train_maps
                if split == "test":
                    maps = self._photos.handcrafted("test", method)
                scores = score_labels(images=images, labels=maps, size=self._config.size)
                rows.append(Figures(RunStage(method, 0, split), MAP, scores))
            return rows

        self._keep_rows(f"{method}/round0", score)

    def score_round(
        self,
        result: RoundResult,
        *,
        method: str,
        number: int,
        shown: Sequence[RecordSet],
        written: RecordSet | None,
    ) -> None:
        """Scores a round's network and the labels written by or for it.

        Args:
            result: what the round left.
            method: what the table calls it: a method, `joint` or `fusion`.
            number: of the round, from 1.
            shown: label sets to show beside its predictions.
            written: the labels to score, or None.
        """

        name, job = str(result.folder.relative_to(self._config.workdir)), current_job()

        def score() -> list[Figures]:
            masked = self._photos.masked()
            self._load(result)
            write_round_pictures(
                folder=self.logs(method),
                step=number,
                images=self._photos.train,
                labels=shown,
                network=self._folded,
                size=self._config.size,
            )
            rows = []
            if written and "train" in masked:
                scores = score_labels(
                    images=masked["train"], labels=written, size=self._config.size
                )
                rows.append(Figures(RunStage(method, number, "train"), LABELS, scores))
            for split, images in masked.items():
                outputs = self._network_scores(split, images)
                stage = RunStage(method, number, split)
                rows += [Figures(stage, name, outputs[name]) for name in outputs]
            return rows

        rows = self._keep_rows(name, score)
        if job is not None and not job.was_done(scores_stage(name)):
            figures = round_figures(result.figures, rows, self._photos.judged()[0])
            line = round_line(title_of(method, number), figures)
            note_shown(line)
            job.tell("round", stage=name, line=line, **figures)

    def logs(self, method: str) -> Path:
        """The TensorBoard log of a method's stages."""
        return Path(self._config.workdir) / "logs" / method / "stages"

    def _load(self, result: RoundResult) -> None:
        load_weights(self._network, result.weights, f"delete {result.folder} to train it again")
        copy_folded(self._network, self._folded)

    def _network_scores(self, split: str, images: RecordSet):
        """Scores of the loaded network's outputs by name."""
        judged, _ = self._photos.judged()
        return score_network(
            network=self._folded,
            images=images,
            # Beside held-out photos, the training ones show predictions before the CRF alone.
            pool=self._pool if split == judged else None,
            size=self._config.size,
            batch_size=self._config.batch_size,
        )

    def _keep_rows(self, name: str, score: Callable[[], list[Figures]]) -> list[Figures]:
        """Keeps the rows of a stage that was scored before, or scores it and logs the figures."""
        if not self._workers.is_chief:
            return []

        def score_and_log() -> list[Figures]:
            if job := current_job():
                job.begin(scores_stage(name))
            rows = score()
            for row in rows:
                values = row.scores.named()
                del values["count"]
                tag = f"{row.subject.split}/{row.output}"
                tagged = {f"{tag}/{metric}": value for metric, value in values.items()}
                write_scores(self.logs(row.subject.method), row.subject.stage, tagged)
            return rows

        return scored(Path(self._config.workdir) / name, score_and_log)
