"""Refines a saliency map with a fully connected CRF. Free of TensorFlow: it runs in workers."""

import dataclasses

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


def refine(
    rgb: np.ndarray, probability: np.ndarray, settings: CrfSettings = RELEASE_SETTINGS
) -> np.ndarray:
    """Mean-field inference with unary -log p, a Gaussian and a bilateral pairwise term.

    Args:
        rgb: uint8 [H, W, 3].
        probability: float [H, W] in [0, 1], the foreground's.
        settings: the CRF's constants.

    Returns:
        float32 [H, W] in [0, 1].
    """
    height, width = probability.shape
    scale = (height * width) ** 0.5 / RELEASE_SIDE
    foreground = np.clip(probability.astype(np.float32), _CLIP, 1 - _CLIP)
    unary = -np.log(np.stack([1 - foreground, foreground]).reshape(2, -1))
    field = densecrf.DenseCRF2D(width, height, 2)
    field.setUnaryEnergy(np.ascontiguousarray(unary))
    field.addPairwiseGaussian(sxy=settings.gaussian_sxy * scale, compat=settings.gaussian_compat)
    field.addPairwiseBilateral(
        sxy=settings.bilateral_sxy * scale,
        srgb=settings.bilateral_srgb,
        rgbim=np.ascontiguousarray(rgb),
        compat=settings.bilateral_compat,
    )
    marginals = np.asarray(field.inference(settings.iterations), dtype=np.float32)
    return marginals[1].reshape(height, width)
