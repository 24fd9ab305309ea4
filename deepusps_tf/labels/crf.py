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


class LatticeCache:
    """Keeps the lattices of photos: they depend on the photo alone and are almost half of the work.

    A field whose unary is set anew returns what a new field would, bit for bit. Every photo asked
    for is kept, `field_bytes` of memory each; it is the caller who bounds them.
    """

    def __init__(self):
        self._fields: dict[tuple, densecrf.DenseCRF2D] = {}

    def __len__(self) -> int:
        """How many photos are kept."""
        return len(self._fields)

    def field(self, rgb: np.ndarray, settings: CrfSettings) -> densecrf.DenseCRF2D:
        """Returns the field of a photo, uint8 [H, W, 3], without its unary."""
        key = (hash_photo(rgb), settings)
        if key not in self._fields:
            self._fields[key] = _make_field(rgb, settings)
        return self._fields[key]


def field_bytes(pixels: int) -> int:
    """Bounds the memory of a photo's lattices, in bytes.

    Photos took 345 to 386 bytes a pixel at 32x32, 119 to 326 at 64x64, 137 to 213 at 160x160 and
    112 to 171 at 432x432; the more, the smaller the bilateral kernel.
    """
    return 2**19 + 215 * pixels


def hash_photo(rgb: np.ndarray) -> tuple[bytes, tuple[int, ...]]:
    """Identifies a photo, uint8 [H, W, 3], by its content."""
    return hashlib.blake2b(np.ascontiguousarray(rgb), digest_size=16).digest(), rgb.shape


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
        rgbim=np.require(rgb, requirements=("C", "W")),
        compat=settings.bilateral_compat,
    )
    return field
