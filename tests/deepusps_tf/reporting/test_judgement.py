import contextlib
import dataclasses

import numpy as np
import pytest

from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting import judgement
from deepusps_tf.reporting.judgement import judge
from deepusps_tf.reporting.photo_errors import JudgedPhoto
from tests.deepusps_tf.conftest import write_disc_records

OURS = [0.9, 0.1, 0.5, 0.2, 0.3, 0.8, 0.4, 0.7, 0.6, 0.35, 0.45, 0.55]
THEIRS = [0.9, 0.6, 0.4, 0.12, 0.9, 0.2, 0.5, 0.1, 0.65, 0.38, 0.0, 0.5]


@pytest.fixture
def runs(tiny_config, tmp_path, monkeypatch):
    """Two runs of which each has errors of its own on twelve photos; and the photos."""
    write_disc_records(tmp_path / "judged/train", count=2)
    write_disc_records(tmp_path / "judged/test", count=12, first=50)
    photos = open_photos(str(tmp_path / "judged"))
    ours, theirs = tiny_config, dataclasses.replace(tiny_config, workdir="other", crf=False)

    @contextlib.contextmanager
    def pool_of(config, *, one_pass):
        assert one_pass
        yield config.workdir

    def judged(config, given, pool, methods):
        assert (given, pool, methods) == (photos, config.workdir, ours.method_names)
        empty = np.zeros((4, 4), np.float32)
        for key, error in zip(photos.test.ids, THEIRS if config is theirs else OURS, strict=True):
            outputs = {"fused": empty + np.float32(error)}
            yield JudgedPhoto(key, np.zeros((4, 4, 3), np.uint8), {}, outputs, empty)

    monkeypatch.setattr(judgement, "start_crf", pool_of)
    monkeypatch.setattr(judgement, "judge_photos", judged)
    return ours, theirs, photos


def errors_of(pairs):
    return [
        (round(pair.ours.error, 3), pair.theirs and round(pair.theirs.error, 3)) for pair in pairs
    ]


def test_a_run_alone_is_judged_by_its_own_errors(runs):
    ours, _, photos = runs
    judged = judge(ours, photos)
    assert errors_of(judged.first) == [(error, None) for error in OURS[:8]]
    assert errors_of(judged.worst) == [(error, None) for error in sorted(OURS)[:-9:-1]]
    assert judged.apart == [] and judged.their_errors == {}
    assert judged.errors == pytest.approx(dict(zip(photos.test.ids, OURS, strict=True)))


def test_photos_that_two_runs_judge_most_differently_are_kept(runs):
    ours, theirs, photos = runs
    judged = judge(ours, photos, other=theirs)
    better = [(0.3, 0.9), (0.1, 0.6), (0.4, 0.5), (0.6, 0.65)]
    worse = [(0.8, 0.2), (0.7, 0.1), (0.45, 0.0), (0.5, 0.4)]
    assert errors_of(judged.apart) == [*better, *worse]
    assert errors_of(judged.worst)[:3] == [(0.9, 0.9), (0.8, 0.2), (0.7, 0.1)]
    assert judged.their_errors == pytest.approx(dict(zip(photos.test.ids, THEIRS, strict=True)))
    ids = photos.test.ids
    fewer = judge(ours, photos, other=theirs, left_out=frozenset(ids[4:8]))
    assert errors_of(fewer.apart) == [
        *[(0.1, 0.6), (0.6, 0.65), (0.35, 0.38)],
        *[(0.45, 0.0), (0.5, 0.4), (0.2, 0.12), (0.55, 0.5)],
    ]
    assert errors_of(fewer.worst)[:2] == [(0.9, 0.9), (0.6, 0.65)]
    assert fewer.errors == judged.errors and fewer.their_errors == judged.their_errors
