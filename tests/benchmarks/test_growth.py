import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.growth import Cost, growth_lines, parse_counts
from data_prep.base.errors import InputError

ROOT = Path(__file__).parents[2]


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
    # In a process of its own: Linux counts the memory of who starts a process as the process' own.
    code = (
        "import sys, pathlib; from benchmarks.growth import commands, measure;"
        "costs = measure(pathlib.Path(sys.argv[1]), 12, commands('tests.deepusps_tf.tiny_run'));"
        "[print(name, *vars(cost).values()) for name, cost in costs.items()]"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    costs = {name: Cost(*map(float, figures)) for name, *figures in rows}
    assert list(costs) == ["maps", "records", "training", "masks"]
    assert all(min(cost.seconds, cost.processor) > 0.1 for cost in costs.values())
    assert all(20 < cost.megabytes < 4000 for cost in costs.values())
    assert len(list((tmp_path / "masks").glob("*.png"))) == 12
