"""What a model is, as a file beside it says: `assets.extra/model.json` of an export."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

from data_prep.base.errors import damage_named
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.runs.provenance import Provenance, read_provenance

MODEL_FILE = "assets.extra/model.json"
FORMAT = 1
THRESHOLD = 0.5  # of every mask
LICENCE = "Apache-2.0"
LOCAL_CRF, NONE = "local_crf", "none"  # what refines in a graph


@dataclasses.dataclass(frozen=True)
class ModelFigures:
    """What a model scored on photos with masks.

    Attributes:
        test_set: the photos.
        photos: how many.
        resolution: where: at `their own size` or the network's, as `160x160`.
        output: what was scored: `prediction`, or `prediction + CRF`.
        scores: each in [0, 1], by the names of `deepusps_tf.scoring.scores.Scores`.
    """

    test_set: str
    photos: int
    resolution: str
    output: str
    scores: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What a model is, where it comes from, and what can be expected of it.

    What is not known is None or empty, and not in the file.

    Attributes:
        format: version of the file's format.
        name: of the run.
        network: its backbone, as `--backbone` names it.
        size: side of the network's input in pixels.
        parameters: how many numbers its weights are.
        threshold: of the probability, above which a pixel is salient.
        refined: whether a CRF refines what the network predicts.
        crf: its constants, where it does; `*_sxy` are pixels of a 432x432 map.
        served_refinement: what refines inside the graph or file itself: `local_crf`, of the same
            constants (`serving.graph_refinement`), or `none`; not known of older exports, in which
            nothing does.
        photos: how many photos it was trained on.
        photo_set: SHA-256 of those photos: of their own SHA-256, as stored, sorted.
        trained_on: their folder, by the last part of its name, or the one before `images`.
        methods: the handcrafted methods whose maps were its first labels.
        rounds: how many rounds refined the labels of each.
        joint_rounds: how many rounds refined the labels of all together.
        fusion: how the methods' labels made one network.
        oracle: `none`, or what of the truth masks it was trained on.
        pretraining: what its first weights were, in words.
        figures: what it scored on photos with masks.
        trained: when, with what and how long it was trained.
        exported: when and with what this file was made.
        limits: what cannot be expected of it, a sentence each.
        licence: of the program that made it.
    """

    format: int = FORMAT
    name: str | None = None
    network: str | None = None
    size: int | None = None
    parameters: int | None = None
    threshold: float | None = None
    refined: bool | None = None
    crf: CrfSettings | None = None
    served_refinement: str | None = None
    photos: int | None = None
    photo_set: str | None = None
    trained_on: str | None = None
    methods: tuple[str, ...] = ()
    rounds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    joint_rounds: int | None = None
    fusion: str | None = None
    oracle: str | None = None
    pretraining: str | None = None
    figures: tuple[ModelFigures, ...] = ()
    trained: Provenance | None = None
    exported: Provenance | None = None
    limits: tuple[str, ...] = ()
    licence: str | None = None

    @property
    def knows_crf(self) -> bool:
        """Whether it says if and how a CRF refines predictions."""
        return self.refined is False or bool(self.refined and self.crf)

    @property
    def own_crf(self) -> CrfSettings | None:
        """The CRF that refines its predictions; None where none does, or it does not say."""
        return self.crf if self.refined else None

    @property
    def served_crf(self) -> CrfSettings | None:
        """The constants of what refines inside the graph; None where nothing does."""
        return self.own_crf if self.served_refinement == LOCAL_CRF else None


def facts_text(facts: ModelFacts) -> str:
    """Writes facts as JSON, which `parse_facts` reads; what is not known is left out."""
    return json.dumps(_told(dataclasses.asdict(facts)), indent=2, ensure_ascii=False) + "\n"


def parse_facts(text: str) -> ModelFacts:
    """Reads facts in this format or a later one, of which what is not known here is left out.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: they are damaged.
    """
    fields = dict(json.loads(text))
    kept = _known(ModelFacts, fields)
    for name in ("methods", "limits"):
        kept[name] = tuple(map(str, fields.get(name, ())))
    figures = fields.get("figures", ())
    kept["figures"] = tuple(ModelFigures(**_known(ModelFigures, each)) for each in figures)
    for name in ("trained", "exported"):
        if name in fields:
            kept[name] = read_provenance(fields[name])
    if "crf" in fields:
        kept["crf"] = _crf(fields["crf"])
    return ModelFacts(**kept)


def read_facts(model: Path) -> ModelFacts | None:
    """Reads what an exported version says of itself; None where it has no such file.

    Raises:
        InputError: the file is damaged.
    """
    path = model / MODEL_FILE
    if not path.is_file():
        return None
    with damage_named(path, "export the model again with --mode=export"):
        return parse_facts(path.read_text(encoding="utf-8"))


def _crf(fields: Mapping) -> CrfSettings:
    crf = CrfSettings(**_known(CrfSettings, fields))
    values = dataclasses.asdict(crf)
    # Of others pydensecrf may end the process.
    if not all(math.isfinite(value) and value >= 0 for value in values.values()):
        raise ValueError(f"{values}: constants of no CRF")
    if min(crf.gaussian_sxy, crf.bilateral_sxy, crf.bilateral_srgb) < 1:
        raise ValueError(f"{values}: a reach below a pixel or level")
    return dataclasses.replace(crf, iterations=int(crf.iterations))


def _known(kind: type, fields: Mapping) -> dict:
    """Those of some fields that a dataclass has."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in fields.items() if name in names}


def _told(value):
    """Values for JSON without what is None or empty, at any depth."""
    if isinstance(value, Mapping):
        told = {name: _told(part) for name, part in value.items()}
        return {name: part for name, part in told.items() if part not in (None, "", [], {})}
    return [_told(part) for part in value] if isinstance(value, tuple | list) else value
