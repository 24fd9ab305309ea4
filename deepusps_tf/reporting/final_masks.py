"""What a run's final model finds in some of its photos, kept so that a report is quick again."""

import dataclasses
import hashlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from data_prep.pictures.images import fit_within, read_rgb
from data_prep.records.format import IMAGE_FEATURES, UNTUNED, RecordSet
from data_prep.records.random_reading import record_reader
from deepusps_tf.labels.crf_pool import crf_of_settings
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.serving.model_facts import read_facts
from deepusps_tf.serving.saliency_model import SaliencyModel, load_model, wrap_network
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.places import exported_versions, find_model

SIDE = 480  # of the photos and masks that are kept, at most
MASKS = "masks.npz"


@dataclasses.dataclass(frozen=True)
class FoundPhoto:
    """A photo and what the final model finds in it.

    Attributes:
        id: the photo's.
        rgb: uint8 [h, w, 3], of sides of at most `SIDE`.
        probability: uint8 [h, w], 255 for sure: after the model's CRF, where it has one.
    """

    id: str
    rgb: np.ndarray
    probability: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """Which pixels the model calls salient, bool [h, w]."""
        return self.probability > 127


@dataclasses.dataclass(frozen=True)
class FinalModel:
    """The model that a run ended in: its export, or its network where none was exported.

    Attributes:
        key: the same for what finds the same masks.
        path: of the export, or None.
        load: loads it, with its CRF.
    """

    key: str
    path: Path | None
    load: Callable[[], SaliencyModel]


def final_model(config: Config) -> FinalModel:
    """Finds the model of a finished run; nothing is loaded yet."""
    folder = Path(config.workdir) / "export"
    if exported_versions(folder):
        path = find_model(folder)
        facts = read_facts(path)
        print_ = tf.saved_model.experimental.read_fingerprint(str(path)).singleprint()
        return FinalModel(f"{print_} {facts and facts.own_crf}", path, lambda: load_model(path))
    crf = crf_of_settings(config)

    def load() -> SaliencyModel:
        model = wrap_network(load_fusion(config), config.size)
        model.crf = crf
        return model

    return FinalModel(f"{_weights_hash(config)} {crf}", None, load)


def find_masks(
    model: FinalModel, chosen: Sequence[tuple[RecordSet, int]], cache: Path
) -> list[FoundPhoto]:
    """Lets the final model predict some photos, but for those that it predicted before.

    Args:
        model: the model; loaded only where a photo is new.
        chosen: photos, each a set and its place in it.
        cache: the file that keeps what was found; afterwards it holds these photos alone.

    Returns:
        Each photo with what was found, in the order of `chosen`.

    Raises:
        InputError: where the model cannot be loaded.
    """
    kept, loaded, now, found = _read(cache, model.key), None, {}, []
    for (images, place), picture in zip(chosen, _pictures(chosen), strict=True):
        name = hashlib.sha256(picture).hexdigest()
        rgb = fit_within(read_rgb(picture), SIDE)
        if name not in kept:
            loaded = loaded or model.load()
            kept[name] = _shrunk(loaded.predict(picture), rgb.shape[:2])
        now[name] = kept[name]
        found.append(FoundPhoto(images.ids[place], rgb, kept[name]))
    if loaded or now.keys() != kept.keys():
        _write(cache, model.key, now)
    return found


def _pictures(chosen: Sequence[tuple[RecordSet, int]]) -> Iterator[bytes]:
    """Reads the encoded photos at some places."""
    readers = {images.stem: record_reader(images) for images, _ in chosen}
    feature = {"image": IMAGE_FEATURES["image"]}
    for images, place in chosen:
        places = tf.data.Dataset.from_tensors(tf.constant(place, tf.int64))
        (record,) = places.map(readers[images.stem]).with_options(UNTUNED).as_numpy_iterator()
        yield tf.io.parse_single_example(record, feature)["image"].numpy()


def _shrunk(probability: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    grey = np.rint(probability.clip(0, 1) * 255).astype(np.uint8)
    return cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA)


def _weights_hash(config: Config) -> str:
    """Hashes the weights of a run's network; empty without any, which loading tells."""
    path = Path(config.workdir) / "fusion/network.weights.h5"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _read(path: Path, key: str) -> dict[str, np.ndarray]:
    """What a file keeps of the same model; nothing of another's, or where it is damaged."""
    try:
        with np.load(path) as kept:
            if str(kept["key"]) != key:
                return {}
            return {name: kept[name] for name in kept.files if name != "key"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _write(path: Path, key: str, masks: dict[str, np.ndarray]) -> None:
    """Writes masks so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        np.savez_compressed(file, key=np.array(key), **masks)
    partial.replace(path)
