"""Small record sets and a small network that the tests of the training rooms share."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.pictures.images import encode_png
from data_prep.records.format import ImageRecord, LabelRecord, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.runs.checkpoints import EpochCommits
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, write_result
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.settings.config import Config
from deepusps_tf.training.start import draw_weights, starting_network

SIDE = 32


def disc_photo(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A noisy dark photo with a bright disc, and the disc as mask: uint8 [40,48,3] and [40,48]."""
    random = np.random.default_rng(number)
    mask = np.zeros((40, 48), np.uint8)
    centre = (int(random.integers(14, 34)), int(random.integers(12, 28)))
    cv2.circle(mask, centre, int(random.integers(6, 11)), 255, -1)
    photo = random.integers(0, 60, (40, 48, 3), dtype=np.uint8)
    photo[mask > 0] += np.uint8(150)
    return photo, mask


def noisy_map(number: int, mask: np.ndarray) -> np.ndarray:
    """A handcrafted-like map of a mask: blurred, dimmed and noisy."""
    random = np.random.default_rng(1000 + number)
    blurred = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.int32)
    return np.clip(blurred * 0.8 + random.integers(0, 50, mask.shape), 0, 255).astype(np.uint8)


def write_disc_records(folder, *, count: int, methods=("rbd", "mc"), masks=True, first=0) -> None:
    """Writes one record set of disc photos with a label version a method."""
    made = [(f"photo{first + n:03d}", *disc_photo(first + n)) for n in range(count)]
    images = (
        ImageRecord(name, encode_png(photo), 40, 48, encode_png(mask) if masks else None)
        for name, photo, mask in made
    )
    write_shards(stem=f"{folder}/images", records=images, count=count)
    for offset, method in enumerate(methods):
        labels = (
            LabelRecord.from_map(name, noisy_map(100 * offset + n, mask))
            for n, (name, _, mask) in enumerate(made)
        )
        write_shards(stem=f"{folder}/labels/{method}/round0", records=labels, count=count)


@pytest.fixture
def disc_records(tmp_path):
    """Records with 10 training and 4 test photos, methods rbd and mc."""
    write_disc_records(tmp_path / "records/train", count=10)
    write_disc_records(tmp_path / "records/test", count=4, first=50)
    return tmp_path / "records"


@pytest.fixture
def disc_photos(disc_records):
    """The opened training photos of `disc_records`."""
    return open_set(f"{disc_records}/train/images")


def tiny_model(*, backbone, size, synchronized=False, seed=0, **_) -> keras.Model:
    """A network of two convolutions in place of a real one."""
    image = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 128, -1)(image)
    start = keras.initializers.GlorotUniform(seed)
    # No bias before BatchNorm, which cancels it: Adam would blow its rounding noise up.
    x = keras.layers.Conv2D(4, 5, padding="same", use_bias=False, kernel_initializer=start)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, synchronized=synchronized)(x)
    x = keras.layers.ReLU()(x)
    start = keras.initializers.GlorotUniform(seed + 1)
    x = keras.layers.Conv2D(1, 5, padding="same", kernel_initializer=start)(x)
    return keras.Model(image, keras.layers.Activation("sigmoid")(x))


@pytest.fixture
def tiny_network(monkeypatch):
    """Lets rounds train `tiny_model` whatever the backbone."""
    monkeypatch.setattr("deepusps_tf.training.start.build_model", tiny_model)
    monkeypatch.setattr("deepusps_tf.training.trainer.build_model", tiny_model)
    monkeypatch.setattr("deepusps_tf.training.stage_scorer.build_model", tiny_model)
    monkeypatch.setattr("deepusps_tf.runs.round_result.build_model", tiny_model)


def started_model(config: Config, round_name: str) -> keras.Model:
    """The network that a round begins with."""
    network, drawn = starting_network(config, 1)
    draw_weights(drawn, config.seed, round_name)
    return network


def forbid_training(monkeypatch) -> None:
    """Lets a test fail where any round is trained, or its trainer made."""

    def fail(*_, **__):
        pytest.fail("a round is trained again")

    monkeypatch.setattr("deepusps_tf.training.trainer.Trainer.__init__", fail)


def label_maps(folder: Path) -> np.ndarray:
    """The labels that a round wrote in its folder, int64 [N, S, S] of 0 to 255."""
    (shard,) = folder.glob("labels-*.tfrecord")
    feature = {"label": tf.io.FixedLenFeature([], tf.string)}
    parsed = [
        tf.io.parse_single_example(record, feature)["label"]
        for record in tf.data.TFRecordDataset(str(shard))
    ]
    return np.stack([tf.io.decode_png(label).numpy()[..., 0] for label in parsed]).astype(int)


def stop_after_an_epoch(monkeypatch, run) -> None:
    """Calls `run` and interrupts its training right after the first epoch was committed."""
    end_epoch = EpochCommits.on_epoch_end

    def interrupt(self, epoch, logs=None):
        end_epoch(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EpochCommits, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run()


@pytest.fixture
def tiny_config(tmp_path, disc_records):
    """Settings of a run of seconds on `disc_records`."""
    return Config(
        records=str(disc_records),
        workdir=str(tmp_path / "run"),
        methods=("rbd", "mc"),
        pretrained="none",
        size=SIDE,
        rounds=2,
        epochs=2,
        fusion_epochs=2,
        batch_size=4,
        learning_rates=(1e-2, 1e-2),
        fusion_learning_rate=1e-2,
        crf_processes=1,
    )


@pytest.fixture
def finished_run(tiny_config):
    """A workdir whose fused network is untrained."""
    result = RoundResult(Path(tiny_config.workdir) / "fusion", None, RoundFigures((), None))
    result.folder.mkdir(parents=True)
    tiny_model(backbone="", size=SIDE, seed=3).save_weights(result.weights)
    write_result(result)
    save_settings(tiny_config)
    return tiny_config
