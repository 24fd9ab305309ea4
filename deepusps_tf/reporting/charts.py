"""Charts of figures: scores by stage, and the errors of two runs photo by photo."""

import dataclasses
import io
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepusps_tf.runs.round_result import JOINT
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.layout import SPLITS
from deepusps_tf.scoring.scores import LABELS, MAP, PLAIN, REFINED

_FUSED = (JOINT, "fusion")  # networks of all methods
_FIGURES = {
    "F at 0.5, of maps at 2 x mean": operator.attrgetter("paper_f"),
    "MAE": operator.attrgetter("scores.mae"),
    "precision at 0.5": operator.attrgetter("scores.precision"),
    "recall at 0.5": operator.attrgetter("scores.recall"),
}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart, and in words what it shows."""

    title: str
    text: str
    figure: Figure

    @property
    def svg(self) -> str:
        """The chart as SVG."""
        return svg_text(self.figure)


class _Look(NamedTuple):
    """How an output is drawn: of a method as a line from the maps on, of all as a mark."""

    line: str
    line_name: str
    mark: str
    mark_name: str


# Labels beside what networks predict (paper, figures 6 and 8).
_LOOKS = {
    LABELS: _Look("-", "labels", "s", "fused labels"),
    REFINED: _Look("--", "predictions + CRF", "*", "fused + CRF"),
    PLAIN: _Look(":", "predictions", "x", "fused"),
}


def stage_chart(rows: Sequence[Figures]) -> Figure:
    """Draws each method's scores from its handcrafted map to its last round, then the fused ones'.

    Where both are scored, held-out photos stand on the left and training photos on the right.

    Args:
        rows: the stage table, not empty.
    """
    methods = list(
        dict.fromkeys(row.subject.method for row in rows if row.subject.method not in _FUSED)
    )
    last = max((row.subject.stage for row in rows if row.subject.method in methods), default=0)
    joint = max((row.subject.stage for row in rows if row.subject.method == JOINT), default=0)
    splits = [split for split in SPLITS if any(row.subject.split == split for row in rows)]
    count = len(splits)
    figure = Figure(figsize=(10, 0.8 + 5.6 * count), layout="constrained")
    grid = figure.subplots(2 * count, 2, sharey="row" if count > 1 else False)
    panels = itertools.product(_FIGURES.items(), splits)
    for axes, ((title, figure_of), split) in zip(grid.flat, panels, strict=True):
        shown = [row for row in rows if row.subject.split == split]
        for number, method in enumerate(methods):
            _draw_method(
                axes,
                [row for row in shown if row.subject.method == method],
                figure_of,
                f"C{number}",
            )
        for row in (row for row in shown if row.subject.method in _FUSED):
            mark = _LOOKS[row.output].mark
            place = last + (row.subject.stage if row.subject.method == JOINT else joint + 1)
            axes.plot([place], [100 * figure_of(row)], mark, color="k", fillstyle="none")
        stages = [f"round {stage}" for stage in range(1, last + 1)]
        stages = ["map", *stages, *(f"joint {stage}" for stage in range(1, joint + 1)), "fused"]
        axes.set_xticks(range(len(stages)), stages)
        axes.tick_params(labelleft=True)  # on the right too
        axes.set_title(f"{SPLITS[split]}: {title}, %")
        axes.grid(alpha=0.3)
    handles = _legend(rows, methods)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw_method(
    axes: Axes, rows: Sequence[Figures], figure_of: Callable[[Figures], float], color: str
) -> None:
    """Draws a dot for a method's map and, from there, a line for each output of its rounds."""
    for output in dict.fromkeys(row.output for row in rows):
        points = {
            row.subject.stage: 100 * figure_of(row) for row in rows if row.output in (MAP, output)
        }
        style = _LOOKS[output].line if output in _LOOKS else ""
        axes.plot(list(points), list(points.values()), f".{style}", color=color)


def _legend(rows: Sequence[Figures], methods: Sequence[str]) -> list[Line2D]:
    """Names what is drawn and nothing else: styles of lines, methods, marks of what is fused."""
    refined = {row.output for row in rows if row.subject.method not in _FUSED}
    fused = {row.output for row in rows if row.subject.method in _FUSED}
    looks = [
        *((look.line_name, "0.4", look.line, "") for out, look in _LOOKS.items() if out in refined),
        *((method, f"C{number}", "-", "") for number, method in enumerate(methods)),
        *((look.mark_name, "k", "", look.mark) for out, look in _LOOKS.items() if out in fused),
    ]
    return [
        Line2D([], [], label=name, color=color, linestyle=line, marker=mark, fillstyle="none")
        for name, color, line, mark in looks
    ]


def error_chart(ours: Sequence[float], theirs: Sequence[float], name: str) -> Figure:
    """Draws the error of each photo here against its error in another run (paper, figure 9).

    Args:
        ours: MAE of each photo, of 0 to 1.
        theirs: the same photos' in the other run.
        name: the other run's.
    """
    figure = Figure(figsize=(5.4, 5), layout="constrained")
    axes = figure.subplots()
    x, y = 100 * np.asarray(ours), 100 * np.asarray(theirs)
    top = 1.05 * max(x.max(), y.max())
    axes.plot([0, top], [0, top], color="0.7")
    axes.plot(x, y, ".", alpha=0.6)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.set_xlabel("MAE of this run, %")
    axes.set_ylabel(f"MAE of {name}, %")
    if len(x) > 2 and x.std() > 0 and y.std() > 0:
        axes.set_title(f"{len(x)} photos, correlation {np.corrcoef(x, y)[0, 1]:.2f}")
    return figure


def svg_text(figure: Figure) -> str:
    """Writes a chart as SVG, the same text for the same chart."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "deepusps_tf", "svg.fonttype": "none"}):
        # Transparent, so that a page can give it a ground of its own.
        metadata = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    return buffer.getvalue()


def chart_pixels(figure: Figure) -> np.ndarray:
    """Paints a chart: RGB, uint8 [H, W, 3]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
