import multiprocessing
import os
import threading

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.labels import crf_pool
from deepusps_tf.labels.crf import RELEASE_SETTINGS, CrfSettings, field_bytes, refine
from deepusps_tf.labels.crf_pool import QUEUED_PER_PROCESS, CrfPool, crf_of_settings
from deepusps_tf.settings.config import Config


@pytest.fixture(scope="module")
def pool():
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        yield pool


def pairs(count):
    random = np.random.default_rng(0)
    for _ in range(count):
        rgb = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        yield rgb, random.random((12, 16), np.float32)


def test_collects_every_map_as_refine_makes_it(pool):
    collected = {}
    for number, (rgb, probability) in enumerate(pairs(20)):
        pool.submit(rgb, probability, lambda result, n=number: collected.__setitem__(n, result))
    pool.drain()
    assert pool.pending == 0 and sorted(collected) == list(range(20))
    for number, pair in enumerate(pairs(20)):
        assert np.array_equal(collected[number], refine(*pair))


def test_refine_all_keeps_the_order(pool):
    for refined, pair in zip(pool.refine_all(pairs(5)), pairs(5), strict=True):
        assert np.array_equal(refined, refine(*pair))


def count_lattices() -> int:
    return len(crf_pool._lattices)


@pytest.mark.parametrize(("photos", "kept"), [(2, [1, 1]), (10, [3, 3])])
def test_kept_lattices_give_the_same_maps(photos, kept):
    budget = photos * field_bytes(12 * 16)
    with CrfPool(2, RELEASE_SETTINGS, cache_bytes=budget) as pool:
        for seed in (1, 2):  # the second time with lattices kept and other predictions
            random = np.random.default_rng(seed)
            asked = [(rgb, random.random((12, 16), np.float32)) for rgb, _ in pairs(6)]
            for refined, pair in zip(pool.refine_all(asked), asked, strict=True):
                assert np.array_equal(refined, refine(*pair))
        assert pool.in_each_process(count_lattices) == kept


def test_submit_waits_when_the_queue_is_full(pool):
    gate = threading.Event()
    # A large first map: were it done before `submit` returns, this thread would wait at the gate.
    rgb, probability = np.zeros((400, 400, 3), np.uint8), np.full((400, 400), 0.6, np.float32)
    for _ in range(QUEUED_PER_PROCESS):
        pool.submit(rgb, probability, lambda _: gate.wait(30))
    waiting = threading.Thread(target=pool.submit, args=(rgb, probability, lambda _: None))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive() and pool.pending == QUEUED_PER_PROCESS
    gate.set()
    waiting.join(10)
    assert not waiting.is_alive()
    pool.drain()


def test_leaving_the_pool_drops_what_waits_and_leaves_no_thread_or_process():
    threads, children = set(threading.enumerate()), set(multiprocessing.active_children())
    collected = []
    with CrfPool(2, RELEASE_SETTINGS) as pool:
        rgb, probability = next(pairs(1))
        pool.submit(rgb, probability, collected.append)
        pool.drain()
        large = np.zeros((400, 400, 3), np.uint8), np.full((400, 400), 0.6, np.float32)
        for _ in range(2 * QUEUED_PER_PROCESS):
            pool.submit(*large, collected.append)
    assert set(threading.enumerate()) <= threads
    assert set(multiprocessing.active_children()) <= children
    assert len(collected) < 2 * QUEUED_PER_PROCESS and pool.pending == 0


def test_failure_in_a_process_is_raised_by_drain():
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        pool.submit(np.zeros((4, 4, 3), np.uint8), np.zeros((5, 5), np.float32), lambda _: None)
        with pytest.raises(ValueError, match=r"."):
            pool.drain()


def test_killed_process_is_one_line():
    rgb, probability = next(pairs(1))
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        os.kill(pool.in_each_process(os.getpid)[0], 9)
        with pytest.raises(InputError, match="a CRF process was killed"):
            while True:
                pool.submit(rgb, probability, lambda _: None)
                pool.drain()


def test_the_crf_of_settings():
    assert crf_of_settings(Config(crf=False)) is None
    config = Config(crf_iterations=2, crf_bilateral_sxy=20.0)
    assert crf_of_settings(config) == CrfSettings(iterations=2, bilateral_sxy=20.0)
