"""Which CRF refines a model's predictions: its own, unless somebody chose another."""

import contextlib
import dataclasses

from data_prep.base.command import say
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.labels.crf_pool import CrfPool, crf_of_settings
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.settings.config import Config

# The settings that choose a CRF's constants, and what `CrfSettings` calls these.
_CONSTANTS = {"crf_iterations": "iterations", "crf_bilateral_sxy": "bilateral_sxy"}


def crf_by_flags(config: Config, facts: ModelFacts | None, name: str) -> CrfSettings | None:
    """Chooses the CRF of a model: its own, but for what flags say.

    Says in one line where flags choose another, or where the model does not know its own, so that
    the settings decide.

    Args:
        config: the settings, and which of them were given.
        facts: of the model, where it has them.
        name: of the model.

    Returns:
        The CRF, or None without one.
    """
    if facts is None or not facts.knows_crf:
        chosen = crf_of_settings(config)
        say(f"{_lack(facts, name)}; settings choose {in_words(chosen)}")
        return chosen
    own = facts.own_crf
    constants = {
        constant: getattr(config, field)
        for field, constant in _CONSTANTS.items()
        if field in config.given
    }
    # Who gives the constants of a CRF wants one.
    wanted = config.crf if "crf" in config.given else bool(own or constants)
    chosen = dataclasses.replace(own or CrfSettings(), **constants) if wanted else None
    if chosen != own:
        say(f"{name}: flags choose {in_words(chosen)}; its own would be {in_words(own)}")
    return chosen


def crf_by_argument(
    crf: bool | CrfSettings | None, facts: ModelFacts | None, name: str
) -> CrfSettings | None:
    """Chooses the CRF of a model: its own, or what a caller asks for.

    Says in one line where the caller chooses another, or where the model does not know its own.

    Args:
        crf: None for the model's own, False for none, True for one with the model's constants or
            else those of the authors' release; or the constants.
        facts: as of `crf_by_flags`.
        name: of the model.

    Returns:
        As `crf_by_flags`.
    """
    own = facts.own_crf if facts else None
    chosen = own if crf is None else crf
    if isinstance(chosen, bool):
        chosen = (own or CrfSettings()) if chosen else None
    if facts is None or not facts.knows_crf:
        say(f"{_lack(facts, name)}; predictions are with {in_words(chosen)}")
    elif chosen != own:
        say(f"{name}: the caller chooses {in_words(chosen)}; its own would be {in_words(own)}")
    return chosen


def start_pool(
    crf: CrfSettings | None, processes: int
) -> contextlib.AbstractContextManager[CrfPool | None]:
    """The processes that run a CRF, for photos of which each comes once; of none, None.

    Args:
        crf: its constants, or None.
        processes: how many; 0: one a core.
    """
    return contextlib.nullcontext() if crf is None else CrfPool(processes, crf)


def in_words(crf: CrfSettings | None) -> str:
    """A CRF in words."""
    if crf is None:
        return "no CRF"
    return f"a CRF of {crf.iterations} iterations, reach {crf.bilateral_sxy:g}"


def _lack(facts: ModelFacts | None, name: str) -> str:
    """What a model does not say of itself."""
    lack = "its CRF is not known"
    if facts is None:
        lack = "has no model.json, as older exports: its CRF, photos and figures are not known"
    return f"{name}: {lack} (--mode=export writes it anew)"
