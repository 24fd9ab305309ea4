import pytest

from benchmarks.growth import Cost, commands, growth_lines, measure, parse_counts
from data_prep.base.errors import InputError


def test_a_further_photo_is_what_the_larger_set_took_beyond_the_smaller():
    costs = {
        10: {"maps": Cost(2.0, 3.0, 100.0)},
        110: {"maps": Cost(3.0, 3.5, 150.0)},
        30: {"maps": Cost(2.5, 3.1, 120.0)},
    }
    rows = [line.split() for line in growth_lines(costs)[1:]]
    assert rows == [
        ["maps", "10", "100"],
        ["maps", "10", "to", "30", "25.00", "5.00", "120"],
        ["maps", "30", "to", "110", "6.25", "5.00", "150"],
    ]


def test_counts_that_do_not_grow_are_refused():
    assert parse_counts(["500", "5000"]) == [500, 5000]
    assert parse_counts(["1"]) == [1]
    for text in ("500,500", "500,50", "0,5", "-5", "many", ""):
        with pytest.raises(InputError, match=f"^--counts={text}: write growing numbers"):
            parse_counts(text.split(","))
    with pytest.raises(InputError, match="^--counts=: "):
        parse_counts([])


@pytest.mark.slow
def test_every_command_runs_and_is_measured(tmp_path):
    costs = measure(tmp_path, 12, commands("tests.deepusps_tf.tiny_run"))
    assert list(costs) == ["maps", "records", "training", "masks"]
    assert all(min(cost.seconds, cost.processor) > 0.1 for cost in costs.values())
    assert all(20 < cost.megabytes < 4000 for cost in costs.values())
    assert len(list((tmp_path / "masks").glob("*.png"))) == 12
