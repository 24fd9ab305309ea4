"""MC: saliency by an absorbing Markov chain (Jiang et al., ICCV 2013).

A random walk over the superpixels ends at the image border. The longer it takes to get there, the
less the start looks like background. Constants are those of the authors' program.
"""

import numpy as np

from data_prep.methods.names import METHODS
from data_prep.regions import superpixels
from data_prep.regions.lab import bt709_lab, rgb_to_lab
from data_prep.regions.slic import slic

_SEGMENTS = 250
_COMPACTNESS = 20
_COLOUR_DECAY = 10.0
_SMALLEST_WEIGHT = 1e-5
_OUTLIER_DEGREE = 1.1
_FRAME_CONTACT = 13.0
_SPREAD_SCORE = 2.0
_OUTLIER_SALIENCY = 0.3


@METHODS.register("mc")
def saliency(rgb: np.ndarray) -> np.ndarray:
    """Saliency map of one photo.

    Args:
        rgb: uint8 [H, W, 3], any size from 1x1.

    Returns:
        float32 [H, W] in [0, 1]; 0 on an artificial frame. A plain image gets the mere distance
        from the border.
    """
    labels = slic(rgb_to_lab(rgb), _SEGMENTS, compactness=_COMPACTNESS, seeding="strips")
    # The authors' program feeds intensities of 0..255 to formulas made for 0..1. After the cube
    # root that leaves about a 0.74 power of the intensity: darker colours lie closer together
    # than in Lab.
    colours = bt709_lab(superpixels.region_means(labels, rgb))
    near = superpixels.adjacency(labels, connectivity=8)
    weights = affinity(colours, near | opposite_sides(labels))
    values = chain_saliency(weights, near, superpixels.boundary_regions(labels))
    return values.astype(np.float32)[labels]


def opposite_sides(labels: np.ndarray) -> np.ndarray:
    """Superpixels that face each other at opposite ends of a row or a column.

    Args:
        labels: int [H, W], 0..N-1.

    Returns:
        bool [N, N], symmetric, diagonal False.
    """
    count = int(labels.max()) + 1
    facing = np.zeros((count, count), bool)
    facing[labels[0], labels[-1]] = True
    facing[labels[:, 0], labels[:, -1]] = True
    facing |= facing.T
    np.fill_diagonal(facing, False)
    return facing


def affinity(colours: np.ndarray, linked: np.ndarray) -> np.ndarray:
    """Edge weights of the chain: w = exp(-10 d) + 1e-5, d the colour distance scaled to [0, 1].

    Args:
        colours: float64 [N, 3].
        linked: bool [N, N], symmetric; edges join nodes within two steps of it.

    Returns:
        float64 [N, N], symmetric; 0 where there is no edge, 1 on the diagonal.
    """
    start, end = np.nonzero(np.triu(superpixels.two_step(linked), k=1))
    weights = np.eye(len(colours))
    if start.size:
        distance = superpixels.min_max(np.linalg.norm(colours[start] - colours[end], axis=1))
        weights[start, end] = np.exp(-_COLOUR_DECAY * distance) + _SMALLEST_WEIGHT
        weights[end, start] = weights[start, end]
    return weights


def chain_saliency(weights: np.ndarray, near: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Absorbed time of the walk from each superpixel, scaled to [0, 1] (eq. 1-8).

    Args:
        weights: float64 [N, N], symmetric affinities with ones on the diagonal.
        near: bool [N, N], touching superpixels.
        border: bool [N], superpixels at the image border.

    Returns:
        float64 [N] in [0, 1].
    """
    degree = weights.sum(axis=1)
    outlier = degree < _OUTLIER_DEGREE
    inner_contact = near & border[:, None] & ~border[None, :]
    framed = weights[inner_contact].sum() <= _FRAME_CONTACT
    absorbing = inner_contact.any(axis=0) if framed else border
    transient = ~outlier & ~(border & framed)
    values = np.zeros(len(weights))
    if transient.any():
        leak = weights[:, absorbing & ~outlier].sum(axis=1)[transient]
        values[transient] = _absorbed_time(
            weights[np.ix_(transient, transient)], degree[transient], leak
        )
    for node in np.flatnonzero(outlier):  # in order: an outlier found salient counts for the next
        values[node] = float((values[near[node]] > _OUTLIER_SALIENCY).any())
    return values


def _absorbed_time(weights: np.ndarray, degree: np.ndarray, leak: np.ndarray) -> np.ndarray:
    """Expected steps until absorption, or their weighted form where the plain one is ambiguous.

    Solves N y = 1 with N = I - diag(degree + leak)^-1 W. Where mid-range values abound, every node
    counts by the inverse of its equilibrium probability instead, which mutes smooth background
    far from the border.

    Args:
        weights: float64 [T, T], affinities between transient nodes.
        degree: float64 [T], sum of each node's affinities, also those to removed nodes.
        leak: float64 [T], sum of each node's affinities to absorbing nodes.

    Returns:
        float64 [T] in [0, 1].
    """
    total = degree + leak
    inputs = np.stack([total, total / degree], axis=1)
    plain, balanced = np.linalg.solve(np.diag(total) - weights, inputs).T
    plain = superpixels.min_max(plain)
    return plain if spread_score(plain) < _SPREAD_SCORE else superpixels.min_max(balanced)


def spread_score(values: np.ndarray) -> float:
    """How far values are from being all near 0 or 1: sum_j h_j min(j, 11 - j) over ten bins.

    Args:
        values: float [N] in [0, 1].

    Returns:
        1 (all in the outermost bins) to 5 (all in the two middle ones).
    """
    bins = np.minimum((values * 10).astype(np.int64), 9) + 1
    return float(np.minimum(bins, 11 - bins).mean())
