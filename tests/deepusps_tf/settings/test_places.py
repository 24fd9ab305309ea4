import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.places import check_places, exported_versions, find_model

ROOT = Path(__file__).parents[3]


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Photos, one of them without a mask, an export, a run, records, a file and an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("photos/a.jpg", "photos/sub/b.jpg", "masks/a.png", "photos.masks/a.png"),
        *("photos.masks/sub/b.png", "export/1/saved_model.pb", "export/12/saved_model.pb"),
        *("run/config.flags", "repeats/repeat1/config.flags", "records/prepared", "file"),
        "run/model.keras",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("empty").mkdir()


PREDICT = {"mode": "predict", "images": "photos", "model": "export", "output": "out"}
TRAIN = {"records": "new", "workdir": "w", "images": "photos"}
EVALUATE = {"mode": "evaluate", "workdir": "run"}


@pytest.mark.parametrize(
    "settings",
    [
        PREDICT,
        {**PREDICT, "model": "export/1", "summary": "new/all.json", "recursive": False},
        {**PREDICT, "images": "photos/a.jpg", "output": "new/mask.png"},
        {**PREDICT, "output": "photos/out"},
        {**PREDICT, "model": "run/model.keras"},
        {**PREDICT, "model": None},
        TRAIN,
        {**TRAIN, "masks": "masks"},
        {**TRAIN, "masks": "photos.masks", "recursive": True},
        {**TRAIN, "images": "gone", "records": "records"},
        {**TRAIN, "images": "gone", "devices": "workers"},
        {**TRAIN, "images": None, "records": "records"},
        {**TRAIN, "images": None, "records": "gs://bucket/records"},
        EVALUATE,
        {**EVALUATE, "workdir": "repeats", "images": "photos", "masks": "masks"},
        {**EVALUATE, "workdir": None, "maps": "masks", "masks": "masks", "output": "o"},
        {"mode": "table", "workdirs": ("run",)},
    ],
)
def test_what_is_there_is_taken_and_nothing_is_made(there, settings):
    before = sorted(Path().rglob("*"))
    check_places(Config(**settings))
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({**PREDICT, "images": "gone"}, "^gone: no such folder"),
        ({**PREDICT, "images": "empty"}, "^empty: holds no photo"),
        ({**PREDICT, "model": "empty"}, "^empty: holds no exported model; give <workdir>/export"),
        ({**PREDICT, "model": "gone.keras"}, "^gone.keras: no such file; --mode=export --format="),
        ({**PREDICT, "output": "file"}, "^--output=file: file is a file; name a folder"),
        ({**PREDICT, "output": "file/out"}, "^--output=file/out: file is a file; name a folder"),
        (
            {**PREDICT, "output": "mask.png"},
            "^--output=mask.png: one file, and --images=photos is a folder; name a folder",
        ),
        (
            {**PREDICT, "images": "photos/a.jpg", "output": "mask.JPG"},
            "^--output=mask.JPG: pictures are written as PNG; name it .png",
        ),
        ({**PREDICT, "summary": "empty"}, "^--summary=empty: a folder; name a file"),
        ({**TRAIN, "images": "gone"}, "^gone: no such folder"),
        ({**TRAIN, "masks": "gone"}, "^gone: no such folder"),
        ({**TRAIN, "masks": "masks", "recursive": True}, "^masks: no mask for photo sub/b"),
        ({**TRAIN, "workdir": "file"}, "^--workdir=file: file is a file; name a folder"),
        ({**TRAIN, "images": None, "records": "gone"}, "^--records=gone: no such folder; give"),
        ({**EVALUATE, "workdir": "gone"}, "^gone: holds no run; make one with --mode=train"),
        ({**EVALUATE, "images": "photos", "masks": "gone"}, "^gone: no such folder"),
        (
            {**EVALUATE, "workdir": None, "maps": "gone", "masks": "masks", "output": "o"},
            "^gone: no such folder",
        ),
        ({"mode": "report", "workdir": "empty"}, "^empty: holds no run"),
    ],
)
def test_what_is_not_there_is_named(there, settings, message):
    before = sorted(Path().rglob("*"))
    with pytest.raises(InputError, match=message) as caught:
        check_places(Config(**settings))
    assert "\n" not in str(caught.value)
    assert sorted(Path().rglob("*")) == before


def test_the_latest_version_of_a_model_is_found(there):
    assert find_model("export") == Path("export/12") and find_model("export/1") == Path("export/1")
    assert exported_versions("export") == [1, 12] and exported_versions("gone") == []


CHECK = """
import sys
import deepusps_tf.main
try:
    deepusps_tf.main.start(["deepusps", *sys.argv[1:]])
except SystemExit as end:
    assert end.code == 2, end.code
assert not {"tensorflow", "keras", "cv2", "numba"} & set(sys.modules)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mode=predict", "--images=gone", "--model=export", "--output=out"],
        ["--mode=predict", "--images=photos", "--model=gone", "--output=out"],
        ["--images=gone", "--records=new", "--workdir=w"],
        ["--images=photos", "--masks=gone", "--records=new", "--workdir=w"],
        ["--mode=report", "--workdir=gone"],
    ],
)
def test_a_wrong_place_answers_before_tensorflow_is_loaded(there, arguments):
    before = sorted(Path().rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("error: gone: ") and done.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
