"""The photographs behind the embedded sample: where they lie, what is cut out of them, and licences.

All of them come inside the wheels of scikit-image and scikit-learn, so nothing is downloaded. What
their packages say of them:

| Photographs | Origin and licence |
| --- | --- |
| astronaut | NASA, Eileen Collins; public domain |
| hubble | NASA, eXtreme Deep Field; public domain |
| rocket | SpaceX, DSCOVR on Falcon 9; released into the public domain |
| motorcycle | Middlebury 2014 stereo benchmark (Nesic, Westling, Wang, Kitajima, Krathwohl, Scharstein); scikit-image states no licence |
| camera, chelsea, coffee, horse, retina | CC0 by Lav Varshney, Stefan van der Walt, Rachel Michetti, Andreas Preuss, Mikael Häggström |
| brick, gravel | CC0Textures; CC0 |
| grass | DeviantArt, linolafett; CC0 |
| coins | Brooklyn Museum Collection; no known copyright restrictions |
| ihc | CMMI, immunohistochemical staining; no known copyright restrictions |
| moon | scikit-image states neither origin nor licence |
| china | danielbuechele on Flickr; CC BY 2.0 |
| flower | vultilion on Flickr (scikit-learn's note names danielbuechele); CC BY 2.0 |
"""  # noqa: E501

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np

from data_prep.base.errors import InputError
from data_prep.sample.masks import outline_mask

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Photograph:
    """A photograph inside an installed package.

    Attributes:
        package: The import package that carries it.
        path: Its file inside that package.
        split: The only split that may hold its pixels, "train" or "test".
    """

    package: str
    path: str
    split: str


@dataclass(frozen=True)
class Scene:
    """A photograph, or a part of it, that is in the sample as it is.

    Attributes:
        photo: A key of PHOTOGRAPHS.
        outline: The name of its object's outline.
        box: Left, top, right and bottom of the part, in pixels; None for the whole photograph.
    """

    photo: str
    outline: str
    box: Box | None = None


@dataclass(frozen=True)
class CutOut:
    """An object that is pasted on other backgrounds.

    Attributes:
        photo: The photograph that gives its pixels, a key of PHOTOGRAPHS.
        outline: The name of its outline.
        area: The smallest and largest share of the frame it is asked to take.
        cut_sides: Where its photograph's border or `box` cuts it off; it is pasted flush with those
            sides of the frame. Any of "left", "top", "bottom".
        box: The part of the photograph it is cut from; None for the whole.
        turn: The largest rotation either way, in degrees.
        skin: The part of `photo` that is stretched over an outline of another picture, `shape`.
        shape: Height and width of the picture of that outline.
    """

    photo: str
    outline: str
    area: tuple[float, float]
    cut_sides: tuple[str, ...] = ()
    box: Box | None = None
    turn: float = 8.0
    skin: Box | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class Background:
    """A part of a photograph without its object, or a texture.

    Attributes:
        photo: A key of PHOTOGRAPHS.
        box: Left, top, right and bottom, in pixels.
        without: The outline of an object that is painted over from its surroundings, or None.
    """

    photo: str
    box: Box
    without: str | None = None


PHOTOGRAPHS = {
    "astronaut": Photograph("skimage", "data/astronaut.png", "train"),
    "brick": Photograph("skimage", "data/brick.png", "train"),
    "camera": Photograph("skimage", "data/camera.png", "train"),
    "coins": Photograph("skimage", "data/coins.png", "train"),
    "flower": Photograph("sklearn", "datasets/images/flower.jpg", "train"),
    "grass": Photograph("skimage", "data/grass.png", "train"),
    "hubble": Photograph("skimage", "data/hubble_deep_field.jpg", "train"),
    "ihc": Photograph("skimage", "data/ihc.png", "train"),
    "motorcycle": Photograph("skimage", "data/motorcycle_left.png", "train"),
    "retina": Photograph("skimage", "data/retina.jpg", "train"),
    "rocket": Photograph("skimage", "data/rocket.jpg", "train"),
    "chelsea": Photograph("skimage", "data/chelsea.png", "test"),
    "china": Photograph("sklearn", "datasets/images/china.jpg", "test"),
    "coffee": Photograph("skimage", "data/coffee.png", "test"),
    "gravel": Photograph("skimage", "data/gravel.png", "test"),
    "moon": Photograph("skimage", "data/moon.png", "test"),
}

SCENES = (
    Scene("astronaut", "astronaut"),
    Scene("motorcycle", "motorcycle"),
    Scene("flower", "flower", box=(0, 0, 640, 372)),  # without the second flower
    Scene("rocket", "rocket", box=(180, 100, 470, 427)),
    Scene("camera", "cameraman"),
    Scene("coins", "coins"),
    Scene("chelsea", "cat"),
    Scene("coffee", "coffee"),
    Scene("china", "temple"),
)

CUT_OUTS = (
    CutOut("astronaut", "astronaut", area=(0.2, 0.42), cut_sides=("bottom",)),
    CutOut("astronaut", "shuttle", area=(0.08, 0.2), cut_sides=("top",)),
    CutOut("motorcycle", "motorcycle", area=(0.15, 0.35)),
    CutOut("flower", "flower", area=(0.08, 0.4), turn=45.0),
    CutOut("rocket", "rocket", area=(0.05, 0.12), turn=25.0),
    CutOut("camera", "cameraman", area=(0.2, 0.4), cut_sides=("left", "bottom")),
    CutOut("coins", "coins", area=(0.12, 0.35), box=(182, 10, 384, 152), turn=20.0),
    CutOut("coins", "coins", area=(0.12, 0.35), box=(0, 96, 180, 222), turn=20.0),
    CutOut("retina", "retina", area=(0.1, 0.35), turn=45.0),
    CutOut("ihc", "horse", area=(0.12, 0.3), skin=(10, 10, 190, 158), shape=(328, 400)),
    CutOut("chelsea", "cat_head", area=(0.18, 0.42), cut_sides=("top",)),
    CutOut("coffee", "coffee", area=(0.1, 0.4), turn=20.0),
    CutOut(
        "china", "temple", area=(0.15, 0.38), cut_sides=("bottom",), box=(50, 20, 390, 335)
    ),  # down to where trees hide it
)

BACKGROUNDS = (
    Background("astronaut", (0, 0, 150, 145)),
    Background("brick", (0, 0, 512, 512)),
    Background("camera", (345, 0, 512, 390)),
    Background("flower", (0, 0, 160, 427)),
    Background("flower", (452, 0, 640, 370)),
    Background("grass", (0, 0, 512, 512)),
    Background("hubble", (0, 0, 1000, 872)),
    Background("ihc", (0, 0, 512, 512)),
    Background("motorcycle", (0, 0, 330, 140)),
    Background("motorcycle", (592, 0, 741, 260)),
    Background("retina", (330, 300, 1100, 1100)),
    Background("rocket", (95, 60, 560, 427), without="rocket"),
    Background("chelsea", (368, 84, 451, 210)),
    Background("china", (385, 0, 640, 427)),
    Background("coffee", (486, 0, 600, 400)),
    Background("gravel", (0, 0, 512, 512)),
    Background("moon", (0, 0, 512, 512)),
)


@functools.cache
def load_photograph(name: str) -> np.ndarray:
    """Reads a photograph out of the package that carries it.

    Args:
        name: A key of PHOTOGRAPHS.

    Returns:
        RGB, uint8 [height, width, 3], read-only; grey photographs have three equal channels.

    Raises:
        InputError: The installed package does not carry the file.
    """
    photo = PHOTOGRAPHS[name]
    try:
        encoded = resources.files(photo.package).joinpath(photo.path).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise InputError(
            f"{photo.package}/{photo.path}: not among the installed packages;"
            " install the versions that requirements.txt asks for"
        ) from None
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"{photo.package}/{photo.path}: is damaged; reinstall {photo.package}")
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    rgb.setflags(write=False)
    return rgb


def load_scene(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Returns a scene's RGB uint8 [h, w, 3] and truth mask uint8 [h, w] of 0 and 255."""
    rgb = load_photograph(scene.photo)
    height, width = rgb.shape[:2]
    mask = outline_mask(scene.outline, height=height, width=width)
    left, top, right, bottom = scene.box or (0, 0, width, height)
    return rgb[top:bottom, left:right], mask[top:bottom, left:right]


@functools.cache
def load_cut_out(cut_out: CutOut) -> tuple[np.ndarray, np.ndarray]:
    """Returns an object's pixels and mask, cropped to the mask's bounding box.

    Returns:
        RGB uint8 [h, w, 3] and mask uint8 [h, w] of 0 and 255.
    """
    rgb = load_photograph(cut_out.photo)
    if cut_out.skin is not None:
        left, top, right, bottom = cut_out.skin
        rgb = cv2.resize(
            rgb[top:bottom, left:right], cut_out.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
    height, width = rgb.shape[:2]
    left, top, right, bottom = cut_out.box or (0, 0, width, height)
    mask = outline_mask(cut_out.outline, height=height, width=width)[top:bottom, left:right]
    x, y, columns, rows = cv2.boundingRect(mask)
    window = np.s_[y : y + rows, x : x + columns]
    return rgb[top:bottom, left:right][window], mask[window]


@functools.cache
def load_background(background: Background) -> np.ndarray:
    """Returns a background's pixels, RGB uint8 [h, w, 3]."""
    rgb = load_photograph(background.photo)
    left, top, right, bottom = background.box
    if background.without is not None:
        hole = outline_mask(background.without, height=rgb.shape[0], width=rgb.shape[1])
        hole = cv2.dilate(hole, np.ones((9, 9), np.uint8))
        rgb = cv2.inpaint(rgb, hole, 5, cv2.INPAINT_TELEA)
    return rgb[top:bottom, left:right]
