"""What a finished run knows of its model, for `model.json` and the model card."""

import hashlib
from pathlib import Path, PurePath, PurePosixPath

import keras
import tensorflow as tf

from data_prep.base.command import say
from data_prep.base.errors import InputError
from data_prep.records.format import manifest_path, open_set, stored_pictures
from deepusps_tf.labels.crf_pool import crf_of_settings
from deepusps_tf.runs.chosen import training_records
from deepusps_tf.runs.provenance import provenance_now
from deepusps_tf.runs.round_result import is_finished, round_folders
from deepusps_tf.runs.training_time import read_training
from deepusps_tf.scoring.figures import Figures, RunStage, network_size
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.scoring.store import kept_evaluation
from deepusps_tf.serving.model_facts import (
    LICENCE,
    LOCAL_CRF,
    NONE,
    THRESHOLD,
    ModelFacts,
    ModelFigures,
)
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import BACKBONES

LIMITS = (
    "It finds what stands out in a photo: of scenes without such an object its masks mean little.",
    "A photo is seen as one square, so objects of a few pixels at that size are lost.",
    "Its probability is made for cutting; it is no measure of how sure a mask is.",
)
# Folders that data sets keep their photos in.
_NAMELESS = frozenset({"image", "images", "imgs", "jpegimages"})
_SERVED = {
    LOCAL_CRF: "TensorFlow Serving, ONNX and LiteRT cannot run the CRF: they refine with one that "
    "joins a pixel with some neighbours instead of with all.",
    NONE: "TensorFlow Serving, ONNX and LiteRT run the network alone, without the CRF.",
}


def run_facts(config: Config, network: keras.Model) -> ModelFacts:
    """Collects what a finished run knows of its model; folders by the last part of their names.

    Args:
        config: of the run, with its workdir and records as they are found now.
        network: the fused network.

    Raises:
        InputError: where files of the run are damaged.
    """
    count, photo_set = _photo_set(training_records(config))
    crf = crf_of_settings(config)
    served = config.serving_refinement if crf else NONE
    return ModelFacts(
        name=config.experiment or _last(config.workdir),
        network=config.backbone,
        size=config.size,
        parameters=network.count_params(),
        threshold=THRESHOLD,
        refined=crf is not None,
        crf=crf,
        served_refinement=served,
        photos=count,
        photo_set=photo_set,
        trained_on=_trained_on(config),
        methods=config.method_names,
        rounds=_rounds(config),
        joint_rounds=config.joint,
        fusion=config.fusion if config.oracle == "none" else None,
        oracle=config.oracle,
        pretraining=_pretraining(config),
        figures=tuple(_figures(config)),
        trained=read_training(Path(config.workdir)),
        exported=provenance_now(),
        limits=(*LIMITS, _SERVED[served]),
        licence=LICENCE,
    )


def _photo_set(records: str) -> tuple[int | None, str | None]:
    """How many photos records train on, and a hash of them; None where they are not to be had."""
    stem = f"{records}/train/images"
    try:
        if not tf.io.gfile.exists(manifest_path(stem)):
            return None, None
        images = open_set(stem)
        hashes = sorted(hashlib.sha256(picture).digest() for picture in stored_pictures(images))
    except (InputError, tf.errors.OpError) as error:  # a finished run is exported without them
        reason = " ".join(str(error).split())[:200]
        say(f"the model card does not count its photos ({reason})")
        return None, None
    return len(images.ids), hashlib.sha256(b"".join(hashes)).hexdigest()


def _trained_on(config: Config) -> str:
    """The photos that a run was trained on, in words."""
    if config.sample_size:
        return "the embedded sample"
    return photo_set_name(config.images) if config.images else _last(config.records)


def photo_set_name(folder: str) -> str:
    """What a folder of photos is called: by the folder above where its own name says nothing."""
    path = _path(folder)
    return path.parent.name or path.name if path.name.lower() in _NAMELESS else path.name


def _last(folder: str) -> str:
    """The last part of a folder's name."""
    return _path(folder).name


def _path(folder: str) -> PurePath:
    return PurePosixPath(folder) if "://" in folder else Path(folder).resolve()


def _rounds(config: Config) -> dict[str, int]:
    """How many rounds each method has behind it, where their folders are still there."""
    if not config.refines:
        return {}
    run = Path(config.refined or config.workdir)
    finished = {
        method: sum(map(is_finished, round_folders(run, method, config.rounds)))
        for method in config.method_names
    }
    return {method: count for method, count in finished.items() if count}


def _pretraining(config: Config) -> str:
    """What the first weights of a run's networks were, in words."""
    if config.pretrained == "none":
        return "none: its weights began at random"
    if config.pretrained != "default":
        return f"the weights file {_last(config.pretrained)}; what that learned from is not known"
    learned_from = BACKBONES.find(config.backbone).default_weights_of
    return f"weights learned from {learned_from or 'what its backbone does not name'}"


def own_evaluations(config: Config) -> list[Figures]:
    """What `--mode=evaluate` scored of a run and kept in its workdir.

    Raises:
        InputError: where the file of it is damaged.
    """
    kept = kept_evaluation(Path(config.workdir))
    return [each for each in kept if each.subject.scored.startswith("this run")]


def _figures(config: Config) -> list[ModelFigures]:
    """What the fused network scored while its run trained, and what was evaluated since."""
    stages = [row for row in collect_rows(config) if row.subject.method == "fusion"]
    return [figures_told(row, config) for row in (*stages, *own_evaluations(config))]


def figures_told(row: Figures, config: Config) -> ModelFigures:
    """Figures of a run's final network as its model tells them, with the photos in words."""
    subject, scores = row.subject, row.scores.named()
    stage = isinstance(subject, RunStage)
    return ModelFigures(
        test_set=_scored_on(subject, config) if stage else subject.test_set,
        photos=scores.pop("count"),
        resolution=network_size(config.size) if stage else subject.resolution,
        output=row.output,
        scores=scores,
    )


def _scored_on(stage: RunStage, config: Config) -> str:
    """The photos that a stage was scored on, in words."""
    trained_on = _trained_on(config)
    if stage.split == "train":
        return f"{trained_on} (training photos)"
    if config.test_images:
        return photo_set_name(config.test_images)
    return f"{trained_on} (held out)"
