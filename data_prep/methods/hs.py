"""HS: saliency agreed upon by three layers of regions, from fine to coarse (Yan et al., CVPR 2013).

Small-scale patterns mislead a detector. So regions that are too small are merged into their
neighbours, three times with a growing size; each layer gets its own cue, and the layers, which
form a tree, settle on common values. There is no published program: what the paper leaves open was
chosen by nearness to maps that its authors' binary made.
"""

import itertools

import cv2
import numba
import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from data_prep import superpixels
from data_prep.lab import rgb_to_lab

_GRADIENT_SIGMA = 0.5  # pixels
_SMALL_REGION_LEEWAY = 500.0  # CIELUV distance times pixels
_SCALES = (3, 17, 33)  # side of the square, in pixels, that a region of each layer must hold
_REACH = 0.5  # sigma^2 of the distance of regions, photo sides being 1
_CENTRE_FALL = 4.0  # lambda of the location cue, photo sides being 1; 9 in the paper
_CUE_WEIGHTS = (0.25, 4.0, 2.0)  # beta, finest layer first
_TIE_WEIGHTS = (4.0, 4.0)  # lambda between layers


def saliency(rgb: np.ndarray) -> np.ndarray:
    """Saliency map of one photo.

    Args:
        rgb: uint8 [H, W, 3], any size from 1x1. The layers' sizes are made for about 400x300.

    Returns:
        float32 [H, W] in [0, 1].
    """
    luv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LUV)
    lab = rgb_to_lab(rgb)
    labels = base_regions(rgb, luv)
    layers = []
    for scale in _SCALES:
        labels = merge_small(labels, superpixels.region_means(labels, luv), scale)
        layers.append(labels)
    cues = [region_cue(labels, lab) for labels in layers]
    parents = []
    for child, parent in itertools.pairwise(layers):
        lookup = np.zeros(int(child.max()) + 1, int)
        lookup[child.ravel()] = parent.ravel()
        parents.append(lookup)
    values = tree_minimum(cues, parents, _CUE_WEIGHTS, _TIE_WEIGHTS)
    return superpixels.min_max(values).astype(np.float32)[layers[0]]


def base_regions(rgb: np.ndarray, luv: np.ndarray) -> np.ndarray:
    """Basins of the gradient's watershed, like neighbours joined.

    The bare watershed of a photo has some ten thousand basins. Pairs of neighbours are visited by
    growing distance of the basins' mean colours, and joined where that is no more than the largest
    distance within either side plus a leeway over the side's size: the rule of Felzenszwalb and
    Huttenlocher (IJCV 2004), with basins for pixels.

    Args:
        rgb: uint8 [H, W, 3].
        luv: float32 [H, W, 3], CIELUV.

    Returns:
        int32 [H, W], labels 0..N-1.
    """
    gradient = np.zeros(rgb.shape[:2], np.float32)
    for channel in np.moveaxis(rgb.astype(np.float32), 2, 0):
        slope = ndimage.gaussian_gradient_magnitude(channel, _GRADIENT_SIGMA)
        np.maximum(gradient, slope, out=gradient)
    labels = watershed(gradient).astype(np.int32)
    labels -= labels.min()  # 1, or 0 on a plain photo, which has no basin
    colours = superpixels.region_means(labels, luv)
    pairs = _neighbour_pairs(labels)
    distance = np.linalg.norm(colours[pairs[:, 0]] - colours[pairs[:, 1]], axis=1)
    order = np.argsort(distance, kind="stable")
    sizes = superpixels.region_sizes(labels).astype(float)
    groups = join_alike(pairs[order], distance[order], sizes, _SMALL_REGION_LEEWAY)
    return _relabelled(groups[labels])


def _neighbour_pairs(labels: np.ndarray) -> np.ndarray:
    """Each pair of regions that share a pixel side, once: int64 [P, 2], sorted."""
    count = int(labels.max()) + 1
    across = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    first = np.concatenate([np.minimum(a, b).ravel() for a, b in across]).astype(np.int64)
    second = np.concatenate([np.maximum(a, b).ravel() for a, b in across])
    keys = np.unique((first * count + second)[first != second])
    return np.stack([keys // count, keys % count], axis=1)


def _relabelled(labels: np.ndarray) -> np.ndarray:
    """Labels counted from 0 without gaps, in the same order: int32 [H, W]."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


@numba.njit(cache=True)
def join_alike(pairs, distances, sizes, leeway):
    """Joins pairs of regions that differ little more than the regions within themselves.

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
        if a == b:
            continue
        if distances[p] <= min(within[a] + leeway / sizes[a], within[b] + leeway / sizes[b]):
            group[b] = a
            sizes[a] += sizes[b]
            within[a] = distances[p]
    for a in range(group.size):
        root = a
        while group[root] != root:
            root = group[root]
        group[a] = root
    return group


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
    touching = superpixels.adjacency(labels)
    sizes = superpixels.region_sizes(labels).astype(float)
    return _relabelled(_merge_small(labels.copy(), colours.copy(), sizes, touching, scale))


@numba.njit(cache=True)
def _merge_small(labels, colours, sizes, touching, scale):
    """Works on its arguments in place; returns the labels, with gaps."""
    boxes = _bounding_boxes(labels, sizes.size)
    scales = np.empty(sizes.size, np.int64)
    for i in range(sizes.size):
        scales[i] = region_scale(labels, i, boxes[i])
    for i in np.argsort(scales, kind="mergesort"):
        neighbours = np.flatnonzero(touching[i])
        if scales[i] >= scale or neighbours.size == 0:
            continue
        best, nearest = -1, np.inf
        for j in neighbours:
            distance = ((colours[i] - colours[j]) ** 2).sum()
            if distance < nearest:
                best, nearest = j, distance
        top, bottom, left, right = boxes[i]
        for y in range(top, bottom):
            for x in range(left, right):
                if labels[y, x] == i:
                    labels[y, x] = best
        whole = sizes[i] + sizes[best]
        colours[best] = (colours[i] * sizes[i] + colours[best] * sizes[best]) / whole
        sizes[best] = whole
        for j in neighbours:
            touching[i, j] = touching[j, i] = False
            if j != best:
                touching[best, j] = touching[j, best] = True
        boxes[best, 0], boxes[best, 1] = min(top, boxes[best, 0]), max(bottom, boxes[best, 1])
        boxes[best, 2], boxes[best, 3] = min(left, boxes[best, 2]), max(right, boxes[best, 3])
        scales[best] = region_scale(labels, best, boxes[best])
    return labels


@numba.njit(cache=True)
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


@numba.njit(cache=True)
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


def region_cue(labels: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """How much each region of a layer stands out: contrast times location (sec. 3.2).

    Contrast: C_i = sum_j w_j exp(-||p_i - p_j||^2 / sigma^2) ||c_i - c_j||, with p the mean
    position, photo sides being 1, and c the mean Lab colour. The paper's w is the region's size
    and its sigma grows with the layer; the authors' binary answers as if w were the region's share
    of the photo's border, sigma^2 being 0.5 on all layers. Location: mean of
    exp(-lambda ||p - centre||^2) over the pixels. Both are scaled to [0, 1].

    Args:
        labels: int32 [H, W], 0..N-1.
        lab: float32 [H, W, 3].

    Returns:
        float64 [N] in [0, 1]; all 0 where there is one region or one colour only.
    """
    height, width = labels.shape
    colours = superpixels.region_means(labels, lab)
    places = (superpixels.region_centres(labels) + 0.5) / (height, width)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    share = np.bincount(rim, minlength=len(colours)) / rim.size
    at_rim = np.flatnonzero(share)
    apart = ((places[:, None] - places[None, at_rim]) ** 2).sum(axis=2)
    unlike = np.sqrt(((colours[:, None] - colours[None, at_rim]) ** 2).sum(axis=2))
    contrast = (np.exp(-apart / _REACH) * unlike) @ share[at_rim]
    y = np.exp(-_CENTRE_FALL * ((np.arange(height) + 0.5) / height - 0.5) ** 2)
    x = np.exp(-_CENTRE_FALL * ((np.arange(width) + 0.5) / width - 0.5) ** 2)
    location = superpixels.region_means(labels, (y[:, None] * x)[..., None])[:, 0]
    return superpixels.min_max(contrast) * superpixels.min_max(location)


def tree_minimum(
    cues: list[np.ndarray],
    parents: list[np.ndarray],
    cue_weights: tuple[float, ...],
    tie_weights: tuple[float, ...],
) -> np.ndarray:
    """Values of the finest layer that minimise the energy of the whole tree (eq. 6 to 9), exactly.

    E = sum_l sum_i beta_l (s_i^l - cue_i^l)^2 + sum_l sum_i lambda_l (s_i^l - s_parent(i)^l+1)^2.
    One pass up the tree eliminates the children, one pass down fills in the values.

    Args:
        cues: one float64 [N_l] a layer, finest first.
        parents: for each layer but the last, int [N_l]: the region of the next layer.
        cue_weights: beta, one a layer, > 0.
        tie_weights: lambda, one a layer but the last, >= 0.

    Returns:
        float64 [N_1], within the range of the cues.
    """
    weight = [np.full(len(cue), float(beta)) for cue, beta in zip(cues, cue_weights, strict=True)]
    pull = [cue * beta for cue, beta in zip(cues, cue_weights, strict=True)]
    for layer, (parent, tie) in enumerate(zip(parents, tie_weights, strict=True)):
        share = tie / (weight[layer] + tie)
        count = len(cues[layer + 1])
        weight[layer + 1] += np.bincount(parent, tie * (1 - share), minlength=count)
        pull[layer + 1] += np.bincount(parent, share * pull[layer], minlength=count)
    values = pull[-1] / weight[-1]
    for layer in reversed(range(len(parents))):
        tie = tie_weights[layer]
        values = (pull[layer] + tie * values[parents[layer]]) / (weight[layer] + tie)
    return values
