"""How a setting is declared: its default, its help, who takes it and what it changes."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from data_prep.base.errors import InputError
from data_prep.base.registry import Registry

# What each mode does, in a line.
MODES = {
    "train": "Makes records where absent, trains, scores, reports and exports.",
    "evaluate": "Scores a run, an exported model or maps on photos with masks.",
    "predict": "Writes masks, probability maps or cutouts of photos.",
    "export": "Exports a run's network once more, or as one file.",
    "report": "Writes the report of a run again.",
    "table": "Compares runs by their figures.",
    "studio": "Serves pages on this machine: to try a model, to look at a run.",
}
GROUPS = (
    *("run", "photos and records", "network", "rounds", "fusion", "CRF", "devices"),
    "exports, results and figures",
)
# Of a run that is resumed, none of the first two may differ.
CHANGES = {
    "labels": "what a round makes of the labels that it is given",
    "training": "which photos, rounds, fusion and seed a run has, and where it is",
    "scoring": "what is made of a trained network, or said of it",
    "nothing": "where and how fast it runs",
}


class Rule(NamedTuple):
    """What a value must keep to.

    Attributes:
        holds: whether a value does.
        refusal: the message where it does not, with places for `{flag}` and `{value}`.
    """

    holds: Callable[[Any], bool]
    refusal: str


AT_LEAST_1 = Rule(lambda value: value >= 1, "--{flag} must be at least 1")
NOT_NEGATIVE = Rule(lambda value: value >= 0, "--{flag} must not be negative")
PORT = Rule(lambda value: 0 <= value <= 65535, "--{flag}={value}: must be in 0 to 65535")
SHARE = Rule(lambda value: 0 <= value < 1, "--{flag}={value}: must be in [0, 1)")
RING = Rule(lambda value: 0 <= value < 0.5, "--{flag}={value}: must be in [0, 0.5)")
EIGHTS = Rule(lambda side: side % 8 == 0, "--{flag}={value}: must be a multiple of 8")
RATE = Rule(lambda rate: rate > 0, "learning rates must be above 0")
RATES = Rule(lambda rates: all(rate > 0 for rate in rates), RATE.refusal)


@dataclasses.dataclass(frozen=True)
class Setting:
    """What one Config field declares besides its type and default; see `setting`."""

    text: str
    modes: tuple[str, ...]
    changes: str
    group: str
    choices: tuple[str, ...] | None
    registry: Registry | None
    rules: tuple[Rule, ...]
    flag: str | None
    local: bool
    path: bool
    own_row: bool

    @property
    def help(self) -> str:
        """The text, with the names of the parts to choose from."""
        if self.registry is None:
            return self.text
        names = ", ".join(self.registry.names)
        return f"{self.text} One of {names}, or package.module:name of your own."

    def check(self, flag: str, value: Any) -> None:
        """Refuses a value out of range; None, that a setting is not given, never is.

        Raises:
            InputError: naming the flag.
        """
        if value is None:
            return
        if self.choices is not None and value not in self.choices:
            raise InputError(f"--{flag}={value}: choose from {', '.join(self.choices)}")
        if self.registry is not None:
            self.registry.check(value, flag)
        for rule in self.rules:
            if not rule.holds(value):
                raise InputError(rule.refusal.format(flag=flag, value=value))


def setting(
    default,
    text: str,
    *,
    modes: Sequence[str],
    changes: str,
    group: str,
    choices: Sequence[str] | None = None,
    registry: Registry | None = None,
    rules: Sequence[Rule] = (),
    flag: str | None = None,
    local: bool = False,
    path: bool = False,
    own_row: bool | None = None,
):
    """Declares one Config field.

    Args:
        default: the value where the flag is not given.
        text: the flag's help.
        modes: which of `MODES` take it; others refuse it on the command line.
        changes: which of `CHANGES`.
        group: under which of `GROUPS` it stands in --help.
        choices: what is allowed; None: anything of the field's type.
        registry: of the parts that it names.
        rules: what its value must keep to.
        flag: the flag's name where it is not the field's.
        local: whether it names a place that must lie on this machine.
        path: whether it names a place at all, as all that are local do; several spellings may name
            one.
        own_row: whether runs that differ in it are rows of their own in --mode=table; None: where
            it changes labels or training.

    Raises:
        ValueError: where there is no such mode, change or group.
    """
    for value, known in ((changes, CHANGES), (group, GROUPS), *((mode, MODES) for mode in modes)):
        if value not in known:
            raise ValueError(f"{text!r} declares {value}: choose from {', '.join(known)}")
    declared = Setting(
        text=text,
        modes=tuple(modes),
        changes=changes,
        group=group,
        choices=None if choices is None else tuple(choices),
        registry=registry,
        rules=tuple(rules),
        flag=flag,
        local=local,
        path=path or local,
        own_row=changes in ("labels", "training") if own_row is None else own_row,
    )
    return dataclasses.field(default=default, metadata={"setting": declared})


def declared(field: dataclasses.Field) -> Setting:
    """What a Config field declares."""
    return field.metadata["setting"]


def flag_name(field: dataclasses.Field) -> str:
    """Names the flag of a Config field."""
    return declared(field).flag or field.name
