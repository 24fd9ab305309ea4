"""From a folder of photos to handcrafted saliency maps: `OUTPUT/<method>/<id>.png`.

    python -m data_prep.compute_maps --images=DIR --output=DIR [--methods=rbd,dsr,mc,hs]

Photos are computed by a pool of processes, one photo at a time each, or by this one, several
together, as each method says. Finished maps of the same photos are kept, so an interrupted run goes
on where it stopped. Maps made elsewhere, --methods=NAME=FOLDER, are checked and copied.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

import threadpoolctl
from absl import flags

from data_prep.base.command import start
from data_prep.base.counting import counter
from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.base.processes import cores, worker_pool
from data_prep.methods.names import HELP, METHODS, Method, batch_size, parse_methods
from data_prep.methods.photo_maps import PhotoResult, make_batch_maps, make_photo_maps, map_path
from data_prep.methods.sources import check_sources, keep_source
from data_prep.pictures.file_hashes import FileHashes
from data_prep.pictures.origin import is_of_photo
from data_prep.pictures.passed_over import PassedOver
from data_prep.pictures.photos import Photo, list_folder

MAPS_SIDE = 400  # the long side of the photos the methods' authors chose their constants on
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class MapsSummary:
    """What a run did.

    Attributes:
        written: maps computed and written now.
        kept: maps that were there already.
        skipped: for each photo of which a map could not be made, why, in one line.
        passed_over: what of the folder is no photo.
    """

    written: int = 0
    kept: int = 0
    skipped: dict[Path, str] = field(default_factory=dict)
    passed_over: PassedOver = field(default_factory=PassedOver)


def compute_maps(
    *,
    images: str | os.PathLike,
    output: str | os.PathLike,
    methods: Sequence[str],
    jobs: int = 0,
    max_side: int = MAPS_SIDE,
    progress: bool = True,
    recursive: bool = False,
) -> MapsSummary:
    """Computes the maps that are missing, each at its photo's own size, 8-bit grey.

    A map of another photo of that name, or of the photo before it was edited, counts as missing; so
    it says of itself. One that does not say, as of an older version or of hand, is kept.

    A photo is decoded once for all its missing maps that the pool computes. A photo that cannot be
    read or computed, or has no map in a folder of maps, is skipped and named in the summary; the
    others go on.

    Args:
        images: folder of photos, see `data_prep.pictures.photos.list_folder`.
        output: folder that gets `<method>/<id>.png`; made where it is missing.
        methods: entries of --methods, see `data_prep.methods.names.parse_methods`; at least one.
        jobs: number of processes; 0 for one a processor core this process may use.
        max_side: larger photos are computed at this longest side in pixels and their maps brought
            back to size, so that time and memory stay bounded.
        progress: whether is shown how far it is, on standard error.
        recursive: whether photos in subfolders are taken too; their maps are in subfolders then.

    Raises:
        InputError: an unknown method, a bad number, no photos, a full disk, a process that died,
            or another run in the same folder.
        KeyboardInterrupt: Ctrl-C was pressed; the one-line message says how far the run got.
    """
    chosen = parse_methods(methods)
    if jobs < 0:
        raise InputError(f"jobs: {jobs} is negative; give 0 for all cores, or a number")
    if max_side < 1:
        raise InputError(f"max_side: {max_side} is too small; give a size in pixels, such as 400")
    listing = list_folder(images, recursive=recursive)
    check_sources(chosen, recursive=recursive)
    with locked_folder(Path(output), "wait for it or choose another folder") as output:
        for partial in output.glob("*/**/.*.partial"):
            partial.unlink()  # of a run that was killed
        for method in chosen:
            keep_source(method, output / method.name)
        summary = _make_missing(listing.photos, output, chosen, jobs, max_side, progress)
    return replace(summary, passed_over=listing.passed_over)


def _make_missing(
    photos: Sequence[Photo],
    output: Path,
    methods: Sequence[Method],
    jobs: int,
    max_side: int,
    progress: bool,
) -> MapsSummary:
    """Makes the maps that are not there yet; those made elsewhere are taken anew."""
    hashes = FileHashes(output)
    todo = []
    for photo in photos:
        missing = tuple(
            method
            for method in methods
            if method.folder or not _is_made(map_path(output, method.name, photo.id), photo, hashes)
        )
        if missing:
            todo.append((photo, missing))
    hashes.save()
    wanted = sum(len(missing) for _, missing in todo)
    kept = len(photos) * len(methods) - wanted
    written = 0
    skipped: dict[Path, str] = {}
    single, together = _by_kind(todo)
    results = _results(single, together, output, max_side, jobs)
    options = {"total": kept + wanted, "done": kept, "unit": "map", "stage": "maps"}
    try:
        with counter("maps", **options, shown=progress) as count, contextlib.closing(results):
            for result in results:
                written += result.written
                if result.reasons:
                    before = skipped.get(result.photo.path)
                    reasons = filter(None, (before, *result.reasons))
                    skipped[result.photo.path] = "; ".join(dict.fromkeys(reasons))
                count(result.wanted)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped: {written} of {wanted} maps written; the same command goes on from there"
        ) from None
    return MapsSummary(written=written, kept=kept, skipped=dict(sorted(skipped.items())))


def _is_made(path: Path, photo: Photo, hashes: FileHashes) -> bool:
    """Whether a photo's map is there and, as far as it says, was made of what the photo is now."""
    try:
        return is_of_photo(path, lambda: hashes.of(f"{photo.id}{photo.path.suffix}", photo.path))
    except InputError:
        return False  # what is wrong with the photo is told where it is read


_Task = tuple[Photo, tuple[Method, ...]]


def _by_kind(todo: Sequence[_Task]) -> tuple[list[_Task], dict[Method, list[Photo]]]:
    """Parts what is done a photo at a time from what methods do that take photos together."""
    single: list[_Task] = []
    together: dict[Method, list[Photo]] = {}
    for photo, missing in todo:
        alone = []
        for method in missing:
            if method.folder is None and batch_size(method.function):
                together.setdefault(method, []).append(photo)
            else:
                alone.append(method)
        if alone:
            single.append((photo, tuple(alone)))
    return single, together


def _results(
    single: Sequence[_Task],
    together: Mapping[Method, Sequence[Photo]],
    output: Path,
    max_side: int,
    jobs: int,
) -> Iterator[PhotoResult]:
    yield from _single_results(single, output, max_side, jobs)
    yield from _batch_results(together, output, max_side)


def _single_results(
    todo: Sequence[_Task], output: Path, max_side: int, jobs: int
) -> Iterator[PhotoResult]:
    """Does the tasks, in this process or in a pool; results come as they are finished."""
    jobs = min(jobs or cores(), len(todo))
    if jobs <= 1:
        with threadpoolctl.threadpool_limits(1):
            for photo, missing in todo:
                yield make_photo_maps(photo, missing, output, max_side)
        return
    found = {method: method.importable for _, missing in todo for method in missing}
    tasks = [(photo, tuple(found[method] for method in missing)) for photo, missing in todo]
    with _one_thread_each():
        pool = worker_pool(jobs)
        try:
            with _ctrl_c_held():
                futures = [pool.submit(make_photo_maps, *t, output, max_side) for t in tasks]
            yield from _finished(futures)
        finally:
            with _ctrl_c_held():  # a second one would leave the pool half shut
                pool.shutdown(wait=True, cancel_futures=True)


def _batch_results(
    together: Mapping[Method, Sequence[Photo]], output: Path, max_side: int
) -> Iterator[PhotoResult]:
    """Runs the methods that take photos together, one after another, in this process."""
    for method, photos in together.items():
        size = batch_size(method.function)
        for first in range(0, len(photos), size):
            yield from make_batch_maps(photos[first : first + size], method, output, max_side)


def _finished(futures: list[Future]) -> Iterator[PhotoResult]:
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


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("output", None, "Folder that gets <method>/<id>.png.", required=True)
    flags.DEFINE_list("methods", list(METHODS.names), HELP)
    flags.DEFINE_integer("jobs", 0, "Processes; 0 for one a processor core.", lower_bound=0)
    flags.DEFINE_bool("recursive", False, "Take photos in subfolders too.")
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
        recursive=values.recursive,
    )
    if summary.passed_over:
        print(summary.passed_over.line, file=sys.stderr)
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
