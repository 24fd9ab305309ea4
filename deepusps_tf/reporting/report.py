"""A run's report: one self-contained HTML page, and the stage table as CSV and JSON."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_prep.base.files import write_text
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.reporting.charts import Chart, chart_pixels, stage_chart
from deepusps_tf.reporting.compared_run import ComparedRun, compared_run, errors_compared
from deepusps_tf.reporting.contact_sheet import LOOK, choose_photos, contact_sheet
from deepusps_tf.reporting.curves import run_curves
from deepusps_tf.reporting.final_masks import MASKS, final_model, find_masks
from deepusps_tf.reporting.findings import findings
from deepusps_tf.reporting.galleries import (
    Gallery,
    disagreement_gallery,
    judged_gallery,
    label_gallery,
)
from deepusps_tf.reporting.judgement import Judged, Judgement, judge
from deepusps_tf.reporting.label_agreement import agreement, compared_versions
from deepusps_tf.reporting.label_history import label_histories
from deepusps_tf.reporting.page import Page, page_text
from deepusps_tf.reporting.run_facts import own_evaluations
from deepusps_tf.reporting.run_summary import summarise
from deepusps_tf.reporting.tables import TITLES, figure_tables, label_table
from deepusps_tf.reporting.verdict import (
    telling_figures,
    verdict_by_masks,
    verdict_without_masks,
)
from deepusps_tf.runs.chosen import run_photos
from deepusps_tf.runs.round_result import JOINT, is_finished, read_figures
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.layout import stages_csv
from deepusps_tf.scoring.store import figures_json
from deepusps_tf.settings.config import Config
from deepusps_tf.training.tensorboard import write_pictures


def write_report(config: Config, rows: Sequence[Figures]) -> Path:
    """Writes `<workdir>/report/index.html`, `stages.csv` and `stages.json` of a finished run.

    `masks.npz` beside them keeps what the final model found in the photos that are shown.

    Args:
        config: of the run; its `compare` may name another run's workdir.
        rows: the stage table; may be empty where no photo has a mask.

    Returns:
        The page's path.

    Raises:
        InputError: where the run is not finished, `compare` holds no finished run, or there is no
            photo to compare by, with a mask and not trained on there.
    """
    folder = Path(config.workdir) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.json").write_text(figures_json(rows), encoding="utf-8")
    lines = stages_csv(rows)
    (folder / "stages.csv").write_text(lines, encoding="utf-8", newline="\r\n")
    photos = run_photos(config)
    other = compared_run(config, photos)
    judged = None
    if photos.masked():
        left_out = (other and other.seen) or frozenset()
        theirs = other.config if other else None
        judged = judge(config, photos, other=theirs, left_out=left_out)
    page = _page(config, rows, photos, judged, other)
    path = folder / "index.html"
    write_text(str(path), page_text(page))
    return path


def _page(
    config: Config,
    rows: Sequence[Figures],
    photos: PhotoSets,
    judged: Judgement | None,
    other: ComparedRun | None,
) -> Page:
    """Collects what the page shows."""
    histories = label_histories(config, photos)
    compared = compared_versions(histories)
    agreed = agreement(photos.train, compared, config.in_rounds.size)
    chosen = choose_photos(photos, judged, agreed)
    least = agreed.least(LOOK) if agreed else []
    disputed = [(photos.train, place) for place in least]
    model = final_model(config)
    cache = Path(config.workdir) / "report" / MASKS
    found = find_masks(model, [*chosen.random, *chosen.look, *disputed], cache)
    shown = len(chosen.random) + len(chosen.look)
    galleries = []
    if agreed:
        joint = [("joint labels", each.last) for each in histories if each.method == JOINT]
        galleries.append(
            disagreement_gallery(
                versions=[*compared, *joint],
                images=photos.train,
                places=least,
                shares=[float(agreed.of_photos[place]) for place in least],
                found=found[shown:],
                size=config.in_rounds.size,
            )
        )
    charts = []
    if judged:
        extremes = _extremes(judged, other)
        galleries = [*extremes, *galleries, _first(judged, photos)]
        charts = [errors_compared(config, other, judged)] if other else []
        _show_in_tensorboard(config, extremes, charts)
    galleries.append(label_gallery(histories, photos.train, config.size))
    fusion = _last_training(config)
    wrong = findings(
        histories=histories,
        agreement=agreed,
        fusion=fusion,
        masks=[photo.mask for photo in found[: len(chosen.random)]],
        rows=rows,
        collapse_warning=config.collapse_warning,
    )
    scored = telling_figures(config, rows)
    if scored:
        errors, oracle = judged.errors if judged else {}, config.oracle != "none"
        verdict = verdict_by_masks(scored, errors=errors, found=wrong, oracle=oracle)
    else:
        verdict = verdict_without_masks(histories=histories, agreement=agreed, found=wrong)
    return Page(
        config=config,
        verdict=verdict,
        summary=summarise(config, model.path, len(photos.train.ids), scored=bool(scored)),
        sheet=contact_sheet(chosen, found[:shown]),
        findings=wrong,
        label_table=label_table(histories, agreed),
        galleries=galleries,
        curves=run_curves(histories, fusion),
        charts=[*_stages(rows), *charts],
        tables=figure_tables(rows, own_evaluations(config)),
    )


def _last_training(config: Config):
    folder = Path(config.workdir) / "fusion"
    return read_figures(folder) if is_finished(folder) else None


def _stages(rows: Sequence[Figures]) -> list[Chart]:
    if not rows:
        return []
    text = (
        "How good the labels and what networks predict are, from the handcrafted maps to the fused "
        "network."
    )
    return [Chart("Scores from stage to stage", text, stage_chart(rows))]


def _first(judged: Judgement, photos: PhotoSets) -> Gallery:
    """The first photos with masks."""
    text = "Does the network find what the maps miss? Does the CRF mend its edges?"
    title = TITLES[photos.judged()[0]]
    return judged_gallery(title, text, [pair.ours for pair in judged.first])


def _extremes(judged: Judgement, other: ComparedRun | None) -> list[Gallery]:
    """Shows the photos that a run fails on and, beside another run, where the two differ."""
    name = other.name if other else None
    unseen = f" on photos that {name} was not trained on" if other and other.seen else ""
    title, text = "Where it fails: the largest errors", "What do these photos have in common?"
    galleries = [_beside(f"{title}{unseen}", text, judged.worst, name)]
    if judged.apart:
        title = f"Where it and {name} differ most{unseen}"
        text = "First those that this run does better, then those that it does worse."
        galleries.append(_beside(title, text, judged.apart, name))
    return galleries


def _beside(title: str, text: str, pairs: Sequence[Judged], name: str | None) -> Gallery:
    theirs = [pair.theirs for pair in pairs] if name else []
    return judged_gallery(title, text, [pair.ours for pair in pairs], theirs, name)


def _show_in_tensorboard(
    config: Config, extremes: Sequence[Gallery], charts: Sequence[Chart]
) -> None:
    shown = {chart.title: chart_pixels(chart.figure)[None] for chart in charts}
    for gallery in extremes:
        strips = [np.concatenate(cells, axis=1) for _, cells in gallery.rows]
        shown[gallery.title] = np.stack(strips)
    write_pictures(Path(config.workdir) / "logs/fusion/stages", 1, shown)
