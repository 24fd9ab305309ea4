"""All figures of one output on one test set, and the file that keeps them."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from deepusps_tf.scoring.field_scores import FieldScorer, FieldScores
from deepusps_tf.scoring.scores import REFINED, Scores, map_scores, mean_scores
from deepusps_tf.scoring.stages import COLUMNS, figures

JSON, CSV = "evaluation.json", "evaluation.csv"
OWN_SIZE = "their own size"
FIELD_COLUMNS = {
    "mae": "MAE stretched",
    "f_max": "F max",
    "f_mean": "F mean",
    "f_adaptive": "F adaptive",
    "f_weighted": "F weighted",
    "s_measure": "S",
    "e_max": "E max",
    "e_mean": "E mean",
    "e_adaptive": "E adaptive",
}


@dataclasses.dataclass(frozen=True)
class Scorecard:
    """One line of an evaluation.

    Attributes:
        test_set: its name.
        output: what was scored: `map`, `prediction` or `prediction + CRF`.
        resolution: where: photos at `their own size` or the network's, as `160x160`.
        scores: the paper's figures.
        field: those of the field's own scorer.
        scored: which maps, model or run, and on which photos by which masks, in words; empty in
            files that were written before it was kept.
        oracle: the run's `--oracle`; empty where it is not known, as of maps made elsewhere.
        crf: the CRF behind this output, in words; empty without one, and in older files.
    """

    test_set: str
    output: str
    resolution: str
    scores: Scores
    field: FieldScores
    scored: str = ""
    oracle: str = ""
    crf: str = ""

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it is that new figures of the same replace."""
        return self.test_set, self.resolution, self.scored


def score_outputs(
    batches: Iterable[tuple[dict[str, np.ndarray], np.ndarray]],
    *,
    test_set: str,
    resolution: str,
    scored: str = "",
    oracle: str = "",
    crf: str = "",
) -> list[Scorecard]:
    """Scores one or more outputs by the same masks.

    Args:
        batches: ({output: maps}, masks), float32 [B, H, W] each, the maps in [0, 1]; H and W may
            change from batch to batch.
        test_set: its name.
        resolution: as in `Scorecard`.
        scored: as in `Scorecard`.
        oracle: as in `Scorecard`.
        crf: as in `Scorecard`, of the output that has one behind it.

    Returns:
        A card an output.
    """
    ours, field = {}, {}
    for outputs, masks in batches:
        for output, maps in outputs.items():
            ours.setdefault(output, []).append(map_scores(maps, masks))
            scorer = field.setdefault(output, FieldScorer())
            for saliency, mask in zip(maps, masks, strict=True):
                scorer.add(saliency, mask)
    return [
        Scorecard(
            test_set=test_set,
            output=output,
            resolution=resolution,
            scores=mean_scores(parts),
            field=field[output].scores(),
            scored=scored,
            oracle=oracle,
            crf=crf if output == REFINED else "",
        )
        for output, parts in ours.items()
    ]


def keep_cards(folder: Path, cards: Sequence[Scorecard]) -> None:
    """Writes `evaluation.json` and `evaluation.csv`, beside the figures that are there already.

    Args:
        folder: made where it is missing.
        cards: they replace those of the same test set, resolution, thing scored and output.

    Raises:
        InputError: where the file that is there is damaged, or the folder cannot be written to.
    """
    renewed = {(card.subject, card.output) for card in cards}
    kept = [card for card in read_cards(folder) if (card.subject, card.output) not in renewed]
    cards = [*kept, *cards]
    folder.mkdir(parents=True, exist_ok=True)
    lines = [dataclasses.asdict(card) for card in cards]
    write_text(str(folder / JSON), json.dumps(lines, indent=2) + "\n")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    identity = ("test_set", "output", "resolution", "photos")
    writer.writerow([*identity, *COLUMNS, *FIELD_COLUMNS.values(), "scored", "oracle", "crf"])
    for card in cards:
        what = (card.test_set, card.output, card.resolution, card.scores.count)
        ours, field = figures(card.scores), _field_figures(card)
        writer.writerow([*what, *ours, *field, card.scored, card.oracle, card.crf])
    write_text(str(folder / CSV), table.getvalue())


def refuse_mixture(
    folder: Path, *, test_set: str, resolution: str, scored: str, crf: str = ""
) -> None:
    """Finds figures in a folder that tables could not tell from those about to be made.

    Args:
        folder: where the figures will be kept.
        test_set: its name.
        resolution: as in `Scorecard`.
        scored: as in `Scorecard`.
        crf: as in `Scorecard`.

    Raises:
        InputError: where figures of that test set and resolution are of something else, or after
            another CRF, or their file is damaged.
    """
    for card in read_cards(folder):
        if (card.test_set, card.resolution) != (test_set, resolution):
            continue
        there, wanted = card.scored or "what it does not name", scored
        if card.scored == scored:
            if not (crf and card.crf) or card.crf == crf:
                continue
            there, wanted = f"a CRF of {card.crf}", crf
        raise InputError(
            f"{folder / JSON}: its figures on {test_set} at {resolution} are of {there}, not of "
            f"{wanted}; give another --test_set= or --output=, or delete it"
        )


def read_cards(folder: Path) -> list[Scorecard]:
    """Reads the cards kept in a folder; none where it has no `evaluation.json`.

    Raises:
        InputError: where that file is damaged.
    """
    path = folder / JSON
    if not path.is_file():
        return []
    with damage_named(path, "delete it and evaluate again"):
        lines = json.loads(path.read_text(encoding="utf-8"))
        for line in lines:
            line["scores"], line["field"] = Scores(**line["scores"]), FieldScores(**line["field"])
        return [Scorecard(**line) for line in lines]


def oracle_note(oracle: str) -> str:
    """What must stand behind the name of whatever trained on truth, by its `--oracle`."""
    return "" if oracle in ("", "none") else f" (oracle: {oracle}, trained on truth masks)"


def cards_text(cards: Sequence[Scorecard]) -> str:
    """Lays the cards of one test set out for a console, an output a column, in percent."""
    first = cards[0]
    columns = [[*figures(card.scores), *_field_figures(card)] for card in cards]
    names = [*COLUMNS, *FIELD_COLUMNS.values()]
    lines = [
        f"{first.test_set} ({first.scores.count} photos, at {first.resolution}), in %"
        f"{oracle_note(first.oracle)}",
        " ".join([f"{'':<14}", *(f"{card.output:>16}" for card in cards)]),
    ]
    for row, name in enumerate(names):
        if row == len(COLUMNS):
            lines.append("by py_sod_metrics:")
        lines.append(" ".join([f"{name:<14}", *(f"{column[row]:>16}" for column in columns)]))
    return "\n".join(lines) + "\n"


def _field_figures(card: Scorecard) -> list[str]:
    return [f"{100 * getattr(card.field, name):.2f}" for name in FIELD_COLUMNS]
