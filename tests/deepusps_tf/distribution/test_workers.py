import dataclasses
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.distribution.workers import ALONE, Workers
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.training.schedule import run_rounds
from tests.deepusps_tf.conftest import label_maps
from tests.deepusps_tf.thread_workers import as_workers
from tests.deepusps_tf.tiny_run import without_masks
from tests.deepusps_tf.worker_run import keep_entered

WAIT = 240  # seconds, for what should take a quarter of it


@pytest.mark.parametrize("devices", ["cpu:1", "cpu:4"])
def test_one_machine_is_one_worker(devices):
    workers = Workers(make_strategy(devices))
    assert (workers.count, workers.number, workers.is_chief) == (1, 0, True)
    values = np.array([1.5, 2])
    assert workers.total(values) is values
    batches = tf.data.Dataset.range(4)
    assert workers.share_out(batches, 2) is batches


def test_others_find_what_the_chief_wrote(tmp_path):
    def write(workers):
        def slowly():
            if workers.is_chief:
                time.sleep(0.1)
                (tmp_path / "written").touch()
            return (tmp_path / "written").exists()

        return workers.chief_first(slowly)

    assert as_workers(3, write) == [True] * 3


def test_worker_that_reads_another_number_than_the_chief_stops():
    def read(numbers):
        def agree(workers):
            try:
                workers.agree(numbers[workers.number], "run/rbd/round1: committed epochs")
            except InputError as error:
                return str(error).split(";")[0]
            return None

        return as_workers(3, agree)

    assert read([4, 4, 4]) == [None] * 3
    other = "worker 1: run/rbd/round1: committed epochs: 3 here, 4 for the chief"
    assert read([4, 3, 4]) == [None, other, None]
    assert ALONE.agree(3, "anything") is None


def test_lost_worker_is_named_and_other_errors_are_not_hidden():
    lost = "Collective ops is aborted by: recvmsg:Connection reset by peer\nAdditional"
    named = r"^worker 0: another .*\(recvmsg:Connection reset by peer\)"
    with pytest.raises(InputError, match=named), ALONE.stops_named():
        raise tf.errors.UnavailableError(None, None, lost)
    with pytest.raises(tf.errors.UnavailableError), ALONE.stops_named():
        raise tf.errors.UnavailableError(None, None, "the file system is busy")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Pair:
    """The same command as two workers on 127.0.0.1, in one folder; none outlives the `with`."""

    def __init__(self, command: list[str], folder: Path):
        folder.mkdir(exist_ok=True)
        addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        self.folder = folder
        self.processes = [
            self._start([*command, "--devices=workers"], addresses, index) for index in range(2)
        ]

    def _start(self, command: list[str], addresses: list[str], index: int) -> subprocess.Popen:
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        root = Path(__file__).parents[3]
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps(task),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(root),
        }
        with (self.folder / f"output{index}").open("w") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=output
            )

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def output(self, index: int) -> str:
        return (self.folder / f"output{index}").read_text()

    def stop_when(self, path: str, index: int, number: signal.Signals) -> None:
        deadline = time.monotonic() + WAIT
        while not (self.folder / path).exists():
            assert [process.poll() for process in self.processes] == [None, None], self.output(0)
            assert time.monotonic() < deadline, self.output(0)
            time.sleep(0.01)
        self.processes[index].send_signal(number)

    def end(self) -> list[int]:
        return [process.wait(WAIT) for process in self.processes]


def weights_in(path: Path) -> list[np.ndarray]:
    each = []
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: each.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    return each


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """A run of one round and fusion on 8 photos, with CRFs and without scores."""
    kept = without_masks(tmp_path_factory.mktemp("photos"))
    assert kept[2] == "tests.deepusps_tf.tiny_run"
    kept[2] = "tests.deepusps_tf.worker_run"
    return [*kept, "--methods=rbd", "--rounds=1", "--fusion_epochs=1"]


def labels_of(entered: Path) -> np.ndarray:
    """Averages the maps that entered in 3 epochs, as labels are made of them, without rounding."""
    average = np.zeros((8, 32, 32))
    for epoch in (1, 2, 3):
        maps = [np.load(entered / f"round1-mva-{epoch:04d}-{photo}.npy") for photo in range(8)]
        average = 0.3 * np.float64(maps) + 0.7 * average
    return average / (1 - 0.7**3)


@pytest.fixture(scope="module")
def two(tmp_path_factory, command):
    """The folder of a run by two workers that nobody stopped."""
    with Pair(command, tmp_path_factory.mktemp("two")) as pair:
        assert pair.end() == [0, 0], pair.output(0) + pair.output(1)
    return pair.folder


@pytest.mark.slow
def test_two_workers_end_in_the_weights_and_averages_of_one(
    tmp_path, two, tiny_network, monkeypatch
):
    monkeypatch.chdir(two)  # where the run's records are
    config = read_flagfile(two / "run/config.flags")
    monkeypatch.setattr(MovingAverage, "update", keep_entered(tmp_path / "entered"))
    alone = dataclasses.replace(config, workdir=str(tmp_path / "run"), devices="cpu:1")
    run_rounds(alone, make_strategy("cpu:1"))
    assert len(list((two / "entered").iterdir())) == 3 * 8
    labels = [labels_of(folder / "entered") for folder in (two, tmp_path)]
    # Sums in another order differ in their last digits, which the CRF multiplies at single pixels.
    apart = np.abs(labels[0] - labels[1])
    assert np.quantile(apart, 0.999) < 1e-5 and apart.max() < 1 / 255
    written = [label_maps(folder / "run/rbd/round1") for folder in (two, tmp_path)]
    assert np.abs(written[0] - written[1]).max() <= 1
    for part in ("rbd/round1", "fusion"):
        weights = [
            weights_in(folder / "run" / part / "network.weights.h5") for folder in (two, tmp_path)
        ]
        for shared, single in zip(*weights, strict=True):
            assert np.abs(shared - single).max() < 1e-4
        losses = [
            json.loads((folder / "run" / part / "round.json").read_text())["losses"]
            for folder in (two, tmp_path)
        ]
        assert np.allclose(*losses, rtol=1e-4, atol=0)
    assert (two / "run/export/1/saved_model.pb").is_file()


@pytest.mark.slow
def test_stopped_worker_stops_the_other_and_the_same_command_goes_on(tmp_path, two, command):
    for stopped, epoch, number in ((1, 1, signal.SIGKILL), (0, 2, signal.SIGTERM)):
        with Pair(command, tmp_path) as pair:
            committed = f"run/rbd/round1/checkpoints/epoch-{epoch:04d}"
            pair.stop_when(committed, stopped, number)
            codes = pair.end()
        assert (codes[stopped], codes[1 - stopped]) == (-number, 2)
        lines = pair.output(1 - stopped).splitlines()
        assert lines[-1].startswith(f"error: worker {1 - stopped}: another worker has stopped (")
        assert "Traceback" not in "".join(lines)
    with Pair(command, tmp_path) as again:
        assert again.end() == [0, 0], again.output(0) + again.output(1)
    for part in ("rbd/round1", "fusion"):
        weights = [
            weights_in(folder / "run" / part / "network.weights.h5") for folder in (two, tmp_path)
        ]
        for whole, resumed in zip(*weights, strict=True):
            assert whole.tobytes() == resumed.tobytes()
    labels = [label_maps(folder / "run/rbd/round1") for folder in (two, tmp_path)]
    assert np.array_equal(*labels)
