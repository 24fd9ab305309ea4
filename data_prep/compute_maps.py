"""From a folder of photos to handcrafted saliency maps: `OUTPUT/<method>/<id>.png`.

    python -m data_prep.compute_maps --images=DIR --output=DIR [--methods=rbd,dsr,mc,hs]

Photos are computed by a pool of processes, one photo at a time each. Finished maps are kept, so an
interrupted run goes on where it stopped.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import threadpoolctl
from absl import flags
from PIL import Image
from tqdm import tqdm

from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.base.processes import cores, worker_pool
from data_prep.methods import METHODS
from data_prep.pictures.images import ImageError, read_rgb_within, write_png
from data_prep.pictures.photos import Photo, list_photos

MAPS_SIDE = 400  # the long side of the photos the methods' authors chose their constants on
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class MapsSummary:
    """What a run did.

    Attributes:
        written: maps computed and written now.
        kept: maps that were there already.
        skipped: for each photo of which a map could not be made, why, in one line.
    """

    written: int = 0
    kept: int = 0
    skipped: dict[Path, str] = field(default_factory=dict)


def compute_maps(
    *,
    images: str | os.PathLike,
    output: str | os.PathLike,
    methods: Sequence[str],
    jobs: int = 0,
    max_side: int = MAPS_SIDE,
    progress: bool = True,
) -> MapsSummary:
    """Computes the maps that are missing, each at its photo's own size, 8-bit grey.

    A photo is decoded once for all its missing maps. A photo that cannot be read or computed is
    skipped and named in the summary; the others go on.

    Args:
        images: folder of photos, see `data_prep.pictures.photos.list_photos`.
        output: folder that gets `<method>/<id>.png`; made where it is missing.
        methods: names from `data_prep.methods.METHODS`, at least one.
        jobs: number of processes; 0 for one a processor core this process may use.
        max_side: larger photos are computed at this longest side in pixels and their maps brought
            back to size, so that time and memory stay bounded.
        progress: whether a progress bar is shown on standard error.

    Raises:
        InputError: an unknown method, a bad number, no photos, a full disk, a process that died,
            or another run in the same folder.
        KeyboardInterrupt: Ctrl-C was pressed; the one-line message says how far the run got.
    """
    check_methods(methods)
    if jobs < 0:
        raise InputError(f"jobs: {jobs} is negative; give 0 for all cores, or a number")
    if max_side < 1:
        raise InputError(f"max_side: {max_side} is too small; give a size in pixels, such as 400")
    photos = list_photos(images)
    with locked_folder(Path(output), "wait for it or choose another folder") as output:
        for partial in output.glob("*/.*.partial"):
            partial.unlink()  # of a run that was killed
        return _compute_missing(photos, output, methods, jobs, max_side, progress)


def _compute_missing(
    photos: Sequence[Photo],
    output: Path,
    methods: Sequence[str],
    jobs: int,
    max_side: int,
    progress: bool,
) -> MapsSummary:
    """Computes the maps that are not there yet."""
    todo = []
    for photo in photos:
        missing = tuple(m for m in methods if not _map_path(output, m, photo.id).exists())
        if missing:
            todo.append((photo, missing))
    wanted = sum(len(missing) for _, missing in todo)
    kept = len(photos) * len(methods) - wanted
    written = 0
    skipped: dict[Path, str] = {}
    jobs = min(jobs or cores(), max(1, len(todo)))
    bar = tqdm(total=len(todo), desc="maps", unit="photo", disable=not progress, smoothing=0.1)
    try:
        with bar, contextlib.closing(_results(todo, output, max_side, jobs)) as results:
            for photo, made, reasons in results:
                written += made
                if reasons:
                    skipped[photo.path] = "; ".join(reasons)
                bar.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped: {written} of {wanted} maps written; the same command goes on from there"
        ) from None
    return MapsSummary(written=written, kept=kept, skipped=dict(sorted(skipped.items())))


def check_methods(methods: Sequence[str]) -> None:
    """Refuses an empty choice of methods, an unknown one and one named twice.

    Raises:
        InputError: naming the method.
    """
    known = ", ".join(METHODS)
    if not methods:
        raise InputError(f"methods: none given; name some of {known}")
    for name in methods:
        if name not in METHODS:
            raise InputError(f"methods: {name!r} is unknown; choose from {known}")
    if len(set(methods)) < len(methods):
        raise InputError("methods: one is named twice; name each once")


def _map_path(output: Path, method: str, photo_id: str) -> Path:
    return output / method / f"{photo_id}.png"


_Task = tuple[Photo, tuple[str, ...]]
_Result = tuple[Photo, int, list[str]]


def _results(todo: list[_Task], output: Path, max_side: int, jobs: int) -> Iterator[_Result]:
    """Computes the tasks, in this process or in a pool; results come as they are finished."""
    if jobs == 1:
        with threadpoolctl.threadpool_limits(1):
            for photo, missing in todo:
                yield compute_photo(photo, missing, output, max_side)
        return
    with _one_thread_each():
        pool = worker_pool(jobs)
        try:
            with _ctrl_c_held():
                futures = [pool.submit(compute_photo, *task, output, max_side) for task in todo]
            yield from _finished(futures)
        finally:
            with _ctrl_c_held():  # a second one would leave the pool half shut
                pool.shutdown(wait=True, cancel_futures=True)


def _finished(futures: list[Future]) -> Iterator[_Result]:
    try:
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process was killed, perhaps for want of memory;"
            " run again with fewer --jobs or a smaller --max_side (finished maps are kept)"
        ) from None


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Lets the processes started meanwhile use one thread each: the pool is the parallelism."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Holds Ctrl-C back; processes started meanwhile never get it: stopping is the parent's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def compute_photo(photo: Photo, methods: tuple[str, ...], output: Path, max_side: int) -> _Result:
    """Computes and writes the maps of one photo.

    Args:
        photo: the photo.
        methods: the methods whose maps are wanted.
        output: folder that gets `<method>/<id>.png`.
        max_side: as of `compute_maps`.

    Returns:
        The photo, how many maps were written, and for each that was not why, in one line.

    Raises:
        InputError: a map cannot be written.
    """
    try:
        rgb, size = read_rgb_within(photo.path, max_side=max_side)
    except ImageError as error:
        return photo, 0, [str(error).removeprefix(f"{photo.path}: ")]
    reasons = []
    for name in methods:
        try:
            saliency = METHODS[name](rgb)
            if saliency.shape != rgb.shape[:2] or not np.isfinite(saliency).all():
                raise ValueError("the map is not finite or not of the photo's size")
        except (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError, MemoryError) as e:
            detail = " ".join(str(e).split())
            reasons.append(f"{name} failed ({type(e).__name__}: {detail}); leave the photo out")
        else:
            write_png(_map_path(output, name, photo.id), _to_size(saliency, size))
    return photo, len(methods) - len(reasons), reasons


def _to_size(saliency: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A float32 map in [0,1] as uint8 [H,W], interpolated linearly where the size differs."""
    grey = np.asarray(saliency, np.float32) * 255
    if grey.shape != size:
        resized = Image.fromarray(grey).resize(size[::-1], Image.Resampling.BILINEAR)
        grey = np.asarray(resized)
    return np.round(np.clip(grey, 0, 255)).astype(np.uint8)


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("output", None, "Folder that gets <method>/<id>.png.", required=True)
    flags.DEFINE_list("methods", list(METHODS), "Which methods, separated by commas.")
    flags.DEFINE_integer("jobs", 0, "Processes; 0 for one a processor core.", lower_bound=0)
    flags.DEFINE_integer(
        "max_side", MAPS_SIDE, "Larger photos are computed at this side.", lower_bound=1
    )


def main(_: Sequence[str]) -> int:
    """Makes maps as the flags say; returns the exit status."""
    values = flags.FLAGS
    summary = compute_maps(
        images=values.images,
        output=values.output,
        methods=values.methods,
        jobs=values.jobs,
        max_side=values.max_side,
    )
    for path, reason in summary.skipped.items():
        print(f"skipped {path}: {reason}", file=sys.stderr)
    print(
        f"{summary.written} maps written, {summary.kept} kept,"
        f" {len(summary.skipped)} photos skipped",
        file=sys.stderr,
    )
    return 0 if summary.written + summary.kept else 1


if __name__ == "__main__":
    define_flags()
    start(main)
