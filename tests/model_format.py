"""The part of docs/formats.md on `model.json`, made of what its dataclasses say of themselves."""

import dataclasses
import inspect
import re

from deepusps_tf.runs.provenance import Machine, Provenance
from deepusps_tf.serving.model_facts import FORMAT, ModelFacts, ModelFigures

HEAD = f"""
## model.json

What an exported model says of itself: `export/<n>/assets.extra/model.json`, and for people
`README.md` beside it, made of the same. `deepusps_tf.load(...).facts` has it in Python. A file of
`--mode=export --format=...` carries the same text under the name `model.json`: `.keras` as a member
of its zip, `.onnx` in `metadata_props`, `.tflite` as a buffer that its metadata names;
`.weights.h5` has none.

`predict`, `--mode=evaluate --model`, `load().predict` and `.cutout` refine with its `crf` where
`refined` is true. A flag, also one in a flagfile, and an argument of `load` come before it; where
they choose another, one line says so. A model without the file is refined as the settings say, by
`load` not at all, and one line says what it lacks.

The format is version {FORMAT}. What is not known is left out. Readers ignore keys that they do not
know, so that later versions may add some. Folders are named by the last part of their names,
machines not at all.

`crf` has the constants of `CrfSettings` in `deepusps_tf/labels/crf.py`.
"""


def section() -> str:
    """Renders what every key is."""
    parts = (
        ("The file:", ModelFacts),
        ("Each of `figures`:", ModelFigures),
        ("`trained`, whose time is that of rounds and fusion, and `exported`:", Provenance),
        ("`machine` of these:", Machine),
    )
    return HEAD + "".join(f"\n{title}\n\n{_table(kind)}" for title, kind in parts)


def _table(kind: type) -> str:
    told = _attributes(kind)
    rows = [f"| `{field.name}` | {told[field.name]} |\n" for field in dataclasses.fields(kind)]
    return "| key | what |\n|---|---|\n" + "".join(rows)


def _attributes(kind: type) -> dict[str, str]:
    """What the docstring of a dataclass says of each field."""
    _, _, told = inspect.getdoc(kind).partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n        .+)*)", told, re.M)
    return {name: " ".join(text.split()) for name, text in found}
