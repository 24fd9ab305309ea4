"""The methods' label rounds: each method's maps are refined, round by round, apart from others."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from data_prep.base.log import inform
from data_prep.records.format import RecordSet
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.pseudo_labels import REFINED_THRESHOLD, handcrafted_threshold
from deepusps_tf.runs.round_result import RoundResult, is_stable, read_refined
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.sections.fusion import AVERAGES
from deepusps_tf.training.rounds import Round, epochs_for
from deepusps_tf.training.run_round import run_round
from deepusps_tf.training.stage_scorer import StageScorer
from deepusps_tf.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class MethodLabels:
    """What the label rounds leave for the final training.

    Attributes:
        labels: a label set a method, in the order of `--methods`: refined, or the maps themselves
            where the fusion takes those.
    """

    labels: tuple[RecordSet, ...]


def run_label_rounds(
    *,
    config: Config,
    photos: PhotoSets,
    strategy: tf.distribute.Strategy,
    workers: Workers,
    pool: CrfPool | None,
) -> MethodLabels:
    """Makes every method's labels: its maps, refined unless that is left out.

    Args:
        config: the settings of the rounds (`Config.in_rounds`); all is written in its workdir.
        photos: the run's photo sets.
        strategy: where to train.
        workers: those that train together under it.
        pool: the CRF's processes, or None.

    Raises:
        InputError: where maps cannot be cut, or labels of `--refined` cannot be read.
    """

    @functools.cache
    def trainer() -> Trainer:
        return Trainer(
            config,
            strategy,
            photos.train,
            beta_squared=config.beta_squared,
            makes=AVERAGES,
            workers=workers,
        )

    common = {"workdir": Path(config.workdir), "images": photos.train}
    run = functools.partial(run_round, **common, trainer=trainer, pool=pool, workers=workers)
    scorer = StageScorer(config=config, photos=photos, pool=pool, workers=workers)
    labels = []
    for method in config.method_names:
        maps = photos.handcrafted("train", method)
        scorer.score_maps(method, maps)
        if config.refined and config.refines:
            there, stable = Path(config.refined), config.until_stable
            maps = read_refined(there, method, config.rounds, stable, photos.train)
        elif config.refines:
            maps = _refine(method, maps, config=config, run=run, scorer=scorer)
        labels.append(maps)
    return MethodLabels(tuple(labels))


def _refine(
    method: str,
    labels: RecordSet,
    *,
    config: Config,
    run: Callable[..., RoundResult],
    scorer: StageScorer,
) -> RecordSet:
    """Runs one method's rounds, each on the labels of the one before; returns the last.

    Ends before the last round where one changed its labels by less than `--until_stable`.
    """
    epochs = epochs_for(
        epochs=config.epochs,
        steps=config.min_steps,
        photos=len(labels.ids),
        batch_size=config.batch_size,
    )
    threshold = handcrafted_threshold(labels, config.threshold_scale)
    for number in range(1, config.rounds + 1):
        spec = Round(
            name=f"{method}/round{number}",
            number=config.method_names.index(method) * config.rounds + number - 1,
            threshold=threshold,
            learning_rate=config.learning_rates[number - 1],
            epochs=epochs,
        )
        result = run(spec=spec, labels=[labels])
        before, labels = labels, result.labels
        scorer.score_round(
            result, method=method, number=number, shown=[before, labels], written=labels
        )
        threshold = REFINED_THRESHOLD
        if is_stable(number, result.change, config.until_stable):
            inform("%s: labels are stable after round %d", method, number)
            break
    return labels
