"""Where the photos of each split lie, and which photos a split gets: those that have maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.base.command import tell
from data_prep.base.errors import InputError
from data_prep.compute_maps import compute_maps
from data_prep.methods.names import Method
from data_prep.pictures.photos import Photo, list_photos
from data_prep.records.corrections import SplitFiles
from data_prep.records.format import order_ids
from data_prep.records.source import Source


@dataclass(frozen=True)
class Place:
    """Where a split's photos, their masks (or None) and their maps lie."""

    images: Path
    masks: Path | None
    maps: Path
    recursive: bool

    def photos(self) -> list[Photo]:
        """Lists the photos."""
        return list_photos(self.images, recursive=self.recursive)


def files_of(source: Source, records: Path, methods: Sequence[Method]) -> dict[str, SplitFiles]:
    """Where the files lie that the records of each split are made of, with maps by `methods`."""
    return {
        split: SplitFiles(
            photos=place.images,
            masks=place.masks,
            maps={
                method.name: tuple(
                    map(Path, filter(None, (place.maps / method.name, method.folder)))
                )
                for method in methods
            },
        )
        for split, place in places_of(source, records).items()
    }


def places_of(source: Source, records: Path) -> dict[str, Place]:
    """Where the photos of each split lie: those held out among the others."""
    if source.sample_size:
        sample, maps = records / "sample", records / "maps"
        return {
            split: Place(sample / split / "images", sample / split / "masks", maps / split, False)
            for split in ("train", "test")
        }
    masks, walks = Path(source.masks) if source.masks else None, source.recursive
    places = {"train": Place(Path(source.images), masks, records / "maps/train", walks)}
    if source.test_images:
        test = Path(source.test_images), Path(source.test_masks)
        places["test"] = Place(*test, records / "maps/test", walks)
    elif masks and source.holdout:
        places["test"] = places["train"]
    return places


def splits_of(source: Source, places: dict[str, Place], jobs: int) -> dict[str, list[Photo]]:
    """Makes the maps and gives each split its photos, of those that have them."""
    mapped = {
        place: _mapped_photos(place, source.methods, jobs)
        for place in dict.fromkeys(places.values())
    }
    splits = {split: mapped[place] for split, place in places.items()}
    if len(places) > len(mapped):
        photos = splits["train"]
        count = max(1, round(source.holdout * len(photos)))
        held_out = set(order_ids(photo.id for photo in photos)[:count])
        splits["test"] = [photo for photo in photos if photo.id in held_out]
        splits["train"] = [photo for photo in photos if photo.id not in held_out]
        if not splits["train"]:
            raise InputError(f"--holdout={source.holdout}: leaves no photo to train on")
    return splits


def _mapped_photos(place: Place, methods: Sequence[str], jobs: int) -> list[Photo]:
    """Makes the maps of a folder of photos and lists the photos that have them."""
    skipped = make_maps(place, methods, jobs)
    photos = [photo for photo in place.photos() if photo.path not in skipped]
    if not photos:
        raise InputError(f"{place.images}: no photo could be used; see the reasons above")
    return photos


def make_maps(place: Place, methods: Sequence[str], jobs: int) -> dict[Path, str]:
    """Makes the maps of a folder of photos; says which photos could not have them, and why."""
    summary = compute_maps(
        images=place.images,
        output=place.maps,
        methods=methods,
        jobs=jobs,
        recursive=place.recursive,
    )
    if summary.passed_over:
        tell(f"{place.images}: {summary.passed_over.line}")
    for path, reason in summary.skipped.items():
        tell(f"left out {path}: {reason}")
    return summary.skipped
