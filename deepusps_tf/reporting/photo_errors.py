"""How far the fused network is from the truth, photo by photo."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.scoring.scores import PLAIN, REFINED, batch_outputs
from deepusps_tf.settings.config import Config

OUTPUT_NAMES = {PLAIN: "fused", REFINED: "fused + CRF"}


@dataclasses.dataclass(frozen=True)
class JudgedPhoto:
    """One photo with truth, what handcrafted methods and the fused network say of it.

    Attributes:
        id: the photo's.
        rgb: uint8 [S, S, 3].
        maps: float32 [S, S] in [0, 1] by handcrafted method.
        outputs: float32 [S, S] in [0, 1] by name: `fused` and, with a CRF, `fused + CRF`.
        mask: float32 [S, S], 0 or 1.
    """

    id: str
    rgb: np.ndarray
    maps: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    mask: np.ndarray

    @property
    def final(self) -> np.ndarray:
        """The last output."""
        return list(self.outputs.values())[-1]

    @property
    def error(self) -> float:
        """MAE of the last output, of 0 to 1."""
        return float(np.abs(self.final - self.mask).mean())


def judge_photos(
    config: Config, photos: PhotoSets, pool: CrfPool | None, methods: Sequence[str]
) -> Iterator[JudgedPhoto]:
    """Runs the fused network of a finished run over the photos that networks are scored on.

    Args:
        config: of the run whose network judges; also says at what size.
        photos: with masks; may be another run's.
        pool: refines its output, or None.
        methods: handcrafted methods whose maps are given; the photos' records must hold them.

    Yields:
        Each photo, in record order; none where no photo has a mask.
    """
    split, images = photos.judged()
    if images is None:
        return
    network = inference_twin(load_fusion(config))
    labels = [photos.handcrafted(split, method) for method in methods]
    batches = scoring_batches(
        images=images, labels=labels, size=config.size, batch_size=config.batch_size
    )
    for batch in batches.as_numpy_iterator():
        rgb, outputs = batch_outputs(network=network, image=batch["image"], pool=pool)
        for place, photo_id in enumerate(batch["id"]):
            maps = np.moveaxis(batch["labels"][place], -1, 0)
            yield JudgedPhoto(
                id=photo_id.decode(),
                rgb=rgb[place],
                maps=dict(zip(methods, maps, strict=True)),
                outputs={OUTPUT_NAMES[name]: output[place] for name, output in outputs.items()},
                mask=batch["mask"][place, ..., 0],
            )
