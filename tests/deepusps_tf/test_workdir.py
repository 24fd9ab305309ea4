import dataclasses
import subprocess
import sys

import pytest

from data_prep.errors import InputError
from deepusps_tf.config import read_flagfile
from deepusps_tf.workdir import SETTINGS, locked_workdir


def test_keeps_the_settings_of_the_run(tiny_config):
    with locked_workdir(tiny_config) as workdir:
        assert read_flagfile(workdir / SETTINGS) == tiny_config


def test_second_run_in_one_workdir_is_refused(tiny_config):
    with (
        locked_workdir(tiny_config),
        pytest.raises(InputError, match="another run is under way"),
        locked_workdir(tiny_config),
    ):
        pass


def test_lock_dies_with_its_holder(tiny_config, tmp_path):
    (tmp_path / "run").mkdir()
    code = (
        "import fcntl, os, sys\n"
        "lock = open(sys.argv[1], 'w')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), 9)"
    )
    holder = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run/.lock")], check=False)
    assert holder.returncode == -9
    with locked_workdir(tiny_config):
        pass


def test_other_settings_are_refused_and_named(tiny_config):
    with locked_workdir(tiny_config):
        pass
    changed = dataclasses.replace(tiny_config, epochs=3)
    with pytest.raises(InputError, match="--epochs=2, this one 3"), locked_workdir(changed):
        pass


def test_where_it_runs_may_change(tiny_config):
    with locked_workdir(tiny_config):
        pass
    with locked_workdir(dataclasses.replace(tiny_config, devices="cpu:2", crf_processes=2)):
        pass
