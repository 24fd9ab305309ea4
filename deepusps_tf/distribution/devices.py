"""Which devices a run trains on: one, several of a machine, or those of several machines."""

import contextlib
import functools
import re
import signal
from collections.abc import Iterator

import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.base.log import inform

TF_CONFIG = (
    '{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}'
)


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """Builds the distribution strategy that `--devices` names.

    Args:
        devices: `auto` (all GPUs, else the CPU), `cpu:N` (N logical CPU devices), `gpu:N` (the
            first N GPUs), `gpu:0,2` (those GPUs) or `workers` (the GPUs, else the CPU, of every
            process that TF_CONFIG lists).

    Returns:
        MirroredStrategy over two or more devices, MultiWorkerMirroredStrategy over workers; for
        one device, TensorFlow's default strategy.

    Raises:
        InputError: where the text is none of these, there are not so many devices, or TF_CONFIG
            cannot be used.
    """
    if devices == "workers":
        return _join_workers()
    gpus = len(tf.config.list_physical_devices("GPU"))
    if devices == "auto":
        names = [f"GPU:{number}" for number in range(gpus)] or ["CPU:0"]
    elif match := re.fullmatch(r"cpu:([1-9]\d*)", devices):
        names = _logical_cpus(int(match[1]))
    elif re.fullmatch(r"gpu:\d+(,\d+)*", devices):
        listed = [int(number) for number in devices[4:].split(",")]
        wanted = listed if len(listed) > 1 else list(range(listed[0]))
        if not wanted or max(wanted) >= gpus:
            raise InputError(f"--devices={devices}: this machine has {gpus} GPUs")
        names = [f"GPU:{number}" for number in wanted]
    else:
        raise InputError(f"--devices={devices}: write auto, cpu:4, gpu:4, gpu:0,2 or workers")
    if len(names) == 1:
        return tf.distribute.get_strategy()
    return _mirrored(tuple(f"/{name}" for name in names))


@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """The process' one strategy over these devices.

    Every strategy numbers its sums from the same start, and the runtime remembers the shape of each
    number: a second strategy over the same devices fails where its network has other channels.
    """
    return tf.distribute.MirroredStrategy(list(names))


def _join_workers() -> tf.distribute.Strategy:
    """Starts this process' part of TF_CONFIG's cluster and waits for the others."""
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        cluster = resolver.cluster_spec().as_dict()
        known = list(cluster) == ["worker"] and resolver.task_type == "worker"
        usable = known and 0 <= resolver.task_id < len(cluster["worker"]) > 1
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable:
        raise InputError(f"--devices=workers: set TF_CONFIG={TF_CONFIG}, on each its own index")
    tf.get_logger().setLevel("WARNING")  # else it tells of every sum over the workers
    address = cluster["worker"][resolver.task_id]
    inform("worker %d, %s, waits for the other workers", resolver.task_id, address)
    try:
        with _stoppable():
            return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())[:160]
        raise InputError(f"--devices=workers: {address} cannot be used ({reason})") from error


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Lets Ctrl-C end this process while it waits inside TensorFlow, and SIGTERM afterwards.

    TensorFlow takes SIGTERM as the notice of a stop to come and trains on.
    """
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _logical_cpus(count: int) -> list[str]:
    """Hides GPUs and splits the CPU into `count` logical devices.

    TensorFlow allows both only before its first use.
    """
    if tf.config.list_physical_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")
    configuration = [tf.config.LogicalDeviceConfiguration()] * count
    cpu = tf.config.list_physical_devices("CPU")[0]
    already = tf.config.get_logical_device_configuration(cpu)
    if count > max(1, len(already or ())):
        try:
            tf.config.set_logical_device_configuration(cpu, configuration)
        except RuntimeError as error:
            raise InputError(f"--devices=cpu:{count}: TensorFlow runs already ({error})") from error
    return [f"CPU:{number}" for number in range(count)]
