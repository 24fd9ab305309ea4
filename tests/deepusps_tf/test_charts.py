import re

from deepusps_tf.charts import error_chart, stage_chart
from deepusps_tf.evaluate import Scores
from deepusps_tf.stages import StageRow


def row(method, stage, output, split, f_fixed):
    return StageRow(method, stage, output, split, Scores(4, 0.1, f_fixed, 0.5, 0.6, 0.7))


def test_stage_chart_draws_a_line_a_method_and_a_point_for_the_fusion():
    rows = [
        row("rbd", 0, "map", "test", 0.6),
        row("rbd", 1, "prediction", "test", 0.7),
        row("rbd", 1, "prediction + CRF", "test", 0.8),
        row("rbd", 2, "prediction", "test", 0.75),
        row("rbd", 2, "prediction + CRF", "test", 0.85),
        row("fusion", 1, "prediction + CRF", "test", 0.9),
    ]
    chart = stage_chart(rows)
    assert chart == stage_chart(rows)
    for word in ("F at 0.5, %", "round 2", "fused", "rbd", "held-out photos, + CRF"):
        assert f">{word}<" in chart, word
    assert "round 3" not in chart and "labels of training photos" not in chart


def test_error_chart_tells_the_correlation():
    chart = error_chart([0.1, 0.2, 0.3], [0.2, 0.1, 0.3], "oracle")
    assert "3 photos, correlation 0.50" in chart and "MAE of oracle, %" in chart
    places = re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)" style="fill', chart)
    (x0, y0), (x1, y1), (x2, y2) = [(float(x), float(y)) for x, y in places]
    assert x0 < x1 < x2 and y2 < y0 < y1  # SVG counts y downwards
