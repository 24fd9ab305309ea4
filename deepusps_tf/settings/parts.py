"""The parts of a run that can be exchanged, by name; each registers itself where it is defined."""

from data_prep.base.registry import Registry

_BACKBONES = "deepusps_tf.networks.backbones"
_FUSION = "deepusps_tf.fusion"

BACKBONES: Registry = Registry(
    "backbone",
    {
        **dict.fromkeys(("drn_d_22", "drn_d_38", "drn_d_54", "drn_d_105"), f"{_BACKBONES}.drn"),
        **{
            f"efficientnet_lite{n}{head}": f"{_BACKBONES}.efficientnet_lite"
            for head in ("", "_fpn")
            for n in range(3)
        },
        "resnet101": f"{_BACKBONES}.resnet",
    },
)
LOSSES: Registry = Registry("loss", {"f_beta": "deepusps_tf.networks.losses"})
FUSIONS: Registry = Registry(
    "fusion",
    {
        "mean_loss": f"{_FUSION}.mean_loss",
        "trimmed_loss": f"{_FUSION}.trimmed_loss",
        "direct": f"{_FUSION}.direct",
        "weighted": f"{_FUSION}.weighted",
        "noise_model": f"{_FUSION}.noise_model",
        "assessment": f"{_FUSION}.assessment",
    },
)
# Names of `--oracle`, which are not open to others: they train on truth.
ORACLES: Registry = Registry(
    "oracle", {"truth": f"{_FUSION}.oracle", "fusion": f"{_FUSION}.oracle"}
)


def chosen_fusion(config) -> type:
    """Finds what makes a run's final network: the class that `--oracle`, else `--fusion` names.

    Importing it imports TensorFlow.

    Args:
        config: a `Config`.

    Raises:
        InputError: there is no such part, or it cannot be imported.
    """
    if config.oracle != "none":
        return ORACLES.find(config.oracle)
    return FUSIONS.find(config.fusion)
