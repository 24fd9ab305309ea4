"""Refines a saliency map with a fully connected CRF. Free of TensorFlow: it runs in workers."""

import dataclasses
import hashlib

import numpy as np
from pydensecrf import densecrf

# A probability of exactly 0 or 1 would give an infinite unary energy.
_CLIP = 1e-5


@dataclasses.dataclass(frozen=True)
class CrfSettings:
    """Constants of the dense CRF (Krahenbuhl & Koltun, 2011), as in the authors' release.

    The spatial ones (`*_sxy`) are pixels of a map of `RELEASE_SIDE`; `refine` scales them to the
    size of the map it is given. At 160 pixels the unscaled kernels reach across whole objects and
    eat half of them.
    """

    iterations: int = 5
    gaussian_sxy: float = 3.0
    gaussian_compat: float = 3.0
    bilateral_sxy: float = 80.0
    bilateral_srgb: float = 13.0
    bilateral_compat: float = 10.0


RELEASE_SETTINGS = CrfSettings()
RELEASE_SIDE = 432
BYTES_PER_PIXEL = 120  # of a kept field, measured on photos


class LatticeCache:
    """Keeps the lattices of photos: they depend on the photo alone and are almost half of the work.

    A field whose unary is set anew returns what a new field would, bit for bit. When the budget is
    spent no more are kept: every epoch comes back to every photo, so throwing out one for another
    would gain nothing.

    Args:
        budget: bytes of lattices kept; 0 keeps none.
    """

    def __init__(self, budget: int):
        self._room = budget // BYTES_PER_PIXEL
        self._fields: dict[tuple, densecrf.DenseCRF2D] = {}

    def __len__(self) -> int:
        """How many photos are kept."""
        return len(self._fields)

    def field(self, rgb: np.ndarray, settings: CrfSettings) -> densecrf.DenseCRF2D:
        """Returns the field of a photo, uint8 [H, W, 3], without its unary."""
        key = (hashlib.blake2b(np.ascontiguousarray(rgb)).digest(), rgb.shape, settings)
        if key in self._fields:
            return self._fields[key]
        field = _make_field(rgb, settings)
        pixels = rgb.shape[0] * rgb.shape[1]
        if pixels <= self._room:
            self._room -= pixels
            self._fields[key] = field
        return field


def refine(
    rgb: np.ndarray,
    probability: np.ndarray,
    settings: CrfSettings = RELEASE_SETTINGS,
    lattices: LatticeCache | None = None,
) -> np.ndarray:
    """Mean-field inference with unary -log p, a Gaussian and a bilateral pairwise term.

    Args:
        rgb: uint8 [H, W, 3].
        probability: float [H, W] in [0, 1], the foreground's.
        settings: the CRF's constants.
        lattices: where lattices of photos seen before are kept; the result is the same.

    Returns:
        float32 [H, W] in [0, 1].
    """
    foreground = np.clip(probability.astype(np.float32), _CLIP, 1 - _CLIP)
    unary = -np.log(np.stack([1 - foreground, foreground]).reshape(2, -1))
    field = _make_field(rgb, settings) if lattices is None else lattices.field(rgb, settings)
    field.setUnaryEnergy(np.ascontiguousarray(unary))
    marginals = np.asarray(field.inference(settings.iterations), dtype=np.float32)
    return marginals[1].reshape(probability.shape)


def _make_field(rgb: np.ndarray, settings: CrfSettings) -> densecrf.DenseCRF2D:
    """Builds both pairwise terms of a photo."""
    height, width = rgb.shape[:2]
    scale = (height * width) ** 0.5 / RELEASE_SIDE
    field = densecrf.DenseCRF2D(width, height, 2)
    field.addPairwiseGaussian(sxy=settings.gaussian_sxy * scale, compat=settings.gaussian_compat)
    field.addPairwiseBilateral(
        sxy=settings.bilateral_sxy * scale,
        srgb=settings.bilateral_srgb,
        rgbim=np.ascontiguousarray(rgb),
        compat=settings.bilateral_compat,
    )
    return field
