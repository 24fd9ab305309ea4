import dataclasses
import json
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.records.corrections import newest_versions
from deepusps_tf.runs.label_versions import choose_versions, read_versions
from deepusps_tf.settings.config import Config


@pytest.fixture
def config(tmp_path):
    for name in ("records", "run"):
        (tmp_path / name).mkdir()
    return Config(
        records=str(tmp_path / "records"), workdir=str(tmp_path / "run"), methods=("rbd", "mc")
    )


def correct(config, **versions):
    (Path(config.records) / "corrections.json").write_text(json.dumps(versions))


def test_a_run_on_maps_as_they_were_keeps_nothing(config):
    choose_versions(config)
    assert read_versions(config.workdir) == {}
    assert not any(Path(config.workdir).iterdir())


def test_a_run_that_begins_takes_the_newest_of_its_methods(config, capsys):
    correct(config, rbd="corrected2", hs="corrected1")
    choose_versions(config)
    assert read_versions(config.workdir) == {"rbd": "corrected2"}
    correct(config, rbd="corrected3")  # before anything was trained
    choose_versions(config)
    assert read_versions(config.workdir) == {"rbd": "corrected3"}
    assert capsys.readouterr().out == ""


def test_a_run_that_began_goes_on_with_its_own_and_says_so(config, capsys):
    correct(config, rbd="corrected1")
    choose_versions(config)
    (Path(config.workdir) / "rbd/round1").mkdir(parents=True)
    choose_versions(config)
    assert capsys.readouterr().out == ""
    correct(config, rbd="corrected2", mc="corrected1", hs="corrected1")
    choose_versions(config)
    assert read_versions(config.workdir) == {"rbd": "corrected1"}
    (line,) = capsys.readouterr().out.splitlines()
    assert "run: began before maps of rbd, mc in" in line and "choose another --workdir" in line
    choose_versions(dataclasses.replace(config, methods=("rbd",)))
    assert "maps of rbd in" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[1]", "3"])
def test_damage_is_named(config, content):
    (Path(config.records) / "corrections.json").write_text(content)
    with pytest.raises(InputError, match=r"corrections.json: damaged; delete it to go on"):
        newest_versions(Path(config.records))
    (Path(config.workdir) / "labels.json").write_text(content)
    with pytest.raises(InputError, match=r"labels.json: damaged"):
        read_versions(config.workdir)
