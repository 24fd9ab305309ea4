"""Which devices a run trains on: one, or a mirrored strategy over several."""

import re

import tensorflow as tf

from data_prep.errors import InputError


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """Builds the distribution strategy that `--devices` names.

    Args:
        devices: `auto` (all GPUs, else the CPU), `cpu:N` (N logical CPU devices), `gpu:N` (the
            first N GPUs) or `gpu:0,2` (those GPUs).

    Returns:
        MirroredStrategy over two or more devices; for one, TensorFlow's default strategy.

    Raises:
        InputError: where the text is none of these, or there are not so many devices.
    """
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
        raise InputError(f"--devices={devices}: write auto, cpu:4, gpu:4 or gpu:0,2")
    if len(names) == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"/{name}" for name in names])


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
