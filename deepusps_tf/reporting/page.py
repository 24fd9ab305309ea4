"""The page of a report: what it shows, laid out by the templates beside this module."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jinja2

from data_prep.records.choices import in_words
from deepusps_tf.reporting.charts import Chart
from deepusps_tf.reporting.contact_sheet import ContactSheet
from deepusps_tf.reporting.findings import Finding
from deepusps_tf.reporting.galleries import Gallery
from deepusps_tf.reporting.pictures import jpeg_uri, mask_uri, on_checkerboard, svg_uri
from deepusps_tf.reporting.run_summary import RunSummary
from deepusps_tf.reporting.tables import Table
from deepusps_tf.reporting.verdict import Verdict
from deepusps_tf.runs.chosen import taken_choices
from deepusps_tf.runs.workdir import rounds_note
from deepusps_tf.settings.config import Config


@dataclasses.dataclass(frozen=True)
class Page:
    """What a report shows, in the order of the page.

    Attributes:
        config: the run's settings, which also name it.
        verdict: whether it is good.
        summary: when and with what it was made, and what to do next.
        sheet: photos as the final model sees them.
        findings: what looks wrong.
        label_table: how labels moved and agree.
        galleries: pictures to look at.
        curves: of losses and coverage.
        charts: of figures.
        tables: of figures.
    """

    config: Config
    verdict: Verdict
    summary: RunSummary
    sheet: ContactSheet
    findings: Sequence[Finding]
    label_table: Table
    galleries: Sequence[Gallery]
    curves: Sequence[Chart]
    charts: Sequence[Chart]
    tables: Sequence[Table]


def page_text(page: Page) -> str:
    """Writes a page as one HTML file that needs no other and no script."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepusps_tf.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"jpeg_uri": jpeg_uri, "mask_uri": mask_uri, "svg_uri": svg_uri}
    config = page.config
    parts = {field.name: getattr(page, field.name) for field in dataclasses.fields(page)}
    return environment.get_template("page.html.jinja").render(
        **parts,
        title=config.experiment or Path(config.workdir).resolve().name,
        settings=dataclasses.asdict(config),
        rounds_note=rounds_note(config),
        choices=in_words(taken_choices(config.workdir)),
        on_checkerboard=on_checkerboard,
    )
