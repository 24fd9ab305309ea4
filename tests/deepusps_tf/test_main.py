"""The command as users run it: bad input ends in one line, a run ends in a model."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepusps_tf.serving.model_facts import read_facts
from tests.deepusps_tf.conftest import disc_photo
from tests.deepusps_tf.networks.shallow import LITE

ROOT = Path(__file__).parents[2]


def run(*arguments, check=True):
    """Runs the command and returns the finished process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "deepusps_tf.main", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def error_of(*arguments) -> str:
    """The error line of a command that must fail, without a traceback."""
    done = run(*arguments, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def check_what_is_said(done, logs: Path):
    """The screen has a line of the job and one a round; the log has all, and other files the rest.

    Nothing else is said: neither bars nor what TensorFlow tells of its start.
    """
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"start, 0 %, .* left", lines[0])
    titles = []
    for line in lines[1:]:
        # A slow machine has more lines of the job, and so short a round bad labels.
        if not re.fullmatch(r".*, \d+ %, .* left|warning: rbd/round1: THE LABELS .*", line):
            titles.append(line.partition(":")[0])
            labels = r"coverage \d+\.\d%, labels changed by \d\.\d{3}, "
            figures = r"F \d+\.\d%, MAE \d+\.\d% on held-out photos"
            assert re.fullmatch(rf".*: loss -?\d+\.\d{{3}}, ({labels})?{figures}", line), line
    assert titles == ["round 1 of rbd", "fusion"]
    log = (logs / "log.txt").read_text()
    assert "cudart_stub.cc" in log and "DEBUG rbd/round1: epoch 1 of 1, loss" in log
    assert "broken.jpg" in log and "INFO round 1 of rbd: loss" in log
    progress = json.loads((logs / "progress.json").read_text())
    assert (progress["state"], progress["fraction"], progress["seconds_left"]) == ("finished", 1, 0)
    assert progress["index"] == progress["stages"] == 9
    events = [json.loads(line) for line in (logs / "events.jsonl").read_text().splitlines()]
    begun = [each["stage"] for each in events if each["event"] == "stage started"]
    ended = [each["stage"] for each in events if each["event"] == "stage finished"]
    scored = [f"{name} scores" for name in ("rbd/round0", "rbd/round1", "fusion")]
    trained = ["rbd/round1", "fusion"]
    assert (
        begun
        == ended
        == [
            *("maps", "records", scored[0], trained[0], scored[1], trained[1], scored[2]),
            *("export", "report"),
        ]
    )
    assert [each["epoch"] for each in events if each["event"] == "epoch"] == [1, 1]
    assert {"F", "MAE", "loss"} <= next(e for e in events if e["event"] == "round").keys()
    assert events[-1]["state"] == "finished"


def write_photos(folder: Path, count: int) -> tuple[Path, Path]:
    images, masks = folder / "images", folder / "masks"
    images.mkdir(parents=True)
    masks.mkdir()
    for number in range(count):
        photo, mask = disc_photo(number)
        # Four times the side: a disc of a few superpixels.
        Image.fromarray(photo).resize((192, 160)).save(images / f"p{number}.jpg", quality=95)
        Image.fromarray(mask).resize((192, 160), 0).save(masks / f"p{number}.png")
    return images, masks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--mode=train needs --records"),
        (["stray"], "stray: not a flag"),
        (["--sizee=3"], "Unknown command line flag 'sizee'. Did you mean: size ?"),
        (["--mode=export", "--size=320"], "--size: export does not take it, only train does"),
        (["--flagfile=nowhere.flags"], "--flagfile=nowhere.flags: no such file"),
        (["--records=r", "--workdir=w", "--rounds=4"], "--learning_rates has 3 values"),
        (["--mode=export", "--workdir=nowhere"], "nowhere: holds no run"),
        (["--mode=evaluate", "--workdir=nowhere"], "nowhere: holds no run"),
    ],
)
def test_bad_flags_end_in_one_line(arguments, message):
    assert message in error_of(*arguments)


@pytest.mark.slow
def test_bad_folders_end_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    where = [f"--records={tmp_path}/records", f"--workdir={tmp_path}/run"]
    where += ["--backbone=efficientnet_lite0"]
    assert "missing: no such folder" in error_of(f"--images={tmp_path}/missing", *where)
    assert "empty: holds no photo" in error_of(f"--images={tmp_path}/empty", *where)
    images, masks = write_photos(tmp_path / "photos", 2)
    (masks / "p1.png").unlink()
    message = error_of(f"--images={images}", f"--masks={masks}", "--methods=rbd", *where)
    assert "masks: no mask for photo p1" in message
    assert not list((tmp_path / "records").glob("**/*.manifest.json"))


def test_help_lists_every_flag_without_tensorflow():
    done = run("--help")
    assert done.stdout.startswith("Makes a salient-object segmentation model from photos")
    assert "--[no]crf: Refine predictions with the dense CRF." in done.stdout
    assert "--mode: <train|evaluate|predict|export|report|table|studio>" in done.stdout
    assert "cuda" not in done.stderr


@pytest.mark.slow
def test_photos_in_model_out(tmp_path):
    images, masks = write_photos(tmp_path / "photos", 10)
    (images / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    (masks / "broken.png").write_bytes((masks / "p0.png").read_bytes())
    flags = [
        f"--images={images}",
        f"--masks={masks}",
        "--holdout=0.3",
        f"--records={tmp_path}/records",
        f"--workdir={tmp_path}/run",
        "--methods=rbd",
        f"--backbone={LITE}",
        "--pretrained=none",
        "--size=32",
        "--rounds=1",
        "--epochs=1",
        "--fusion_epochs=1",
        "--batch_size=4",
        "--learning_rates=1e-3",
        "--json_log",
    ]
    first = run(*flags)
    check_what_is_said(first, tmp_path / "run/logs")
    assert "left out" in first.stdout and "broken.jpg" in first.stdout
    assert "held-out photos (3), in %" in first.stdout
    assert "rbd round 1 prediction + CRF" in first.stdout
    assert (tmp_path / "run/report/index.html").is_file()
    again = run(*flags)
    assert re.fullmatch(r"start, \d\d %, less than a minute left\n", again.stderr)
    table = first.stdout[first.stdout.index("held-out photos") :]
    assert again.stdout.endswith(table)
    (images / "broken.jpg").unlink()
    assert "export/2" in run("--mode=export", f"--workdir={tmp_path}/run").stdout
    one, two = (read_facts(tmp_path / "run/export" / version) for version in "12")
    assert one.trained.seconds > 0 and one.trained == two.trained
    assert (one.photos, one.trained_on, one.rounds) == (7, "photos", {"rbd": 1})
    assert [(each.test_set, each.photos, each.output) for each in one.figures] == [
        ("photos (training photos)", 7, "prediction"),
        ("photos (held out)", 3, "prediction"),
        ("photos (held out)", 3, "prediction + CRF"),
    ]
    scored = run("--mode=evaluate", f"--workdir={tmp_path}/run").stdout
    fused = next(line for line in first.stdout.splitlines() if line.startswith("fusion prediction"))
    assert ["MAE", fused.split()[2]] == scored.splitlines()[2].split()[:2]
    model = tmp_path / "run/export"
    photos = [f"--images={masks}", f"--masks={masks}", f"--output={tmp_path}/figures"]
    run("--mode=evaluate", f"--model={model}", *photos, "--nocrf")
    table = (tmp_path / "figures/evaluation.csv").read_text().splitlines()
    assert table[1].startswith("photos,prediction,their own size,11,")
    output = tmp_path / "masks out"
    run("--mode=predict", f"--model={model}", f"--images={images}", f"--output={output}")
    assert len(list(output.glob("*.png"))) == 10
    assert np.asarray(Image.open(output / "p0.png")).shape == (160, 192)
