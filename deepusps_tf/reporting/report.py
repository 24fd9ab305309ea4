"""A run's report: one self-contained HTML page, and the stage table as CSV and JSON."""

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np
from matplotlib.figure import Figure

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from deepusps_tf.data.photo_sets import PhotoSets, open_photos, trained_on
from deepusps_tf.reporting.charts import chart_pixels, error_chart, stage_chart, svg_text
from deepusps_tf.reporting.galleries import (
    Gallery,
    judged_gallery,
    label_gallery,
    picture_uri,
)
from deepusps_tf.reporting.judgement import Judged, Judgement, judge
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
        judged = judge(
            config,
            photos,
            other=other.config if other else None,
            left_out=(other and other.seen) or frozenset(),
        )
        shown = {}
        if other:
            charts.append(_error_chart(config, other, judged))
            shown[charts[-1].title] = chart_pixels(charts[-1].figure)[None]
        first, *extremes = _judged_galleries(judged, TITLES[photos.judged()[0]], other)
        galleries = [first, *extremes, *galleries]
        for gallery in extremes:
            strips = [np.concatenate(cells, axis=1) for _, cells in gallery.rows]
            shown[gallery.title] = np.stack(strips)
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
        values=dataclasses.asdict(config),
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


def _judged_galleries(judged: Judgement, first: str, other: ComparedRun | None) -> list[Gallery]:
    """Shows the first photos, those it fails on and, beside another run, where the two differ."""
    name = other.name if other else None
    unseen = f" on photos that {name} was not trained on" if other and other.seen else ""
    galleries = [
        judged_gallery(first, [pair.ours for pair in judged.first]),
        _beside(f"Where it fails: the largest errors{unseen}", judged.worst, name),
    ]
    if judged.apart:
        title = f"Where it and {name} differ most{unseen}"
        galleries.append(_beside(title, judged.apart, name))
    return galleries


def _beside(title: str, pairs: Sequence[Judged], name: str | None) -> Gallery:
    theirs = [pair.theirs for pair in pairs] if name else []
    return judged_gallery(title, [pair.ours for pair in pairs], theirs, name)


def _error_chart(config: Config, compared: ComparedRun, judged: Judgement) -> Chart:
    """Draws a run's errors against those of another."""
    other, seen = compared.config, compared.seen
    errors, theirs = judged.errors, judged.their_errors
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
    return Chart(f"Errors against {compared.name}", text, chart)


def _after(config: Config) -> str:
    return "after its CRF" if config.crf else "without CRF"


def _svg_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg_text(figure).encode()).decode()
