"""Charts of a run as SVG: scores by stage, and the errors of two runs photo by photo."""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from deepusps_tf.stages import StageRow

_PANELS = {"F at 0.5": "f_fixed", "MAE": "mae", "precision": "precision", "recall": "recall"}
# Labels of training photos and what networks make of held-out ones (paper, figures 6 and 8).
_LINES = (
    ("train", ("map", "labels"), "-", "labels of training photos"),
    ("test", ("map", "prediction + CRF"), "--", "held-out photos, + CRF"),
    ("test", ("map", "prediction"), ":", "held-out photos"),
)


def stage_chart(rows: Sequence[StageRow]) -> str:
    """Draws each method's scores from its handcrafted map to its last round, and the fusion's.

    Args:
        rows: the stage table.

    Returns:
        SVG, the same text for the same rows.
    """
    methods = list(dict.fromkeys(row.method for row in rows if row.method != "fusion"))
    last = max((row.stage for row in rows if row.method != "fusion"), default=0)
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    for axes, (title, field) in zip(figure.subplots(2, 2).flat, _PANELS.items(), strict=True):
        for split, outputs, style, _ in _LINES:
            shown = [row for row in rows if row.split == split and row.output in outputs]
            for number, method in enumerate(methods):
                points = {row.stage: row.scores for row in shown if row.method == method}
                values = [100 * getattr(scores, field) for scores in points.values()]
                if len(points) > 1:
                    axes.plot(list(points), values, style, color=f"C{number}", marker=".")
            for row in shown:
                if row.method == "fusion":
                    value = 100 * getattr(row.scores, field)
                    axes.plot([last + 1], [value], "k", marker="*" if style == "--" else "+")
        stages = ["map", *(f"round {stage}" for stage in range(1, last + 1)), "fused"]
        axes.set_xticks(range(last + 2), stages)
        axes.set_title(f"{title}, %")
        axes.grid(alpha=0.3)
    lines = [(text, "0.4", style) for split, _, style, text in _LINES if _has(rows, split)]
    lines += [(method, f"C{number}", "-") for number, method in enumerate(methods)]
    handles = [
        matplotlib.lines.Line2D([], [], color=color, linestyle=style, label=text)
        for text, color, style in lines
    ]
    handles += [
        matplotlib.lines.Line2D([], [], color="k", linestyle="", marker=marker, label=text)
        for marker, text in (("*", "fused + CRF"), ("+", "fused"))
        if any(row.method == "fusion" for row in rows)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return _svg(figure)


def _has(rows: Sequence[StageRow], split: str) -> bool:
    return any(row.split == split for row in rows)


def error_chart(ours: Sequence[float], theirs: Sequence[float], name: str) -> str:
    """Draws the error of each photo here against its error in another run (paper, figure 9).

    Args:
        ours: MAE of each photo, of 0 to 1.
        theirs: the same photos' in the other run.
        name: the other run's.

    Returns:
        SVG, the same text for the same errors.
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
    return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "deepusps_tf", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
