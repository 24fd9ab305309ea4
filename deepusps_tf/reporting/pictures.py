"""Pictures of a report: cutouts on a checkerboard, and pictures as data URIs."""

import base64

import cv2
import numpy as np

_TILE, _DARK, _LIGHT = 12, 196, 226  # of the checkerboard, in pixels and grey levels


def on_checkerboard(rgb: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Shows a cutout as picture programs do: on a checkerboard.

    Args:
        rgb: uint8 [H, W, 3].
        opacity: uint8 [H, W].

    Returns:
        uint8 [H, W, 3].
    """
    rows, columns = np.indices(opacity.shape) // _TILE
    board = np.where((rows + columns) % 2, _DARK, _LIGHT)[..., None]
    share = opacity[..., None] / 255
    return np.rint(share * rgb + (1 - share) * board).astype(np.uint8)


def jpeg_uri(rgb: np.ndarray) -> str:
    """Encodes a picture, uint8 [H, W, 3], as a JPEG data URI."""
    pixels = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return _uri("image/jpeg", data.tobytes())


def mask_uri(mask: np.ndarray) -> str:
    """Encodes a mask, bool [H, W], as a data URI of a PNG of one bit a pixel."""
    options = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9]
    data = cv2.imencode(".png", np.where(mask, np.uint8(255), np.uint8(0)), options)[1]
    return _uri("image/png", data.tobytes())


def svg_uri(svg: str) -> str:
    """Makes a data URI of the text of an SVG."""
    return _uri("image/svg+xml", svg.encode())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
