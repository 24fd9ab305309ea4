"""The first thing to look at: photos, and the masks and cutouts that the final model makes."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.reporting.final_masks import FoundPhoto
from deepusps_tf.reporting.judgement import Judgement
from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.scoring.layout import SPLITS

RANDOM = 12  # photos of which every run on the same photos shows the same
LOOK = 6  # photos that need a look
_SEED = 0

Choice = tuple[RecordSet, int]  # a photo: a set and the place in it


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The photos of a contact sheet.

    Attributes:
        photos: what they are, in words.
        random: by chance.
        look: those that need a look.
        notes: what is known of a photo, by its id.
        why: why those need a look.
    """

    photos: str
    random: list[Choice]
    look: list[Choice]
    notes: dict[str, str]
    why: str


def choose_photos(
    photos: PhotoSets, judged: Judgement | None, agreement: Agreement | None
) -> Chosen:
    """Chooses photos that were kept out of training where there are any, else training photos.

    Those that need a look are those with the largest errors or, where none has a mask, those on
    which the label sets disagree most.

    Args:
        photos: of the run.
        judged: its photos with masks, or None.
        agreement: of its label sets, or None.
    """
    split = photos.judged()[0] if judged else "test" if photos.test else "train"
    images = photos.test if split == "test" else photos.train
    drawn = np.random.default_rng(_SEED).permutation(len(images.ids))[:RANDOM]
    random = [(images, int(place)) for place in drawn]
    if judged:
        places = {photo_id: place for place, photo_id in enumerate(images.ids)}
        look = [(images, places[pair.ours.id]) for pair in judged.worst]
        notes = {photo_id: f"MAE {100 * error:.1f}%" for photo_id, error in judged.errors.items()}
        why = "largest errors"
    else:
        look, notes, why = [], {}, "labels disagree most"
        if agreement:
            shares = agreement.of_photos
            least = agreement.least(RANDOM + LOOK)
            look = [(photos.train, place) for place in least]
            notes = {photos.train.ids[place]: f"overlap {shares[place]:.0%}" for place in least}
    look = [each for each in look if each not in random][:LOOK]
    return Chosen(SPLITS[split], random, look, notes, why)


@dataclasses.dataclass(frozen=True)
class Card:
    """A photo on the sheet, with its caption."""

    caption: str
    found: FoundPhoto


@dataclasses.dataclass(frozen=True)
class ContactSheet:
    """Photos as the final model sees them: `random` ones, then those to `look` at and `why`."""

    photos: str
    random: list[Card]
    look: list[Card]
    why: str


def contact_sheet(chosen: Chosen, found: Sequence[FoundPhoto]) -> ContactSheet:
    """Lays a sheet out of what was found in the random photos and in those to look at."""
    cards = [
        Card(", ".join(filter(None, (each.id, chosen.notes.get(each.id)))), each) for each in found
    ]
    count = len(chosen.random)
    return ContactSheet(chosen.photos, cards[:count], cards[count:], chosen.why)
