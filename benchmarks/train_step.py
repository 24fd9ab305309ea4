"""Times inference and training steps of a network here against the same network in PyTorch.

python -m benchmarks.train_step [--networks=drn_d_22:224:4,efficientnet_lite0:160:10]
    [--sides=keras,torch] [--repeats=3] [--seconds=6]

A side is a library with settings, so that one can also be tried against itself:
`--sides=keras,keras+onednn=off,torch+layout=contiguous`. `SETTINGS` lists them, first the default.
Each timing is a process of its own, the sides in turns, with nothing shared but the machine. Of the
repeats the fastest counts, each the median of its steps; processor time is what other users of the
machine change least, with `+threads=1` above all. PyTorch (`pip install torch`) and JAX are needed
here alone.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError

WARM_STEPS = 3
_THREADS = ("all", "1", "2", "4", "8")
_PRECISIONS = ("float32", "mixed_bfloat16")
SETTINGS = {
    "keras": {
        "backend": ("tensorflow", "jax"),
        "onednn": ("on", "off"),
        "batchnorm": ("fused", "elementwise"),
        "handover": ("on", "off"),  # of predictions to the moving average, which is left out here
        "jit": ("off", "on"),  # needs handover=off; JAX always compiles
        "precision": _PRECISIONS,
        "frozen": tuple(map(str, range(16))),  # blocks, as --frozen_blocks
        "threads": _THREADS,
    },
    "torch": {
        "layout": ("channels_last", "contiguous"),
        "adam": ("fused", "foreach"),
        "precision": _PRECISIONS,
        "threads": _THREADS,
    },
}


@dataclasses.dataclass(frozen=True)
class Timing:
    """One kind of step: its seconds, and those of processor time, of all threads together."""

    seconds: float
    processor: float


@dataclasses.dataclass(frozen=True)
class Case:
    """A network with the side of its square input in pixels and the images of a batch."""

    network: str
    size: int
    batch: int

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws images float32 [B,S,S,3] in 0..255 and labels float32 [B,S,S,1] in 0..1."""
        random = np.random.default_rng(0)
        images = random.uniform(0, 255, (self.batch, self.size, self.size, 3)).astype(np.float32)
        return images, random.random((self.batch, self.size, self.size, 1), np.float32)


class _Dropped:
    """Takes predictions as a moving average would, and drops them."""

    def push(self, index, image, probability) -> None:
        """Drops a batch."""


def parse_side(text: str) -> tuple[str, dict[str, str]]:
    """Splits `library+setting=value+...` into the library and all its settings.

    Raises:
        InputError: an unknown library, setting or value.
    """
    library, *pairs = text.split("+")
    if library not in SETTINGS:
        raise InputError(f"--sides: {text}: starts with none of {', '.join(SETTINGS)}")
    settings = {name: values[0] for name, values in SETTINGS[library].items()}
    for pair in pairs:
        name, _, value = pair.partition("=")
        allowed = SETTINGS[library].get(name)
        if allowed is None:
            raise InputError(f"--sides: {text}: {library} has {', '.join(settings)}")
        if value not in allowed:
            raise InputError(f"--sides: {text}: {name} is one of {', '.join(allowed)}")
        settings[name] = value
    return library, settings


def time_steps(step: Callable[[], None], seconds: float) -> Timing:
    """Times steps, each of which ends when its work is done, for at least so many seconds."""
    for _ in range(WARM_STEPS):
        step()
    walls, processor = [], time.process_time()
    while sum(walls) < seconds:
        started = time.perf_counter()
        step()
        walls.append(time.perf_counter() - started)
    return Timing(statistics.median(walls), (time.process_time() - processor) / len(walls))


def keras_steps(case: Case, settings: Mapping[str, str]) -> Iterator[tuple[str, Callable]]:
    """Makes ours: the model, the loss and Adam of a refinement round, through Keras."""
    model = keras_network(case, settings)
    from deepusps_tf.networks.folding import inference_twin

    images, _ = case.arrays()
    twin = inference_twin(model)
    yield "inference", lambda: twin.predict_on_batch(images)
    yield "training", keras_training_step(model, case, settings)


def keras_network(case: Case, settings: Mapping[str, str]):
    """Builds the network; nothing of TensorFlow or Keras must have been used before."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(settings["onednn"] == "on"))
    os.environ["KERAS_BACKEND"] = settings["backend"]
    import keras

    from deepusps_tf.networks.backbones import layers
    from deepusps_tf.networks.saliency_network import build_model
    from deepusps_tf.training.start import freeze_blocks

    if settings["backend"] == "tensorflow" and settings["threads"] != "all":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(int(settings["threads"]))
    if settings["batchnorm"] == "elementwise":
        layers.BatchNorm = keras.layers.BatchNormalization
    model = build_model(backbone=case.network, size=case.size, precision=settings["precision"])
    freeze_blocks(model, case.network, int(settings["frozen"]))
    return model


def keras_training_step(model, case: Case, settings: Mapping[str, str]) -> Callable[[], None]:
    """Makes the step that trains what `keras_network` built."""
    from deepusps_tf.networks.losses import LabelLoss
    from deepusps_tf.training.optimizer import ReleaseAdam

    tensorflow = settings["backend"] == "tensorflow"
    images, labels = case.arrays()
    trained, inputs = model, images
    if tensorflow and settings["handover"] == "on":
        from deepusps_tf.training.training_model import TrainingModel

        trained = TrainingModel(model)
        trained.hand_over = _Dropped()
        inputs = {
            "index": np.arange(case.batch, dtype=np.int32),
            "image": images,
            "mirrored": np.zeros(case.batch, np.int32),
        }
    trained.compile(
        ReleaseAdam(1e-4),
        LabelLoss(beta_squared=1.0, threshold=0.5),
        jit_compile=not tensorflow or settings["jit"] == "on",
    )
    return lambda: trained.train_on_batch(inputs, labels)


def torch_steps(case: Case, settings: Mapping[str, str]) -> Iterator[tuple[str, Callable]]:
    """Makes the same in PyTorch, eager, on a GPU where there is one."""
    import torch

    from benchmarks.torch_networks import NETWORKS, f_beta_loss

    if settings["threads"] != "all":
        torch.set_num_threads(int(settings["threads"]))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layout = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    place = {"device": device, "memory_format": layout[settings["layout"]]}
    model = NETWORKS[case.network]().to(**place)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, **{settings["adam"]: True})
    cast = torch.autocast(device, torch.bfloat16, enabled=settings["precision"] != "float32")
    arrays = [np.ascontiguousarray(np.moveaxis(array, -1, 1)) for array in case.arrays()]

    def batch() -> list:
        return [torch.from_numpy(array).to(**place) for array in arrays]

    def infer() -> None:
        with torch.inference_mode(), cast:
            model(batch()[0]).float().cpu()

    def train() -> None:
        images, labels = batch()
        optimizer.zero_grad()
        with cast:
            probability = model(images)
        loss = f_beta_loss(probability.float(), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        if device == "cuda":
            torch.cuda.synchronize()

    model.eval()
    yield "inference", infer
    model.train()
    yield "training", train


def compare(case: str, sides: list[str], repeats: int, seconds: float) -> None:
    """Times one network in processes of their own, in turns, and prints each against the first."""
    runs = {side: [] for side in sides}
    for _ in range(repeats):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.train_step", "--one_side"]
            command += [f"--sides={side}", f"--networks={case}", f"--seconds={seconds}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
            lines = json.loads(done.stdout.splitlines()[-1])
            runs[side].append({kind: Timing(*values) for kind, values in lines.items()})
    for kind in ("inference", "training"):
        first = None
        for side, measured in runs.items():
            fastest = Timing(
                min(run[kind].seconds for run in measured),
                min(run[kind].processor for run in measured),
            )
            first = first or fastest
            print(
                f"{case} {kind:9} {side:30} {parse_case(case).batch / fastest.seconds:7.2f} "
                f"images/s, {fastest.processor:6.3f} s processor time; {sides[0]} is "
                f"x{fastest.seconds / first.seconds:.2f} as fast, "
                f"x{fastest.processor / first.processor:.2f} by processor time",
                flush=True,
            )


def parse_case(text: str) -> Case:
    network, size, batch = text.split(":")
    return Case(network, int(size), int(batch))


def main(_) -> None:
    """Times one side in this process, or compares all."""
    values = flags.FLAGS
    parsed = [parse_side(side) for side in values.sides]
    if not values.one_side:
        for case in values.networks:
            compare(case, values.sides, values.repeats, values.seconds)
        return
    library, settings = parsed[0]
    steps = {"keras": keras_steps, "torch": torch_steps}[library]
    timings = {
        kind: dataclasses.astuple(time_steps(step, values.seconds))
        for kind, step in steps(parse_case(values.networks[0]), settings)
    }
    print(json.dumps(timings))


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_list(
        "networks",
        ["drn_d_22:224:4", "efficientnet_lite0:160:10", "efficientnet_lite0:224:10"],
        "network:size:batch, several.",
    )
    flags.DEFINE_list("sides", ["keras", "torch"], "library[+setting=value...], several.")
    flags.DEFINE_integer("repeats", 3, "Processes a side.", lower_bound=1)
    flags.DEFINE_float("seconds", 6.0, "Of each timing, at least.", lower_bound=0.1)
    flags.DEFINE_bool("one_side", False, "Time the first side in this process.")


if __name__ == "__main__":
    define_flags()
    start(main)
