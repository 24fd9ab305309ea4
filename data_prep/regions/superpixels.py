"""The superpixels of a photo and the graph they form: the ground all handcrafted methods stand on.

`slic.py` makes them. The loops over pixels are compiled by Numba and cached on disk.
"""

import numpy as np

from data_prep.regions.machine_code import compiled


def region_means(labels: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Mean of each channel over each region.

    Args:
        labels: int [H, W], 0..N-1, none left out.
        channels: [H, W, C], any real dtype.

    Returns:
        float64 [N, C].
    """
    count = int(labels.max()) + 1
    return _means(_plain(labels, np.int32), _plain(channels, np.float64), count)


@compiled
def _means(labels, channels, count):
    """Sums by region over sizes."""
    height, width, depth = channels.shape
    sums = np.zeros((count, depth))
    sizes = np.zeros(count)
    for y in range(height):
        for x in range(width):
            sizes[labels[y, x]] += 1.0
            for c in range(depth):
                sums[labels[y, x], c] += channels[y, x, c]
    return sums / sizes.reshape(count, 1)


def region_centres(labels: np.ndarray) -> np.ndarray:
    """Mean position of each region.

    Args:
        labels: int [H, W], 0..N-1, none left out.

    Returns:
        float64 [N, 2]: mean row and column index, in pixels counted from 0.
    """
    height, width = labels.shape
    grid = np.empty((height, width, 2))
    grid[..., 0], grid[..., 1] = np.arange(height)[:, None], np.arange(width)
    return region_means(labels, grid)


def region_sizes(labels: np.ndarray) -> np.ndarray:
    """Number of pixels of each region: int64 [N] for labels int [H, W]."""
    return np.bincount(labels.ravel())


def adjacency(labels: np.ndarray, *, connectivity: int = 4) -> np.ndarray:
    """Which regions touch.

    Args:
        labels: int [H, W], 0..N-1.
        connectivity: 4 (sides) or 8 (sides and corners).

    Returns:
        bool [N, N], symmetric, diagonal False.

    Raises:
        ValueError: connectivity is neither 4 nor 8.
    """
    touching = contacts(labels, connectivity=connectivity)
    return touching | touching.T


def contacts(labels: np.ndarray, *, connectivity: int = 4) -> np.ndarray:
    """Which regions meet in which order.

    Args:
        labels: int [H, W], 0..N-1.
        connectivity: 4 (sides) or 8 (sides and corners).

    Returns:
        bool [N, N], diagonal False: [i, j] tells that somewhere a pixel of j lies right of or
        below (with 8, also diagonally below) a pixel of i.

    Raises:
        ValueError: connectivity is neither 4 nor 8.
    """
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity={connectivity}: use 4 or 8")
    count = int(labels.max()) + 1
    met = _contacts(_plain(labels, np.int32), count, connectivity == 8)
    np.fill_diagonal(met, False)
    return met


@compiled
def _contacts(labels, count, corners):
    """Marks pairs (label, label of a later neighbour pixel), equal labels included."""
    height, width = labels.shape
    met = np.zeros((count, count), np.bool_)
    for y in range(height):
        for x in range(width):
            here = labels[y, x]
            if x + 1 < width:
                met[here, labels[y, x + 1]] = True
            if y + 1 < height:
                met[here, labels[y + 1, x]] = True
                if corners and x + 1 < width:
                    met[here, labels[y + 1, x + 1]] = True
                if corners and x > 0:
                    met[here, labels[y + 1, x - 1]] = True
    return met


def boundary_regions(labels: np.ndarray, *, band: int = 1) -> np.ndarray:
    """Which regions have a pixel near the image border.

    Args:
        labels: int [H, W], 0..N-1.
        band: Width of the border band in pixels, at least 1.

    Returns:
        bool [N].
    """
    near = np.zeros(int(labels.max()) + 1, bool)
    for strip in (labels[:band], labels[-band:], labels[:, :band], labels[:, -band:]):
        near[strip.ravel()] = True
    return near


def two_step(graph: np.ndarray) -> np.ndarray:
    """Nodes within one or two steps: bool [N, N], diagonal False, of a symmetric bool [N, N]."""
    steps = graph.astype(np.float32)
    reached = graph | (steps @ steps > 0)
    np.fill_diagonal(reached, False)
    return reached


def pairwise_distance(points: np.ndarray) -> np.ndarray:
    """Euclidean distances: float64 [N, N], exactly symmetric, for float [N, D]."""
    difference = points[:, None, :] - points[None, :, :]
    return np.sqrt((difference * difference).sum(axis=2))


def min_max(values: np.ndarray) -> np.ndarray:
    """Scales values to [0, 1]; equal values all become 0.

    Args:
        values: float, any shape, finite.

    Returns:
        float64 of the same shape.
    """
    values = np.asarray(values, np.float64)
    low, high = values.min(), values.max()
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        return np.zeros_like(values)
    return (values - low) / (high - low)


def _plain(array: np.ndarray, dtype: type) -> np.ndarray:
    """One dtype and memory layout, so that each kernel is compiled once; copies only if it must."""
    return np.require(array, dtype, ["C", "W"])
