"""Where the program followed the authors' release and where it did not: a figure a point.

python -m benchmarks.fidelity --images=DIR [--photos=20]

DIR holds photos as JPEG. Each row compares the release's rule with this program's now and with its
rule before it was changed (docs/fidelity.md). Rules of the release and former ones are computed
here, from their formulas, the present ones by the program's own functions. The network is a random
DRN-D-22 at 112x112 where one is needed, which exaggerates what trained ones show.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError

BACKBONE = "drn_d_22"
SIZE = 112
REPLICAS = 4
STEPS = 12
RATE = 1e-6  # of the release's first round
PHOTOS_OF_MSRA = 2500
FORMER_BUFFER = 1024  # records that the former shuffle held
EPOCHS = 12


@dataclasses.dataclass(frozen=True)
class Row:
    """A point of comparison.

    Attributes:
        point: what is compared.
        measure: what the figures are.
        before: of this program formerly.
        now: of this program.
        release: of the authors' release.
    """

    point: str
    measure: str
    before: str
    now: str
    release: str


def batchnorm_row(strategy, photos: np.ndarray) -> Row:
    """Compares a training step's predictions with those of replicas that normalise by themselves.

    Args:
        strategy: over REPLICAS devices.
        photos: float32 [N, SIZE, SIZE, 3], N divisible by REPLICAS.
    """
    import keras

    parts = np.split(photos, REPLICAS)
    differences = {}
    for synchronized in (True, False):
        with strategy.scope():
            network = _random_network(synchronized)
        start_weights = network.get_weights()
        made = _training_outputs(strategy, network, parts)
        alone = _random_network(False)
        expected = []
        for part in parts:
            alone.set_weights(start_weights)
            expected.append(alone(part, training=True).numpy())
        differences[synchronized] = np.abs(made - np.concatenate(expected)).mean()
        keras.backend.clear_session()
    return Row(
        "BatchNorm over 4 replicas (`--nosynchronized_batchnorm`, in `msra.flags`)",
        "mean difference of p from replicas alone",
        f"{differences[True]:.4f}",
        f"{differences[False]:.4f}",
        "0",
    )


def head_row() -> Row:
    """Counts different heads among the trainings of a run: 4 methods, 3 rounds each, and fusion."""
    from deepusps_tf.settings.config import Config
    from deepusps_tf.training.start import draw_weights, starting_network

    config = Config(backbone=BACKBONE, pretrained="none", size=SIZE)
    names = [f"{method}/round{k}" for method in config.method_names for k in (1, 2, 3)] + ["fusion"]
    network, drawn = starting_network(config, 1)
    heads = set()
    for name in names:
        draw_weights(drawn, config.seed, name)
        heads.add(np.asarray(network.get_layer("seg").kernel).tobytes())
    return Row(
        "the head at a restart",
        "different heads in 13 trainings",
        "1",
        str(len(heads)),
        str(len(names)),
    )


def jpeg_row(paths: Sequence[Path]) -> Row:
    """Compares what networks are given of JPEGs with Pillow's pixels."""
    import tensorflow as tf
    from PIL import Image

    from deepusps_tf.data.decoding import decode_photo

    former, present = [], []
    for path in paths:
        pillow = np.asarray(Image.open(path).convert("RGB")).astype(int)
        encoded = path.read_bytes()
        former.append(np.abs(tf.io.decode_image(encoded, channels=3).numpy() - pillow))
        present.append(np.abs(decode_photo(tf.constant(encoded)).numpy() - pillow))
    before, now = (
        f"{np.mean([part.mean() for part in parts]):.2f}, {max(part.max() for part in parts)}"
        for parts in (former, present)
    )
    return Row("JPEG decoding", "mean and largest difference from Pillow, of 255", before, now, "0")


def order_row() -> Row:
    """Compares how an epoch's order depends on the order of the records."""
    import tensorflow as tf

    from deepusps_tf.data.batches import epoch_order

    def buffered(epoch: int) -> np.ndarray:
        records = tf.data.Dataset.range(PHOTOS_OF_MSRA)
        shuffled = records.shuffle(FORMER_BUFFER, seed=epoch, reshuffle_each_iteration=False)
        return np.array(list(shuffled.as_numpy_iterator()))

    def permuted(epoch: int) -> np.ndarray:
        return np.random.default_rng(epoch).permutation(PHOTOS_OF_MSRA)

    def present(epoch: int) -> np.ndarray:
        return epoch_order(PHOTOS_OF_MSRA, 0, epoch, epoch)[0].numpy()

    texts = (
        _order_text([order(e) for e in range(EPOCHS)]) for order in (buffered, present, permuted)
    )
    return Row(
        "order of an epoch, 2,500 photos",
        f"correlation of record and place; earliest place of the last record, {EPOCHS} epochs",
        *texts,
    )


def _order_text(orders: Sequence[np.ndarray]) -> str:
    places = np.arange(PHOTOS_OF_MSRA)
    correlation = np.mean([np.corrcoef(order, places)[0, 1] for order in orders])
    earliest = min(int(np.flatnonzero(order == PHOTOS_OF_MSRA - 1)[0]) for order in orders)
    return f"{correlation:.2f}; {earliest}"


def epsilon_row(photos: np.ndarray, labels: np.ndarray) -> Row:
    """Compares the length of Adam's update with PyTorch's on the same gradients.

    Args:
        photos: float32 [N, SIZE, SIZE, 3].
        labels: float32 [N, SIZE, SIZE, 1] in [0, 1].
    """
    import keras

    from deepusps_tf.training.optimizer import ReleaseAdam

    gradients = list(_gradients(photos, labels))
    release = _torch_update(gradients)

    def ratio(adam: keras.optimizers.Adam) -> str:
        variables = [keras.Variable(np.zeros_like(part)) for part in gradients[0]]
        for parts in gradients:
            adam.apply([keras.ops.convert_to_tensor(part) for part in parts], variables)
        return f"{_length(np.asarray(variable) for variable in variables) / _length(release):.4f}"

    return Row(
        "Adam, its epsilon and where it is added",
        f"length of {STEPS} steps' update at {RATE:g}, of PyTorch's",
        ratio(keras.optimizers.Adam(RATE)),
        ratio(ReleaseAdam(RATE)),
        "1",
    )


def crf_photo_row(paths: Sequence[Path]) -> Row:
    """Compares refined maps over the photo as the release resizes it, by nearest, and as we do."""
    import cv2

    from data_prep.methods.rbd import saliency
    from data_prep.pictures.images import read_rgb
    from deepusps_tf.data.decoding import fit_square
    from deepusps_tf.labels.crf import RELEASE_SIDE, refine

    side, flipped = (RELEASE_SIDE, RELEASE_SIDE), []
    for path in paths:
        rgb = read_rgb(path)
        probability = cv2.resize(saliency(rgb), side)
        cubic = np.rint(np.asarray(fit_square(rgb, RELEASE_SIDE))).astype(np.uint8)
        nearest = cv2.resize(rgb, side, interpolation=cv2.INTER_NEAREST)
        ours, theirs = refine(cubic, probability) > 0.5, refine(nearest, probability) > 0.5
        flipped.append((ours != theirs).mean())
    share = f"{100 * np.mean(flipped):.2f} %"
    return Row(
        "the photo under the CRF: cubic, by nearest", "pixels that differ", share, share, "0"
    )


def _random_network(synchronized: bool):
    from deepusps_tf.networks.saliency_network import build_model

    return build_model(backbone=BACKBONE, size=SIZE, synchronized=synchronized, seed=0)


def _training_outputs(strategy, network, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Predictions of a training step, one part a replica."""
    import tensorflow as tf

    def step():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        return network(tf.gather(np.stack(parts), own), training=True)

    outputs = strategy.experimental_local_results(tf.function(strategy.run)(step))
    return np.concatenate([part.numpy() for part in outputs])


def _gradients(photos: np.ndarray, labels: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Gradients of the F-beta loss of STEPS batches, for weights that stay as they start."""
    import tensorflow as tf

    from deepusps_tf.networks.losses import f_beta

    network = _random_network(False)
    batches = np.array_split(np.arange(len(photos)), min(len(photos), STEPS))
    for step in range(STEPS):
        batch = batches[step % len(batches)]
        with tf.GradientTape() as tape:
            prediction = network(photos[batch], training=True)
            loss = tf.reduce_mean(f_beta(labels[batch], prediction, labels.mean(), 1.0))
        yield [part.numpy() for part in tape.gradient(loss, network.trainable_variables)]


def _torch_update(gradients: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Sums the updates of PyTorch's Adam, from its published formula, epsilon 1e-8."""
    updates = [np.zeros_like(part, np.float64) for part in gradients[0]]
    first, second = ([np.zeros_like(part) for part in updates] for _ in range(2))
    for step, parts in enumerate(gradients, 1):
        for place, part in enumerate(parts):
            first[place] = 0.9 * first[place] + 0.1 * part
            second[place] = 0.999 * second[place] + 0.001 * np.square(part, dtype=np.float64)
            mean, square = first[place] / (1 - 0.9**step), second[place] / (1 - 0.999**step)
            updates[place] -= RATE * mean / (np.sqrt(square) + 1e-8)
    return updates


def _length(parts) -> float:
    return float(np.sqrt(sum(np.square(part, dtype=np.float64).sum() for part in parts)))


def measure(folder: Path, count: int) -> Iterator[Row]:
    """Measures every row on the first photos of a folder.

    Raises:
        InputError: where it holds fewer JPEGs.
    """
    import tensorflow as tf

    from data_prep.methods.rbd import saliency
    from data_prep.pictures.images import read_rgb
    from deepusps_tf.data.decoding import fit_square
    from deepusps_tf.distribution.devices import make_strategy

    strategy = make_strategy(f"cpu:{REPLICAS}")  # before TensorFlow does anything
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    if len(paths) < count:
        raise InputError(f"--images={folder}: holds {len(paths)} JPEGs, --photos={count}")
    pictures = [read_rgb(path) for path in paths[:count]]
    photos = np.stack([fit_square(rgb, SIZE) for rgb in pictures])
    maps = [tf.image.resize(saliency(rgb)[..., None], (SIZE, SIZE)) for rgb in pictures]
    yield batchnorm_row(strategy, photos)
    yield head_row()
    yield jpeg_row(paths[:count])
    yield crf_photo_row(paths[:count])
    yield order_row()
    yield epsilon_row(photos, np.clip(np.stack(maps), 0, 1))


def main(_) -> None:
    """Prints the table as Markdown."""
    values = flags.FLAGS
    print("| point | measured | before | now | release |\n|---|---|---|---|---|")
    for row in measure(Path(values.images), values.photos):
        print("|", " | ".join(dataclasses.astuple(row)), "|", flush=True)


if __name__ == "__main__":
    flags.DEFINE_string("images", None, "Folder of photos as JPEG.", required=True)
    flags.DEFINE_integer("photos", 20, "How many, a multiple of 4.", lower_bound=REPLICAS)
    start(main)
