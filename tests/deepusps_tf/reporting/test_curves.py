from types import SimpleNamespace

import pytest

from deepusps_tf.reporting.curves import coverage_chart, coverage_points, run_curves
from deepusps_tf.runs.round_result import RoundFigures


def history(method, *rounds):
    return SimpleNamespace(method=method, rounds=tuple((None, each) for each in rounds))


HISTORIES = [
    history(
        "rbd",
        RoundFigures((0.5, 0.4), 0.1, 0.25, (0.2,)),
        RoundFigures((0.3, 0.2), 0.1, 0.3, (0.25,)),
    ),
    history("mc", RoundFigures((0.6, 0.5), 0.1, 0.15, (0.1,))),
    history("joint", RoundFigures((0.9, 0.7, 0.6), 0.1, 0.24, (0.3, 0.15))),
]


def lines(figure):
    (axes,) = figure.axes
    return [
        (line.get_label(), *([round(float(x), 6) for x in part] for part in line.get_data()))
        for line in axes.lines
    ]


def test_losses_of_rounds_stand_one_behind_the_other_and_coverage_begins_at_the_maps():
    rounds, final, coverage = run_curves(HISTORIES, RoundFigures((0.8, 0.4), None))
    assert [chart.title for chart in (rounds, final, coverage)] == [
        "Loss of the methods' rounds",
        "Loss of the final training",
        "Coverage of the labels",
    ]
    first, second, other = lines(rounds.figure)
    assert first == ("rbd", [1, 2], [0.5, 0.4]) and second[1:] == ([3, 4], [0.3, 0.2])
    assert other == ("mc", [1, 2], [0.6, 0.5])
    assert lines(final.figure) == [
        ("joint round 1", [1, 2, 3], [0.9, 0.7, 0.6]),
        ("final network", [1, 2], [0.8, 0.4]),
    ]
    assert lines(coverage.figure) == [
        ("rbd", [0, 1, 2], [20, 25, 30]),
        ("mc", [0, 1], [10, 15]),
        ("joint", [3], [24]),
    ]
    (axes,) = coverage.figure.axes
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["maps", "round 1", "round 2", "joint 1"]
    assert "<svg" in coverage.svg and ">joint 1<" in coverage.svg


def test_what_a_run_did_not_keep_is_not_drawn():
    assert run_curves([history("rbd")], None) == []
    old = history("rbd", RoundFigures((), 0.1))
    assert run_curves([old], RoundFigures((), None)) == []
    assert coverage_points([old]) == {} and coverage_chart({}) is None
    known = coverage_points([history("rbd", RoundFigures((), 0.1, 0.3))])
    assert known == {"rbd": {1: pytest.approx(0.3)}}
