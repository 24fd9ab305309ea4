"""A run's report: one self-contained HTML page, and the stage table as CSV and JSON."""

import base64
import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import jinja2
import numpy as np

from deepusps_tf.config import Config
from deepusps_tf.crf import CrfSettings, refine
from deepusps_tf.dataset import scoring_batches
from deepusps_tf.evaluate import predict_set
from deepusps_tf.photo_sets import PhotoSets, open_photos
from deepusps_tf.round_result import is_finished, read_result
from deepusps_tf.stages import COLUMNS, StageRow, figures, rows_json
from deepusps_tf.train import load_fusion

PHOTOS = 8
TITLES = {"test": "Held-out photos", "train": "Training photos"}


@dataclasses.dataclass(frozen=True)
class Gallery:
    """A grid of pictures: a title, what each column shows, and rows of data URIs."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def write_report(config: Config, rows: Sequence[StageRow]) -> Path:
    """Writes `<workdir>/report/index.html`, `stages.csv` and `stages.json` of a finished run.

    Args:
        config: of the run.
        rows: the stage table; may be empty where no photo has a mask.

    Returns:
        The page's path.
    """
    folder = Path(config.workdir) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.json").write_text(rows_json(rows), encoding="utf-8")
    _write_csv(folder / "stages.csv", rows)
    photos = open_photos(config.records)
    galleries = [_label_gallery(config, photos)]
    if photos.test is not None:
        galleries.insert(0, _test_gallery(config, photos))
    tables = {TITLES[split]: [row for row in rows if row.split == split] for split in TITLES}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepusps_tf", "."), autoescape=True, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        title=Path(config.workdir).name,
        settings=config,
        columns=COLUMNS,
        tables=tables,
        figures=figures,
        galleries=galleries,
        photo_count=len(photos.train.ids),
    )
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _write_csv(path: Path, rows: Sequence[StageRow]) -> None:
    fields = [field.name for field in dataclasses.fields(StageRow) if field.name != "scores"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*fields, "photos", *COLUMNS])
        for row in rows:
            identity = [getattr(row, name) for name in fields]
            writer.writerow([*identity, row.scores.count, *figures(row.scores)])


def _test_gallery(config: Config, photos: PhotoSets) -> Gallery:
    """Test photos beside their handcrafted maps, the fused prediction, its CRF and the truth."""
    images = photos.test
    labels = [photos.handcrafted("test", name) for name in config.methods]
    batch = next(
        iter(scoring_batches(images=images, labels=labels, size=config.size, batch_size=PHOTOS))
    )
    network = load_fusion(config)
    predictions = predict_set(network=network, images=images, size=config.size, batch_size=PHOTOS)
    fused = next(iter(predictions))
    outputs = {"fused": fused.probability}
    if config.crf:
        settings = CrfSettings(iterations=config.crf_iterations)
        pairs = zip(fused.rgb, fused.probability, strict=True)
        outputs["fused + CRF"] = [refine(rgb, map_, settings) for rgb, map_ in pairs]
    masks = batch["mask"].numpy()
    rows = []
    for place, photo in enumerate(batch["image"].numpy()):
        maps = np.moveaxis(batch["labels"].numpy()[place], -1, 0)
        shown = [output[place] for output in outputs.values()]
        cells = [photo / 255, *maps, *shown, masks[place, ..., 0]]
        rows.append([_data_uri(cell) for cell in cells])
    columns = ["photo", *(f"{name} map" for name in config.methods), *outputs, "truth"]
    return Gallery("Held-out photos", columns, rows)


def _label_gallery(config: Config, photos: PhotoSets) -> Gallery:
    """How the labels of training photos change from the handcrafted map to the last round."""
    images = photos.train
    columns, labels = ["photo"], []
    for method in config.methods:
        labels.append(photos.handcrafted("train", method))
        columns.append(f"{method} map")
        for number in range(1, config.rounds + 1):
            folder = Path(config.workdir) / method / f"round{number}"
            if not is_finished(folder):
                break  # the labels were stable before
            labels.append(read_result(folder, images).labels)
            columns.append(f"{method} {number}")
    batch = next(
        iter(scoring_batches(images=images, labels=labels, size=config.size, batch_size=PHOTOS))
    )
    rows = []
    for photo, maps in zip(batch["image"].numpy(), batch["labels"].numpy(), strict=True):
        rows.append([_data_uri(cell) for cell in [photo / 255, *np.moveaxis(maps, -1, 0)]])
    return Gallery("Training labels, round by round", columns, rows)


def _data_uri(cell: np.ndarray) -> str:
    """Encodes a picture in [0, 1], float [S, S] or [S, S, 3], as a small JPEG data URI."""
    pixels = np.rint(np.clip(cell, 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    pixels = cv2.resize(pixels, (160, 160), interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
