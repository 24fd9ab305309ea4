"""Composites of the embedded sample: real objects on real backgrounds, with exact masks."""

from __future__ import annotations

import math

import cv2
import numpy as np

from data_prep.sample.sources import Background, CutOut, load_background, load_cut_out

MIN_AREA = 0.05
MAX_AREA = 0.45
_LONG_SIDES = (320, 401)
_SHORT_SIDES = (240, 301)
_PORTRAIT_SHARE = 0.25
_LARGEST_SPAN = 0.94  # of the frame's height or width
_MIN_CONTRAST = 18.0  # between the mean CIELAB colours of object and background
_TRIES = 200


def compose(
    rng: np.random.Generator, *, cut_out: CutOut, backgrounds: list[Background]
) -> tuple[np.ndarray, np.ndarray, Background]:
    """Pastes one object on one of the backgrounds.

    Frame, size, place, mirroring, rotation, light and background are drawn at random until the
    object takes MIN_AREA to MAX_AREA of the frame and its mean colour differs from the
    background's. Objects are pasted with a soft edge of about one pixel; the mask is where the
    object makes up half of a pixel or more.

    Args:
        rng: The source of every random choice.
        cut_out: The object.
        backgrounds: Backgrounds to choose from.

    Returns:
        RGB uint8 [h, w, 3], mask uint8 [h, w] of 0 and 255, and the background chosen.

    Raises:
        RuntimeError: No draw met the conditions.
    """
    for _ in range(_TRIES):
        height, width = _draw_frame(rng)
        background = backgrounds[rng.integers(len(backgrounds))]
        ground = _draw_ground(rng, background, height=height, width=width)
        patch, alpha = _draw_object(rng, cut_out, height=height, width=width)
        color, cover = _place(rng, cut_out, patch, alpha, height=height, width=width)
        mask = cover >= 0.5
        if not MIN_AREA <= mask.mean() <= MAX_AREA:
            continue
        rgb = ground * (1 - cover[..., None]) + color * cover[..., None]
        if _contrast(rgb, mask) >= _MIN_CONTRAST:
            return np.rint(rgb * 255).astype(np.uint8), mask.astype(np.uint8) * 255, background
    raise RuntimeError(f"no composite of {cut_out.outline} met the conditions in {_TRIES} tries")


def _draw_frame(rng: np.random.Generator) -> tuple[int, int]:
    width, height = int(rng.integers(*_LONG_SIDES)), int(rng.integers(*_SHORT_SIDES))
    return (width, height) if rng.random() < _PORTRAIT_SHARE else (height, width)


def _draw_ground(
    rng: np.random.Generator, background: Background, *, height: int, width: int
) -> np.ndarray:
    """Crops, mirrors and lights a background: float64 [height, width, 3] in [0, 1]."""
    rgb = load_background(background)
    # A crop of the frame's shape, 60 to 100 % of the largest that fits.
    fit = min(rgb.shape[0] / height, rgb.shape[1] / width) * rng.uniform(0.6, 1.0)
    rows, columns = int(height * fit), int(width * fit)
    top = int(rng.integers(rgb.shape[0] - rows + 1))
    left = int(rng.integers(rgb.shape[1] - columns + 1))
    crop = rgb[top : top + rows, left : left + columns]
    ground = _resize(crop, height=height, width=width) / 255
    if rng.random() < 0.5:
        ground = ground[:, ::-1]
    slope = rng.uniform(-0.15, 0.15, 2)
    light = (
        1 + slope[0] * np.linspace(-1, 1, height)[:, None] + slope[1] * np.linspace(-1, 1, width)
    )
    return np.clip(_tint(rng, ground, strength=0.3) * light[..., None], 0, 1)


def _draw_object(
    rng: np.random.Generator, cut_out: CutOut, *, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scales, mirrors, turns and lights an object: colours [h, w, 3] and alpha [h, w] in [0, 1]."""
    rgb, mask = load_cut_out(cut_out)
    angle = 0.0 if cut_out.cut_sides else rng.uniform(-cut_out.turn, cut_out.turn)
    cosine, sine = math.cos(math.radians(angle)), abs(math.sin(math.radians(angle)))
    rows, columns = mask.shape
    turned_rows, turned_columns = cosine * rows + sine * columns, cosine * columns + sine * rows
    area = rng.uniform(*cut_out.area) * height * width
    scale = min(
        math.sqrt(area / np.count_nonzero(mask)),
        _LARGEST_SPAN * height / turned_rows,
        _LARGEST_SPAN * width / turned_columns,
    )
    alpha = _soft_edge(mask, cut_out.cut_sides)
    size = {"height": max(1, round(rows * scale)), "width": max(1, round(columns * scale))}
    color, alpha = _resize(rgb, **size) / 255, _resize(alpha, **size)
    if angle:
        matrix = cv2.getRotationMatrix2D((size["width"] / 2, size["height"] / 2), angle, 1.0)
        target = (math.ceil(turned_columns * scale), math.ceil(turned_rows * scale))
        matrix[:, 2] += (target[0] - size["width"]) / 2, (target[1] - size["height"]) / 2
        color = cv2.warpAffine(color, matrix, target, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(alpha, matrix, target)
    return np.clip(_tint(rng, color, strength=0.15), 0, 1), np.clip(alpha, 0, 1)


def _soft_edge(mask: np.ndarray, cut_sides: tuple[str, ...]) -> np.ndarray:
    """Turns a mask into an alpha that falls off over a pixel, just inside the outline.

    The outermost pixels are mixed with the photograph's own background, so they get little weight;
    along a cut side the object goes on, so there it stays whole.
    """
    margins = {side: 4 if side in cut_sides else 0 for side in ("top", "bottom", "left")}
    inside = mask.astype(np.float32) / 255
    padded = np.pad(inside, ((margins["top"], margins["bottom"]), (margins["left"], 0)), "edge")
    padded = np.pad(padded, 4)
    blurred = cv2.GaussianBlur(padded, (0, 0), 0.8)
    top, left = 4 + margins["top"], 4 + margins["left"]
    blurred = blurred[top : top + mask.shape[0], left : left + mask.shape[1]]
    return np.clip(1.5 * blurred - 0.5, 0, 1)


def _place(
    rng: np.random.Generator,
    cut_out: CutOut,
    patch: np.ndarray,
    alpha: np.ndarray,
    *,
    height: int,
    width: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Puts an object into an empty frame, near the centre or flush with the sides that cut it."""
    rows, columns = alpha.shape
    free_rows, free_columns = height - rows, width - columns
    top = int(np.clip(free_rows / 2 + rng.normal(0, 0.1) * height, 0, free_rows))
    left = int(np.clip(free_columns / 2 + rng.normal(0, 0.12) * width, 0, free_columns))
    if "top" in cut_out.cut_sides:
        top = 0
    if "bottom" in cut_out.cut_sides:
        top = free_rows
    if "left" in cut_out.cut_sides:
        left = 0
    color = np.zeros((height, width, 3))
    cover = np.zeros((height, width))
    color[top : top + rows, left : left + columns] = patch
    cover[top : top + rows, left : left + columns] = alpha
    if rng.random() < 0.5:
        color, cover = color[:, ::-1], cover[:, ::-1]
    return color, cover


def _tint(rng: np.random.Generator, rgb: np.ndarray, *, strength: float) -> np.ndarray:
    """Changes brightness by up to a fifth and, of grey pictures, the hue by up to `strength`."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
    tone = 1 - strength * rng.random(3)
    is_grey = float(np.ptp(rgb, axis=-1).max()) < 0.02
    return rgb * gain * (tone / tone.mean() if is_grey else 1.0)


def _resize(picture: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Resizes without aliasing: by area means when it shrinks, bicubic when it grows."""
    shrinks = height < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(picture.astype(np.float64), (width, height), interpolation=method)


def _contrast(rgb: np.ndarray, mask: np.ndarray) -> float:
    """Distance of the mean CIELAB colours inside and outside of the mask."""
    lab = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2LAB)
    return float(np.linalg.norm(lab[mask].mean(axis=0) - lab[~mask].mean(axis=0)))
