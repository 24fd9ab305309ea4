"""The files that keep figures: what a stage scored, and what an evaluation did."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from deepusps_tf.scoring.figures import Evaluation, Figures, read_line
from deepusps_tf.scoring.layout import evaluation_csv

STAGE_FILE = "scores.json"
EVALUATION_FILE, EVALUATION_CSV = "evaluation.json", "evaluation.csv"


def figures_json(figures: Sequence[Figures]) -> str:
    """Serialises figures for `read_figures`."""
    return json.dumps([each.as_line() for each in figures], indent=2) + "\n"


def read_figures(path: Path, mend: str) -> list[Figures]:
    """Reads the figures in a file of `figures_json`; none where there is no such file.

    Raises:
        InputError: naming the file and `mend`, where it is damaged.
    """
    if not path.is_file():
        return []
    with damage_named(path, mend):
        return [read_line(line) for line in json.loads(path.read_text(encoding="utf-8"))]


def scored(folder: Path, score: Callable[[], list[Figures]]) -> list[Figures]:
    """Returns the figures kept in a round's folder, or makes and keeps them there."""
    path = folder / STAGE_FILE
    if path.is_file():
        return kept_rows(folder)
    rows = score()
    folder.mkdir(parents=True, exist_ok=True)
    write_text(str(path), figures_json(rows))
    return rows


def kept_rows(folder: Path) -> list[Figures]:
    """Reads the figures kept in a round's folder; none where it was not scored.

    Raises:
        InputError: where their file is damaged.
    """
    return read_figures(folder / STAGE_FILE, "delete it and run the same command again")


def kept_evaluation(folder: Path) -> list[Figures]:
    """Reads the figures that `--mode=evaluate` kept in a folder; none where it kept none.

    Raises:
        InputError: where their file is damaged.
    """
    return read_figures(folder / EVALUATION_FILE, "delete it and evaluate again")


def keep_evaluation(folder: Path, figures: Sequence[Figures]) -> None:
    """Writes `evaluation.json` and `evaluation.csv`, beside the figures that are there already.

    Args:
        folder: made where it is missing.
        figures: they replace those of the same test set, resolution, thing scored and output.

    Raises:
        InputError: where the file that is there is damaged, or the folder cannot be written to.
    """
    renewed = {(each.subject.identity, each.output) for each in figures}
    kept = [
        each
        for each in kept_evaluation(folder)
        if (each.subject.identity, each.output) not in renewed
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_text(str(folder / EVALUATION_FILE), figures_json([*kept, *figures]))
    write_text(str(folder / EVALUATION_CSV), evaluation_csv([*kept, *figures]))


def refuse_mixture(folder: Path, subject: Evaluation) -> None:
    """Finds figures in a folder that tables could not tell from those about to be made.

    Args:
        folder: where the figures will be kept.
        subject: what will be scored.

    Raises:
        InputError: where figures of that test set and resolution are of something else, or after
            another CRF, or their file is damaged.
    """
    for there in (each.subject for each in kept_evaluation(folder)):
        if (there.test_set, there.resolution) != (subject.test_set, subject.resolution):
            continue
        theirs, wanted = there.scored or "what it does not name", subject.scored
        if there.scored == subject.scored:
            if not (subject.crf and there.crf) or there.crf == subject.crf:
                continue
            theirs, wanted = f"a CRF of {there.crf}", subject.crf
        raise InputError(
            f"{folder / EVALUATION_FILE}: its figures on {subject.test_set} at "
            f"{subject.resolution} are of {theirs}, not of {wanted}; give another --test_set= or "
            "--output=, or delete it"
        )
