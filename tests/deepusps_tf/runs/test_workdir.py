import dataclasses
import json
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import hash_ids
from deepusps_tf.runs.workdir import (
    RUN_FLAGFILE,
    check_joined,
    locked_workdir,
    repeat_runs,
    save_settings,
    saved_run,
)
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import runs_in


def test_keeps_the_settings_of_the_run(tiny_config):
    with locked_workdir(tiny_config) as workdir:
        assert not (workdir / RUN_FLAGFILE).exists()  # a start that fails binds nothing
        save_settings(tiny_config)
        assert read_flagfile(workdir / RUN_FLAGFILE) == tiny_config


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


def test_worker_joins_only_the_run_of_the_chief(tiny_config, tmp_path):
    with locked_workdir(tiny_config):
        save_settings(tiny_config)
        check_joined(dataclasses.replace(tiny_config, crf_processes=2))
        with pytest.raises(InputError, match="config.flags: that run has --seed=0, this one 3"):
            check_joined(dataclasses.replace(tiny_config, seed=3))
    elsewhere = dataclasses.replace(tiny_config, workdir=str(tmp_path / "other"))
    with pytest.raises(InputError, match="other/config.flags: not there; give every worker the"):
        check_joined(elsewhere)


def test_a_run_of_before_a_setting_came_goes_on(tiny_config):
    with locked_workdir(tiny_config) as workdir:
        save_settings(tiny_config)
        lines = (workdir / RUN_FLAGFILE).read_text().splitlines()
        assert "--loss=f_beta" in lines
        lines.remove("--loss=f_beta")
        (workdir / RUN_FLAGFILE).write_text("\n".join(lines))
    with locked_workdir(tiny_config):
        pass
    other = dataclasses.replace(tiny_config, loss="own:l2")
    with pytest.raises(InputError, match="--loss=f_beta, this one own:l2"), locked_workdir(other):
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
    # How many CRFs run beside each other is this machine's affair.
    assert saved_run(bare) == dataclasses.replace(tiny_config, crf_processes=0)
    several = dataclasses.replace(bare, crf_processes=7)
    assert saved_run(several) == dataclasses.replace(tiny_config, crf_processes=7)
    elsewhere = dataclasses.replace(bare, records="other")
    assert saved_run(elsewhere).records == "other"


def test_other_modes_need_a_run(tmp_path):
    with pytest.raises(InputError, match="nothing: holds no run"):
        saved_run(Config(mode="export", workdir=str(tmp_path / "nothing")))


def test_a_folder_of_repeats_names_them(tiny_config, tmp_path):
    for number in (1, 2):
        workdir = tmp_path / f"several/repeat{number}"
        workdir.mkdir(parents=True)
        save_settings(dataclasses.replace(tiny_config, workdir=str(workdir)))
    message = "several: holds 2 repeats; give one of them, such as .*several/repeat1"
    with pytest.raises(InputError, match=message):
        saved_run(Config(mode="export", workdir=str(tmp_path / "several")))


def test_repeats_differ_in_seed_and_workdir_alone(tiny_config):
    assert repeat_runs(tiny_config) == [tiny_config]
    runs = repeat_runs(dataclasses.replace(tiny_config, repeats=11, seed=7))
    assert [run.seed for run in runs] == list(range(7, 18))
    assert runs[10].workdir == f"{tiny_config.workdir}/repeat11"
    changes = {"seed": 17, "workdir": runs[10].workdir, "experiment": "run"}
    assert runs[10] == dataclasses.replace(tiny_config, **changes)


def test_runs_of_a_folder_are_found_in_order(tiny_config, tmp_path):
    workdir = tmp_path / "run"
    with pytest.raises(InputError, match="run: holds no run"):
        runs_in(workdir)
    for run in repeat_runs(dataclasses.replace(tiny_config, repeats=11)):
        with locked_workdir(run):
            save_settings(run)
    assert runs_in(workdir) == [workdir / f"repeat{number}" for number in range(1, 12)]
    assert runs_in(workdir / "repeat2") == [workdir / "repeat2"]


def test_repeats_do_not_mix_with_a_run(tiny_config):
    with locked_workdir(tiny_config):
        save_settings(tiny_config)
    with pytest.raises(InputError, match="holds one run; choose another --workdir"):
        repeat_runs(dataclasses.replace(tiny_config, repeats=2))


@pytest.fixture
def spelled(tiny_config, tmp_path, monkeypatch):
    """A run with relative paths, begun in the folder that they start from."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "elsewhere", "records"):
        Path(folder).mkdir(exist_ok=True)
    Path("photos/a.png").touch()
    Path("link").symlink_to("photos")
    config = dataclasses.replace(tiny_config, images="photos", workdir="run", records="records")
    with locked_workdir(config):
        save_settings(config)
    return config


def test_folders_may_be_spelled_in_another_way(spelled, tmp_path, monkeypatch):
    text = Path("run/config.flags").read_text()
    assert text.startswith(f"# Relative paths start in {tmp_path}\n--mode=train\n")
    assert read_flagfile(Path("run/config.flags")) == spelled
    for images in ("photos/", "./photos", "link", str(tmp_path / "photos")):
        with locked_workdir(dataclasses.replace(spelled, images=images, records="./records/")):
            pass
    monkeypatch.chdir("elsewhere")
    other = dataclasses.replace(
        spelled, images="../photos", workdir="../run/", records=f"{tmp_path}/records"
    )
    with locked_workdir(other):
        pass
    assert saved_run(Config(mode="report", workdir="../run")).records == f"{tmp_path}/records"
    wrong = dataclasses.replace(other, images="../records")
    with (
        pytest.raises(InputError, match="--images=photos, this one ../records; choose another"),
        locked_workdir(wrong),
    ):
        pass


def test_recursion_and_methods_may_be_spelled_in_another_way(spelled):
    with locked_workdir(dataclasses.replace(spelled, recursive=False)):
        pass
    changed = dataclasses.replace(spelled, recursive=True)
    with (
        pytest.raises(InputError, match="that run has --recursive=None, this one True"),
        locked_workdir(changed),
    ):
        pass


def test_a_run_that_was_moved_goes_on(spelled):
    Path("run").rename("moved")
    with locked_workdir(dataclasses.replace(spelled, workdir="moved")):
        pass
    Path("run").mkdir()  # now it is a copy
    with (
        pytest.raises(InputError, match="that run has --workdir=run, this one moved"),
        locked_workdir(dataclasses.replace(spelled, workdir="moved")),
    ):
        pass


def test_photos_that_were_moved_are_told_with_how_to_go_on(spelled, tmp_path):
    old, new = tmp_path / "photos", tmp_path / "album"
    old.rename(new)
    changed = dataclasses.replace(spelled, images="album")
    line = f"photos is gone; if it was moved to album, `ln -s {new} {old}` lets the old path go on"
    with pytest.raises(InputError, match=f"this one album; {line}$"), locked_workdir(changed):
        pass
    listing = [1, hash_ids(["a.png"])]
    Path("records/prepared").write_text(json.dumps({"photos": listing}))
    line = f"photos is gone and album holds photos of the same names; .*`ln -s {new} {old}`"
    with pytest.raises(InputError, match=line), locked_workdir(changed):
        pass
    Path("records/prepared").write_text(json.dumps({"photos": [1, hash_ids(["b.png"])]}))
    with pytest.raises(InputError, match="choose another --workdir"), locked_workdir(changed):
        pass
    old.symlink_to(new)
    with locked_workdir(changed):
        pass
