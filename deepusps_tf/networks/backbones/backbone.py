"""What the saliency network needs of a feature network, whoever wrote it."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import keras
import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.layers import LayerFactory
from deepusps_tf.settings.parts import BACKBONES

# What most weights that can be had learned from.
IMAGENET = "the photos of ImageNet with their class labels, which people gave"


def _no_block(layer_name: str) -> None:
    del layer_name


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A feature network, as `--backbone` names it.

    Attributes:
        name: what the model is called: letters, digits, `_`, `.` and `-`.
        build: `build(image, factory)` -> features, a tuple of tensors, finest first; `image` is a
            normalised photo float32 [B, H, W, 3].
        stride: pixels of the photo that a step along its last features stands for: a side of n
            pixels becomes ceil(n / stride).
        head: what follows: "linear" (one convolution on one tensor of features), "skip" (the
            features joined with finer ones, which come first, in a small decoder) or "pyramid"
            (the same with several finer ones, one after another).
        skip_stride: the same as `stride`, of the finer features of the "skip" head; of the
            "pyramid" head a tuple, finest first. Each divides the next.
        mean: of the normalisation (image - mean) / std, per channel, in 0..255 units.
        std: of the normalisation, per channel, in 0..255 units.
        place: `place(model, state, source)` puts every tensor of a weights file into the model's
            layers and returns the names of those left out; `InputError` if they do not fit each
            other. None: no file of another program fits.
        default_weights: where the weights of `pretrained="default"` are; raises `InputError`
            where they have to be fetched by the user. None: there are none.
        default_weights_of: what those learned from, in words; None: not known.
        block_number: in which block, from 0, a layer of that name is; None for the head's, and by
            default for all, so that --frozen_blocks has nothing to freeze.
        head_fan: of the linear head's initial weights, of variance 2 / fan; None for DRN's own
            rule, by which logits start large.
    """

    name: str
    build: Callable[[keras.KerasTensor, LayerFactory], tuple[keras.KerasTensor, ...]]
    stride: int = 8
    head: str = "linear"
    skip_stride: int | tuple[int, ...] | None = None
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    place: Callable[[keras.Model, Mapping[str, np.ndarray], str], list[str]] | None = None
    default_weights: Callable[[], Path] | None = None
    default_weights_of: str | None = None
    block_number: Callable[[str], int | None] = _no_block
    head_fan: int | None = None

    def __post_init__(self):
        # Keras and TensorFlow make names of scopes of it, and refuse others with a traceback.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.name):
            raise InputError(
                f"--backbone: the name {self.name!r} of a Backbone must consist of letters, "
                "digits, _, . and -, and begin with one of the first two"
            )

    @property
    def skip_strides(self) -> tuple[int, ...]:
        """Strides of the finer features, finest first."""
        if self.skip_stride is None:
            return ()
        return self.skip_stride if isinstance(self.skip_stride, tuple) else (self.skip_stride,)

    def find_default_weights(self) -> Path:
        """Finds the weights of `pretrained="default"`.

        Raises:
            InputError: there are none, or they cannot be had.
        """
        if self.default_weights is None:
            raise InputError(
                f"--pretrained=default: {self.name} has no weights of its own; give "
                "--pretrained=none, or a .weights.h5 or .keras file of a trained model"
            )
        return self.default_weights()

    def place_weights(
        self, model: keras.Model, state: Mapping[str, np.ndarray], source: str
    ) -> list[str]:
        """Puts the tensors of another program's file into the model's layers.

        Returns:
            The names of those left out.

        Raises:
            InputError: they do not fit, or no such file does.
        """
        if self.place is None:
            raise InputError(
                f"{source}: {self.name} takes no weights of other programs; give a .weights.h5 "
                "or .keras file of a trained model"
            )
        return self.place(model, state, source)

    def check_features(
        self, image: keras.KerasTensor, features: tuple[keras.KerasTensor, ...]
    ) -> None:
        """Finds features that are not as declared, by which the output would miss photo pixels.

        Args:
            image: the input that the features were built on; its sides may be None.
            features: what `build` gave.

        Raises:
            InputError: naming what is declared and what is there.
        """
        strides = (*self.skip_strides, self.stride)
        if len(features) != len(strides):
            raise InputError(
                f"--backbone={self.name}: gives {len(features)} tensors of features, its "
                f"{self.head} head takes {len(strides)}"
            )
        sides, specs = image.shape[1:3], features
        if None in sides:
            sides = (16 * self.stride, 16 * self.stride)
            photo = keras.KerasTensor((1, *sides, 3))
            specs = keras.Model(image, list(features)).compute_output_spec(photo)
            specs = specs if isinstance(specs, (list, tuple)) else [specs]
        for stride, spec in zip(strides, specs, strict=True):
            wanted = tuple(-(-side // stride) for side in sides)
            if tuple(spec.shape[1:3]) != wanted:
                made, photo = ("x".join(map(str, shape)) for shape in (spec.shape[1:3], sides))
                raise InputError(
                    f"--backbone={self.name}: declares features of stride {stride}, but they are "
                    f"{made} of a photo of {photo}; mend its stride"
                )


def register_family(
    names: Iterable[str], *, features: Callable, place: Callable, default_weights: Callable, **facts
) -> None:
    """Registers the variants of one family of networks.

    Args:
        names: the variants, as `--backbone` names them.
        features: `Backbone.build` with a keyword `variant`.
        place: `Backbone.place` with the same.
        default_weights: `Backbone.default_weights` with the same.
        **facts: the other fields of `Backbone`, alike in all.
    """
    for name in names:
        BACKBONES.register(name)(
            Backbone(
                name=name,
                build=functools.partial(features, variant=name),
                place=functools.partial(place, variant=name),
                default_weights=functools.partial(default_weights, variant=name),
                **facts,
            )
        )
