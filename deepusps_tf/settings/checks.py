"""What settings may not be together: each pair that cannot work, refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_prep.base.errors import InputError

if TYPE_CHECKING:  # config.py imports this module
    from deepusps_tf.settings.config import Config


def require(condition: bool, message: str) -> None:
    """Refuses settings.

    Raises:
        InputError: with `message`, unless the condition holds.
    """
    if not condition:
        raise InputError(message)


def refuse_contradictions(config: Config) -> None:
    """Finds settings that are missing or contradict each other.

    Args:
        config: settings, each of them in its range.

    Raises:
        InputError: for the first that is found.
    """
    require(
        not config.frozen_blocks or config.pretrained != "none",
        "--frozen_blocks contradicts --pretrained=none: random weights would stay random",
    )
    _check_sources(config)
    _check_fusion(config)
    _check_mode(config)


def _check_sources(config: Config) -> None:
    sources = [name for name in ("images", "sample_size") if getattr(config, name)]
    if config.mode == "train":
        require(len(sources) < 2, "--images and --sample_size contradict: give one of them")
    if config.mode == "evaluate":
        _check_evaluated(config)
    else:
        require(not (config.masks and not config.images), "--masks needs --images")
    require(bool(config.test_images) == bool(config.test_masks), "--test_images needs --test_masks")
    if config.mode == "train":
        require(
            not (config.holdout and config.test_images), "--holdout and --test_images contradict"
        )
    _check_places(config, making_records=config.mode == "train" and bool(sources))


def _check_places(config: Config, *, making_records: bool) -> None:
    """Records may lie wherever TensorFlow's file layer reads; the rest is on this machine."""
    local = {"images", "masks", "test_images", "test_masks", "workdir", "model", "output"}
    for name in sorted(local | ({"records"} if making_records else set())):
        remote = "://" in (getattr(config, name) or "")
        mend = "give a local folder"
        if name == "records":
            mend = "make them with data_prep.write_records first, then leave --images out"
        require(not remote, f"--{name}={getattr(config, name)}: not on this machine; {mend}")


def _check_evaluated(config: Config) -> None:
    pictures = [name for name in ("maps", "images", "test_images") if getattr(config, name)]
    require(
        len(pictures) < 2,
        f"--{' and --'.join(pictures)} contradict: give one of them "
        f"(--{pictures[-1] if pictures else ''}= takes back a flagfile's)",
    )
    if pictures:
        scored = bool(config.masks or config.test_masks)
        require(scored, f"--{pictures[0]} needs --masks to score by")
    else:
        require(not config.masks, "--masks needs --images or --maps")
        require(not config.model, "--model needs --images and --masks to score on")
    what = [name for name in ("maps", "model", "workdir") if getattr(config, name)]
    require(bool(what), "--mode=evaluate needs --workdir, --model or --maps")
    require(
        len(what) < 2,
        f"--{' and --'.join(what)} contradict: give one of them "
        "(--workdir= takes back a flagfile's)",
    )
    require(
        config.resolution == "own" or "workdir" in what,
        "--resolution=network is of a run: give its --workdir, not --model or --maps",
    )
    if "workdir" not in what:
        require(bool(config.output), f"--{what[0]} needs --output to keep the figures in")


def _check_fusion(config: Config) -> None:
    compares = config.fusion in ("weighted", "assessment")
    require(
        not compares or len(config.methods) > 1,
        f"--fusion={config.fusion} compares methods: name two --methods or more",
    )
    require(
        config.refines or not config.refined,
        "--refined contradicts --fusion=direct and --oracle=truth: they take no refined labels",
    )
    if config.oracle == "none":
        return
    require(
        config.fusion == "mean_loss",
        f"--oracle={config.oracle} and --fusion={config.fusion} contradict: give one of them",
    )
    require(
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
        "predict": ("model", "images", "output"),
    }
    for name in needs[config.mode]:
        require(bool(getattr(config, name)), f"--mode={config.mode} needs --{name}")
