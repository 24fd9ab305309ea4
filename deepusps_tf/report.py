"""A run's report: one self-contained HTML page, and the stage table as CSV and JSON."""

import base64
import csv
import dataclasses
import heapq
from collections.abc import Sequence
from pathlib import Path

import jinja2

from deepusps_tf.charts import error_chart, stage_chart
from deepusps_tf.config import Config
from deepusps_tf.crf_pool import CrfPool
from deepusps_tf.galleries import PHOTOS, Gallery, judged_gallery, label_gallery
from deepusps_tf.photo_errors import judge_photos
from deepusps_tf.photo_sets import PhotoSets, open_photos
from deepusps_tf.records import write_text
from deepusps_tf.rounds import crf_pool
from deepusps_tf.stages import COLUMNS, SPLITS, StageRow, figures, rows_json
from deepusps_tf.workdir import saved_run

TITLES = {split: name.capitalize() for split, name in SPLITS.items()}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A picture with what it shows."""

    title: str
    text: str
    uri: str


def write_report(config: Config, rows: Sequence[StageRow]) -> Path:
    """Writes `<workdir>/report/index.html`, `stages.csv` and `stages.json` of a finished run.

    Args:
        config: of the run; its `compare` may name another run's workdir.
        rows: the stage table; may be empty where no photo has a mask.

    Returns:
        The page's path.

    Raises:
        InputError: where `compare` holds no finished run.
    """
    folder = Path(config.workdir) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.json").write_text(rows_json(rows), encoding="utf-8")
    _write_csv(folder / "stages.csv", rows)
    photos = open_photos(config.records)
    galleries, charts = [label_gallery(config, photos)], []
    if rows:
        charts.append(
            Chart(
                "Scores from stage to stage",
                "How good the labels and what networks predict are, from the handcrafted maps to "
                "the fused network.",
                _svg_uri(stage_chart(rows)),
            )
        )
        with crf_pool(config, one_pass=True) as pool:
            judged, scatter = _judge(config, photos, pool)
        galleries = judged + galleries
        charts += scatter
    tables = {TITLES[split]: [row for row in rows if row.split == split] for split in TITLES}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepusps_tf", "."), autoescape=True, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        title=config.experiment or Path(config.workdir).resolve().name,
        settings=config,
        columns=COLUMNS,
        tables=tables,
        figures=figures,
        charts=charts,
        galleries=galleries,
        photo_count=len(photos.train.ids),
    )
    path = folder / "index.html"
    write_text(str(path), page)
    return path


def _judge(
    config: Config, photos: PhotoSets, pool: CrfPool | None
) -> tuple[list[Gallery], list[Chart]]:
    """Shows the first photos with masks and the worst, and their errors in the compared run."""
    first, worst, errors = [], [], {}
    for photo in judge_photos(config, photos, pool):
        errors[photo.id] = photo.error
        if len(first) < PHOTOS:
            first.append(photo)
        worst = heapq.nlargest(PHOTOS, [*worst, photo], key=lambda judged: judged.error)
    galleries = [
        judged_gallery(TITLES[photos.held_out()[0]], first),
        judged_gallery("Where it fails: the largest errors", worst),
    ]
    if not config.compare:
        return galleries, []
    other = saved_run(dataclasses.replace(config, workdir=config.compare))
    theirs = {photo.id: photo.error for photo in judge_photos(other, photos, pool)}
    name = Path(config.compare).name
    chart = error_chart(list(errors.values()), [theirs[key] for key in errors], name)
    text = f"Each photo's error here and in {config.compare}; on the line they are the same."
    return galleries, [Chart(f"Errors against {name}", text, _svg_uri(chart))]


def _write_csv(path: Path, rows: Sequence[StageRow]) -> None:
    fields = [field.name for field in dataclasses.fields(StageRow) if field.name != "scores"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*fields, "photos", *COLUMNS])
        for row in rows:
            identity = [getattr(row, name) for name in fields]
            writer.writerow([*identity, row.scores.count, *figures(row.scores)])


def _svg_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
