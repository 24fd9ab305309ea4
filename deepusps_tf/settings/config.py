"""Every setting of a run in one record; each is declared in its section."""

import dataclasses
import functools
import typing
from pathlib import Path
from typing import Any

from data_prep.methods.names import parse_methods
from deepusps_tf.settings.parts import chosen_fusion
from deepusps_tf.settings.sections.crf import RefinementSettings
from deepusps_tf.settings.sections.fusion import FusionSettings
from deepusps_tf.settings.sections.network import NetworkSettings
from deepusps_tf.settings.sections.photos import PhotoSettings
from deepusps_tf.settings.sections.results import ResultSettings
from deepusps_tf.settings.sections.rounds import RoundSettings
from deepusps_tf.settings.sections.run import DeviceSettings, RunSettings
from deepusps_tf.settings.setting import declared, flag_name
from deepusps_tf.settings.value_types import typed


@dataclasses.dataclass(frozen=True)
class Config(  # the fields of the last base come first
    ResultSettings,
    DeviceSettings,
    RefinementSettings,
    FusionSettings,
    RoundSettings,
    NetworkSettings,
    PhotoSettings,
    RunSettings,
):
    """One experiment. Defaults are the settings of the authors' release (432 px, DRN-D-105).

    What settings may not be together, `deepusps_tf.settings.checks.checked` finds.

    `given` names the fields that somebody chose, whatever their values: those that a flag or a
    flagfile named, and always those that are not the defaults. It is no setting: configs of the
    same settings are equal. `dataclasses.replace` keeps it.

    Raises:
        InputError: on construction, when a setting is of another type or out of its range.
    """

    given: dataclasses.InitVar[frozenset[str]] = frozenset()

    def __post_init__(self, given: frozenset[str]):
        """Refuses values that cannot work, before anything is written; `~` is the home folder."""
        changed = set()
        for field in dataclasses.fields(self):
            value = typed(flag_name(field), getattr(self, field.name), _kinds()[field.name])
            object.__setattr__(self, field.name, value)
            if value != field.default:
                changed.add(field.name)
            declared(field).check(flag_name(field), getattr(self, field.name))
            if declared(field).path:
                object.__setattr__(self, field.name, _at_home(getattr(self, field.name)))
        parse_methods(self.methods)
        object.__setattr__(self, "given", frozenset(given | changed))

    @property
    def method_names(self) -> tuple[str, ...]:
        """What the methods are called, as folders, label sets and rows."""
        return tuple(method.name for method in parse_methods(self.methods))

    @property
    def refines(self) -> bool:
        """Whether methods are refined in rounds before fusion."""
        return chosen_fusion(self).refines

    @property
    def in_rounds(self) -> "Config":
        """The settings of the methods' rounds, if any: they may see less, with another network."""
        if not self.refines:
            return self
        return dataclasses.replace(self.in_joint_rounds, size=self.round_size or self.size)

    @property
    def in_joint_rounds(self) -> "Config":
        """The settings of joint rounds: they see what the last training does."""
        frozen = self.round_frozen_blocks
        return dataclasses.replace(
            self,
            backbone=self.round_backbone or self.backbone,
            frozen_blocks=self.frozen_blocks if frozen is None else frozen,
        )

    @property
    def walks(self) -> bool:
        """Whether photos in subfolders are taken too."""
        return self.mode == "predict" if self.recursive is None else self.recursive

    @property
    def joint(self) -> int:
        """How many joint rounds there are: none on truth."""
        return self.joint_rounds if self.oracle == "none" else 0

    @property
    def labelled(self) -> tuple[str | None, str | None]:
        """The photos and masks that --mode=evaluate scores on, where folders are given."""
        if self.test_images:
            return self.test_images, self.test_masks
        return self.images, self.masks

    @property
    def truth_notice(self) -> str:
        """What must stand beside every figure of a run that used truth; else empty."""
        if self.oracle == "none":
            return ""
        return (
            f"ORACLE RUN, --oracle={self.oracle}: TRAINED WITH THE TRUTH MASKS of its training "
            "photos. Its fusion figures are an upper bound, not unsupervised results."
        )


def _at_home(value):
    """A path, or several, with `~` as the home folder."""
    if isinstance(value, tuple):
        return tuple(map(_at_home, value))
    if value and (value == "~" or value.startswith("~/")):
        return str(Path(value).expanduser())
    return value


def settings_that_change(*what: str) -> tuple[str, ...]:
    """Names the fields that change one of `what`, of `CHANGES`, in the order of Config."""
    fields = dataclasses.fields(Config)
    return tuple(field.name for field in fields if declared(field).changes in what)


def settings_of_an_experiment() -> tuple[str, ...]:
    """Names the fields in which the repeats of one experiment are alike, in Config's order."""
    return tuple(field.name for field in dataclasses.fields(Config) if declared(field).own_row)


@functools.cache
def _kinds() -> dict[str, Any]:
    """The type of each setting."""
    return typing.get_type_hints(Config)
