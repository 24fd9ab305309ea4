import pytest

from data_prep.base.counting import counted
from data_prep.base.job import Job, current_job, under_way
from data_prep.base.work import Stage

STAGES = [
    Stage("maps", "maps", "maps", 8, amount=4),
    Stage("round", "round 1 of mc", "training/a", 100, amount=10),
    Stage("export", "export", "export", 20),
]


class Watched:
    """A job on a clock of its own, and all that it tells."""

    def __init__(self, **options):
        self.now, self.views, self.events, self.closed = 0.0, [], [], 0
        self.job = Job(STAGES, watchers=[self], clock=lambda: self.now, **options)

    def show(self, view):
        self.views.append(view)

    def tell(self, event):
        self.events.append(event)

    def close(self):
        self.closed += 1

    def work(self, count, seconds):
        for _ in range(count):
            self.now += seconds
            self.job.advance()

    @property
    def happened(self):
        return [(each["event"], each.get("stage", each.get("state"))) for each in self.events]


def test_stages_follow_each_other_and_all_is_told():
    watched = Watched()
    with under_way(watched.job):
        assert list(counted("abcd", "maps", total=4, stage="maps")) == list("abcd")
        watched.job.begin("round")
        watched.work(10, 1)
        watched.job.begin("export")
    assert current_job() is None and watched.closed == 1
    names = ["maps", "round", "export"]
    told = [(f"stage {what}", name) for name in names for what in ("started", "finished")]
    assert watched.happened == [*told, ("job ended", "finished")]
    last = watched.views[-1]
    assert (last.state, last.index, last.stages, last.fraction) == ("finished", 3, 3, 1)
    assert last.seconds_left == 0


def test_the_first_of_a_stage_starts_its_clock():
    watched = Watched()
    watched.job.begin("round")
    watched.work(1, 60)  # its tracing
    watched.work(4, 30)
    # 0.4 of 100 stated seconds took 120: by the family 125 for 45, by the kind nearly as much.
    pace = (120 + 5 * 125 / 45) / 45
    assert watched.views[-1].seconds_left == pytest.approx(0.5 * 100 * pace + 20)
    assert watched.views[-1].line == "round 1 of mc, 48 %, 3 min left"


def test_what_was_found_done_is_not_measured():
    watched = Watched(done={"maps"})
    assert watched.job.was_done("maps") and not watched.job.was_done("round")
    watched.job.begin("round", amount=20, done=10)
    watched.work(1, 60)
    assert watched.views[-1].seconds_left == pytest.approx(45 + 20)  # nothing is measured yet
    watched.work(1, 10)
    pace = (10 + 5 * 15 / 10) / 10  # 0.05 of 100 stated seconds took 10
    assert watched.views[-1].seconds_left == pytest.approx(40 * pace + 20)


def test_stages_that_are_left_out_are_over_and_unknown_ones_change_nothing():
    watched = Watched()
    watched.job.begin("maps")
    assert watched.job.begin("round") and not watched.job.begin("nothing")
    watched.now += 10
    watched.job.begin("export")
    watched.now += 5
    watched.job.tell("look")
    assert watched.events[-1]["seconds_left"] == 15
    assert watched.views[-1].index == 3


def test_the_fraction_never_falls():
    watched = Watched()
    watched.job.begin("maps")
    watched.work(1, 1)
    watched.job.begin("round")
    watched.work(10, 100)
    fractions = [view.fraction for view in watched.views]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [(KeyboardInterrupt(), "stopped", None), (ValueError("a\n b"), "failed", "a b")],
)
def test_how_a_job_ends_is_told(error, state, message):
    watched = Watched()
    with pytest.raises(type(error)), under_way(watched.job):
        watched.job.begin("maps")
        raise error
    assert watched.views[-1].state == watched.events[-1]["state"] == state
    assert watched.events[-1].get("message") == message and watched.closed == 1


def test_loops_of_no_stage_are_silent_in_a_job(capsys):
    watched = Watched()
    with under_way(watched.job):
        assert list(counted("ab", "scores", total=2)) == ["a", "b"]
    assert capsys.readouterr().err == ""
