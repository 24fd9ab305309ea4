"""HS: saliency agreed upon by three layers of regions, from fine to coarse (Yan et al., CVPR 2013).

Small-scale patterns mislead a detector. So regions that are too small are merged into their
neighbours, three times with a growing size; each layer gets its own cue, and the layers, which
form a tree, settle on common values. There is no published program: what the paper leaves open was
chosen by nearness to maps that its authors' binary made.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_prep.methods.hs_layers import base_regions, make_layers
from data_prep.methods.names import METHODS
from data_prep.regions import superpixels
from data_prep.regions.lab import rgb_to_lab


def border_share(labels: np.ndarray) -> np.ndarray:
    """Share of the photo's border that each region takes: float64 [N], sum 1, for int [H, W]."""
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(rim, minlength=int(labels.max()) + 1) / rim.size


@dataclass(frozen=True)
class Constants:
    """What the paper sets or leaves open; lengths are in photo sides where not in pixels.

    Attributes:
        scales: side of the square, in pixels, that a region of each layer must hold.
        weigh: from labels int [H, W] to weights [N] of the regions that a region is compared with.
        reach: sigma^2 of the distance of regions, one a layer.
        centre_fall: lambda of the location cue.
        cue_weights: beta, finest layer first.
        tie_weights: lambda between layers.
    """

    scales: tuple[int, ...] = (3, 17, 33)
    weigh: Callable[[np.ndarray], np.ndarray] = border_share
    reach: tuple[float, ...] = (0.5, 0.5, 0.5)
    centre_fall: float = 4.0
    cue_weights: tuple[float, ...] = (0.1, 4.0, 4.0)
    tie_weights: tuple[float, ...] = (4.0, 4.0)


CONSTANTS = Constants()


@METHODS.register("hs")
def saliency(rgb: np.ndarray) -> np.ndarray:
    """Saliency map of one photo.

    Args:
        rgb: uint8 [H, W, 3], any size from 1x1. The layers' sizes are made for about 400x300.

    Returns:
        float32 [H, W] in [0, 1].
    """
    layers = make_layers(base_regions(rgb), rgb, CONSTANTS.scales)
    return saliency_of_layers(layers, rgb)


def saliency_of_layers(
    layers: list[np.ndarray], rgb: np.ndarray, constants: Constants = CONSTANTS
) -> np.ndarray:
    """Saliency map of a photo whose layers are given (sec. 3.2 and 3.3).

    Args:
        layers: as `make_layers` returns them.
        rgb: uint8 [H, W, 3].
        constants: reach and weights for as many layers.

    Returns:
        float32 [H, W] in [0, 1].
    """
    lab = rgb_to_lab(rgb)
    cues = [
        region_cue(labels, lab, constants.weigh(labels), reach, constants.centre_fall)
        for labels, reach in zip(layers, constants.reach, strict=True)
    ]
    parents = []
    for child, parent in itertools.pairwise(layers):
        lookup = np.zeros(int(child.max()) + 1, int)
        lookup[child.ravel()] = parent.ravel()
        parents.append(lookup)
    values = tree_minimum(cues, parents, constants.cue_weights, constants.tie_weights)
    return superpixels.min_max(values).astype(np.float32)[layers[0]]


def region_cue(
    labels: np.ndarray, lab: np.ndarray, weights: np.ndarray, reach: float, centre_fall: float
) -> np.ndarray:
    """How much each region of a layer stands out: contrast times location (sec. 3.2).

    Contrast: C_i = sum_j w_j exp(-||p_i - p_j||^2 / sigma^2) ||c_i - c_j||, with p the mean
    position, photo sides being 1, and c the mean Lab colour. Location: mean of
    exp(-lambda ||p - centre||^2) over the pixels. Both are scaled to [0, 1].

    Args:
        labels: int32 [H, W], 0..N-1.
        lab: float32 [H, W, 3].
        weights: [N], w. In the paper the region's size; the authors' binary answers as if it were
            the region's share of the photo's border.
        reach: sigma^2. In the paper it grows with the layer.
        centre_fall: lambda, 9 in the paper.

    Returns:
        float64 [N] in [0, 1]; all 0 where there is one region or one colour only.
    """
    height, width = labels.shape
    colours = superpixels.region_means(labels, lab)
    places = (superpixels.region_centres(labels) + 0.5) / (height, width)
    seen = np.flatnonzero(weights)
    apart = ((places[:, None] - places[None, seen]) ** 2).sum(axis=2)
    unlike = np.sqrt(((colours[:, None] - colours[None, seen]) ** 2).sum(axis=2))
    contrast = (np.exp(-apart / reach) * unlike) @ weights[seen]
    y = np.exp(-centre_fall * ((np.arange(height) + 0.5) / height - 0.5) ** 2)
    x = np.exp(-centre_fall * ((np.arange(width) + 0.5) / width - 0.5) ** 2)
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
