import dataclasses

import pytest

from data_prep.errors import InputError
from deepusps_tf.config import Config, read_flagfile
from deepusps_tf.workdir import SETTINGS, locked_workdir, save_settings, saved_run


def test_keeps_the_settings_of_the_run(tiny_config):
    with locked_workdir(tiny_config) as workdir:
        assert not (workdir / SETTINGS).exists()  # a start that fails binds nothing
        save_settings(tiny_config)
        assert read_flagfile(workdir / SETTINGS) == tiny_config


def test_second_run_in_one_workdir_is_refused(tiny_config):
    with (
        locked_workdir(tiny_config),
        pytest.raises(InputError, match="another run is under way"),
        locked_workdir(tiny_config),
    ):
        pass


def test_other_settings_are_refused_and_named(tiny_config):
    with locked_workdir(tiny_config):
        save_settings(tiny_config)
    changed = dataclasses.replace(tiny_config, epochs=3)
    with pytest.raises(InputError, match="--epochs=2, this one 3"), locked_workdir(changed):
        pass


def test_where_it_runs_may_change(tiny_config):
    with locked_workdir(tiny_config):
        save_settings(tiny_config)
    with locked_workdir(dataclasses.replace(tiny_config, devices="cpu:2", crf_processes=2)):
        pass


def test_other_modes_take_the_settings_of_the_run(tiny_config):
    with locked_workdir(tiny_config):
        save_settings(tiny_config)
    bare = Config(mode="export", workdir=tiny_config.workdir)
    assert saved_run(bare) == tiny_config
    elsewhere = dataclasses.replace(bare, records="other")
    assert saved_run(elsewhere).records == "other"


def test_other_modes_need_a_run(tmp_path):
    with pytest.raises(InputError, match="nothing: holds no run"):
        saved_run(Config(mode="export", workdir=str(tmp_path / "nothing")))
