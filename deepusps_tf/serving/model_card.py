"""A model's facts as a page that people read: `README.md` beside `model.json`."""

from collections.abc import Iterator, Sequence

from deepusps_tf.runs.provenance import Machine, Provenance
from deepusps_tf.serving.model_facts import ModelFacts, ModelFigures

CARD_FILE = "assets.extra/README.md"
_COLUMNS = {"f_fixed": "F", "mae": "MAE", "precision": "precision", "recall": "recall"}


def card_text(facts: ModelFacts) -> str:
    """Writes facts as Markdown; of what is not known nothing is said."""
    parts = [
        f"# {facts.name or 'Salient-object segmentation model'}",
        _warning(facts),
        _section("The model", _model(facts)),
        _section("How it is used", _use(facts)),
        _section("What it learned from", _learned(facts)),
        _figures(facts),
        _section("Limits", [f"- {limit}" for limit in facts.limits]),
        _section("Licence", _licence(facts)),
        _section("How it was made", _made(facts)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> str:
    text = "\n".join(lines)
    return f"## {title}\n\n{text}" if text else ""


def _warning(facts: ModelFacts) -> str:
    """What must stand first, where it learned from masks."""
    if facts.oracle in (None, "none"):
        return ""
    return (
        f"**ORACLE, --oracle={facts.oracle}: THIS MODEL WAS TRAINED WITH TRUTH MASKS.** Its "
        "figures are an upper bound, not those of learning without masks."
    )


def _model(facts: ModelFacts) -> Iterator[str]:
    if facts.network and facts.size:
        numbers = f", {facts.parameters:,} parameters" if facts.parameters else ""
        yield f"- Network: {facts.network} at {facts.size}x{facts.size}{numbers}"
    if facts.threshold is not None:
        yield f"- Mask: where the probability is above {facts.threshold:g}"
    if facts.refined is False:
        yield "- CRF: none"
    elif facts.own_crf:
        crf = facts.own_crf
        yield (
            f"- CRF: {crf.iterations} iterations; bilateral: reach {crf.bilateral_sxy:g} pixels of "
            f"a 432x432 map, {crf.bilateral_srgb:g} levels of colour, weight "
            f"{crf.bilateral_compat:g}; Gaussian: reach {crf.gaussian_sxy:g}, weight "
            f"{crf.gaussian_compat:g}"
        )


def _use(facts: ModelFacts) -> Iterator[str]:
    yield "    deepusps predict --model=THIS_FOLDER --images=DIR --output=DIR"
    yield "    deepusps_tf.load('THIS_FOLDER').predict('photo.jpg')"
    yield "\nTHIS_FOLDER is the one that holds `saved_model.pb`."
    if facts.own_crf:
        yield "Both, and `--mode=evaluate`, refine with the CRF unless told otherwise."
    if facts.served_crf:
        yield (
            "The graph, of TensorFlow Serving, ONNX or LiteRT, cannot run this CRF. It refines "
            "with one of the same constants that joins a pixel with some neighbours instead of "
            "with all, at the network's size; the figures below are not of that. The signatures "
            "`unrefined` and `tensor_unrefined` of a SavedModel answer with what the table calls "
            "`prediction`."
        )
    elif facts.own_crf:
        yield (
            "The graph has no CRF: TensorFlow Serving answers with what the table calls "
            "`prediction`."
        )


def _learned(facts: ModelFacts) -> Iterator[str]:
    if facts.photos and facts.trained_on:
        digest = f", SHA-256 {facts.photo_set}" if facts.photo_set else ""
        yield f"- Photos: {facts.photos}, from {facts.trained_on}{digest}"
    elif facts.trained_on:
        yield f"- Photos: {facts.trained_on}"
    if facts.oracle == "none":
        yield "- Masks: none, they only score"
    elif facts.oracle:
        yield f"- Masks: TRUTH MASKS, by --oracle={facts.oracle}"
    if facts.pretraining:
        yield f"- Pretraining: {facts.pretraining}"
    if facts.methods:
        yield f"- First labels: maps of {', '.join(facts.methods)}"
    if facts.rounds:
        rounds = ", ".join(f"{count} of {name}" for name, count in facts.rounds.items())
        yield f"- Rounds: {rounds}"
    if facts.joint_rounds is not None:
        yield f"- Joint rounds: {facts.joint_rounds}"
    if facts.fusion:
        yield f"- Fusion: {facts.fusion}"


def _figures(facts: ModelFacts) -> str:
    if not facts.figures:
        return _section("Figures", ["None: it was scored on no photos with masks."])
    head = ["photos with masks", "number", "at", "output", *_COLUMNS.values()]
    rows = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head))]
    rows += [f"| {' | '.join(_row(figures))} |" for figures in facts.figures]
    rows.append("\nIn percent. F is that of masks (beta^2 = 0.3), MAE that of probabilities.")
    return _section("Figures", rows)


def _row(figures: ModelFigures) -> list[str]:
    scores = (figures.scores.get(name) for name in _COLUMNS)
    return [
        *(figures.test_set, str(figures.photos), figures.resolution, figures.output),
        *("-" if score is None else f"{100 * score:.2f}" for score in scores),
    ]


def _licence(facts: ModelFacts) -> Iterator[str]:
    if facts.licence:
        yield (
            f"The program that made it is under {facts.licence}. The photos and the pretrained "
            "weights that it learned from may have licences of their own."
        )


def _made(facts: ModelFacts) -> Iterator[str]:
    for what, made in (("Trained", facts.trained), ("Exported", facts.exported)):
        if made:
            yield f"- {what}: {'; '.join(_provenance(made))}"


def _provenance(made: Provenance) -> Iterator[str]:
    yield made.date
    if made.seconds is not None:
        yield f"in {duration_in_words(made.seconds)}"
    if made.machine:
        yield f"on {machine_in_words(made.machine)}"
    yield ", ".join(f"{name} {version}" for name, version in made.versions.items())
    if made.commit:
        yield f"commit {made.commit}"


def machine_in_words(machine: Machine) -> str:
    """A machine as people read it: `2 cores of Intel Xeon, 16 GB`."""
    memory = f"{machine.memory_gb:g} GB" if machine.memory_gb else None
    cores = f"{machine.cores} core{'s' * (machine.cores != 1)}"
    cores += f" of {machine.cpu}" if machine.cpu else ""
    return ", ".join(filter(None, [cores, memory, *machine.gpus]))


def duration_in_words(seconds: float) -> str:
    """A time as people read it: `45 s`, `58 min`, `3 h 5 min`."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
