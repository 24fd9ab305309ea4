"""How HS depends on its base segmentation and constants: nearness to maps of other origin.

python -m benchmarks.hs_segmentations --images=DIR --reference_maps=DIR [--every=20]

<reference_maps>/HS/<id>.png belong to the photos; every n-th of those that have one is measured.
A map of HS is constant on each region of its finest layer, so that the reference maps show the
regions of the program that made them, but for neighbours of equal grey. Columns, means over photos:

regions       of the base segmentation and of the three layers made from it
precision     share of the finest layer's boundary where the reference map changes, to the pixel;
recall        share of the reference map's changes that lie on the finest layer's boundary; both
              leave out where the reference map is black or white
correlation   of the map with the reference map

The last segmentation is the reference map's own flat regions: what the rest of HS makes of a first
layer as good as can be had. Below, the constants are varied on those regions and on HS's own.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import flags
from skimage import measure
from tqdm import tqdm

from benchmarks import base_segmentations
from benchmarks.handcrafted import correlation
from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.methods import hs, hs_layers
from data_prep.pictures import images
from data_prep.pictures.photos import list_photos
from data_prep.regions import superpixels

_SATURATED = (1, 254)  # darkest and brightest levels, where regions cannot be told apart


@dataclass(frozen=True)
class Pair:
    """A photo, uint8 [H, W, 3], and its reference map, uint8 [H, W]."""

    rgb: np.ndarray
    reference: np.ndarray


SEGMENTATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "flat zones (HS)": hs_layers.base_regions,
    "flat zones after mean shift": base_segmentations.smoothed_flat_zones,
    "watershed": base_segmentations.basins,
    "watershed, joined by distance": base_segmentations.basins_joined_by_distance,
    "watershed, joined alike": base_segmentations.basins_joined_alike,
    "pixels joined alike": base_segmentations.felzenszwalb,
}
REFERENCE = "reference maps' flat regions"
CONSTANTS: dict[str, dict[str, object]] = {
    "as in HS": {},
    "regions weigh by size": {"weigh": superpixels.region_sizes},
    "sigma^2 of the paper": {"reach": (0.12, 0.68, 1.32)},
    "lambda 9 of the paper": {"centre_fall": 9.0},
    "all three": {
        "weigh": superpixels.region_sizes,
        "reach": (0.12, 0.68, 1.32),
        "centre_fall": 9.0,
    },
    "beta 0.5, 4, 2": {"cue_weights": (0.5, 4.0, 2.0)},
    "beta 1, 1, 1": {"cue_weights": (1.0, 1.0, 1.0)},
    "ties 8, 8": {"tie_weights": (8.0, 8.0)},
    "ties 2, 2": {"tie_weights": (2.0, 2.0)},
}


def flat_regions(saliency: np.ndarray) -> np.ndarray:
    """4-connected regions of equal grey of a map uint8 [H, W]: int32 [H, W], 0..N-1."""
    return measure.label(saliency, background=-1, connectivity=1).astype(np.int32) - 1


def boundary_agreement(labels: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Precision and recall of region boundaries against changes of a map of the same size.

    Args:
        labels: int [H, W].
        reference: uint8 [H, W]. Pairs of pixels that are both black or white here do not count.

    Returns:
        Both in [0, 1]; 0 where there is no boundary, or no change.
    """
    plain = (reference <= _SATURATED[0]) | (reference >= _SATURATED[1])
    ours, theirs = [], []
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        counted = ~(plain[a] & plain[b])
        ours.append((labels[a] != labels[b])[counted])
        theirs.append((reference[a] != reference[b])[counted])
    ours, theirs = np.concatenate(ours), np.concatenate(theirs)
    shared = np.count_nonzero(ours & theirs)
    return shared / max(1, np.count_nonzero(ours)), shared / max(1, np.count_nonzero(theirs))


def read_pairs(photo_folder: str, reference_folder: str, every: int) -> list[Pair]:
    """Every n-th photo that has a reference map.

    Raises:
        InputError: a folder is missing, no map is named like a photo, or a map's size differs.
    """
    maps = Path(reference_folder) / "HS"
    if not maps.is_dir():
        raise InputError(f"{maps}: no such folder; give --reference_maps a folder that holds HS")
    named = [(photo.path, maps / f"{photo.id}.png") for photo in list_photos(photo_folder)]
    known = [(photo, reference) for photo, reference in named if reference.is_file()]
    if not known:
        raise InputError(f"{maps}: no map is named like a photo; use <photo's id>.png")
    pairs = []
    for photo, path in known[::every]:
        pair = Pair(images.read_rgb(photo), images.read_rgb(path)[..., 0])
        if pair.rgb.shape[:2] != pair.reference.shape:
            raise InputError(f"{path}: size differs from the photo's; give a map of its size")
        pairs.append(pair)
    return pairs


def measure_segmentation(
    segment: Callable[[Pair], np.ndarray], pairs: list[Pair]
) -> tuple[list[float], list[list[np.ndarray]]]:
    """Means over the pairs of the table's columns, and the layers of each photo."""
    rows, layers = [], []
    for pair in tqdm(pairs, unit="photo", leave=False):
        labels = segment(pair)
        layers.append(hs_layers.make_layers(labels, pair.rgb, hs.CONSTANTS.scales))
        saliency = hs.saliency_of_layers(layers[-1], pair.rgb)
        counts = [int(each.max()) + 1 for each in (labels, *layers[-1])]
        agreement = boundary_agreement(layers[-1][0], pair.reference)
        rows.append([*counts, *agreement, correlation(saliency, pair.reference)])
    return np.mean(rows, axis=0).tolist(), layers


def measure_constants(
    constants: hs.Constants, layers: list[list[np.ndarray]], pairs: list[Pair]
) -> float:
    """Mean correlation with the reference maps, the layers being given."""
    return float(
        np.mean(
            [
                correlation(hs.saliency_of_layers(own, pair.rgb, constants), pair.reference)
                for own, pair in zip(layers, pairs, strict=True)
            ]
        )
    )


def define_flags() -> None:
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("reference_maps", None, "Folder with a folder HS of maps.", required=True)
    flags.DEFINE_integer("every", 20, "Measure every n-th photo.", lower_bound=1)


def run(_: list[str]) -> None:
    values = flags.FLAGS
    pairs = read_pairs(values.images, values.reference_maps, values.every)
    cases = {name: lambda pair, f=f: f(pair.rgb) for name, f in SEGMENTATIONS.items()}
    cases[REFERENCE] = lambda pair: flat_regions(pair.reference)
    layers = {}
    print(f"{len(pairs)} photos{'':22}regions   layers{'':10}precision  recall  correlation")
    for name, segment in cases.items():
        row, layers[name] = measure_segmentation(segment, pairs)
        print("{:<31}{:8.0f}{:7.0f}{:5.0f}{:4.0f}{:11.3f}{:8.3f}{:13.4f}".format(name, *row))
    own = next(iter(SEGMENTATIONS))
    print(f"\n{'constants, correlation':<31}{'flat zones':>12}{'reference':>12}")
    for name, changes in CONSTANTS.items():
        constants = dataclasses.replace(hs.CONSTANTS, **changes)
        scores = [measure_constants(constants, layers[k], pairs) for k in (own, REFERENCE)]
        print("{:<31}{:12.4f}{:12.4f}".format(name, *scores), flush=True)


if __name__ == "__main__":
    define_flags()
    start(run)
