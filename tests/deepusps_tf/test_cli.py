"""The program `deepusps` as users run it, from a folder that is not the repository's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import deepusps_tf
from data_prep.base.errors import InputError
from deepusps_tf import cli
from deepusps_tf.main import run_mode
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import MODES
from tests.deepusps_tf.conftest import disc_photo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def deepusps(tmp_path):
    """Runs the program in an empty folder; returns the finished process."""

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "deepusps_tf", *words]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )

    return run


def test_help_says_what_each_word_does(deepusps):
    done = deepusps("--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  ")]
    assert dict(lines) == MODES | {word: text for word, (_, text) in cli.STEPS.items()}


def test_help_of_a_mode_lists_its_flags(deepusps):
    done = deepusps("predict", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--as: <mask|probability|cutout>" in done.stdout
    assert "--epochs" not in done.stdout and "--mode:" not in done.stdout


def test_help_needs_no_tensorflow():
    code = (
        "import sys, deepusps_tf.cli, deepusps_tf.settings.help as h; h.help_text();"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "error: first name what to do: train, evaluate, predict, export, report, table, stud"),
        (["serve"], "error: serve: first name what to do: train, evaluate"),
        (["--mode=train"], "error: --mode=train: first name what to do: train"),
        (
            ["export", "--size=320"],
            "error: --size: export does not take it, only train does;",
        ),
        (["train", "--flagfile=no_crf.flags"], "error: --flagfile=no_crf.flags: no such file; of"),
        (["table", "--mode=train"], "error: --mode=train contradicts table: leave it out"),
        (["predict"], "error: --mode=predict needs --images"),
        (["compute-maps", "--images=gone", "--output=maps"], "error: gone: no such folder"),
    ],
)
def test_mistakes_end_in_one_line(deepusps, words, message):
    done = deepusps(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1, done.stderr


def test_a_flagfiles_mode_does_not_override_the_word(deepusps, tmp_path):
    (tmp_path / "config.flags").write_text("--mode=train\n--size=64\n")
    done = deepusps("table", "--flagfile=config.flags")
    assert (done.returncode, done.stderr) == (2, "error: --mode=table needs --workdirs\n")


def test_flagfiles_of_the_program_are_found_from_any_folder(deepusps):
    done = deepusps("train", "--flagfile=configs/ablations/no_crf.flags")
    found, error = done.stderr.splitlines()
    assert found.startswith("--flagfile=configs/ablations/no_crf.flags: taken from /")
    assert (done.returncode, error) == (2, "error: --mode=train needs --records")


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"deepusps {deepusps_tf.__version__}\n"


@pytest.mark.slow
def test_steps_run_in_processes_of_their_own(deepusps, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        photo = Image.fromarray(disc_photo(number)[0]).resize((192, 160))
        photo.save(tmp_path / f"photos/p{number}.png")
    made = deepusps("compute-maps", "--images=photos", "--output=maps", "--methods=rbd", "--jobs=2")
    assert made.returncode == 0, made.stderr
    assert "3 maps written, 0 kept, 0 photos skipped" in made.stderr
    assert len(list(tmp_path.glob("maps/rbd/*.png"))) == 3


def test_a_step_without_its_extra_says_what_to_install(monkeypatch, capsys):
    def absent(*_, **__):
        raise ModuleNotFoundError("No module named 'apache_beam'", name="apache_beam")

    monkeypatch.setattr("runpy.run_module", absent)
    monkeypatch.setattr(sys, "argv", [])
    with pytest.raises(SystemExit) as end:
        cli.run(["beam-prepare", "--help"])
    assert end.value.code == 2
    message = "error: beam-prepare needs Apache Beam: pip install 'deepusps_tf[beam]'\n"
    assert capsys.readouterr().err == message


def test_what_an_installation_cannot_do_is_refused_before_anything_loads(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numba", None)  # what Python takes for "not installed"
    with pytest.raises(SystemExit) as end:
        cli.run(["compute-maps", "--images=photos", "--output=maps"])
    assert end.value.code == 2
    lacking = "this installation can only predict, it lacks numba; install the rest"
    assert capsys.readouterr().err.startswith(f"error: compute-maps: {lacking}")
    for refused in (
        lambda: run_mode(Config(mode="train")),
        lambda: deepusps_tf.train(Config()),
    ):
        with pytest.raises(InputError, match=f"train: {lacking}"):
            refused()
