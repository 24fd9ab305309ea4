"""Layers of regions of a photo, from fine to coarse, each a merging of the one before.

The base of HS (Yan et al., CVPR 2013): flat zones, and regions merged until all hold a square.
"""

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data_prep.regions import superpixels
from data_prep.regions.machine_code import compiled

_FLAT_STEP = 4  # largest difference of a channel, 0 to 255


def base_regions(rgb: np.ndarray) -> np.ndarray:
    """Flat zones: pixels linked by steps of colour too small to be a contour.

    These are the basins of the pixel differences once all up to _FLAT_STEP are flooded. A slope
    steeper than that falls into single pixels, which the first layer joins along the contour.

    Args:
        rgb: uint8 [H, W, 3].

    Returns:
        int32 [H, W], labels 0..N-1.
    """
    colours = rgb.astype(np.int16)
    index = np.arange(rgb.shape[0] * rgb.shape[1]).reshape(rgb.shape[:2])
    right = np.abs(np.diff(colours, axis=1)).max(axis=2) <= _FLAT_STEP
    down = np.abs(np.diff(colours, axis=0)).max(axis=2) <= _FLAT_STEP
    first = np.concatenate([index[:, :-1][right], index[:-1][down]])
    second = np.concatenate([index[:, 1:][right], index[1:][down]])
    links = coo_array((np.ones(first.size, bool), (first, second)), shape=(index.size, index.size))
    return connected_components(links, directed=False)[1].reshape(index.shape)


def make_layers(labels: np.ndarray, rgb: np.ndarray, scales: tuple[int, ...]) -> list[np.ndarray]:
    """Merges regions layer by layer.

    Args:
        labels: int32 [H, W], 0..N-1, the base segmentation.
        rgb: uint8 [H, W, 3].
        scales: side in pixels of the square that a region of each layer must hold, growing.

    Returns:
        One int32 [H, W] a layer, finest first; each region is a union of regions of the one before.
    """
    luv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LUV)
    layers = []
    for scale in scales:
        labels = merge_small(labels, superpixels.region_means(labels, luv), scale)
        layers.append(labels)
    return layers


def merge_small(labels: np.ndarray, colours: np.ndarray, scale: int) -> np.ndarray:
    """Merges each region that holds no `scale` x `scale` square into its likest neighbour.

    Regions are visited by growing scale; a merged region's scale and mean colour are brought up
    to date at once. Where all the photo is smaller, one region remains.

    Args:
        labels: int32 [H, W], 0..N-1, none left out.
        colours: float64 [N, 3], mean CIELUV.
        scale: side in pixels.

    Returns:
        int32 [H, W], 0..M-1, M <= N; each new region is a union of old ones.
    """
    sizes = superpixels.region_sizes(labels).astype(float)
    merged = _merge_small(labels.copy(), colours.copy(), sizes, scale)
    return np.unique(merged, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


@compiled
def _merge_small(labels, colours, sizes, scale):
    """Works on its arguments in place; returns the labels, with gaps."""
    boxes = _bounding_boxes(labels, sizes.size)
    scales = np.empty(sizes.size, np.int64)
    for i in range(sizes.size):
        scales[i] = region_scale(labels, i, boxes[i])
    for i in np.argsort(scales, kind="mergesort"):
        if scales[i] >= scale:
            continue
        best = _likest_neighbour(labels, colours, i, boxes[i])
        if best < 0:
            continue
        top, bottom, left, right = boxes[i]
        for y in range(top, bottom):
            for x in range(left, right):
                if labels[y, x] == i:
                    labels[y, x] = best
        whole = sizes[i] + sizes[best]
        colours[best] = (colours[i] * sizes[i] + colours[best] * sizes[best]) / whole
        sizes[best] = whole
        boxes[best, 0], boxes[best, 1] = min(top, boxes[best, 0]), max(bottom, boxes[best, 1])
        boxes[best, 2], boxes[best, 3] = min(left, boxes[best, 2]), max(right, boxes[best, 3])
        if scales[best] < scale:  # else large enough already, whatever joins it
            scales[best] = region_scale(labels, best, boxes[best])
    return labels


@compiled
def _likest_neighbour(labels, colours, region, box):
    """The region of nearest colour that shares a pixel side, the lowest of equals; -1 if none."""
    height, width = labels.shape
    best, nearest = -1, np.inf
    top, bottom, left, right = box
    for y in range(top, bottom):
        for x in range(left, right):
            if labels[y, x] != region:
                continue
            for v, u in ((y, x - 1), (y - 1, x), (y, x + 1), (y + 1, x)):
                if not (0 <= v < height and 0 <= u < width):
                    continue
                other = labels[v, u]
                if other in (region, best):
                    continue
                distance = ((colours[region] - colours[other]) ** 2).sum()
                if distance < nearest or (distance == nearest and other < best):
                    best, nearest = other, distance
    return best


@compiled
def _bounding_boxes(labels, count):
    """Top, bottom, left and right of each region, bottom and right excluded."""
    height, width = labels.shape
    boxes = np.empty((count, 4), np.int64)
    boxes[:] = np.array([height, 0, width, 0])
    for y in range(height):
        for x in range(width):
            box = boxes[labels[y, x]]
            box[0], box[1] = min(box[0], y), max(box[1], y + 1)
            box[2], box[3] = min(box[2], x), max(box[3], x + 1)
    return boxes


@compiled
def region_scale(labels, label, box):
    """Side of the largest square that fits into a region.

    Args:
        labels: int32 [H, W].
        label: the region.
        box: its top, bottom, left and right, bottom and right excluded.
    """
    best = 0
    top, bottom, left, right = box
    above = np.zeros(right - left + 1, np.int64)  # largest squares that end at the pixels above
    here = np.zeros(right - left + 1, np.int64)
    for y in range(top, bottom):
        for x in range(right - left):
            here[x + 1] = 0
            if labels[y, left + x] == label:
                here[x + 1] = 1 + min(above[x], above[x + 1], here[x])
                best = max(best, here[x + 1])
        above, here = here, above
    return best
