"""DSR: saliency as the error of rebuilding a photo from its border (Li et al., ICCV 2013).

Superpixels at the image border serve as a dictionary of the background. What neither its principal
components (dense error) nor few of its members (sparse error) can rebuild is salient. Constants
are those of the authors' program.
"""

import cv2
import numpy as np

from data_prep.methods.names import METHODS
from data_prep.regions import superpixels
from data_prep.regions.lab import rgb_to_lab
from data_prep.regions.machine_code import compiled
from data_prep.regions.slic import slic

_SCALES = ((50, 10), (100, 10), (150, 20), (200, 20), (250, 25), (300, 25), (350, 30), (400, 30))
_KEPT_VARIANCE = 0.95
_LASSO_WEIGHT = 0.01
_LASSO_STEPS = 100  # a path takes about a dozen; a bound in case rounding makes it cycle
_CLUSTERS = 8
_KMEANS_ROUNDS = 200
_OWN_SHARE = 0.5  # of a superpixel's error in the propagation; the rest is its cluster's
_OBJECT_SIGMA = 0.25  # of the height and of the width
_BINS = 60


@METHODS.register("dsr")
def saliency(rgb: np.ndarray) -> np.ndarray:
    """Saliency map of one photo.

    Args:
        rgb: uint8 [H, W, 3], any size from 1x1.

    Returns:
        float32 [H, W] in [0, 1]. The weights of the paper's pixel-level sum over scales (its
        eq. 7) come out equal in the authors' program, so this is a plain mean.
    """
    height, width = rgb.shape[:2]
    lab = rgb_to_lab(rgb)
    pixels = pixel_features(rgb)
    dense, sparse = np.zeros((height, width)), np.zeros((height, width))
    for count, compactness in _SCALES:
        labels = slic(lab, count, compactness=compactness, seeding="strips")
        features = superpixels.region_means(labels, pixels)
        border = superpixels.boundary_regions(labels)
        clusters = kmeans(features, _CLUSTERS)
        spread = features.var(axis=0).mean()
        for total, errors in (
            (dense, dense_errors(features, border)),
            (sparse, sparse_errors(features, border)),
        ):
            spread_errors = propagate(superpixels.min_max(errors), features, clusters, spread)
            total += superpixels.min_max(spread_errors)[labels]
    dense, sparse = object_biased(dense), object_biased(sparse)
    both = posterior(sparse, dense) + posterior(dense, sparse)
    return superpixels.min_max(both).astype(np.float32)


def pixel_features(rgb: np.ndarray) -> np.ndarray:
    """What superpixels are compared by: R G B, L a b and position, of each pixel.

    Args:
        rgb: uint8 [H, W, 3].

    Returns:
        float32 [H, W, 8]: intensities in [0, 1]; CIELAB of the gamma-encoded intensities, each
        channel scaled to [0, 1] over the photo; x/W and y/H, counted from 1.
    """
    height, width = rgb.shape[:2]
    features = np.empty((height, width, 8), np.float32)
    features[..., :3] = rgb / np.float32(255)
    lab = cv2.cvtColor(features[..., :3], cv2.COLOR_LRGB2LAB)
    for channel in range(3):
        features[..., 3 + channel] = superpixels.min_max(lab[..., channel])
    features[..., 6] = np.arange(1, width + 1) / width
    features[..., 7] = np.arange(1, height + 1)[:, None] / height
    return features


def dense_errors(features: np.ndarray, border: np.ndarray) -> np.ndarray:
    """How far each superpixel lies from the principal subspace of the border's (eq. 1 and 2).

    The subspace holds 95 % of the border's variance and one direction more; superpixels are
    centred by the mean of all of them, as the authors' program does.

    Args:
        features: float64 [N, D].
        border: bool [N], at least one True.

    Returns:
        float64 [N], distances of at least 0.
    """
    templates = features[border] - features[border].mean(axis=0)
    _, scale, directions = np.linalg.svd(templates, full_matrices=False)
    share = np.cumsum(scale**2)
    kept = np.searchsorted(share, _KEPT_VARIANCE * share[-1]) + 2
    basis = directions[:kept][scale[:kept] > 0]
    centred = features - features.mean(axis=0)
    return np.linalg.norm(centred - centred @ basis.T @ basis, axis=1)


def sparse_errors(features: np.ndarray, border: np.ndarray) -> np.ndarray:
    """How badly few border superpixels rebuild each superpixel (eq. 3 and 4).

    With x and the dictionary's columns D of length 1, a minimises
    ||x - D a||^2 / 2 + 0.01 ||a||_1, and the error is ||x - D a||^2.

    Args:
        features: float64 [N, D].
        border: bool [N], at least one True.

    Returns:
        float64 [N], at least 0.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(length, np.finfo(float).tiny)
    return _lasso_errors(unit, np.ascontiguousarray(unit[border]), _LASSO_WEIGHT, _LASSO_STEPS)


@compiled
def _lasso_errors(samples, atoms, weight, most):
    """Follows each sample's lasso path (LARS) down to `weight` or to `most` steps."""
    gram = atoms @ atoms.T
    errors = np.empty(samples.shape[0])
    for n in range(samples.shape[0]):
        correlation = atoms @ samples[n]
        coefficients = np.zeros(atoms.shape[0])
        active = np.zeros(atoms.shape[0], np.bool_)
        level = np.abs(correlation).max()
        if level > weight:
            active[np.argmax(np.abs(correlation))] = True
        for _ in range(most):
            if level <= weight:
                break
            chosen = np.flatnonzero(active)
            block = np.empty((chosen.size, chosen.size))
            for i in range(chosen.size):
                for j in range(chosen.size):
                    block[i, j] = gram[chosen[i], chosen[j]]
                block[i, i] += 1e-12  # equal atoms would make it singular
            move = np.linalg.solve(block, np.sign(correlation[chosen]))
            slope = np.zeros(atoms.shape[0])
            for i in range(chosen.size):
                slope += gram[chosen[i]] * move[i]
            step, event = level - weight, -1
            for j in range(atoms.shape[0]):
                if active[j]:
                    continue
                for sign in (-1.0, 1.0):
                    gap, closing = level - sign * correlation[j], 1.0 - sign * slope[j]
                    if closing > 1e-9 and gap > 1e-12 and gap / closing < step:
                        step, event = gap / closing, j
            for i in range(chosen.size):
                if move[i] != 0:
                    zero = -coefficients[chosen[i]] / move[i]
                    if 1e-12 < zero < step:
                        step, event = zero, chosen[i]
            for i in range(chosen.size):
                coefficients[chosen[i]] += step * move[i]
            correlation -= step * slope
            level -= step
            if event < 0:
                break
            if active[event]:
                coefficients[event] = 0.0
            active[event] = not active[event]
        residual = samples[n] - coefficients @ atoms
        errors[n] = residual @ residual
    return errors


def kmeans(features: np.ndarray, count: int) -> np.ndarray:
    """Lloyd's k-means from evenly spread samples, so that the result is the same every time.

    Args:
        features: float64 [N, D].
        count: clusters wanted; fewer where there are fewer samples.

    Returns:
        int [N], cluster of each sample, 0..count-1; some may be empty.
    """
    total = features.shape[0]
    centres = features[np.linspace(0, total - 1, min(count, total)).astype(int)]
    clusters = np.full(total, -1)
    for _ in range(_KMEANS_ROUNDS):
        distance = ((features[:, None] - centres[None]) ** 2).sum(axis=2)
        nearest = distance.argmin(axis=1)
        if np.array_equal(nearest, clusters):
            break
        clusters = nearest
        for k in np.unique(clusters):
            centres[k] = features[clusters == k].mean(axis=0)
    return clusters


def propagate(
    errors: np.ndarray, features: np.ndarray, clusters: np.ndarray, variance: float
) -> np.ndarray:
    """Evens out errors within clusters of like superpixels (eq. 5 and 6).

    In order of falling error e, in place: e_i <- (e_i + sum_j A_ij e_j / sum_j A_ij) / 2 over the
    other members j of i's cluster, with A_ij = exp(-||x_i - x_j||^2 / (2 variance)).

    Args:
        errors: float64 [N].
        features: float64 [N, D].
        clusters: int [N].
        variance: sigma_x squared; 0 where all features are equal.

    Returns:
        float64 [N]. A superpixel alone in its cluster keeps its error.
    """
    distance = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    likeness = np.exp(-distance / (2 * max(variance, np.finfo(float).tiny)))
    likeness *= clusters[:, None] == clusters[None]
    np.fill_diagonal(likeness, 0)
    spread = errors.copy()
    for i in np.argsort(-errors, kind="stable"):
        weight = likeness[i].sum()
        if weight > 0:
            neighbours = likeness[i] @ spread / weight
            spread[i] = _OWN_SHARE * spread[i] + (1 - _OWN_SHARE) * neighbours
    return spread


def object_biased(errors: np.ndarray) -> np.ndarray:
    """Multiplies a map by a Gaussian about its own centre of mass (eq. 8 and 9).

    Args:
        errors: float64 [H, W], any range.

    Returns:
        float64 [H, W] in [0, 1].
    """
    values = superpixels.min_max(errors)
    height, width = values.shape
    total = values.sum()
    if total == 0:
        return values
    y, x = np.arange(height), np.arange(width)
    row, column = values.sum(axis=1) @ y / total, values.sum(axis=0) @ x / total
    fall_y = np.exp(-((y - row) ** 2) / (2 * (_OBJECT_SIGMA * height) ** 2))
    fall_x = np.exp(-((x - column) ** 2) / (2 * (_OBJECT_SIGMA * width) ** 2))
    return superpixels.min_max(values * fall_y[:, None] * fall_x)


def posterior(prior: np.ndarray, observation: np.ndarray) -> np.ndarray:
    """Bayes' rule with one map as prior and the other as observation (eq. 10 and 11).

    The pixels above the prior's mean and the others give two 60-bin histograms of the
    observation, each over its own region's range. A pixel is looked up in both by its bin in its
    own region's range, as the authors' program does.

    Args:
        prior: float64 [H, W] in [0, 1].
        observation: float64 [H, W] in [0, 1].

    Returns:
        float64 [H, W] in [0, 1]; 0 where neither region knows the value.
    """
    inside = prior > prior.mean()
    if not inside.any():
        return np.zeros_like(prior)
    bins = np.empty(prior.shape, int)
    likelihood = []
    for region in (inside, ~inside):
        scaled = superpixels.min_max(observation[region])
        bins[region] = np.minimum((scaled * _BINS).astype(int), _BINS - 1)
        likelihood.append(np.bincount(bins[region], minlength=_BINS) / region.sum())
    salient = prior * likelihood[0][bins]
    background = (1 - prior) * likelihood[1][bins]
    evidence = salient + background
    ratio = np.divide(salient, evidence, out=np.zeros_like(prior), where=evidence > 0)
    return superpixels.min_max(ratio)
