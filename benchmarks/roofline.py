"""Says where the time of a training step goes, and how much of it this machine could do without.

python -m benchmarks.roofline [--networks=efficientnet_lite0:224:10] [--frozen_blocks=5]
    [--steps=4]

On one core. A part of the step needs so many operations (a multiplication and an addition are two)
and so many bytes, if each operation reads or writes each of its tensors once. It takes at least the
time of its operations at the speed of a large matrix product, and at least that of its bytes at the
speed of a large copy. Both speeds are measured first. Beside this least time stands what
TensorFlow's profiler measured. Of parts with a least time of 0 the work is not counted.
"""

import dataclasses
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from absl import flags

import deepusps_tf  # noqa: F401  (switches oneDNN on, as in training)
from benchmarks.train_step import (
    Case,
    keras_network,
    keras_training_step,
    parse_case,
    parse_side,
)
from data_prep.base.command import start

FROZEN, JOINS = "frozen blocks", "upsampling, joins"
POINTWISE, POINTWISE_BACK = "convolutions", "convolutions, backward"
DEPTHWISE, DEPTHWISE_BACK = "depthwise convolutions", "depthwise convolutions, backward"
NORM, NORM_BACK = "BatchNorm and ReLU", "BatchNorm and ReLU, backward"
ADAM, HAND_OVER, REST = "Adam", "handing over", "loss and the rest"
PARTS = (FROZEN, POINTWISE, DEPTHWISE, NORM, JOINS)
PARTS += (POINTWISE_BACK, DEPTHWISE_BACK, NORM_BACK, ADAM, HAND_OVER, REST)
_KERNELS = (  # TensorFlow's operation -> part, forward and backward
    (r"DepthwiseConv2dNativeBackprop", DEPTHWISE_BACK),
    (r"Conv2DBackprop", POINTWISE_BACK),
    (r"(FusedBatchNormGrad|Relu6?Grad)", NORM_BACK),
    (r"(Fused)?DepthwiseConv2dNative$", DEPTHWISE),
    (r"(Fused)?Conv2D$", POINTWISE),
    (r"(FusedBatchNorm|Relu6?$)", NORM),
    (r"EagerPyFunc", HAND_OVER),
)
_SIDE = 1500  # of the matrices, which fit no cache
_COPIED = 1 << 28  # bytes
_FLOAT = 4


@dataclasses.dataclass
class Work:
    """What a part of a step needs: operations and bytes, of the whole batch."""

    operations: float = 0.0
    moved: float = 0.0

    def add(self, operations: float, moved: float) -> None:
        """Adds more of it."""
        self.operations += operations
        self.moved += moved

    def least_seconds(self, operations_a_second: float, bytes_a_second: float) -> float:
        """The time below which one core cannot do it."""
        return max(self.operations / operations_a_second, self.moved / bytes_a_second)


def machine() -> tuple[float, float]:
    """Measures one core: operations a second of a matrix product, bytes a second of a copy.

    TensorFlow must have been told to use one thread. A copy reads and writes each byte.
    """
    import tensorflow as tf

    matrix = tf.random.normal([_SIDE, _SIDE])
    product = _fastest(lambda: tf.matmul(matrix, matrix).numpy())
    source = np.ones(_COPIED, np.uint8)
    target = np.zeros_like(source)
    copy = _fastest(lambda: np.copyto(target, source))
    return 2 * _SIDE**3 / product, 2 * _COPIED / copy


def _fastest(action: Callable[[], object], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


def needed_work(model, batch: int) -> dict[str, Work]:
    """Counts what each part of a training step needs.

    Args:
        model: a network whose frozen layers are not trainable.
        batch: photos a step.

    Returns:
        Work of the parts whose work follows from shapes. Backward, a convolution is two of the
        forward one's size, for its input and for its kernel; for the kernel alone where nothing
        below it is trained.
    """
    import keras

    work = {part: Work() for part in PARTS}
    trained = set()  # tensors that depend on what is trained
    for layer in model.layers:
        below = any(id(tensor) in trained for tensor in keras.tree.flatten(layer.input))
        learns = below or bool(layer.trainable_weights)
        if learns:
            trained.add(id(layer.output))
        if isinstance(layer, (keras.layers.DepthwiseConv2D, keras.layers.Conv2D)):
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            outputs, inputs = _size(layer.output, batch), _size(layer.input, batch)
            kernel = int(np.prod(layer.kernel.shape))
            each = np.prod(layer.kernel.shape[:2]) if depthwise else np.prod(layer.kernel.shape[:3])
            operations = 2.0 * outputs * each
            moved = _FLOAT * (inputs + outputs + kernel)
            ahead, back = (DEPTHWISE, DEPTHWISE_BACK) if depthwise else (POINTWISE, POINTWISE_BACK)
        elif isinstance(layer, (keras.layers.BatchNormalization, keras.layers.ReLU)):
            # Once over the values and their result; training's statistics are a pass more.
            passes = 3 if isinstance(layer, keras.layers.BatchNormalization) else 2
            operations, moved = 0.0, float(_FLOAT * passes * _size(layer.output, batch))
            ahead, back = NORM, NORM_BACK
        else:
            continue
        if not learns:
            work[FROZEN].add(operations, moved)
            continue
        work[ahead].add(operations, moved)
        gradients = 2 if below and ahead != NORM else 1
        work[back].add(gradients * operations, gradients * moved)
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    work[ADAM].add(0.0, _FLOAT * 7.0 * weights)  # gradient, weight and two averages, three written
    return work


def _size(tensor, batch: int) -> int:
    return batch * int(np.prod(tensor.shape[1:]))


def part_of(event: str, frozen: Callable[[str], bool]) -> str:
    """Says to which part an operation belongs.

    Args:
        event: the profiler's name, `path/of/layers/op:Kind`.
        frozen: whether a layer of that name is.
    """
    path, _, kind = event.rpartition(":")
    kind = re.sub(r"^_(Mkl(Native)?)?", "", kind)  # oneDNN's
    if not path.startswith("gradient_tape") and any(map(frozen, path.split("/"))):
        return FROZEN
    for pattern, part in _KERNELS:
        if re.match(pattern, kind):
            return part
    if re.search("adam", path, re.IGNORECASE):
        return ADAM
    if re.search(r"(decoder|logits|probability|normalise|blocks|/seg|/add)", path):
        return JOINS
    return REST


def measured(step: Callable[[], None], steps: int) -> dict[str, float]:
    """Runs steps under TensorFlow's profiler.

    Returns:
        Event name -> seconds a step.
    """
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(steps):
                step()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # Executors and threads have events too, which hold those of operations.
                if re.fullmatch(r".+:_?[A-Z]\w+", name) and "::" not in name:
                    seconds[name] = seconds.get(name, 0.0) + event.duration_ps / 1e12 / steps
    return seconds


def table(case: Case, frozen_blocks: int, steps: int) -> Iterator[str]:
    """Measures the machine and a step, and describes each part in a line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    speed, bandwidth = machine()
    yield f"one core: {speed / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s"
    _, settings = parse_side(f"keras+frozen={frozen_blocks}")
    model = keras_network(case, settings)
    step = keras_training_step(model, case, settings)
    step()  # which traces it
    names = {layer.name for layer in model.layers if not layer.trainable}
    spent = dict.fromkeys(PARTS, 0.0)
    for event, seconds in measured(step, steps).items():
        # Keras numbers the scopes of a layer that is called again.
        spent[part_of(event, lambda name: re.sub(r"_\d+$", "", name) in names)] += seconds
    yield f"{'':34}   GFLOP      MB   least ms   measured ms"
    needed, total, bound = needed_work(model, case.batch), sum(spent.values()), 0.0
    for part in PARTS:
        work = needed[part]
        least = work.least_seconds(speed, bandwidth)
        bound += least
        yield (
            f"{part:34} {work.operations / 1e9:7.1f} {work.moved / 1e6:7.0f} {1e3 * least:10.1f} "
            f"{1e3 * spent[part]:7.1f} ({100 * spent[part] / total:.0f} %)"
        )
    yield f"{'all':34} {'':15} {1e3 * bound:10.1f} {1e3 * total:7.1f}"


def main(_) -> None:
    """Prints the table of each network."""
    for text in flags.FLAGS.networks:
        print(text)
        for line in table(parse_case(text), flags.FLAGS.frozen_blocks, flags.FLAGS.steps):
            print(line, flush=True)


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_list("networks", ["efficientnet_lite0:224:10"], "network:size:batch, several.")
    flags.DEFINE_integer("frozen_blocks", 5, "As of training.", lower_bound=0)
    flags.DEFINE_integer("steps", 4, "To measure.", lower_bound=1)


if __name__ == "__main__":
    define_flags()
    start(main)
