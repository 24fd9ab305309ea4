"""The figures of one output on some photos, and what they are of."""

import dataclasses
from collections.abc import Mapping

from deepusps_tf.scoring.scores import MAP, Scores

OWN_SIZE = "their own size"
# The order in which a file's lines have what a subject and its figures hold.
_KEYS = (
    *("method", "stage", "test_set", "output", "split", "resolution"),
    *("scores", "field", "scored", "oracle", "crf"),
)


@dataclasses.dataclass(frozen=True)
class FieldScores:
    """Means over images by the field's own scorer.

    Of a curve over 256 thresholds, its maximum and its mean. Each in [0, 1], but that E of n pixels
    reaches n / (n - 1).

    Attributes:
        mae: mean absolute error of the stretched maps.
        f_max: largest F (beta^2 = 0.3) of the mean curve.
        f_mean: mean F of that curve.
        f_adaptive: F of maps cut at twice their mean.
        f_weighted: weighted F (Margolin et al. 2014, beta^2 = 1).
        s_measure: structure (Fan et al. 2017, alpha = 0.5).
        e_max: largest enhanced alignment (Fan et al. 2018) of the mean curve.
        e_mean: mean of that curve.
        e_adaptive: enhanced alignment of maps cut at twice their mean.
    """

    mae: float
    f_max: float
    f_mean: float
    f_adaptive: float
    f_weighted: float
    s_measure: float
    e_max: float
    e_mean: float
    e_adaptive: float


@dataclasses.dataclass(frozen=True)
class RunStage:
    """A stage of a run, scored while it trains on photos of its records.

    Attributes:
        method: `rbd` and so on, `joint` or `fusion`.
        stage: 0 for the handcrafted map, then the round's number.
        split: the photos: `train` or `test`.
    """

    method: str
    stage: int
    split: str


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A run, an exported model or maps, scored by `--mode=evaluate` on a test set.

    Attributes:
        test_set: its name.
        resolution: where: photos at `their own size` or the network's, as `160x160`.
        scored: which maps, model or run, and on which photos by which masks, in words; empty in
            files that were written before it was kept.
        oracle: the run's `--oracle`; empty where it is not known, as of maps made elsewhere.
        crf: the CRF behind the refined output, in words; empty without one, and in older files.
    """

    test_set: str
    resolution: str
    scored: str = ""
    oracle: str = ""
    crf: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What new figures of the same replace."""
        return self.test_set, self.resolution, self.scored


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of one output on some photos.

    Attributes:
        subject: what was scored, and on which photos.
        output: of it: `map`, `labels`, `prediction` or `prediction + CRF`.
        scores: the paper's figures, and the number of photos.
        field: those of the field's own scorer, or None where they were not computed.
    """

    subject: RunStage | Evaluation
    output: str
    scores: Scores
    field: FieldScores | None = None

    @property
    def name(self) -> str:
        """What tables call it, among figures on the same photos."""
        if isinstance(self.subject, Evaluation):
            return self.output
        method, stage = self.subject.method, self.subject.stage
        if stage == 0:
            return f"{method} handcrafted map"
        where = method if method == "fusion" else f"{method} round {stage}"
        return f"{where} {self.output}"

    @property
    def paper_f(self) -> float:
        """F as the paper cuts it: maps at twice their mean, as 0.5 would flatter networks."""
        return self.scores.f_adaptive if self.output == MAP else self.scores.f_fixed

    def as_line(self) -> dict[str, object]:
        """All of it by name, in plain values, without what is None; `read_line` reads it."""
        line = dataclasses.asdict(self)
        line |= {**line.pop("subject"), "scores": self.scores.named()}
        return {key: line[key] for key in _KEYS if line.get(key) is not None}


def read_line(line: Mapping[str, object]) -> Figures:
    """Makes the figures of what `Figures.as_line` gave.

    Raises:
        TypeError, LookupError: where something is missing or unknown.
    """
    rest = dict(line)
    kind = RunStage if "method" in rest else Evaluation
    names = {field.name for field in dataclasses.fields(kind)}
    subject = kind(**{name: rest.pop(name) for name in names & rest.keys()})
    scores, field = Scores(**rest.pop("scores")), rest.pop("field", None)
    return Figures(subject, scores=scores, field=field and FieldScores(**field), **rest)


def network_size(size: int) -> str:
    """The resolution of photos scored at a network's size."""
    return f"{size}x{size}"
