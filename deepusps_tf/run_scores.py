"""What `--mode=evaluate` scores: a run, an exported model, or maps made elsewhere."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from data_prep.errors import InputError
from deepusps_tf.config import Config
from deepusps_tf.crf_pool import start_crf
from deepusps_tf.dataset import steps_per_epoch
from deepusps_tf.evaluate import network_outputs
from deepusps_tf.folder_scores import map_outputs, map_pairs, photo_outputs, photo_pairs
from deepusps_tf.inference import inference_twin
from deepusps_tf.photo_sets import open_photos, scored_set
from deepusps_tf.round_result import load_fusion
from deepusps_tf.saliency_model import SaliencyModel, load_model, wrap_network
from deepusps_tf.scorecard import OWN_SIZE, Scorecard, score_outputs
from deepusps_tf.workdir import runs_in, saved_run


def evaluations(config: Config) -> Iterator[tuple[Path, list[Scorecard]]]:
    """Scores what the flags of `--mode=evaluate` name.

    Yields:
        The folder that keeps the figures, and the figures: of maps, of an exported model, or of a
        run and of each of its repeats.

    Raises:
        InputError: as the functions below, and where the figures of repeats would go to one folder.
    """
    if config.maps:
        yield Path(config.output), evaluate_maps(config)
        return
    if config.model:
        yield Path(config.output), evaluate_model(config)
        return
    runs = runs_in(Path(config.workdir))
    if config.output and len(runs) > 1:
        raise InputError(
            f"{config.workdir}: holds {len(runs)} runs, which keep their own figures; "
            "leave --output out"
        )
    for run in runs:
        cards = evaluate_run(dataclasses.replace(config, workdir=str(run)))
        yield Path(config.output or run), cards


def evaluate_maps(config: Config) -> list[Scorecard]:
    """Scores the maps in `--maps` by `--masks`, at their own size.

    Raises:
        InputError: as `map_pairs` and `map_outputs`.
    """
    pairs = map_pairs(Path(config.maps), Path(config.masks))
    return score_outputs(map_outputs(pairs), test_set=_test_set(config), resolution=OWN_SIZE)


def evaluate_model(config: Config) -> list[Scorecard]:
    """Scores the exported `--model` on `--images` by `--masks`, at each photo's own size.

    Raises:
        InputError: as `photo_pairs` and `photo_outputs`, and where there is no such model.
    """
    return _score_photos(config, load_model(config.model), config)


def evaluate_run(config: Config) -> list[Scorecard]:
    """Scores the fused network of `--workdir`.

    On `--images` by `--masks` where they are given, at each photo's own size. Else on the test
    photos of its records, or of `--records`, at the network's size; where those hold no test
    photos with masks, on the training photos with masks.

    Raises:
        InputError: where the run is not finished, no photo has a mask, or as `evaluate_model`.
    """
    saved = saved_run(config)
    if config.images:
        model = wrap_network(load_fusion(saved), saved.size)
        return _score_photos(config, model, saved)
    split, images = open_photos(saved.records).held_out()
    if images is None:
        raise InputError(f"{saved.records}: no photos with masks to score on")
    test_set = config.test_set or scored_set(saved.records, split)
    with start_crf(saved, one_pass=True) as pool:
        outputs = network_outputs(
            network=inference_twin(load_fusion(saved)),
            images=images,
            size=saved.size,
            batch_size=saved.batch_size,
            pool=pool,
        )
        steps = steps_per_epoch(len(images.ids), saved.batch_size)
        shown = tqdm(outputs, total=steps, desc="scores", unit="batch")
        return score_outputs(shown, test_set=test_set, resolution=f"{saved.size}x{saved.size}")


def _score_photos(config: Config, model: SaliencyModel, run: Config) -> list[Scorecard]:
    """Scores on the photos that `config` names, with the CRF of `run`."""
    pairs = photo_pairs(Path(config.images), Path(config.masks))
    with start_crf(run, one_pass=True) as pool:
        outputs = photo_outputs(pairs, model=model, pool=pool, queue=run.batch_size)
        return score_outputs(outputs, test_set=_test_set(config), resolution=OWN_SIZE)


def _test_set(config: Config) -> str:
    """The name given, or that of the folder that holds the folder of masks."""
    return config.test_set or Path(config.masks).resolve().parent.name
