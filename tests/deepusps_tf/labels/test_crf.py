import subprocess
import sys

import numpy as np
import pytest

from deepusps_tf.labels.crf import CrfSettings, LatticeCache, refine


def two_halves():
    rgb = np.zeros((24, 32, 3), np.uint8)
    rgb[:, 16:] = 220
    probability = np.full((24, 32), 0.3, np.float32)
    probability[:, 16:] = 0.7
    return rgb, probability


def test_sharpens_along_the_colour_edge():
    rgb, probability = two_halves()
    refined = refine(rgb, probability)
    assert refined.dtype == np.float32 and refined.shape == (24, 32)
    assert refined[:, :16].max() < 0.05 and refined[:, 16:].min() > 0.95


def test_corrects_a_lone_wrong_pixel():
    rgb, probability = two_halves()
    probability[12, 24] = 0.1
    assert refine(rgb, probability)[12, 24] > 0.5


def test_no_iteration_returns_the_input():
    rgb, probability = two_halves()
    refined = refine(rgb, probability, CrfSettings(iterations=0))
    assert refined == pytest.approx(probability, abs=1e-6)


def test_spatial_constants_grow_with_the_map():
    rgb, probability = two_halves()
    probability += np.random.default_rng(0).normal(0, 0.2, probability.shape).astype(np.float32)
    at_size = CrfSettings(gaussian_sxy=3 * 432, bilateral_sxy=80 * 432)
    unscaled = CrfSettings(gaussian_sxy=3 * 432 * 2, bilateral_sxy=80 * 432 * 2)
    large = np.kron(probability, np.ones((2, 2), np.float32))
    large_rgb = np.kron(rgb, np.ones((2, 2, 1), np.uint8))
    assert not np.allclose(refine(rgb, probability, at_size), refine(rgb, probability, unscaled))
    refined = refine(large_rgb, large)
    halved = refined.reshape(24, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(halved - refine(rgb, probability)).mean() < 0.02


def test_certain_pixels_stay_finite():
    rgb, probability = two_halves()
    assert np.isfinite(refine(rgb, np.round(probability))).all()


def test_kept_lattice_gives_the_same_map_bit_for_bit():
    rgb, _ = two_halves()
    lattices = LatticeCache()
    random = np.random.default_rng(3)
    for _ in range(3):
        probability = random.random((24, 32), np.float32)
        kept = refine(rgb, probability, lattices=lattices)
        assert kept.tobytes() == refine(rgb, probability).tobytes()
    assert len(lattices) == 1
    other = CrfSettings(bilateral_srgb=40)
    kept = refine(rgb, probability, other, lattices)
    assert kept.tobytes() == refine(rgb, probability, other).tobytes()
    assert len(lattices) == 2


def test_imports_no_tensorflow():
    code = "import sys, deepusps_tf.labels.crf_pool; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
