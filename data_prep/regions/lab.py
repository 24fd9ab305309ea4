"""CIELAB, in the two ways the handcrafted methods' programs compute it."""

import numpy as np

from data_prep.regions.machine_code import compiled

# BT.709 primaries to XYZ, each row relative to the D65 white point.
_RGB_TO_XYZ = np.array(
    [
        [0.4339563, 0.3762153, 0.1898430],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0177578, 0.1094756, 0.8728363],
    ]
)


def linear_rgb(values: np.ndarray, *, gamma: float = 2.4) -> np.ndarray:
    """Undoes the sRGB transfer curve.

    Args:
        values: Any shape, gamma-encoded intensities in [0, 1].
        gamma: Exponent of the curve; 2.4 is sRGB's own.

    Returns:
        float64 of the same shape, linear light in [0, 1].
    """
    values = np.asarray(values, np.float64)
    return np.where(values > 0.04045, ((values + 0.055) / 1.055) ** gamma, values / 12.92)


def rgb_to_lab(rgb: np.ndarray, *, gamma: float = 2.4) -> np.ndarray:
    """CIELAB (D65) of 8-bit pixels.

    Args:
        rgb: uint8 [..., 3].
        gamma: Exponent of the sRGB transfer curve. RBD's superpixels use 2.2.

    Returns:
        float32 [..., 3]: L in [0, 100], a and b in about [-110, 110].
    """
    table = linear_rgb(np.arange(256) / 255, gamma=gamma)
    pixels = np.require(rgb, np.uint8, ["C", "W"]).reshape(-1, 3)
    return _lab_of_pixels(pixels, table, _RGB_TO_XYZ).reshape(rgb.shape)


def bt709_lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of real-valued colours, undoing the BT.709 transfer curve.

    RBD and MC put the mean colours of superpixels through this one rather than sRGB's.

    Args:
        rgb: float [N, 3], gamma-encoded, nominally in [0, 1]; MC passes 0..255.

    Returns:
        float64 [N, 3]; for inputs in [0, 1], L in [0, 100], a and b in about [-110, 110].
    """
    light = np.where(rgb < 0.0812428, rgb / 4.5138, ((rgb + 0.099) / 1.099) ** (1 / 0.45))
    return xyz_to_lab(light @ _RGB_TO_XYZ.T)


def xyz_to_lab(xyz: np.ndarray) -> np.ndarray:
    """CIELAB of white-relative tristimulus values.

    Args:
        xyz: float [N, 3], X/Xn, Y/Yn, Z/Zn, each at least 0.

    Returns:
        float64 [N, 3].
    """
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[:, 0], root[:, 1], root[:, 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@compiled
def _lab_of_pixels(pixels, table, matrix):
    """CIELAB of uint8 [P, 3] through a 256-entry table of linear light and a 3x3 matrix."""
    lab = np.empty(pixels.shape, np.float32)
    root = np.empty(3)
    for p in range(pixels.shape[0]):
        r, g, b = table[pixels[p, 0]], table[pixels[p, 1]], table[pixels[p, 2]]
        for k in range(3):
            t = min(matrix[k, 0] * r + matrix[k, 1] * g + matrix[k, 2] * b, 1.0)
            root[k] = np.cbrt(t) if t > 0.008856 else 7.787 * t + 16.0 / 116.0
        lab[p, 0] = 116.0 * root[1] - 16.0
        lab[p, 1] = 500.0 * (root[0] - root[1])
        lab[p, 2] = 200.0 * (root[1] - root[2])
    return lab
