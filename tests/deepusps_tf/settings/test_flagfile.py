import dataclasses
from pathlib import Path

import pytest
from absl import flags

from data_prep.base.errors import InputError
from deepusps_tf.settings import flagfile
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import define_flags, flagfile_text, read_flagfile
from deepusps_tf.settings.setting import flag_name


def test_saved_flagfile_parses_back_to_the_same_config(tmp_path):
    config = Config(
        records="r",
        workdir="w",
        images="a folder/with, commas",
        masks="m",
        holdout=0.25,
        methods=("mc", "rbd"),
        learning_rates=(1e-3, 5e-4, 2.5e-4),
        crf=False,
        seed=-3,
    )
    (tmp_path / "config.flags").write_text(flagfile_text(config), encoding="utf-8")
    assert read_flagfile(tmp_path / "config.flags") == config


# As runs of before `loss` kept their settings.
EARLIER = """\
--mode=train
--images=photos
--holdout=0.2
--records=records/cpu
--workdir=runs/cpu
--methods=rbd,dsr,mc,hs
--backbone=efficientnet_lite0
--size=224
--batch_size=10
--rounds=3
--learning_rates=0.00025,0.0005,0.0005
--fusion=mean_loss
--beta_squared=1.0
--crf=true
--format=saved_model
--as=mask
--workdirs=
"""


def test_settings_kept_before_a_setting_came_are_those_of_its_default(tmp_path):
    (tmp_path / "config.flags").write_text(EARLIER)
    config = read_flagfile(tmp_path / "config.flags")
    assert (config.loss, config.size, config.workdirs) == ("f_beta", 224, ())
    (tmp_path / "config.flags").write_text(flagfile_text(config))
    assert "--loss=f_beta\n" in flagfile_text(config)
    assert read_flagfile(tmp_path / "config.flags") == config


def test_flags_cover_every_field_once():
    values = flags.FlagValues()
    define_flags(values)
    fields = {flag_name(field) for field in dataclasses.fields(Config)}
    assert {name for name in values if name not in ("flagfile", "undefok")} == fields


def test_bad_number_in_a_list_names_the_flag(tmp_path):
    (tmp_path / "bad.flags").write_text("--learning_rates=1e-3,fast\n")
    with pytest.raises(InputError, match="--learning_rates: could not convert"):
        read_flagfile(tmp_path / "bad.flags")


def test_unknown_flag_names_the_file(tmp_path):
    (tmp_path / "bad.flags").write_text("--speed=3\n")
    with pytest.raises(InputError, match="bad.flags: Unknown command line flag 'speed'"):
        read_flagfile(tmp_path / "bad.flags")


def test_only_this_module_reads_flags():
    package = Path(flagfile.__file__).parents[1]
    readers = [path.name for path in package.rglob("*.py") if "FLAGS" in path.read_text()]
    assert readers == ["flagfile.py"]
