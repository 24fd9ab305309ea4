"""Times inference and training steps of a network here against the same network in PyTorch.

python -m benchmarks.train_step [--networks=drn_d_22:224:4,efficientnet_lite0:160:10]
    [--repeats=3] [--precision=float32]

Each timing is a process of its own, ours and PyTorch's in turns, with nothing shared but the
machine; medians and their ratio are printed. KERAS_BACKEND chooses the backend of ours. PyTorch
(`pip install torch`) is needed here alone; without it only ours is timed, and it says so.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from absl import app, flags

SECONDS = 6.0  # at least this long a timing
WARM_STEPS = 3


def time_steps(step: Callable[[], None], wait: Callable[[], None] = lambda: None) -> float:
    """Seconds a step, after warm-up; `wait` blocks until what was started is done."""
    for _ in range(WARM_STEPS):
        step()
    wait()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        step()
        wait()
        steps += 1
    return (time.perf_counter() - started) / steps


def time_keras(network: str, size: int, batch: int, precision: str) -> dict[str, float]:
    """Times ours: the model, the loss and Adam of a refinement round, through Keras."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import deepusps_tf  # noqa: F401  (settings that must precede TensorFlow)

    import keras  # isort: skip

    from deepusps_tf.losses import FBetaLoss
    from deepusps_tf.model import build_model

    keras.mixed_precision.set_dtype_policy(precision)
    model = build_model(backbone=network, size=size)
    model.compile(
        keras.optimizers.Adam(1e-4),
        FBetaLoss(beta_squared=1.0, threshold=0.5),
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    images, labels = _batch(size, batch)
    return {
        "inference": time_steps(lambda: model.predict_on_batch(images)),
        "training": time_steps(lambda: model.train_on_batch(images, labels)),
    }


def time_torch(network: str, size: int, batch: int, precision: str) -> dict[str, float]:
    """Times the same in PyTorch, eager, channels last, on a GPU where there is one."""
    import torch

    from benchmarks.torch_networks import NETWORKS, f_beta_loss

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = NETWORKS[network]().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    images, labels = (
        torch.from_numpy(np.moveaxis(array, -1, 1).copy())
        .to(device)
        .contiguous(memory_format=torch.channels_last)
        for array in _batch(size, batch)
    )
    cast = torch.autocast(device, torch.bfloat16, enabled=precision != "float32")

    def infer() -> None:
        with torch.inference_mode(), cast:
            model(images)

    def train() -> None:
        optimizer.zero_grad()
        with cast:
            probability = model(images)
        f_beta_loss(probability.float(), labels).backward()
        optimizer.step()

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    model.eval()
    inference = time_steps(infer, wait)
    model.train()
    return {"inference": inference, "training": time_steps(train, wait)}


def _batch(size: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (batch, size, size, 3)).astype(np.float32)
    return images, random.random((batch, size, size, 1), np.float32)


def compare(case: str, sides: list[str], repeats: int, precision: str) -> None:
    """Times one network in processes of their own, in turns, and prints the medians."""
    network, size, batch = case.split(":")
    measured = {side: {"inference": [], "training": []} for side in sides}
    for _ in range(repeats):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.train_step", f"--side={side}"]
            command += [f"--networks={case}", f"--precision={precision}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
            for kind, seconds in json.loads(done.stdout.splitlines()[-1]).items():
                measured[side][kind].append(seconds)
    for kind in ("inference", "training"):
        rates = {
            side: int(batch) / statistics.median(times[kind]) for side, times in measured.items()
        }
        line = "  ".join(f"{side} {rate:8.2f} images/s" for side, rate in rates.items())
        ratio = f"  ratio {rates['keras'] / rates['torch']:.2f}" if len(rates) == 2 else ""
        print(f"{network:20} {size}x{size} batch {batch:3} {kind:9} {line}{ratio}", flush=True)


def main(_) -> None:
    """Times one side in this process, or compares both."""
    values = flags.FLAGS
    if values.side:
        network, size, batch = values.networks[0].split(":")
        measure = {"keras": time_keras, "torch": time_torch}[values.side]
        print(json.dumps(measure(network, int(size), int(batch), values.precision)))
        return
    sides = ["keras"]
    if importlib.util.find_spec("torch"):
        sides.append("torch")
    else:
        print("torch is not installed: only ours is timed")
    for case in values.networks:
        compare(case, sides, values.repeats, values.precision)


if __name__ == "__main__":
    flags.DEFINE_list(
        "networks",
        ["drn_d_22:224:4", "efficientnet_lite0:160:10", "efficientnet_lite0:224:10"],
        "network:size:batch, several.",
    )
    flags.DEFINE_integer("repeats", 3, "Processes a side.", lower_bound=1)
    flags.DEFINE_enum("precision", "float32", ["float32", "mixed_bfloat16"], "Of the network.")
    flags.DEFINE_enum("side", None, ["keras", "torch"], "Time one side in this process.")
    app.run(main)
