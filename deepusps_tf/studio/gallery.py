"""A run's training photos with their labels, sorted by disagreement, as they are now."""

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import tensorflow as tf

from data_prep.pictures.images import fit_within, read_rgb_within
from data_prep.records.format import IMAGE_FEATURES, LABEL_FEATURES, RecordSet
from data_prep.records.random_reading import record_reader
from deepusps_tf.studio.disagreement import disagreements, shown_label
from deepusps_tf.studio.label_sets import LabelSet, RunLabels

MEAN = "mean of all methods"
_KEPT = 4000  # small pictures


@dataclasses.dataclass(frozen=True)
class View:
    """The labels of one moment.

    Attributes:
        key: names them: the same for the same labels alone.
        methods: the newest labels of each method.
        current: the one label set made of all; None: their mean is what is known of all.
        disagreement: float32 [N] in [0, 1], in record order.
        order: places in record order, from most to least disagreement.
    """

    key: str
    methods: tuple[LabelSet, ...]
    current: LabelSet | None
    disagreement: np.ndarray
    order: tuple[int, ...]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The name and stage of each picture of a photo, but for the photo itself."""
        named = [(each.name, each.stage) for each in self.methods]
        current = self.current
        return [*named, ("now", f"{current.name}, {current.stage}" if current else MEAN)]


class Gallery:
    """Keeps the newest view, and small pictures of it.

    Args:
        labels: finds the labels.
    """

    def __init__(self, labels: RunLabels):
        self.labels = labels
        self._view: View | None = None
        self._reading: str | None = None
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._readers: dict[str, Callable] = {}
        self._pictures: dict[tuple, bytes] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The photos, in record order."""
        return self.labels.photos.train.ids

    def view(self) -> View | None:
        """The newest view that is ready; a newer one is read meanwhile, None while the first is.

        Raises:
            InputError: labels cannot be read.
        """
        methods, current = tuple(self.labels.of_methods()), self.labels.of_all()
        sets = [*methods, *([current] if current else [])]
        named = "\n".join(each.records.stem for each in sets)
        key = hashlib.sha256(named.encode()).hexdigest()[:12]
        with self._lock:
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            if (self._view is None or self._view.key != key) and self._reading is None:
                self._reading = key
                reading = (key, methods, current, sets)
                threading.Thread(target=self._read, args=reading, daemon=True).start()
            return self._view

    def _read(
        self,
        key: str,
        methods: tuple[LabelSet, ...],
        current: LabelSet | None,
        sets: Sequence[LabelSet],
    ) -> None:
        try:
            found = disagreements(sets)
            order = tuple(map(int, np.argsort(-found, kind="stable")))
            view, failure = View(key, methods, current, found, order), None
        except Exception as error:  # told to whoever asks next
            view, failure = None, error
        with self._lock:
            self._reading, self._failure = None, failure
            self._view = view or self._view

    def picture(self, view: View, column: int, place: int, side: int) -> bytes:
        """A small picture as JPEG.

        Args:
            view: what is shown.
            column: 0 for the photo, then as of `View.columns`.
            place: of the photo in record order.
            side: its longest, in pixels.
        """
        key = (view.key if column else "", column, place, side)
        made = self._pictures.get(key)
        if made is None:
            pixels = self._photo(place, side) if column == 0 else self._label(view, column, place)
            pixels = fit_within(np.ascontiguousarray(pixels), side)
            bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
            made = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
            with self._lock:
                self._pictures[key] = made
                while len(self._pictures) > _KEPT:
                    del self._pictures[next(iter(self._pictures))]
        return made

    def stored_photo(self, place: int) -> bytes:
        """The file of a photo, as its record has it."""
        return self._record(self.labels.photos.train, place, IMAGE_FEATURES)["image"].numpy()

    def photo_size(self, place: int) -> tuple[int, int]:
        """Height and width of a photo as its record has it."""
        record = self._record(self.labels.photos.train, place, IMAGE_FEATURES)
        return int(record["height"]), int(record["width"])

    def stored_map(self, method: str, place: int) -> bytes:
        """A handcrafted map, as the PNG that its record has."""
        return self._record(self.labels.maps[method], place, LABEL_FEATURES)["label"].numpy()

    def _photo(self, place: int, side: int) -> np.ndarray:
        return read_rgb_within(self.stored_photo(place), max_side=side)[0]

    def _label(self, view: View, column: int, place: int) -> np.ndarray:
        """A label, uint8 [h, w] with the sides in the proportion of the photo's."""
        height, width = self.photo_size(place)

        def one(of: LabelSet) -> np.ndarray:
            png = self._record(of.records, place, LABEL_FEATURES)["label"].numpy()
            return cv2.resize(shown_label(png, of), (width, height), interpolation=cv2.INTER_LINEAR)

        if column <= len(view.methods):
            return one(view.methods[column - 1])
        if view.current is not None:
            return one(view.current)
        mean = np.mean([one(each) for each in view.methods], axis=0)
        return np.rint(mean).astype(np.uint8)

    def _record(self, records: RecordSet, place: int, features: dict):
        read = self._readers.get(records.stem)
        if read is None:
            read = self._readers[records.stem] = record_reader(records)
        return tf.io.parse_single_example(read(tf.constant(place, tf.int64)), features)
