"""Handcrafted methods on given photos: fidelity to reference maps, scores and speed.

python -m benchmarks.handcrafted --images=DIR --masks=DIR [--reference_maps=DIR] [--methods=rbd,mc]
    [--limit=N] [--jobs=N] [--contact_sheet=sheet.png]

A method is measured on the photos that have a reference map, <reference_maps>/<METHOD>/<id>.png,
where that folder exists, else on all. Maps are scored as they are stored, in 8 bits, at the
photo's size; F is the mean over photos. Speed is that of the methods alone on one core (processor
time), and of reading and computing with the pool (wall time).
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import threadpoolctl
from absl import flags
from PIL import Image, ImageDraw
from tqdm import tqdm

from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.base.processes import cores, worker_pool
from data_prep.methods.names import METHODS
from data_prep.pictures import images, masks
from data_prep.pictures.photos import list_photos

_BETA_SQUARED = 0.3
_SPEED_PHOTOS = 50
_SHEET_PHOTOS = 12
_CELL = (200, 150)  # pixels of one picture of the contact sheet: width, height


@dataclass(frozen=True)
class Case:
    """One photo to be measured; `reference` is None where no map of other origin is given."""

    photo: Path
    mask: Path
    reference: Path | None


@dataclass(frozen=True)
class Scores:
    """Scores of one map: mean absolute error, F at twice the mean saliency, F at 0.5; in [0, 1]."""

    mae: float
    f_adaptive: float
    f_half: float


def compute(method: str, photo: Path) -> np.ndarray:
    """Map of one photo as it is stored: uint8 [H, W]."""
    with threadpoolctl.threadpool_limits(1):
        return np.round(METHODS.find(method)(images.read_rgb(photo)) * 255).astype(np.uint8)


def score(saliency: np.ndarray, mask: np.ndarray) -> Scores:
    """Scores a map uint8 [H, W] against a mask uint8 [H, W] of 0 and 255."""
    values, truth = saliency / 255, mask > 0
    return Scores(
        mae=float(np.abs(values - truth).mean()),
        f_adaptive=f_beta(values >= min(1.0, 2 * values.mean()), truth),
        f_half=f_beta(values >= 0.5, truth),
    )


def f_beta(found: np.ndarray, truth: np.ndarray) -> float:
    """F with beta^2 = 0.3 of bool [H, W] arrays; 0 where they share no pixel."""
    hits = np.count_nonzero(found & truth)
    if hits == 0:
        return 0.0
    precision, recall = hits / np.count_nonzero(found), hits / np.count_nonzero(truth)
    return (1 + _BETA_SQUARED) * precision * recall / (_BETA_SQUARED * precision + recall)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two maps; if one is constant, 1 where the other is too, else 0."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale > 0 else float(a.any() == b.any())


def measure(method: str, case: Case) -> tuple[Scores, Scores | None, float | None]:
    """Computes and scores one map: its scores, the reference map's, and their correlation."""
    saliency, mask = compute(method, case.photo), masks.read_mask(case.mask)
    if saliency.shape != mask.shape:
        raise InputError(f"{case.mask}: size differs from the photo's; give the photo's own mask")
    if case.reference is None:
        return score(saliency, mask), None, None
    reference = images.read_rgb(case.reference)[..., 0]
    if saliency.shape != reference.shape:
        raise InputError(f"{case.reference}: size differs from the photo's; give a map of its size")
    return score(saliency, mask), score(reference, mask), correlation(saliency, reference)


def find_cases(
    method: str, photo_folder: str, mask_folder: str, reference_folder: str | None, limit: int
) -> list[Case]:
    """Photos to measure a method on, every n-th of all so that `limit` of them remain.

    Raises:
        InputError: a folder or a mask is missing, or no reference map belongs to a photo.
    """
    references = Path(reference_folder) / method.upper() if reference_folder else None
    if reference_folder and not Path(reference_folder).is_dir():
        raise InputError(f"{reference_folder}: no such folder; give --reference_maps one, or none")
    if references is not None and not references.is_dir():
        references = None
    cases = []
    for photo in list_photos(photo_folder):
        mask = Path(mask_folder) / f"{photo.id}.png"
        if not mask.is_file():
            raise InputError(f"{mask}: no such mask; give --masks with one PNG for each photo")
        reference = references / f"{photo.id}.png" if references else None
        if reference is None or reference.is_file():
            cases.append(Case(photo.path, mask, reference))
    if not cases:
        raise InputError(f"{references}: no map is named like a photo; use <photo's id>.png")
    chosen = np.linspace(0, len(cases), min(limit or len(cases), len(cases)), endpoint=False)
    return [cases[int(i)] for i in chosen]


def seconds_on_one_core(method: str, cases: Iterable[Case]) -> float:
    """Mean processor time of the method alone, decoding and compilation left out."""
    run = METHODS.find(method)
    photos = [images.read_rgb(case.photo) for case in cases]
    with threadpoolctl.threadpool_limits(1):
        run(photos[0])
        start = time.process_time()
        for rgb in photos:
            run(rgb)
    return (time.process_time() - start) / len(photos)


def report_line(method: str, cases: list[Case], jobs: int) -> str:
    """Measures a method on the photos and formats its rows of the table."""
    with worker_pool(jobs) as pool:
        tasks = [pool.submit(measure, method, case) for case in cases]
        results = [task.result() for task in tqdm(tasks, desc=method, unit="photo")]
        start = time.perf_counter()
        tasks = [pool.submit(compute, method, case.photo) for case in cases[: 4 * _SPEED_PHOTOS]]
        for task in tasks:
            task.result()
        rate = len(tasks) / (time.perf_counter() - start)
    seconds = seconds_on_one_core(method, cases[:_SPEED_PHOTOS])
    ours, references, correlations = zip(*results, strict=True)
    scored = references[0] is not None
    fidelity = f"{statistics.fmean(correlations):11.4f}" if scored else " " * 10 + "-"
    line = f"{method:<10}{len(cases):6d}{fidelity}{_mean_scores(ours)}{seconds:10.3f}{rate:10.1f}"
    if scored:
        line += f"\n{'  reference':<10}{'':16}{_mean_scores(references)}"
    return line


def _mean_scores(scores: Iterable[Scores]) -> str:
    """Means over photos in %, formatted."""
    table = np.array([[s.mae, s.f_adaptive, s.f_half] for s in scores])
    return "".join(f"{100 * value:9.2f}" for value in table.mean(axis=0))


def contact_sheet(methods: list[str], cases: list[Case]) -> Image.Image:
    """A row a photo: the photo, the map of each method, the truth."""
    columns: list[tuple[str, Callable[[Case], np.ndarray]]] = [
        ("photo", lambda case: images.read_rgb(case.photo)),
        *((name, lambda case, name=name: compute(name, case.photo)) for name in methods),
        ("truth", lambda case: masks.read_mask(case.mask)),
    ]
    width, height = _CELL
    header = 20
    sheet = Image.new("RGB", (width * len(columns), header + height * len(cases)), "white")
    draw = ImageDraw.Draw(sheet)
    for x, (name, picture) in enumerate(columns):
        draw.text((x * width + 4, 4), name, fill="black")
        for y, case in enumerate(cases):
            cell = Image.fromarray(picture(case))
            cell.thumbnail((width - 4, height - 4))
            sheet.paste(cell.convert("RGB"), (x * width, header + y * height))
    return sheet


def define_flags() -> None:
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("masks", None, "Folder of masks, <id>.png.", required=True)
    flags.DEFINE_string("reference_maps", None, "Folder of folders RBD, DSR, MC, HS of maps.")
    flags.DEFINE_list("methods", list(METHODS.names), "Which methods to measure.")
    flags.DEFINE_integer("limit", 0, "Photos a method, spread evenly; 0: all.", lower_bound=0)
    flags.DEFINE_integer("jobs", 0, "Processes of the pool; 0: one a core.", lower_bound=0)
    flags.DEFINE_string("contact_sheet", None, "Where to write a PNG of 12 photos and their maps.")


def run(_: list[str]) -> None:
    values = flags.FLAGS
    unknown = set(values.methods) - set(METHODS.names)
    if unknown:
        raise InputError(
            f"--methods={unknown.pop()}: no such method; use {', '.join(METHODS.names)}"
        )
    jobs = values.jobs or cores()
    folders = values.images, values.masks, values.reference_maps
    cases = {name: find_cases(name, *folders, values.limit) for name in values.methods}
    print(
        f"{'method':<10}{'photos':>6}{'correlation':>11}{'MAE':>9}{'F 2mean':>9}{'F 0.5':>9}"
        f"{'s/photo':>10}{'photos/s':>10}   (pool of {jobs})"
    )
    for name in values.methods:
        print(report_line(name, cases[name], jobs), flush=True)
    if values.contact_sheet:
        spread = find_cases("", values.images, values.masks, None, _SHEET_PHOTOS)
        contact_sheet(values.methods, spread).save(values.contact_sheet)


if __name__ == "__main__":
    from benchmarks import handcrafted  # by that name the processes find what they are to do

    handcrafted.define_flags()
    start(handcrafted.run)
