import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from absl import flags

from data_prep.base.errors import InputError
from deepusps_tf.settings import flagfile
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import (
    define_flags,
    flagfile_text,
    from_flags,
    parse_arguments,
    read_experiment,
    read_flagfile,
)
from deepusps_tf.settings.setting import MODES, flag_name

ROOT = Path(__file__).parents[3]


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


def test_a_list_may_hold_commas(tmp_path):
    config = parsed("--mode=table", '--workdirs="runs/a,b",runs/c')
    assert config.workdirs == ("runs/a,b", "runs/c")
    assert '--workdirs="runs/a,b",runs/c\n' in flagfile_text(config)
    (tmp_path / "table.flags").write_text(flagfile_text(config))
    assert read_flagfile(tmp_path / "table.flags") == config


def test_a_switch_may_be_left_to_the_mode(tmp_path):
    for arguments, value in ((), None), (("--recursive",), True), (("--norecursive",), False):
        config = parsed("--records=r", "--workdir=w", *arguments)
        assert config.recursive is value
        (tmp_path / "kept.flags").write_text(flagfile_text(config))
        assert read_flagfile(tmp_path / "kept.flags").recursive is value


def test_flags_and_flagfiles_tell_what_was_given(tmp_path):
    (tmp_path / "own.flags").write_text("--crf_iterations=5\n")  # the default, but given
    places = ("--mode=predict", "--model=m", "--images=i", "--output=o")
    config = parsed(*places, "--crf", f"--flagfile={tmp_path}/own.flags")
    assert config.given == {"mode", "model", "images", "output", "crf", "crf_iterations"}
    again = read_experiment(tmp_path / "own.flags", records="r", workdir="w", crf=True)
    assert again.given == {"crf_iterations", "records", "workdir", "crf"}


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
    with pytest.raises(InputError, match="--learning_rates: not a number"):
        read_flagfile(tmp_path / "bad.flags")


def test_unknown_flag_names_the_file(tmp_path):
    (tmp_path / "bad.flags").write_text("--speed=3\n")
    with pytest.raises(InputError, match="bad.flags: Unknown command line flag 'speed'"):
        read_flagfile(tmp_path / "bad.flags")


def parsed(*arguments, mode=None) -> Config:
    values = flags.FlagValues()
    define_flags(values)
    parse_arguments(["main", *arguments], mode=mode, flag_values=values)
    return from_flags(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--mode=export", "--size=320"],
            "--size: export does not take it, only train does; leave",
        ),
        (["--mode=export", "--size=432"], "--size: export does not take it"),  # the default
        (["--size", "320", "--mode", "report"], "--size: report does not take it"),
        (
            ["--mode=table", "--crf_iterations=3"],
            "--crf_iterations: table does not take it, only train, evaluate, predict do; leave",
        ),
        (["--mode=export", "--nocrf"], "--crf: export does not take it"),
        (["--mode=evaluate", "--as=cutout"], "--as: evaluate does not take it, only predict does"),
        (["--format=onnx"], "--format: train does not take it, only export does"),
        (["--verbosity", "1", "--mode=export", "--size=32"], "--size: export does not take it"),
        (["--sizee=3"], "Unknown command line flag 'sizee'. Did you mean: size ?"),
        (["--size=big"], "--size=big: not a whole number"),
        (["--nocrf=no"], "--nocrf=no does not take an argument"),
        (["--workdir"], "Missing value for flag --workdir"),
        (["--mode=serve"], "--mode=serve: value should be one of <train"),
        (["stray", "--mode=export"], "stray: not a flag; flags are written --name=value"),
    ],
)
def test_what_a_mode_does_not_take_is_refused_in_one_line(arguments, message):
    values = flags.FlagValues()
    define_flags(values)
    flags.DEFINE_integer("verbosity", 0, "", flag_values=values)
    with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
        parse_arguments(["main", *arguments], flag_values=values)
    assert "\n" not in str(caught.value)


def test_a_flagfile_may_hold_what_the_mode_does_not_take(tmp_path):
    (tmp_path / "inner.flags").write_text("--seed=3\n--workdir=w\n--records=r\n")
    (tmp_path / "run.flags").write_text(f"--size=320\n--flagfile={tmp_path}/inner.flags\n")
    config = parsed(f"--flagfile={tmp_path}/run.flags", "--mode=export")
    assert (config.size, config.seed, config.workdir) == (320, 3, "w")
    with pytest.raises(InputError, match="--seed: export does not take it"):
        parsed(f"--flagfile={tmp_path}/run.flags", "--mode=export", "--seed=3")


def test_the_mode_may_be_the_flagfiles(tmp_path):
    (tmp_path / "export.flags").write_text("--mode=export\n--workdir=w\n")
    assert parsed(f"--flagfile={tmp_path}/export.flags").mode == "export"
    with pytest.raises(InputError, match="--seed: export does not take it"):
        parsed(f"--flagfile={tmp_path}/export.flags", "--seed=3")


def test_an_empty_value_takes_back_a_flagfiles(tmp_path):
    (tmp_path / "run.flags").write_text("--workdir=w\n--records=r\n--workdirs=a,b\n")
    predict = ("--mode=predict", "--model=m", "--images=i", "--output=o")
    config = parsed(f"--flagfile={tmp_path}/run.flags", *predict, "--workdir=", "--workdirs=")
    assert (config.workdir, config.workdirs, config.records) == ("", (), "r")


def test_a_mode_that_is_given_by_name_is_not_the_flagfiles(tmp_path):
    (tmp_path / "config.flags").write_text("--mode=train\n--workdir=w\n--records=r\n--size=64\n")
    flagfile = f"--flagfile={tmp_path}/config.flags"
    assert parsed(flagfile, mode="export").mode == "export"
    assert parsed(flagfile, "--mode=export", mode="export").mode == "export"
    with pytest.raises(InputError, match="--mode=train contradicts export: leave it out"):
        parsed(flagfile, "--mode=train", mode="export")
    with pytest.raises(InputError, match="--seed: export does not take it"):
        parsed(flagfile, "--seed=1", mode="export")
    with pytest.raises(InputError, match="Missing value for flag --workdir"):
        parsed("--workdir", mode="export")


COMMAND = re.compile(rf"(?:python -m deepusps_tf\.main|deepusps ({'|'.join(MODES)})) +(--\S.*)")
WRITTEN = ["README.md", "RESULTS.md", "BUILD_NOTES.md", "deepusps_tf/main.py", "deepusps_tf/cli.py"]
WRITTEN += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("configs/**/*.flags"))]
WRITTEN += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md"))]


def written_commands() -> list:
    """Every command line of the documents and flagfiles, without what a shell takes from it."""
    commands = []
    for name in WRITTEN:
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        for mode, line in COMMAND.findall(text):
            line = line.partition("`")[0].partition(" # ")[0]
            words = shlex.split(line.replace("...", "x"))
            arguments = [word for word in words if word != "FLAGS"]
            if "--help" not in arguments:
                id_ = f"{name}:{mode} {' '.join(arguments)}"
                commands.append(pytest.param(arguments, mode or None, id=id_))
    return commands


@pytest.mark.parametrize(("arguments", "mode"), written_commands())
def test_commands_that_are_written_down_are_taken(monkeypatch, arguments, mode):
    monkeypatch.chdir(ROOT)
    assert parsed(*arguments, mode=mode).mode in MODES


def test_written_commands_are_found():
    found = [parsed(*param.values[0], mode=param.values[1]).mode for param in written_commands()]
    assert len(found) > 40 and set(found) == set(MODES)


def test_verbosity_is_absls_flag_and_no_setting(tmp_path):
    values = flags.FlagValues()
    flags.DEFINE_integer("verbosity", -1, "absl's default", flag_values=values)
    assert (values(["main"]), flagfile.wanted_verbosity(values)) == (["main"], 0)
    assert (values(["main", "--verbosity=1"]), flagfile.wanted_verbosity(values)) == (["main"], 1)
    (tmp_path / "loud.flags").write_text("--verbosity=1\n--size=64\n")
    places = {"records": "r", "workdir": "w"}
    assert read_experiment(tmp_path / "loud.flags", **places).size == 64


def test_only_this_module_reads_flags():
    package = Path(flagfile.__file__).parents[1]
    readers = [path.name for path in package.rglob("*.py") if "FLAGS" in path.read_text()]
    assert readers == ["flagfile.py"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--epochs=two", "--epochs=two: not a whole number"),
        ("--epohcs=2", "Unknown command line flag 'epohcs'. Did you mean: epochs ?"),
    ],
)
def test_a_mistake_in_a_flagfile_names_the_file(tmp_path, line, message):
    path = tmp_path / "own.flags"
    path.write_text(f"--rounds=2\n{line}\n")
    values = flags.FlagValues()
    define_flags(values)
    with pytest.raises(InputError, match=f"^{re.escape(f'{path}: {message}')}$"):
        parse_arguments(["main", f"--flagfile={path}", "--size=32"], flag_values=values)
