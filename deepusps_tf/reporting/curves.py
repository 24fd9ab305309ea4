"""Curves of a run: the loss of each training, and how much of the photos its labels cover."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepusps_tf.reporting.charts import Chart
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.runs.round_result import JOINT, RoundFigures

_JOINT_COLOR = "0.5"
_SIZE = (5.2, 3.4)  # inches: as wide as a phone shows without shrinking its text


def run_curves(histories: Sequence[LabelHistory], fusion: RoundFigures | None) -> list[Chart]:
    """Draws what can be drawn of a run's curves: losses, and the coverage of its labels.

    Args:
        histories: the labels' versions.
        fusion: the figures of the last training, or None.
    """
    drawn = (
        (
            "Loss of the methods' rounds",
            "How far each method's network is from its labels. It should fall within a round; each "
            "round begins anew with other labels.",
            round_loss_chart(histories),
        ),
        (
            "Loss of the final training",
            "The same of the networks that learn all methods' labels together. A loss that still "
            "falls at the end asks for more epochs.",
            final_loss_chart(histories, fusion),
        ),
        (
            "Coverage of the labels",
            "How much of a photo the labels call object, on average. Lines that come together are "
            "good; one that leaves the others is a method going astray.",
            coverage_chart(coverage_points(histories)),
        ),
    )
    return [Chart(title, text, figure) for title, text, figure in drawn if figure]


def round_loss_chart(histories: Sequence[LabelHistory]) -> Figure | None:
    """Draws the loss of the methods' rounds, one behind the other; None where there were none."""
    trained = [each for each in histories if each.method != JOINT and each.rounds]
    if not any(figures.losses for each in trained for _, figures in each.rounds):
        return None
    figure, axes = _axes("epoch, over all rounds", "mean loss")
    for number, history in enumerate(histories):
        if history not in trained:
            continue
        begun = 0
        for round_number, (_, figures) in enumerate(history.rounds):
            label = history.method if round_number == 0 else None
            _line(axes, begun, figures.losses, color=f"C{number}", label=label)
            begun += len(figures.losses)
    return _done(figure, axes)


def final_loss_chart(
    histories: Sequence[LabelHistory], fusion: RoundFigures | None
) -> Figure | None:
    """Draws the loss of joint rounds and of the final network; None where it is not known."""
    figure, axes = _axes("epoch", "mean loss")
    for history in histories:
        if history.method == JOINT:
            for number, (_, figures) in enumerate(history.rounds, 1):
                _line(axes, 0, figures.losses, color=_JOINT_COLOR, label=f"joint round {number}")
    if fusion:
        _line(axes, 0, fusion.losses, color="k", label="final network")
    return _done(figure, axes) if axes.lines else None


def coverage_points(histories: Sequence[LabelHistory]) -> dict[str, dict[int, float]]:
    """How much of the photos the labels cover: by method, then by stage, 0 being the maps.

    Joint rounds come after the last of the methods'. Stages of which it was not kept are left out.
    """
    points, last = {}, 0
    for history in histories:
        at = {}
        begun = last if history.method == JOINT else 0
        for number, (_, figures) in enumerate(history.rounds, 1):
            if number == 1 and history.method != JOINT and figures.learned:
                at[0] = figures.learned[0]
            if figures.coverage is not None:
                at[begun + number] = figures.coverage
        if history.method != JOINT:
            last = max(last, len(history.rounds))
        if at:
            points[history.method] = at
    return points


def coverage_chart(points: Mapping[str, Mapping[int, float]]) -> Figure | None:
    """Draws what `coverage_points` gives, in %; None of nothing."""
    if not points:
        return None
    figure, axes = _axes("", "share of the photo, %")
    rounds = max((max(at) for method, at in points.items() if method != JOINT), default=0)
    joint = max(points.get(JOINT, {0: 0}))
    for number, (method, at) in enumerate(points.items()):
        color = _JOINT_COLOR if method == JOINT else f"C{number}"
        axes.plot(list(at), [100 * value for value in at.values()], "o-", color=color, label=method)
    ticks = ["maps", *(f"round {number}" for number in range(1, rounds + 1))]
    ticks += [f"joint {number}" for number in range(1, joint - rounds + 1)]
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_ylim(0, 115 * max(max(at.values()) for at in points.values()) or 1)
    return _done(figure, axes)


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _line(axes: Axes, begun: int, losses: Sequence[float], **look) -> None:
    """Draws the losses of one training from an epoch on."""
    if losses:
        epochs = range(begun + 1, begun + len(losses) + 1)
        axes.plot(epochs, losses, ".-", **look)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _done(figure: Figure, axes: Axes) -> Figure:
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure
