"""The first stages on Apache Beam: patterns of photos and masks -> pairs by id -> maps.

Only addresses travel between stages; pixels are read where they are needed. A mistake of the
user's travels as an element, for runners try a stage that raises again and then drown its message.
"""

import functools
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import tensorflow as tf
import threadpoolctl
from apache_beam.io import fileio
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from data_prep.base.errors import InputError, PassingError
from data_prep.base.files import clear_write_errors
from data_prep.beam.files import Localise, local_files
from data_prep.compute_maps import MAPS_SIDE
from data_prep.methods.names import Method
from data_prep.methods.photo_maps import make_photo_maps
from data_prep.pictures.masks import empty_masks, read_mask
from data_prep.pictures.origin import is_of_photo, photo_hash
from data_prep.pictures.photos import Photo, photo_id

MISTAKES = "mistakes"  # tag of elements that are the message of an InputError
BROKEN = "broken"  # tag of photos that cannot be used: a line each, with why


@dataclass(frozen=True)
class PhotoFiles:
    """A photo's id, its address and that of its mask."""

    id: str
    photo: str
    mask: str | None


def map_address(output: str, method: str, name: str) -> str:
    """Where the map of a photo lies below the output folder."""
    return f"{output}/maps/{method}/{name}.png"


def or_mistake(generate: Callable[..., Iterator]) -> Callable[..., Iterator]:
    """Makes a generator end in an element tagged `MISTAKES` where it raises InputError.

    A PassingError goes on to the runner, so that it tries again.
    """

    @functools.wraps(generate)
    def guarded(*arguments):
        try:
            yield from generate(*arguments)
        except PassingError:
            raise
        except InputError as error:
            yield TaggedOutput(MISTAKES, str(error))

    return guarded


def find_photos(pipeline: beam.Pipeline, what: str, pattern: str):
    """Finds the photos that match a pattern: outputs `named`, of (id, address), and `MISTAKES`."""
    return (
        pipeline
        | f"match {what}" >> fileio.MatchFiles(pattern, fileio.EmptyMatchTreatment.ALLOW)
        | f"name {what}" >> beam.FlatMap(_keyed_by_id).with_outputs(MISTAKES, main="named")
    )


@or_mistake
def _keyed_by_id(metadata) -> Iterator[tuple[str, str]]:
    name = photo_id(metadata.path)
    if name is not None:
        yield name, metadata.path


@or_mistake
def pair(
    found: tuple[str, dict[str, Iterable[str]]], mask_pattern: str | None
) -> Iterator[PhotoFiles]:
    """Pairs the `photos` and `masks` of one id; a mask without photo gives nothing.

    Raises:
        InputError: two of a kind, or no mask for a photo where masks are asked for.
    """
    name, files = found
    photos, masks = (sorted(files.get(kind, ())) for kind in ("photos", "masks"))
    for paths in (photos, masks):
        if len(paths) > 1:
            raise InputError(
                f"{paths[0]} and {paths[1]}: two photos of one name; rename or remove one"
            )
    if not photos:
        return
    if mask_pattern and not masks:
        raise InputError(f"{mask_pattern}: no mask for photo {name}; add it or move the photo")
    yield PhotoFiles(name, photos[0], masks[0] if masks else None)


def refuse_empty_masks(pairs: beam.PCollection, mask_pattern: str) -> list[beam.PCollection]:
    """Looks at all masks before any map is made, as `check_masks` of local ones does.

    Returns:
        The mistakes: masks that cannot be read, and a set in which nothing is salient.
    """
    seen = (
        pairs
        | "spread masks" >> beam.Reshuffle()
        | "look at masks" >> beam.FlatMap(_is_salient).with_outputs(MISTAKES, main="salient")
    )
    empty = (
        seen["salient"]
        | "is any salient" >> beam.CombineGlobally(any).without_defaults()
        | "refuse empty masks"
        >> beam.FlatMap(_refuse_empty, mask_pattern).with_outputs(MISTAKES, main="fine")
    )
    return [seen[MISTAKES], empty[MISTAKES]]


@or_mistake
def _is_salient(files: PhotoFiles) -> Iterator[bool]:
    with local_files() as local:
        yield bool(read_mask(local(files.mask)).any())


@or_mistake
def _refuse_empty(some: bool, mask_pattern: str) -> Iterator[bool]:
    if not some:
        raise empty_masks(mask_pattern)
    yield some


class MakeMaps(beam.DoFn):
    """Computes the maps of a photo that are not there yet and passes the photo on.

    A photo of which a map cannot be made leaves by the output `BROKEN`.
    """

    def __init__(self, methods: Sequence[Method], output: str):
        self.methods = methods
        self.output = output
        self.written = Metrics.counter("data_prep", "maps_written")
        self.kept = Metrics.counter("data_prep", "maps_kept")
        self.left_out = Metrics.counter("data_prep", "photos_left_out")

    def setup(self):
        """Lets numeric libraries use one thread: the runner's workers are the parallelism."""
        self.threads = threadpoolctl.threadpool_limits(1)

    def teardown(self):
        """Gives the threads back, for the runners that work in the user's own process."""
        self.threads.restore_original_limits()

    @or_mistake
    def process(self, files: PhotoFiles) -> Iterator[PhotoFiles]:
        """Yields the photo, or a line that says why it is left out."""
        with local_files() as local:
            missing = tuple(m for m in self.methods if not self._is_made(m, files, local))
        self.kept.inc(len(self.methods) - len(missing))
        reasons = self._compute(files, missing) if missing else []
        if reasons:
            self.left_out.inc()
            yield TaggedOutput(BROKEN, f"{files.photo}: {'; '.join(reasons)}")
        else:
            yield files

    def _is_made(self, method: Method, files: PhotoFiles, local: Localise) -> bool:
        """Whether a photo's map is there; see `data_prep.compute_maps`."""
        address = map_address(self.output, method.name, files.id)
        if not tf.io.gfile.exists(address):
            return False
        try:
            kept = local(address, tf.io.gfile.copy)
            return is_of_photo(kept, lambda: photo_hash(local(files.photo)))
        except InputError:
            return False  # what is wrong with the photo is told where it is read

    def _compute(self, files: PhotoFiles, methods: Sequence[Method]) -> Sequence[str]:
        with tempfile.TemporaryDirectory() as folder, local_files() as local:
            photo = Photo(files.id, local(files.photo))
            here = [self._with_local_map(method, files.id, local) for method in methods]
            result = make_photo_maps(photo, here, Path(folder), MAPS_SIDE)
            for path in Path(folder).glob("*/*.png"):
                publish(path, map_address(self.output, path.parent.name, files.id))
            self.written.inc(result.written)
        return result.reasons

    @staticmethod
    def _with_local_map(method: Method, name: str, local: Localise) -> Method:
        """The method, with a copy of the photo's map where its folder is remote and holds one."""
        if method.folder is None or FileSystems.get_scheme(method.folder) is None:
            return method
        address = f"{method.folder}/{name}.png"
        if not FileSystems.exists(address):
            return method
        return Method(method.name, str(local(address).parent))


def publish(path: Path, address: str) -> None:
    """Copies a local file to an address whole or not at all, whoever else does so meanwhile."""
    partial = f"{address}.{uuid.uuid4().hex}.partial"
    with clear_write_errors(address):
        tf.io.gfile.makedirs(address.rpartition("/")[0])
        tf.io.gfile.copy(str(path), partial)
        tf.io.gfile.rename(partial, address, overwrite=True)
