"""The notebooks run from their first cell to their last, with parameters that make them quick."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.deepusps_tf.networks.shallow import LITE

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "examples/notebooks"
TINY = {
    "photos_to_cutouts": 'PHOTOS = ["coffee"]',
    "adding_a_method": (
        f'SAMPLE, SIZE, BACKBONE, PRETRAINED = 24, 32, "{LITE}", "none"\n'
        'METHODS = ["my_method:border_contrast"]'
    ),
}


def test_every_notebook_is_run_and_committed_without_outputs():
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [path.stem for path in paths] == sorted(TINY)
    for path in paths:
        cells = nbformat.read(path, as_version=4).cells
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("photos_to_cutouts", "['coffee.png']"),
        ("adding_a_method", "border_contrast round 1 prediction"),
    ],
)
def test_a_notebook_runs(name, printed, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "tags" in cell.metadata]
    parameters.source = TINY[name]
    nbclient.NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    texts = [out.get("text", "") + out.get("data", {}).get("text/plain", "") for out in outputs]
    assert printed in "".join(texts)
    assert any("image/png" in output.get("data", {}) for output in outputs)
