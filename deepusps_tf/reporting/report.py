"""A run's report: one self-contained HTML page, and the stage table as CSV and JSON."""

import base64
import dataclasses
import heapq
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np
from matplotlib.figure import Figure

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from deepusps_tf.data.photo_sets import PhotoSets, open_photos, trained_on
from deepusps_tf.labels.crf_pool import start_crf
from deepusps_tf.reporting.charts import chart_pixels, error_chart, stage_chart, svg_text
from deepusps_tf.reporting.galleries import (
    PHOTOS,
    Gallery,
    OtherMaps,
    judged_gallery,
    label_gallery,
    picture_uri,
)
from deepusps_tf.reporting.photo_errors import JudgedPhoto, judge_photos
from deepusps_tf.runs.label_versions import read_versions
from deepusps_tf.runs.workdir import rounds_note, saved_run
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.layout import (
    BORDER_COLUMNS,
    SPLITS,
    percentages,
    shown_columns,
    stages_csv,
)
from deepusps_tf.scoring.store import figures_json
from deepusps_tf.settings.config import Config
from deepusps_tf.training.tensorboard import write_pictures

TITLES = {split: name.capitalize() for split, name in SPLITS.items()}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart with what it shows."""

    title: str
    text: str
    figure: Figure


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """Another run, and the photos to compare by that it was trained on, None where not known."""

    config: Config
    seen: frozenset[str] | None

    @property
    def name(self) -> str:
        """What charts and galleries call it."""
        return Path(self.config.workdir).name


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A run's photos with masks: the first, those with the largest errors, and all errors by id."""

    first: list[JudgedPhoto]
    worst: list[JudgedPhoto]
    errors: dict[str, float]


def write_report(config: Config, rows: Sequence[Figures]) -> Path:
    """Writes `<workdir>/report/index.html`, `stages.csv` and `stages.json` of a finished run.

    Args:
        config: of the run; its `compare` may name another run's workdir.
        rows: the stage table; may be empty where no photo has a mask.

    Returns:
        The page's path.

    Raises:
        InputError: where `compare` holds no finished run, or there is no photo to compare by, with
            a mask and not trained on there.
    """
    folder = Path(config.workdir) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.json").write_text(figures_json(rows), encoding="utf-8")
    lines = stages_csv(rows)
    (folder / "stages.csv").write_text(lines, encoding="utf-8", newline="\r\n")
    photos = open_photos(config.records, read_versions(config.workdir))
    other = _compared_run(config, photos)
    galleries, charts = [label_gallery(config, photos)], []
    if rows:
        charts.append(
            Chart(
                "Scores from stage to stage",
                "How good the labels and what networks predict are, from the handcrafted maps to "
                "the fused network.",
                stage_chart(rows),
            )
        )
    if photos.masked():
        judged = _judge(config, photos, left_out=other.seen if other else None)
        beside, shown = None, {}
        if other:
            chart, beside = _compare(config, other, photos, judged)
            charts.append(chart)
            shown[chart.title] = chart_pixels(chart.figure)[None]
        first = judged_gallery(TITLES[photos.judged()[0]], judged.first)
        worst = judged_gallery(_worst_title(other), judged.worst, beside)
        galleries = [first, worst, *galleries]
        strips = [np.concatenate(cells, axis=1) for _, cells in worst.rows]
        shown[worst.title] = np.stack(strips)
        write_pictures(Path(config.workdir) / "logs/fusion/stages", 1, shown)
    page = _page(config, rows, charts, galleries, len(photos.train.ids))
    path = folder / "index.html"
    write_text(str(path), page)
    return path


def _page(
    config: Config,
    rows: Sequence[Figures],
    charts: Sequence[Chart],
    galleries: Sequence[Gallery],
    photo_count: int,
) -> str:
    """Lays the page out."""
    tables = {
        TITLES[split]: [row for row in rows if row.subject.split == split] for split in TITLES
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepusps_tf.reporting", "."), autoescape=True, trim_blocks=True
    )
    environment.filters |= {"picture_uri": picture_uri, "svg_uri": _svg_uri}
    return environment.get_template("report.html.jinja").render(
        title=config.experiment or Path(config.workdir).resolve().name,
        settings=config,
        rounds_note=rounds_note(config),
        tables=tables,
        shown_columns=shown_columns,
        shows_border=bool(BORDER_COLUMNS.keys() & shown_columns(rows).keys()),
        percentages=percentages,
        charts=charts,
        galleries=galleries,
        photo_count=photo_count,
    )


def _compared_run(config: Config, photos: PhotoSets) -> ComparedRun | None:
    """Reads the settings of the run that `compare` names, where it names one, and its photos."""
    if not config.compare:
        return None
    if not photos.masked():
        raise InputError(
            f"{config.records}: no photos with masks to compare runs on; "
            "choose other --records, or leave --compare out"
        )
    # With records of its own.
    other = saved_run(
        Config(mode="report", workdir=config.compare, crf_processes=config.crf_processes)
    )
    split, images = photos.judged()
    if split == "train" and config.oracle != "none":
        raise InputError(
            f"{config.workdir}: was trained on the truth of all photos that it would be compared "
            "by; leave --compare out"
        )
    if split == "train" and other.oracle == "none":
        return ComparedRun(other, frozenset())  # as unfair to both: this one was trained on all
    seen = trained_on(other.records, images)
    if seen == frozenset(images.ids):
        raise InputError(
            f"{config.compare}: was trained on all photos that it would be compared by; "
            "choose other --records, or leave --compare out"
        )
    return ComparedRun(other, seen)


def _judge(config: Config, photos: PhotoSets, *, left_out: frozenset[str] | None) -> Judgement:
    """Judges a run's photos with masks; those `left_out` are not among the worst."""
    first, worst, errors = [], [], {}
    with start_crf(config, one_pass=True) as pool:
        for photo in judge_photos(config, photos, pool, config.method_names):
            errors[photo.id] = photo.error
            if len(first) < PHOTOS:
                first.append(photo)
            if photo.id not in (left_out or ()):
                worst = heapq.nlargest(PHOTOS, [*worst, photo], key=lambda judged: judged.error)
    return Judgement(first, worst, errors)


def _worst_title(other: ComparedRun | None) -> str:
    title = "Where it fails: the largest errors"
    return (
        f"{title} on photos that {other.name} was not trained on" if other and other.seen else title
    )


def _compare(
    config: Config, compared: ComparedRun, photos: PhotoSets, judged: Judgement
) -> tuple[Chart, OtherMaps]:
    """Draws a run's errors against those of another, which is judged after a CRF of its own.

    Returns:
        The chart, and the other's maps of the photos with this run's largest errors.
    """
    other, seen, errors = compared.config, compared.seen, judged.errors
    theirs, maps = {}, {photo.id: None for photo in judged.worst}
    with start_crf(other, one_pass=True) as pool:
        for photo in judge_photos(other, photos, pool, config.method_names):
            theirs[photo.id] = photo.error
            if photo.id in maps:
                maps[photo.id] = photo.final
    keys = [key for key in errors if key not in (seen or ())]
    chart = error_chart([errors[key] for key in keys], [theirs[key] for key in keys], compared.name)
    text = (
        f"Each photo's error here, {_after(config)}, and in {other.workdir}, {_after(other)}; "
        "on the line they are the same."
    )
    if seen is None:
        text += (
            f" Whether that run was trained on some of them is not known: {other.records}, its "
            "records, are no longer there."
        )
    elif seen:
        text += f" Left out: {len(seen)} of {len(errors)} photos, which that run was trained on."
    return Chart(f"Errors against {compared.name}", text, chart), OtherMaps(compared.name, maps)


def _after(config: Config) -> str:
    return "after its CRF" if config.crf else "without CRF"


def _svg_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg_text(figure).encode()).decode()
