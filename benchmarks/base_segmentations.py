"""Base segmentations that HS might start from, from the literature.

Each takes a photo, uint8 [H, W, 3], and returns labels, int32 [H, W], 0..N-1, none left out.
"""

import cv2
import numba
import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage import segmentation

from data_prep.methods import hs_layers
from data_prep.regions import superpixels

_JOIN_DISTANCE = 8.0  # CIELUV
_JOIN_LEEWAY = 500.0  # CIELUV distance times pixels


def basins(rgb: np.ndarray) -> np.ndarray:
    """Basins of the watershed of the slightly smoothed gradient: int32 [H, W], 0..N-1."""
    slopes = [
        ndimage.gaussian_gradient_magnitude(channel, 0.5)
        for channel in np.moveaxis(rgb.astype(np.float32), 2, 0)
    ]
    labels = segmentation.watershed(np.max(slopes, axis=0)).astype(np.int32)
    return labels - labels.min()


def neighbours(labels: np.ndarray, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of regions that touch, int [P, 2], by growing distance of mean CIELUV, float [P]."""
    touching = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in touching])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    luv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LUV)
    colours = superpixels.region_means(labels, luv)
    distances = np.linalg.norm(colours[pairs[:, 0]] - colours[pairs[:, 1]], axis=1)
    order = np.argsort(distances, kind="stable")
    return pairs[order], distances[order]


def basins_joined_by_distance(rgb: np.ndarray) -> np.ndarray:
    """Basins, neighbours joined where their colours differ by a fixed distance at most."""
    labels = basins(rgb)
    pairs, distances = neighbours(labels, rgb)
    a, b = pairs[distances <= _JOIN_DISTANCE].T
    count = labels.max() + 1
    links = coo_array((np.ones(a.size, bool), (a, b)), shape=(count, count))
    return connected_components(links, directed=False)[1][labels]


def basins_joined_alike(rgb: np.ndarray) -> np.ndarray:
    """Basins, joined by the rule of Felzenszwalb and Huttenlocher, with basins for pixels."""
    labels = basins(rgb)
    pairs, distances = neighbours(labels, rgb)
    sizes = superpixels.region_sizes(labels).astype(float)
    groups = join_alike(pairs, distances, sizes, _JOIN_LEEWAY)
    return relabelled(groups[labels])


@numba.njit(cache=True)
def join_alike(pairs, distances, sizes, leeway):
    """Joins pairs that differ by no more than either side within itself plus leeway / its size.

    Args:
        pairs: int64 [P, 2], neighbours by growing distance.
        distances: float64 [P].
        sizes: float64 [N], pixels of each region; overwritten.
        leeway: what a group of one pixel may differ from its neighbour.

    Returns:
        int64 [N], for each region one region that stands for its group.
    """
    group = np.arange(sizes.size)
    within = np.zeros(sizes.size)
    for p in range(pairs.shape[0]):
        a, b = pairs[p]
        while group[a] != a:
            a = group[a]
        while group[b] != b:
            b = group[b]
        limit = min(within[a] + leeway / sizes[a], within[b] + leeway / sizes[b])
        if a != b and distances[p] <= limit:
            group[b] = a
            sizes[a] += sizes[b]
            within[a] = distances[p]
    for a in range(group.size):
        while group[group[a]] != group[a]:
            group[a] = group[group[a]]
    return group


def relabelled(labels: np.ndarray) -> np.ndarray:
    """Labels counted from 0 without gaps: int32 [H, W]."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


def felzenszwalb(rgb: np.ndarray) -> np.ndarray:
    """Felzenszwalb and Huttenlocher's segmentation of the pixels, small segments kept."""
    return segmentation.felzenszwalb(rgb, scale=100, sigma=0.5, min_size=1).astype(np.int32)


def smoothed_flat_zones(rgb: np.ndarray) -> np.ndarray:
    """HS's own base regions, of the photo after mean shift."""
    return hs_layers.base_regions(cv2.pyrMeanShiftFiltering(rgb, 5, 10, maxLevel=0))
