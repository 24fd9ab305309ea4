"""What settings may not be together: each pair that cannot work, refused in one line."""

import dataclasses

from data_prep.base.errors import InputError
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import declared


def checked(config: Config) -> Config:
    """Finds settings that are missing for their mode or contradict each other.

    Whoever builds a run in Python calls it; reading flags and flagfiles does.

    Args:
        config: settings, each of them in its range.

    Returns:
        `config`.

    Raises:
        InputError: for the first that is found.
    """
    _require(
        len(config.learning_rates) >= config.rounds,
        f"--learning_rates has {len(config.learning_rates)} values for --rounds={config.rounds}: "
        "give one a round",
    )
    _require(
        not (config.frozen_blocks or config.round_frozen_blocks) or config.pretrained != "none",
        "--frozen_blocks contradicts --pretrained=none: random weights would stay random",
    )
    _require(
        config.round_backbone in (None, config.backbone)
        or config.pretrained in ("default", "none"),
        f"--round_backbone={config.round_backbone} and --pretrained={config.pretrained} "
        "contradict: one file cannot hold the weights of two networks",
    )
    _check_sources(config)
    _check_fusion(config)
    _check_mode(config)
    return config


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def _check_sources(config: Config) -> None:
    sources = [name for name in ("images", "sample_size") if getattr(config, name)]
    if config.mode == "train":
        _require(len(sources) < 2, "--images and --sample_size contradict: give one of them")
    if config.mode == "evaluate":
        _check_evaluated(config)
    else:
        _require(not (config.masks and not config.images), "--masks needs --images")
    if config.mode == "studio":
        _require(
            bool(config.model) != bool(config.workdir),
            "--mode=studio needs --workdir of a run, or --model, and not both",
        )
    _require(
        bool(config.test_images) == bool(config.test_masks), "--test_images needs --test_masks"
    )
    _require(
        not (config.choices and config.refined),
        "--choices and --refined contradict: those labels are of other photos or maps",
    )
    if config.mode == "train":
        _require(
            not (config.holdout and config.test_images), "--holdout and --test_images contradict"
        )
    _check_places(config, making_records=config.mode == "train" and bool(sources))


def _check_places(config: Config, *, making_records: bool) -> None:
    """Records may lie wherever TensorFlow's file layer reads; the rest is on this machine."""
    local = {field.name for field in dataclasses.fields(config) if declared(field).local}
    for name in sorted(local | ({"records"} if making_records else set())):
        remote = "://" in (getattr(config, name) or "")
        mend = "give a local folder"
        if name == "records":
            mend = "make them with data_prep.write_records first, then leave --images out"
        _require(not remote, f"--{name}={getattr(config, name)}: not on this machine; {mend}")


def _check_evaluated(config: Config) -> None:
    pictures = [name for name in ("maps", "images", "test_images") if getattr(config, name)]
    _require(
        len(pictures) < 2,
        f"--{' and --'.join(pictures)} contradict: give one of them "
        f"(--{pictures[-1] if pictures else ''}= takes back a flagfile's)",
    )
    if pictures:
        scored = bool(config.masks or config.test_masks)
        _require(scored, f"--{pictures[0]} needs --masks to score by")
    else:
        _require(not config.masks, "--masks needs --images or --maps")
        _require(not config.model, "--model needs --images and --masks to score on")
    what = [name for name in ("maps", "model", "workdir") if getattr(config, name)]
    what = what or pictures  # by the starter model
    _require(bool(what), "--mode=evaluate needs --workdir, --model or --maps")
    _require(
        len(what) < 2,
        f"--{' and --'.join(what)} contradict: give one of them "
        "(--workdir= takes back a flagfile's)",
    )
    _require(
        config.resolution == "own" or "workdir" in what,
        "--resolution=network is of a run: give its --workdir, not --model or --maps",
    )
    if "workdir" not in what:
        _require(bool(config.output), f"--{what[0]} needs --output to keep the figures in")


def _check_fusion(config: Config) -> None:
    _require(
        not config.fusion_ring or config.fusion_crops > 0,
        "--fusion_ring needs --fusion_crops: without parts of photos nothing teaches the border",
    )
    if config.oracle == "none":
        return
    _require(
        config.fusion == type(config).fusion,
        f"--oracle={config.oracle} and --fusion={config.fusion} contradict: give one of them",
    )
    _require(
        not config.images or bool(config.masks),
        f"--oracle={config.oracle} trains on truth: it needs --masks of --images",
    )


def _check_mode(config: Config) -> None:
    needs = {
        "train": ("records", "workdir"),
        "evaluate": (),
        "export": ("workdir",),
        "report": ("workdir",),
        "table": ("workdirs",),
        # Who names a run, as flagfiles do, means its model, not the starter model.
        "predict": (*(["model"] if config.workdir else []), "images", "output"),
        "studio": (),
    }
    for name in needs[config.mode]:
        _require(bool(getattr(config, name)), f"--mode={config.mode} needs --{name}")
