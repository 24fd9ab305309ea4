import pytest

from data_prep.base.work import (
    Stage,
    Standing,
    fraction_done,
    paces,
    seconds_left,
    time_left,
)

MAPS = Stage("maps", "maps", "maps", 10)
SMALL = Stage("round", "round", "training/small", 100)
LARGE = Stage("fusion", "fusion", "training/large", 50)


def test_stated_seconds_count_until_something_is_measured():
    standings = [Standing(MAPS), Standing(SMALL), Standing(LARGE)]
    assert (seconds_left(standings), fraction_done(standings)) == (160, 0)
    assert paces(standings)("training/small") == 1


def test_what_is_measured_tells_of_its_kind_alone():
    # Of maps 20 seconds in place of 10, beside the 5 that are believed: 25 for 15.
    standings = [Standing(MAPS, 1, 1, 20), Standing(SMALL), Standing(LARGE)]
    assert paces(standings)("maps") == pytest.approx(25 / 15)
    assert seconds_left(standings) == 150
    assert fraction_done(standings) == pytest.approx(1 - 150 / (10 * 25 / 15 + 150))


def test_a_kind_that_was_not_met_goes_by_its_family():
    # Half of 100 stated seconds took 100: the family's pace is 105 for 55, the kind's is drawn
    # towards that rather than towards 1.
    standings = [Standing(MAPS, 1), Standing(SMALL, 0.5, 0.5, 100), Standing(LARGE)]
    family = 105 / 55
    small = (100 + 5 * family) / 55
    pace = paces(standings)
    assert pace("training/large") == pytest.approx(family)
    assert pace("training/small") == pytest.approx(small)
    assert pace("maps") == 1  # done by an earlier process: not measured
    assert seconds_left(standings) == pytest.approx(50 * small + 50 * family)


def test_a_resumed_stage_counts_what_was_done_before():
    # 0.6 of it were done before, then 0.2 in 40 seconds: 45 for 25.
    standings = [Standing(SMALL, 0.8, 0.2, 40)]
    family = 45 / 25
    assert seconds_left(standings) == pytest.approx(20 * (40 + 5 * family) / 25)
    assert fraction_done(standings) == pytest.approx(0.8)


def test_of_a_stage_without_counts_the_time_is_taken_off():
    assert seconds_left([Standing(SMALL, spent=30)]) == 70
    assert seconds_left([Standing(SMALL, spent=130)]) == 0
    assert fraction_done([]) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "less than a minute left"),
        (31 * 60, "31 min left"),
        (119 * 60, "119 min left"),
        (125 * 60, "2 h 5 min left"),
    ],
)
def test_times_in_words(seconds, words):
    assert time_left(seconds) == words
