"""What is said of a round when it is over: its figures, and the line that they make."""

from collections.abc import Mapping, Sequence

from deepusps_tf.runs.round_result import RoundFigures
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.scores import PLAIN, REFINED

_PHOTOS = {"train": "training photos", "test": "held-out photos"}


def round_figures(
    figures: RoundFigures, rows: Sequence[Figures], split: str
) -> dict[str, float | str]:
    """The figures of a round by name, without those that there are not.

    Args:
        figures: of its training and labels.
        rows: of its scores.
        split: the photos that networks are judged by, `test` or `train`.

    Returns:
        `loss` of the last epoch, `coverage` of its labels and their `change`, and where there are
        masks `F` and `MAE` of its network, after the CRF where there is one, and `photos`, which
        these are of. Each in 0 to 1.
    """
    named = {"coverage": figures.coverage, "change": figures.change}
    if figures.losses:
        named = {"loss": figures.losses[-1], **named}
    outputs = {row.output: row for row in rows if row.subject.split == split}
    judged = outputs.get(REFINED) or outputs.get(PLAIN)
    if judged is not None:
        named |= {"F": judged.paper_f, "MAE": judged.scores.mae, "photos": _PHOTOS[split]}
    return {name: value for name, value in named.items() if value is not None}


def round_line(title: str, figures: Mapping[str, float | str]) -> str:
    """Says in a line what a round came to.

    Args:
        title: of the round.
        figures: of `round_figures`.
    """
    layouts = {
        "loss": "loss {:.3f}",
        "coverage": "coverage {:.1%}",
        "change": "labels changed by {:.3f}",
        "F": "F {:.1%}",
        "MAE": "MAE {:.1%}",
        "photos": "on {}",
    }
    parts = [text.format(figures[name]) for name, text in layouts.items() if name in figures]
    return f"{title}: {', '.join(parts)}".replace(", on ", " on ")
