"""RBD: saliency optimisation from robust background detection (Zhu et al., CVPR 2014).

A superpixel is background when the region it belongs to leans heavily on the image border
(boundary connectivity); contrast against the background gives foreground weights; a least-squares
problem on the superpixel graph joins the two. Equation numbers are the paper's; constants are those
of the authors' program where it departs from the paper.
"""

import numpy as np
from scipy import ndimage

from data_prep.methods.names import METHODS
from data_prep.regions import superpixels
from data_prep.regions.lab import bt709_lab, rgb_to_lab
from data_prep.regions.machine_code import compiled
from data_prep.regions.slic import slic

_PIXELS_PER_SEGMENT = 600
_COMPACTNESS = 20
_BORDER_BAND = 8  # pixels
_FRAME_REACH = 30  # pixels: no frame is thicker
_FRAME_DENSITY = 0.6  # share of edge pixels that makes a row or column a frame's line
_POSITION_SIGMA = 0.4
_BACKGROUND_WEIGHT = 5.0
_CERTAIN_CONNECTIVITY = 3.0
_CERTAIN_WEIGHT = 1000.0
_SMOOTHNESS_FLOOR = 0.1


@METHODS.register("rbd")
def saliency(rgb: np.ndarray) -> np.ndarray:
    """Saliency map of one photo.

    Args:
        rgb: uint8 [H, W, 3], any size from 1x1.

    Returns:
        float32 [H, W] in [0, 1]; 0 on an artificial frame, and everywhere for a plain image.
    """
    top, bottom, left, right = find_frame(rgb)
    inner = rgb[top:bottom, left:right]
    saliency_map = np.zeros(rgb.shape[:2], np.float32)
    labels = _segments(inner)
    values = _segment_saliency(inner, labels)
    saliency_map[top:bottom, left:right] = values.astype(np.float32)[labels]
    return saliency_map


def find_frame(rgb: np.ndarray) -> tuple[int, int, int, int]:
    """Finds an artificial frame: long straight edges parallel to a side and close to it.

    Args:
        rgb: uint8 [H, W, 3].

    Returns:
        (top, bottom, left, right): the photo within the frame is rgb[top:bottom, left:right]. A
        side without a line gets the width of the thickest one found; without any line the whole
        photo is returned, as it is where nothing would remain.
    """
    height, width = rgb.shape[:2]
    edges = _sobel_edges(_grey(rgb))
    sides = (
        edges.mean(axis=1)[:_FRAME_REACH],
        edges.mean(axis=1)[::-1][:_FRAME_REACH],
        edges.mean(axis=0)[:_FRAME_REACH],
        edges.mean(axis=0)[::-1][:_FRAME_REACH],
    )
    lines = [np.flatnonzero(density > _FRAME_DENSITY) for density in sides]
    widths = [int(line[-1]) + 1 if line.size else 0 for line in lines]
    top, bottom, left, right = (w or max(widths) for w in widths)
    if top + bottom >= height or left + right >= width:
        return 0, height, 0, width
    return top, height - bottom, left, width - right


def _grey(rgb: np.ndarray) -> np.ndarray:
    """Luma in [0, 1], rounded to 8-bit steps."""
    return np.round(rgb @ np.array([0.2989, 0.5870, 0.1140])) / 255


def _sobel_edges(grey: np.ndarray) -> np.ndarray:
    """Thin Sobel edges: squared gradient above 4 x its mean, and a ridge along row or column."""
    across = ndimage.sobel(grey, axis=1, mode="nearest") / 8
    down = ndimage.sobel(grey, axis=0, mode="nearest") / 8
    power = across**2 + down**2
    padded = np.pad(power, 1)
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    above, below = padded[:-2, 1:-1], padded[2:, 1:-1]
    ridge = ((left <= power) & (power > right)) | ((above <= power) & (power > below))
    return ridge & (power > 4 * power.mean())


def _segments(rgb: np.ndarray) -> np.ndarray:
    """Superpixels of about 600 pixels: int32 [H, W]."""
    wanted = max(1, int(rgb.shape[0] * rgb.shape[1] / _PIXELS_PER_SEGMENT + 0.5))
    lab = rgb_to_lab(rgb, gamma=2.2)
    return slic(lab, wanted, compactness=_COMPACTNESS, seeding="cells")


def _segment_saliency(rgb: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Saliency in [0, 1] of each superpixel: float64 [N]."""
    lab = bt709_lab(superpixels.region_means(labels, rgb) / 255)
    if len(lab) < 2:
        return np.zeros(len(lab))
    colour = superpixels.pairwise_distance(lab)
    position = superpixels.pairwise_distance(superpixels.region_centres(labels) / labels.shape)
    contacts = ordered_contacts(labels)
    near = contacts > 0
    border = superpixels.boundary_regions(labels, band=_BORDER_BAND)

    clip, geodesic_sigma, smoothness_sigma = adaptive_parameters(near, colour)
    connectivity = boundary_connectivity(near, colour, border, clip, geodesic_sigma)
    background = 1 - np.exp(-(connectivity**2) / 2)
    contrast = weighted_contrast(colour, position, background)
    background[connectivity > _CERTAIN_CONNECTIVITY] = _CERTAIN_WEIGHT
    return superpixels.min_max(
        optimise(contacts, border, colour, smoothness_sigma, background, contrast)
    )


def ordered_contacts(labels: np.ndarray) -> np.ndarray:
    """Touching superpixels, counted once for each order in which they meet.

    Args:
        labels: int [H, W], 0..N-1.

    Returns:
        float64 [N, N], symmetric, diagonal 0: 1 where i only ever lies left of or above j (or only
        right or below), 2 where both occur, 0 where they do not touch along a side.
    """
    met = superpixels.contacts(labels).astype(np.float64)
    return met + met.T


def adaptive_parameters(near: np.ndarray, colour: np.ndarray) -> tuple[float, float, float]:
    """Chooses the scales of colour distance by the photo's own contrast.

    Args:
        near: bool [N, N], touching superpixels, no loops, N >= 2 and connected.
        colour: float64 [N, N], distances of mean colours (Lab).

    Returns:
        (clip, geodesic sigma, smoothness sigma), Lab units: edges shorter than `clip` cost nothing
        on a geodesic path.
    """
    closest = np.where(near, colour, np.inf).min(axis=1).mean()
    closest_of_two_steps = np.where(superpixels.two_step(near), colour, np.inf).min(axis=1).mean()
    edges = np.sort(colour[np.tril(near)])[::-1]
    # The authors round half up; a graph of fewer than 50 edges has no "largest hundredth", and
    # there the single largest edge stands in.
    largest = edges[: max(1, int(0.01 * edges.size + 0.5))].mean()
    geodesic_sigma = max(5.0, min(10.0, 3 * closest, largest / 10))
    return closest_of_two_steps, geodesic_sigma, min(3 * closest, 0.2 * largest, 20.0)


def boundary_connectivity(
    near: np.ndarray, colour: np.ndarray, border: np.ndarray, clip: float, sigma: float
) -> np.ndarray:
    """Length along the image border over the root of the area, both soft (eq. 3-6).

    Args:
        near: bool [N, N], touching superpixels.
        colour: float64 [N, N], colour distances.
        border: bool [N], superpixels at the image border; all of them are linked to each other.
        clip: Colour distance subtracted from every edge (not below 0).
        sigma: Scale at which geodesic distance becomes weight, > 0.

    Returns:
        float64 [N], >= 0; above 1 speaks of background.
    """
    linked = near | np.outer(border, border)
    geodesic = np.where(linked, np.maximum(0, colour - clip), np.inf)
    np.fill_diagonal(geodesic, 0)
    _shorten_paths(geodesic)
    weight = _gaussian(geodesic, sigma)
    return weight[:, border].sum(axis=1) / np.sqrt(weight.sum(axis=1))


@compiled
def _shorten_paths(distance):
    """Floyd-Warshall: turns edge lengths [N, N] (symmetric, inf for no edge) into path lengths."""
    count = distance.shape[0]
    for middle in range(count):
        for start in range(count):
            first = distance[start, middle]
            if first == np.inf:
                continue
            for end in range(count):
                through = first + distance[middle, end]
                distance[start, end] = min(distance[start, end], through)


def _gaussian(distance: np.ndarray, sigma: float) -> np.ndarray:
    """exp(-d^2 / 2 sigma^2), cut to 0 beyond 3 sigma."""
    if sigma == 0:
        return (distance == 0).astype(np.float64)
    return np.where(distance > 3 * sigma, 0.0, np.exp(-(distance**2) / (2 * sigma * sigma)))


def weighted_contrast(
    colour: np.ndarray, position: np.ndarray, background: np.ndarray
) -> np.ndarray:
    """Colour contrast against likely background nearby (eq. 8), without its low half.

    Args:
        colour: float64 [N, N], colour distances.
        position: float64 [N, N], distances of centres in units of the image's sides.
        background: float64 [N] in [0, 1], probability of being background.

    Returns:
        float64 [N] in [0, 1]; values below Otsu's threshold are 0.
    """
    contrast = superpixels.min_max((colour * _gaussian(position, _POSITION_SIGMA)) @ background)
    return np.where(contrast < otsu_threshold(contrast), 0.0, contrast)


def otsu_threshold(values: np.ndarray) -> float:
    """Otsu's threshold over 8-bit levels.

    Args:
        values: float, any shape, in [0, 1].

    Returns:
        Threshold in [0, 1], a whole number of half 255ths: the level (the mean of the levels, if
        several tie) that separates the classes best; 0 where all values are equal.
    """
    share = np.bincount((values * 255 + 0.5).astype(np.int64).ravel(), minlength=256) / values.size
    below = np.cumsum(share)
    moment = np.cumsum(share * np.arange(256))
    inside = (below > 1e-12) & (below < 1 - 1e-12)
    if not inside.any():
        return 0.0
    spread = np.zeros(256)
    spread[inside] = (moment[-1] * below - moment)[inside] ** 2 / (below * (1 - below))[inside]
    return float(np.flatnonzero(spread == spread.max()).mean()) / 255


def optimise(
    contacts: np.ndarray,
    border: np.ndarray,
    colour: np.ndarray,
    sigma: float,
    background: np.ndarray,
    foreground: np.ndarray,
) -> np.ndarray:
    """Minimises background, foreground and smoothness cost together (eq. 9).

    sum_i 5 bg_i s_i^2 + sum_i fg_i (s_i - 1)^2 + 1/2 sum_ij w_ij (s_i - s_j)^2

    Args:
        contacts: float64 [N, N], see `ordered_contacts`; they carry the least smoothness.
        border: bool [N], superpixels at the image border.
        colour: float64 [N, N], colour distances.
        sigma: Scale of colour distance in the smoothness weights, >= 0.
        background: float64 [N], >= 0.
        foreground: float64 [N], >= 0.

    Returns:
        float64 [N], the minimum, in [0, 1].
    """
    linked = superpixels.two_step(contacts > 0) | np.outer(border, border)
    weight = np.where(linked, _gaussian(colour, sigma), 0.0) + _SMOOTHNESS_FLOOR * contacts
    np.fill_diagonal(weight, 0)
    system = np.diag(weight.sum(axis=1) + _BACKGROUND_WEIGHT * background + foreground) - weight
    return np.linalg.solve(system, foreground)
