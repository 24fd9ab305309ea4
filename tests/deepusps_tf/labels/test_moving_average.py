import errno
import os

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.labels.moving_average import MovingAverage
from tests.deepusps_tf.thread_workers import as_workers


def run(tmp_path, epochs, momentum=0.7, count=5, size=8):
    random = np.random.default_rng(1)
    maps = random.random((epochs, count, size, size), np.float32)
    average = MovingAverage(tmp_path, count, size, momentum)
    for epoch in range(epochs):
        average.begin_epoch(epoch)
        for index in random.permutation(count):
            average.update(index, maps[epoch, index])
        average.end_epoch()
        average.keep_only(epoch + 1)
    return average, maps


def test_equals_the_recurrence_in_half_precision(tmp_path):
    average, maps = run(tmp_path, 6)
    expected = np.zeros(maps.shape[1:], np.float16)
    for refined in maps:
        update = np.float32(0.3) * refined + np.float32(0.7) * expected.astype(np.float32)
        expected = update.astype(np.float16)
    assert np.abs(np.load(average.path(6)).astype(np.float64) - expected).max() <= 1e-6


def test_half_precision_errs_little(tmp_path):
    average, maps = run(tmp_path, 6)
    expected = np.zeros(maps.shape[1:], np.float64)
    for refined in maps:
        expected = 0.3 * refined + 0.7 * expected
    stored = np.load(average.path(6)).astype(np.float64)
    assert np.abs(stored - expected).max() < 5e-4
    labels = np.stack(list(average.labels(6)))
    unbiased = 255 * expected / (1 - 0.7**6)
    assert np.abs(labels - unbiased).max() < 0.5 + 255 * 5e-4 / (1 - 0.7**6)


def test_zero_start_is_divided_out(tmp_path):
    average = MovingAverage(tmp_path, 1, 4, 0.7)
    constant = np.full((4, 4), 0.8, np.float32)
    for epoch in range(2):
        average.begin_epoch(epoch)
        average.update(0, constant)
        average.end_epoch()
    assert (next(average.labels(2)) == 204).all()  # 0.8 x 255, not 0.8 (1 - .49) x 255


@pytest.mark.parametrize("indices", [[0, 1], [0, 1, 2, 2]])
def test_a_photo_missing_or_twice_is_an_error(tmp_path, indices):
    average = MovingAverage(tmp_path, 3, 4, 0.7)
    average.begin_epoch(0)
    for index in indices:
        average.update(index, np.zeros((4, 4), np.float32))
    with pytest.raises(RuntimeError, match="photo 2 [02] times"):
        average.end_epoch()


def test_full_disk_names_the_file(tmp_path, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(OSError, match=r"No space left on device: '.*mva-0001.npy'"):
        MovingAverage(tmp_path, 1, 4, 0.7).begin_epoch(0)


def _flip_header(path):
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"0"),
        lambda path: np.save(path, np.zeros((4, 8, 8), np.float16)),
        _flip_header,
    ],
    ids=["empty", "cut", "longer", "other shape", "header"],
)
def test_a_damaged_file_is_named(tmp_path, damage):
    average, _ = run(tmp_path, 2)
    damage(average.path(2))
    with pytest.raises(InputError, match=r"mva-0002.npy: damaged; delete its round"):
        average.begin_epoch(2)
    with pytest.raises(InputError, match=r"mva-0002.npy: damaged; delete its round"):
        next(average.labels(2))
    assert not average.path(3).exists()


def test_a_missing_file_is_named(tmp_path):
    average, _ = run(tmp_path, 2)
    average.path(2).unlink()
    with pytest.raises(InputError, match=r"mva-0002.npy: missing; delete its round"):
        average.begin_epoch(2)


def test_keeps_only_the_last_epoch(tmp_path):
    run(tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["mva-0003.npy"]


def test_workers_write_their_rows_into_one_file(tmp_path):
    alone, maps = run(tmp_path / "alone", 4)

    def worker(workers):
        average = MovingAverage(tmp_path / "both", 5, 8, 0.7, workers)
        for epoch in range(4):
            average.begin_epoch(epoch)
            for photo in range(5):  # who had a photo in one epoch does not in the next
                if (epoch + photo) % 2 == workers.number:
                    average.update(photo, maps[epoch, photo])
            average.end_epoch()

    as_workers(2, worker)
    assert (tmp_path / "both/mva-0004.npy").read_bytes() == alone.path(4).read_bytes()


def test_photo_that_two_workers_had_is_an_error_for_both(tmp_path):
    def worker(workers):
        average = MovingAverage(tmp_path, 2, 8, 0.7, workers)
        average.begin_epoch(0)
        average.update(0, np.zeros((8, 8), np.float32))
        average.update(workers.number, np.zeros((8, 8), np.float32))
        with pytest.raises(RuntimeError, match="1 photos did not .* photo 0 3 times"):
            average.end_epoch()
        return "seen"

    assert as_workers(2, worker) == ["seen"] * 2
