import re

import numpy as np
import pytest

from deepusps_tf.reporting.charts import chart_pixels, error_chart, stage_chart, svg_text
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores

F = "F at 0.5, of maps at 2 x mean"


def row(method, stage, output, split, f_fixed):
    scores = Scores(4, 0.1, f_fixed, f_fixed + 0.05, 0.6, 0.7)
    return Figures(RunStage(method, stage, split), output, scores)


def stages(rows):
    """Draws rows; gives each panel's lines, {title: [(line, mark, x, y)]}, and the legend."""
    figure = stage_chart(rows)
    panels = {
        axes.get_title(): [
            (
                *(line.get_linestyle(), line.get_marker()),
                *([round(float(x), 6) for x in line.get_data()[part]] for part in (0, 1)),
            )
            for line in axes.lines
        ]
        for axes in figure.axes
    }
    return panels, [text.get_text() for text in figure.legends[0].texts]


def test_stage_chart_is_the_same_text_for_the_same_rows():
    rows = [
        row("rbd", 0, "map", "test", 0.6),
        row("rbd", 1, "prediction", "test", 0.7),
        row("rbd", 1, "prediction + CRF", "test", 0.8),
        row("rbd", 2, "prediction", "test", 0.75),
        row("rbd", 2, "prediction + CRF", "test", 0.85),
        row("fusion", 1, "prediction + CRF", "test", 0.9),
    ]
    chart = svg_text(stage_chart(rows))
    assert chart == svg_text(stage_chart(rows))
    for word in (f"held-out photos: {F}, %", "round 2", "fused", "rbd", "predictions + CRF"):
        assert f">{word}<" in chart, word
    for word in ("round 3", "labels", "training photos"):
        assert word not in chart


def test_predictions_of_training_photos_stand_beside_their_labels():
    rows = [
        row("rbd", 0, "map", "train", 0.5),
        row("rbd", 0, "map", "test", 0.6),
        row("rbd", 1, "labels", "train", 0.7),
        row("rbd", 1, "prediction", "train", 0.65),
        row("rbd", 1, "prediction", "test", 0.75),
        row("rbd", 1, "prediction + CRF", "test", 0.8),
        row("fusion", 1, "prediction", "train", 0.85),
        row("fusion", 1, "prediction", "test", 0.875),
        row("fusion", 1, "prediction + CRF", "test", 0.9),
    ]
    panels, legend = stages(rows)
    assert list(panels)[:3] == [
        f"held-out photos: {F}, %",
        f"training photos: {F}, %",
        "held-out photos: MAE, %",
    ]
    assert len(panels) == 8
    assert panels[f"training photos: {F}, %"] == [
        ("None", ".", [0], [55]),
        ("-", ".", [0, 1], [55, 70]),
        (":", ".", [0, 1], [55, 65]),
        ("None", "x", [2], [85]),
    ]
    assert panels[f"held-out photos: {F}, %"] == [
        ("None", ".", [0], [65]),
        (":", ".", [0, 1], [65, 75]),
        ("--", ".", [0, 1], [65, 80]),
        ("None", "x", [2], [87.5]),
        ("None", "*", [2], [90]),
    ]
    assert [y for *_, y in panels["training photos: recall at 0.5, %"]] == [
        [70],
        [70, 70],
        [70, 70],
        [70],
    ]
    assert legend == [
        *("labels", "predictions + CRF", "predictions"),
        *("rbd", "fused + CRF", "fused"),
    ]


def test_joint_rounds_stand_between_the_methods_and_the_fused():
    rows = [
        row("rbd", 0, "map", "test", 0.5),
        row("rbd", 1, "prediction", "test", 0.6),
        row("rbd", 2, "prediction", "test", 0.7),
        row("joint", 1, "prediction", "test", 0.75),
        row("joint", 2, "prediction", "test", 0.8),
        row("fusion", 1, "prediction", "test", 0.9),
    ]
    panels, legend = stages(rows)
    assert panels[f"held-out photos: {F}, %"] == [
        ("None", ".", [0], [55]),
        (":", ".", [0, 1, 2], [55, 60, 70]),
        ("None", "x", [3], [75]),
        ("None", "x", [4], [80]),
        ("None", "x", [5], [90]),
    ]
    assert legend == ["predictions", "rbd", "fused"]
    chart = svg_text(stage_chart(rows))
    for word in ("round 2", "joint 1", "joint 2", "fused"):
        assert f">{word}<" in chart, word


def test_networks_scored_on_training_photos_alone_are_drawn():
    rows = [
        row("rbd", 0, "map", "train", 0.5),
        row("mc", 0, "map", "train", 0.4),
        row("rbd", 1, "labels", "train", 0.7),
        row("rbd", 1, "prediction", "train", 0.65),
        row("mc", 1, "labels", "train", 0.6),
        row("mc", 1, "prediction", "train", 0.55),
        row("fusion", 1, "prediction", "train", 0.8),
    ]
    panels, legend = stages(rows)
    assert list(panels) == [
        f"training photos: {figure}, %"
        for figure in (F, "MAE", "precision at 0.5", "recall at 0.5")
    ]
    assert panels[f"training photos: {F}, %"] == [
        ("None", ".", [0], [55]),
        ("-", ".", [0, 1], [55, 70]),
        (":", ".", [0, 1], [55, 65]),
        ("None", ".", [0], [45]),
        ("-", ".", [0, 1], [45, 60]),
        (":", ".", [0, 1], [45, 55]),
        ("None", "x", [2], [80]),
    ]
    assert legend == ["labels", "predictions", "rbd", "mc", "fused"]


def test_fused_labels_have_a_mark_of_their_own():
    rows = [
        row("rbd", 0, "map", "train", 0.5),
        row("rbd", 0, "map", "test", 0.6),
        row("fusion", 1, "labels", "train", 0.7),
        row("fusion", 1, "prediction", "train", 0.65),
        row("fusion", 1, "prediction", "test", 0.75),
    ]
    panels, legend = stages(rows)
    assert panels[f"training photos: {F}, %"] == [
        ("None", ".", [0], [55]),
        ("None", "s", [1], [70]),
        ("None", "x", [1], [65]),
    ]
    assert panels[f"held-out photos: {F}, %"] == [
        ("None", ".", [0], [65]),
        ("None", "x", [1], [75]),
    ]
    assert legend == ["rbd", "fused labels", "fused"]


def test_error_chart_tells_the_correlation():
    figure = error_chart([0.1, 0.2, 0.3], [0.2, 0.1, 0.3], "oracle")
    chart = svg_text(figure)
    assert "3 photos, correlation 0.50" in chart and "MAE of oracle, %" in chart
    places = re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)" style="fill', chart)
    (x0, y0), (x1, y1), (x2, y2) = [(float(x), float(y)) for x, y in places]
    assert x0 < x1 < x2 and y2 < y0 < y1  # SVG counts y downwards
    pixels = chart_pixels(figure)
    assert pixels.shape == (500, 540, 3) and (pixels[0, 0] == 255).all()
    blue = (np.ptp(pixels, axis=-1) > 50).any(axis=0).nonzero()[0]
    assert blue[0] / 540 == pytest.approx(x0 / 388.8, abs=0.02)
    assert blue[-1] / 540 == pytest.approx(x2 / 388.8, abs=0.02)
