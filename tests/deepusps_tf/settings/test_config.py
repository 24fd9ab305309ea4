import dataclasses
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import (
    Config,
    settings_of_an_experiment,
    settings_that_change,
)
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.setting import MODES

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))


def paths(**changes) -> Config:
    return Config(**{"records": "r", "workdir": "w", **changes})


def test_defaults_are_those_of_the_release():
    config = paths()
    assert (config.backbone, config.size, config.batch_size) == ("drn_d_105", 432, 20)
    assert config.learning_rates == (1e-6, 2e-6, 5e-6)
    assert (config.epochs, config.fusion_epochs, config.fusion_learning_rate) == (25, 200, 1e-4)
    assert (config.beta_squared, config.fusion_beta_squared) == (1.0, 4.0)
    assert (config.mva_momentum, config.threshold_scale) == (0.7, 1.5)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_flagfiles_parse(path):
    assert read_flagfile(path).mode == "train"


ABLATIONS = {
    "crf_removed": {"crf": False},
    "no_self_supervision": {"rounds": 1, "joint_rounds": 0},
    "single_method": {"methods": ("rbd",), "rounds": 1, "joint_rounds": 0},
    "direct_fusion": {"fusion": "direct", "joint_rounds": 0},
    "resnet101": {"backbone": "resnet101", "pretrained": "default", "frozen_blocks": 0},
    "oracle_truth": {"oracle": "truth"},
    "oracle_fusion": {"oracle": "fusion"},
    "other_fusion": {"fusion": "weighted"},
}


def parse(tmp_path, *lines) -> Config:
    (tmp_path / "all.flags").write_text("\n".join(lines))
    return read_flagfile(tmp_path / "all.flags")


def test_msra_is_the_whole_recipe_of_table_1():
    config = read_flagfile(ROOT / "configs/msra.flags")
    assert (config.repeats, config.size, config.devices) == (3, 432, "gpu:4")
    assert not config.synchronized_batchnorm
    header = (ROOT / "configs/msra.flags").read_text(encoding="utf-8")
    for figures in ("90.31 +- .10 / 3.96", "87.42 +- .46 / 6.32", "73.58 +- .87", "84.46 +- 1.00"):
        assert figures in header


def test_no_crf_is_a_table_of_the_main_run(tmp_path):
    flagfile = f"--flagfile={ROOT}/configs/ablations/no_crf.flags"
    config = parse(tmp_path, flagfile, "--workdirs=runs/msra")
    assert (config.mode, config.crf, config.workdirs) == ("table", False, ("runs/msra",))


@pytest.mark.parametrize("base", ["msra", "cpu"])
@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_differ_from_their_base_in_one_thing(tmp_path, base, name):
    photos = ("--images=i", "--masks=m")
    plain = parse(tmp_path, f"--flagfile={ROOT}/configs/{base}.flags", *photos)
    changed = parse(
        tmp_path,
        f"--flagfile={ROOT}/configs/{base}.flags",
        f"--flagfile={ROOT}/configs/ablations/{name}.flags",
        *photos,
    )
    workdir = changed.workdir
    assert workdir.startswith("runs/ablations/")
    assert changed == dataclasses.replace(plain, workdir=workdir, **ABLATIONS[name])


def test_half_steps_are_half_of_what_a_thousand_photos_make(tmp_path):
    bases = [f"--flagfile={ROOT}/configs/{name}.flags" for name in ("cpu_paper", "half_steps")]
    whole, half = parse(tmp_path, bases[0]), parse(tmp_path, *bases)
    assert half.epochs == whole.epochs
    assert half.learning_rates == tuple(2 * rate for rate in whole.learning_rates)
    assert half.fusion_learning_rate == 2 * whole.fusion_learning_rate
    steps = 1000 // whole.batch_size  # of an epoch
    assert whole.min_steps == steps * whole.epochs
    assert whole.fusion_min_steps == steps * whole.fusion_epochs == steps // 2 * half.fusion_epochs
    assert half.size == half.round_size == whole.round_size < whole.size
    assert (half.min_steps, half.fusion_min_steps, half.joint_rounds) == (0, 0, 0)


def test_a_flagfiles_workdir_can_be_taken_back(tmp_path):
    base = f"--flagfile={ROOT}/configs/cpu.flags"
    scored = ("--mode=evaluate", "--model=m", "--images=i", "--masks=t", "--output=o")
    with pytest.raises(InputError, match="--workdir= takes back"):
        parse(tmp_path, base, *scored)
    config = parse(tmp_path, base, *scored, "--workdir=")
    assert config.crf_bilateral_sxy == 30 and not config.workdir


def test_every_ablation_is_covered_and_its_commands_parse(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    files = sorted((ROOT / "configs/ablations").glob("*.flags"))
    assert {path.stem for path in files} == {*ABLATIONS, "no_crf"}
    start = "# python -m deepusps_tf.main "
    for path in files:
        lines = path.read_text().splitlines()
        commands = [line.removeprefix(start) for line in lines if line.startswith(start)]
        assert len(commands) >= (1 if path.stem == "no_crf" else 2)
        for command in commands:
            assert f"--flagfile=configs/ablations/{path.name}" in command.split()
            mode = "table" if path.stem == "no_crf" else "train"
            assert parse(tmp_path, *command.split()).mode == mode


@pytest.mark.parametrize("oracle", ["truth", "fusion"])
def test_truth_has_no_joint_rounds(tmp_path, oracle):
    photos = ("--images=i", "--masks=m", "--joint_rounds=2")
    base = f"--flagfile={ROOT}/configs/cpu.flags"
    assert parse(tmp_path, base, *photos).joint == 2
    assert parse(tmp_path, base, *photos, f"--oracle={oracle}").joint == 0


@pytest.mark.parametrize(
    ("changes", "side"),
    [
        ({}, 224),
        ({"round_size": 160}, 160),
        ({"round_size": 160, "refined": "r"}, 160),  # whose maps were scored so
        ({"round_size": 160, "fusion": "direct"}, 224),  # no rounds
        ({"round_size": 160, "oracle": "truth"}, 224),
    ],
)
def test_rounds_have_a_size_of_their_own(changes, side):
    config = paths(size=224, **changes)
    assert config.in_rounds == dataclasses.replace(config, size=side)


@pytest.mark.parametrize(
    ("changes", "backbone", "frozen"),
    [
        ({}, "efficientnet_lite2_fpn", 7),
        ({"round_backbone": "efficientnet_lite0_fpn"}, "efficientnet_lite0_fpn", 7),
        (
            {"round_backbone": "efficientnet_lite0_fpn", "round_frozen_blocks": 0},
            "efficientnet_lite0_fpn",
            0,
        ),
        (
            {"round_backbone": "drn_d_22", "round_frozen_blocks": 5, "fusion": "direct"},
            "efficientnet_lite2_fpn",
            7,
        ),
    ],
)
def test_rounds_have_a_network_of_their_own(changes, backbone, frozen):
    config = paths(backbone="efficientnet_lite2_fpn", frozen_blocks=7, **changes)
    expected = dataclasses.replace(config, backbone=backbone, frozen_blocks=frozen)
    assert config.in_rounds == expected


def test_joint_rounds_have_the_rounds_network_and_the_last_ones_size(tmp_path):
    flags = ("--size=288", "--round_size=224", "--frozen_blocks=7", "--round_frozen_blocks=5")
    networks = ("--backbone=efficientnet_lite2_fpn", "--round_backbone=efficientnet_lite0_fpn")
    config = parse(tmp_path, "--records=r", "--workdir=w", *flags, *networks)
    assert config.in_joint_rounds == dataclasses.replace(
        config, backbone="efficientnet_lite0_fpn", frozen_blocks=5
    )
    assert config.in_rounds == dataclasses.replace(config.in_joint_rounds, size=224)


def test_one_file_of_weights_is_not_for_two_networks():
    config = paths(backbone="resnet101", round_backbone="drn_d_22", pretrained="weights.pth")
    with pytest.raises(InputError, match="--round_backbone=drn_d_22 and --pretrained=weights.pth"):
        checked(config)


@pytest.mark.parametrize("method", ["rbd", "dsr", "mc", "hs"])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_single_method_rows_are_two_flags(tmp_path, method, rounds):
    config = parse(
        tmp_path,
        f"--flagfile={ROOT}/configs/msra.flags",
        f"--flagfile={ROOT}/configs/ablations/single_method.flags",
        f"--methods={method}",
        f"--rounds={rounds}",
    )
    assert (config.methods, config.rounds) == ((method,), rounds)
    assert config.learning_rates[:rounds] == (1e-6, 2e-6, 5e-6)[:rounds]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fusion_learning_rate": 0.0}, "learning rates must be above 0"),
        ({"images": "a", "masks": "m", "holdout": 1.0}, "must be in \\[0, 1\\)"),
        ({"methods": ("rbd", "gbvs")}, "'gbvs' is unknown; choose from rbd, dsr, mc, hs"),
        ({"fusion": "sum"}, "--fusion=sum: unknown; choose from mean_loss, trimmed_loss, direct"),
        ({"backbone": "vgg16"}, "--backbone=vgg16: unknown; choose from drn_d_22, .*resnet101, or"),
        ({"round_backbone": "vgg"}, "--round_backbone=vgg: unknown; choose from drn_d_22"),
        ({"round_frozen_blocks": -1}, "--round_frozen_blocks must not be negative"),
        ({"loss": "l2"}, "--loss=l2: unknown; choose from f_beta, or write package.module:name"),
        ({"oracle": "masks"}, "--oracle=masks: choose from none, truth, fusion"),
        ({"format": "pb"}, "--format=pb: choose from saved_model, keras, keras_half, weights"),
        ({"prediction": "edge"}, "--as=edge: choose from mask, probability, cutout"),
        ({"methods": ("rbd", "rbd")}, "--methods: rbd is named twice"),
        ({"size": 100}, "--size=100: must be a multiple of 8"),
        ({"round_size": 100}, "--round_size=100: must be a multiple of 8"),
        ({"round_size": -8}, "--round_size must not be negative"),
        ({"crf_bilateral_sxy": 0.0}, "--crf_bilateral_sxy must be at least 1"),
        ({"crf_bilateral_sxy": 1e-9}, "--crf_bilateral_sxy must be at least 1"),
        ({"crf_bilateral_sxy": float("inf")}, "--crf_bilateral_sxy must be at least 1 and finite"),
        ({"mva_momentum": 1.0}, "--mva_momentum=1.0: must be in \\[0, 1\\)"),
        ({"learning_rates": (1e-3, 0.0, 1e-3)}, "learning rates must be above 0"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"joint_rounds": -1}, "--joint_rounds must not be negative"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        paths(**changes)
    assert "\n" not in str(caught.value)


FREE = {
    *("mode", "jobs", "crf_processes", "crf_cache", "devices", "json_log"),
    *("model", "output", "maps", "test_set", "resolution", "experiment", "workdirs"),
    *("compare", "format", "serving_refinement", "prediction"),
    *("collapse_warning", "strict", "summary", "port"),
}


def test_what_a_setting_changes_is_declared():
    assert set(settings_that_change("scoring", "nothing")) == FREE
    assert set(settings_that_change("labels")) == {
        *(
            "backbone",
            "pretrained",
            "frozen_blocks",
            "size",
            "batchnorm_momentum",
            "synchronized_batchnorm",
            "precision",
        ),
        *("epochs", "min_steps", "batch_size", "learning_rates", "learning_rate_power", "mirror"),
        *("beta_squared", "threshold_scale", "mva_momentum", "loss"),
        *("crf", "crf_iterations", "crf_bilateral_sxy"),
    }
    training = {
        *("workdir", "seed", "repeats", "records", "methods", "images", "masks", "holdout"),
        *(
            "test_images",
            "test_masks",
            "sample_size",
            "max_side",
            *("round_size", "round_backbone", "round_frozen_blocks"),
            "weight_average",
            "fusion_crops",
            "fusion_ring",
            "fusion_colours",
            "rounds",
            "recursive",
            "choices",
        ),
        *("refined", "until_stable", "fusion", "oracle", "joint_rounds", "joint_labels"),
        *(
            "fusion_epochs",
            "fusion_min_steps",
            "assessment_epochs",
            "fusion_learning_rate",
            "fusion_beta_squared",
        ),
    }
    assert set(settings_that_change("training")) == training


def test_an_experiment_is_told_by_all_that_changes_it_but_its_seed_and_folders():
    made_of = {"images", "masks", "test_images", "test_masks", "holdout", "sample_size", "max_side"}
    alike = {"workdir", "seed", "recursive", *made_of, *FREE} - {"experiment"}
    fields = [field.name for field in dataclasses.fields(Config)]
    assert settings_of_an_experiment() == tuple(name for name in fields if name not in alike)


def test_predict_alone_walks_subfolders_by_itself():
    assert [mode for mode in MODES if paths(mode=mode).walks] == ["predict"]
    assert paths(mode="train", recursive=True).walks
    assert not paths(mode="predict", recursive=False).walks


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    config = paths(images="~/photos", records="~/r", workdirs=("~/a", "b~"), compare="", masks=None)
    assert (config.images, config.records) == ("/home/me/photos", "/home/me/r")
    assert config.workdirs == ("/home/me/a", "b~")
    assert (config.compare, config.masks) == ("", None)


def test_a_config_knows_what_was_chosen():
    assert Config().given == frozenset()
    nocrf = Config(crf=False, size=432)
    assert nocrf.given == {"crf"}  # a default is nobody's choice
    assert dataclasses.replace(nocrf, crf=True, batch_size=3).given == {"crf", "batch_size"}
    assert Config(given=frozenset({"crf"})) == Config()
