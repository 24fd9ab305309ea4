"""SLIC (Achanta et al., TPAMI 2012): a photo cut into superpixels.

It is written out here because the handcrafted methods depend on its details: a library's SLIC with
the same settings gives other segments and visibly other maps. The loops over pixels are compiled by
Numba and cached on disk; everything is deterministic.
"""

import numpy as np

from data_prep.regions.machine_code import compiled

_MAX_ITERATIONS = 10
_SMALLEST_STEP = 3  # pixels; smaller cells leave seeds without pixels


def slic(
    lab: np.ndarray, n_segments: int, *, compactness: float, seeding: str = "strips"
) -> np.ndarray:
    """SLIC superpixels: k-means on (L, a, b, x, y) with a window, then connected relabelling.

    Distance of pixel and centre: ||dLab||^2 + (compactness / S)^2 ||dxy||^2, where S is the grid
    step; a centre reaches pixels within +-S. At most 10 iterations. Then every 4-connected piece
    becomes a segment of its own, except that pieces of at most S^2/4 pixels join the segment seen
    before them.

    Args:
        lab: float [H, W, 3], CIELAB.
        n_segments: Wanted number of segments, at least 1; the grid and the merging decide.
        compactness: Weight of position against colour, > 0.
        seeding: How the first centres lie. "strips" (Achanta's program; MC and DSR): whole-pixel
            steps with the remainder spread over the strips. "cells" (RBD): floor(W/S) by
            floor(H/S) equal cells, centres in the middle plus half a pixel.

    Returns:
        int32 [H, W], labels 0..N-1 in raster order of their first pixels.

    Raises:
        ValueError: n_segments or compactness is not positive, or seeding is unknown.
    """
    if n_segments < 1 or compactness <= 0:
        raise ValueError(f"n_segments={n_segments}, compactness={compactness}: not positive")
    height, width = lab.shape[:2]
    if seeding == "strips":
        step = int(np.sqrt(int(0.5 + height * width / n_segments)) + 0.5)
        step = max(step, _SMALLEST_STEP)
        rows, columns = _strip_seeds(height, step), _strip_seeds(width, step)
    elif seeding == "cells":
        step = max(int(np.sqrt(height * width / n_segments) + 0.5), _SMALLEST_STEP)
        rows, columns = _cell_seeds(height, step), _cell_seeds(width, step)
    else:
        raise ValueError(f"seeding={seeding!r}: use 'strips' or 'cells'")
    planes = np.require(np.moveaxis(lab, 2, 0), np.float32, ["C", "W"])
    y, x = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    centres = np.empty((y.size, 5))
    centres[:, :3] = planes[:, y.astype(np.intp), x.astype(np.intp)].T
    centres[:, 3], centres[:, 4] = y, x
    labels = _windowed_kmeans(planes, centres, step, (compactness / step) ** 2)
    return _connected_segments(labels, step * step // 4)


def _strip_seeds(length: int, step: int) -> np.ndarray:
    """Whole-pixel seed positions along one side, the remainder spread evenly."""
    strips = int(0.5 + length / step)
    if strips * step > length:
        strips -= 1
    if strips < 1:
        return np.array([length // 2], np.float64)
    index = np.arange(strips)
    spread = (index * ((length - step * strips) / strips)).astype(np.int64)
    return (index * step + step // 2 + spread).astype(np.float64)


def _cell_seeds(length: int, step: int) -> np.ndarray:
    """Real-valued seed positions along one side, in the middle of equal cells plus half a pixel."""
    cells = max(length // step, 1)
    # In single precision, as in the authors' program: where a centre falls on a whole pixel, this
    # rounding decides which pixel gives the first colour.
    side = float(np.float32(length) / np.float32(cells))
    return np.minimum(side * (np.arange(cells) + 0.5) + 0.5, length - 1)


@compiled
def _windowed_kmeans(planes, centres, step, spatial_weight):
    """SLIC's assignment and update steps until nothing changes; int32 [H, W] centre indices."""
    height, width = planes.shape[1:]
    labels = np.zeros((height, width), np.int32)
    before = np.empty_like(labels)
    nearest = np.empty((height, width))
    for iteration in range(_MAX_ITERATIONS):
        before[:] = labels
        _assign(planes, centres, step, spatial_weight, nearest, labels)
        if iteration > 0 and np.array_equal(labels, before):
            break
        _move_centres(planes, labels, centres)
    return labels


@compiled
def _assign(planes, centres, step, spatial_weight, nearest, labels):
    """Gives each pixel to the nearest centre whose window holds it; others keep their label."""
    height, width = labels.shape
    distance = np.empty(2 * step + 1)
    nearest[:] = np.inf
    for k in range(centres.shape[0]):
        cl, ca, cb, cy, cx = centres[k]
        top, bottom = int(max(0.0, cy - step)), int(min(float(height), cy + step))
        left, right = int(max(0.0, cx - step)), int(min(float(width), cx + step))
        for y in range(top, bottom):
            # Row views and two loops: the first runs on vector instructions.
            row_l, row_a, row_b = planes[0, y], planes[1, y], planes[2, y]
            row_l, row_a, row_b = row_l[left:right], row_a[left:right], row_b[left:right]
            row_nearest, row_labels = nearest[y, left:right], labels[y, left:right]
            dy = y - cy
            for i in range(right - left):
                dl, da, db, dx = row_l[i] - cl, row_a[i] - ca, row_b[i] - cb, left + i - cx
                colour = dl * dl + da * da + db * db
                distance[i] = colour + (dx * dx + dy * dy) * spatial_weight
            for i in range(right - left):
                if distance[i] < row_nearest[i]:
                    row_nearest[i] = distance[i]
                    row_labels[i] = k


@compiled
def _move_centres(planes, labels, centres):
    """Moves each centre to the mean of its pixels; one without pixels stays."""
    height, width = labels.shape
    sums = np.zeros((centres.shape[0], 6))
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            sums[k, 0] += planes[0, y, x]
            sums[k, 1] += planes[1, y, x]
            sums[k, 2] += planes[2, y, x]
            sums[k, 3] += y
            sums[k, 4] += x
            sums[k, 5] += 1.0
    for k in range(centres.shape[0]):
        if sums[k, 5] > 0:
            centres[k] = sums[k, :5] * (1.0 / sums[k, 5])


@compiled
def _connected_segments(clusters, largest_merged):
    """4-connected pieces of `clusters` as labels; small ones join the last label touched."""
    height, width = clusters.shape
    labels = np.full((height, width), -1, np.int32)
    queue = np.empty((height * width, 2), np.int32)
    steps = ((0, -1), (-1, 0), (0, 1), (1, 0))
    label = 0
    neighbour = 0  # carried from piece to piece: a piece that touches no label keeps the last one
    for top in range(height):
        for left in range(width):
            if labels[top, left] >= 0:
                continue
            for dy, dx in steps:
                y, x = top + dy, left + dx
                if 0 <= y < height and 0 <= x < width and labels[y, x] >= 0:
                    neighbour = labels[y, x]
            labels[top, left] = label
            queue[0, 0], queue[0, 1] = top, left
            size, head = 1, 0
            while head < size:
                for dy, dx in steps:
                    y, x = queue[head, 0] + dy, queue[head, 1] + dx
                    if not (0 <= y < height and 0 <= x < width) or labels[y, x] >= 0:
                        continue
                    if clusters[y, x] == clusters[top, left]:
                        labels[y, x] = label
                        queue[size, 0], queue[size, 1] = y, x
                        size += 1
                head += 1
            if size <= largest_merged:
                for i in range(size):
                    labels[queue[i, 0], queue[i, 1]] = neighbour
            else:
                label += 1
    return labels
