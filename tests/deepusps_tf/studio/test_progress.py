from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.folder_lock import locked_folder
from data_prep.base.job import RUNNING, View
from deepusps_tf.runs.job_files import PROGRESS, ProgressFile
from deepusps_tf.studio.newest_pictures import newest_pictures
from deepusps_tf.studio.progress import minutes_left, read_progress
from deepusps_tf.studio.run_pages import in_words


@pytest.mark.parametrize("running", [True, False])
def test_a_run_says_where_it_is(run, studio, running):
    workdir = Path(run.workdir)
    (workdir / "rbd/round2/checkpoints/epoch-0001").mkdir(parents=True)
    if running:
        with locked_folder(workdir, "wait"):
            progress = read_progress(run)
    else:
        progress = read_progress(run)
    assert [stage.name for stage in progress.stages] == [
        *("rbd/round1", "rbd/round2", "mc/round1", "mc/round2", "fusion"),
    ]
    assert [stage.done for stage in progress.stages] == [2, 1, 0, 0, 0]
    assert (progress.current, progress.running, progress.exported) == (1, running, False)
    assert progress.share == pytest.approx(3 / 10)
    words = "stage 2 of 5: rbd/round2, epoch 1 of 2"
    stopped = "; no process here trains it now, its command goes on from there"
    assert in_words(progress) == words + ("" if running else stopped)
    assert words in studio.get("/run").text


def test_minutes_are_those_that_the_run_says(run):
    workdir = Path(run.workdir)
    assert minutes_left(workdir) is None
    view = View(RUNNING, "round 2 of rbd", 2, 5, 0.5, seconds_left=1200.0)
    ProgressFile(workdir / PROGRESS).show(view)
    assert read_progress(run).minutes_left is None  # it was stopped
    with locked_folder(workdir, "wait"):
        assert read_progress(run).minutes_left == 20
        assert "20 minutes left" in in_words(read_progress(run))


def test_the_newest_pictures_are_those_of_the_last_epoch(run):
    workdir = Path(run.workdir)
    assert newest_pictures(workdir, read_progress(run)) == ("", [])
    folder = workdir / "logs/rbd/round1"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step in (1, 2):
            pictures = np.full((3, 4, 8, 3), step / 4, np.float32)
            tf.summary.image("photo, prediction in training", pictures, step=step)
    (events,) = folder.glob("events*")
    with events.open("ab") as file:
        file.write(b"\x09\x00")  # a record that is being written
    words, pictures = newest_pictures(workdir, read_progress(run))
    assert words == "rbd/round1, epoch 2 of 2" and len(pictures) == 3
    assert (tf.io.decode_png(pictures[0]).numpy() == 127).all()


def test_a_finished_run_says_so(run):
    for name in ("rbd/round2", "mc/round1", "mc/round2", "fusion"):
        folder = Path(run.workdir) / name
        folder.mkdir(parents=True)
        (folder / "round.json").write_text('{"labels": false, "losses": [], "change": 0.1}')
    assert in_words(read_progress(run)) == "trained; its report and model are being made"
    (Path(run.workdir) / "export/1").mkdir(parents=True)
    assert in_words(read_progress(run)) == "finished"
