"""Methods that a user brings: functions of a file, batches through a network, folders of maps."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.compute_maps import MapsSummary, compute_maps
from data_prep.methods.names import METHODS, parse_methods
from data_prep.pictures.images import write_png
from data_prep.pictures.masks import read_grey
from data_prep.prepare import prepare_records
from data_prep.records.format import open_labels, open_set
from data_prep.records.source import Source

ROOT = Path(__file__).parents[2]
OWN = """
import json
import os
import sys
from pathlib import Path

import numpy as np

from data_prep.methods.names import METHODS, in_batches


def note(name, **values):
    with Path(f"{__file__}.{name}").open("a") as file:
        file.write(json.dumps({"process": os.getpid(), **values}) + "\\n")


@METHODS.register("bright")
def bright(rgb):
    note("bright", tensorflow="tensorflow" in sys.modules)
    return rgb.mean(axis=2) / 255


@METHODS.register("deep")
@in_batches(size=2)
def deep(photos):
    note("deep", photos=len(photos))
    if any(rgb.shape[1] == 61 for rgb in photos):
        raise ValueError("odd width")
    return [np.full(rgb.shape[:2], 0.2, np.float32) for rgb in photos]


def loud(rgb):
    return rgb.mean(axis=2)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for number in range(5):
        pixels = np.full((30, 40, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"photos/p{number}.png")
    (tmp_path / "own_methods.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("own_methods", None)
    for name in ("bright", "deep"):
        METHODS._parts.pop(name, None)


def notes(folder, name):
    lines = (folder / f"own_methods.py.{name}").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_batches_are_made_here_and_single_photos_in_the_pool(folder):
    summary = compute_maps(
        images="photos",
        output="maps",
        methods=["own_methods:bright", "glow=own_methods:deep"],
        jobs=2,
        progress=False,
    )
    assert summary == MapsSummary(written=10, kept=0, skipped={})
    singles, batches = notes(folder, "bright"), notes(folder, "deep")
    assert {note["process"] for note in batches} == {os.getpid()}
    assert [note["photos"] for note in batches] == [2, 2, 1]
    assert os.getpid() not in {note["process"] for note in singles}
    assert [note["tensorflow"] for note in singles] == 5 * [False]
    for number in range(5):
        assert (read_grey(Path(f"maps/bright/p{number}.png")) == 40 * number).all()
        assert (read_grey(Path(f"maps/glow/p{number}.png")) == 51).all()


def test_a_batch_that_fails_costs_only_the_photo_it_fails_on(folder):
    Image.fromarray(np.zeros((30, 61, 3), np.uint8)).save("photos/p1.png")
    Path("photos/p3.png").write_bytes(b"")
    options = {"images": "photos", "output": "maps", "jobs": 1, "progress": False}
    summary = compute_maps(methods=["own_methods:deep"], **options)
    assert summary.written == 3
    assert summary.skipped == {
        Path("photos/p1.png"): "deep failed (ValueError: odd width); leave the photo out",
        Path("photos/p3.png"): "is empty; fetch it again or remove it",
    }
    assert compute_maps(methods=["own_methods:deep"], **options).kept == 3


def test_maps_of_another_function_never_pass_for_a_methods_own(folder):
    options = {"images": "photos", "output": "maps", "jobs": 1, "progress": False}
    compute_maps(methods=["mine=own_methods:bright"], **options)
    message = "maps/mine: holds the maps of mine=own_methods:bright, not of mine=own_methods:deep"
    with pytest.raises(InputError, match=message):
        compute_maps(methods=["mine=own_methods:deep"], **options)
    assert compute_maps(methods=["mine=own_methods:bright"], **options).kept == 5


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("absent_module:f", "--methods=absent_module:f: no module absent_module"),
        ("own_methods:absent", "--methods=own_methods:absent: module own_methods holds no absent"),
        ("made=nowhere", "--methods=made=./nowhere: no such folder"),
    ],
)
def test_what_is_not_there_is_named_before_anything_is_made(folder, entry, message):
    with pytest.raises(InputError, match=message):
        compute_maps(images="photos", output="maps", methods=["rbd", entry], progress=False)
    assert not Path("maps").exists()


def add_maps(folder, count=5, value=0):
    for number in range(count):
        write_png(Path(folder) / f"p{number}.png", np.full((30, 40), value + number, np.uint8))


def test_maps_made_elsewhere_are_checked_and_taken_as_they_are(folder):
    add_maps("made", count=4)
    write_png(Path("made/p2.png"), np.zeros((40, 30), np.uint8))
    summary = compute_maps(
        images="photos", output="maps", methods=["mine=made"], jobs=1, progress=False
    )
    assert summary == MapsSummary(
        written=3,
        kept=0,
        skipped={
            Path("photos/p2.png"): "made/p2.png: is 30x40, its photo 40x30; make the map at the "
            "photo's size",
            Path("photos/p4.png"): "made/p4.png: no map of it for mine; put one there",
        },
    )
    for number in (0, 1, 3):
        assert (read_grey(Path(f"maps/mine/p{number}.png")) == number).all()
    in_place = compute_maps(
        images="photos", output=".", methods=["made=made"], jobs=1, progress=False
    )
    assert in_place.written == 3


def test_maps_beyond_0_to_1_are_refused(folder):
    summary = compute_maps(
        images="photos", output="maps", methods=["own_methods:loud"], jobs=1, progress=False
    )
    assert summary.written == 1  # the black photo's
    assert "the map goes from 40 to 40, not within 0 to 1" in summary.skipped[Path("photos/p1.png")]


def test_a_folder_of_maps_of_0_and_1_is_refused(folder):
    add_maps("made", count=2)
    message = "--methods=mine=./made: its maps are stored as 0 and 1; data_prep.import_maps writes"
    with pytest.raises(InputError, match=message):
        compute_maps(images="photos", output="maps", methods=["mine=made"], progress=False)
    assert not Path("maps").exists()


def source(*methods):
    fields = dict.fromkeys(("masks", "test_images", "test_masks", "sample_seed"))
    return Source(
        images="photos", **fields, holdout=0.0, sample_size=0, methods=methods, max_side=1024
    )


def test_records_take_methods_of_all_kinds_and_further_ones(folder, capsys):
    add_maps("made", count=4)
    records = Path("records")
    prepare_records(source=source("mine=made", "own_methods:bright"), records=records, jobs=1)
    left_out = "left out photos/p4.png: made/p4.png: no map of it for mine; put one there\n"
    assert capsys.readouterr().out == left_out
    prepare_records(source=source("own_methods:deep", "mine=made"), records=records, jobs=1)
    images = open_set("records/train/images")
    assert sorted(images.ids) == ["p0", "p1", "p2", "p3"]
    for name, means in {"mine": [0, 1, 2, 3], "bright": [0, 40, 80, 120], "deep": 4 * [51]}.items():
        labels = open_labels(f"records/train/labels/{name}/round0", images)
        assert labels.manifest.mean_saliency == pytest.approx(np.mean(means) / 255)
    made_from = json.loads((records / "source.json").read_text())
    assert made_from["methods"] == [
        *(f"mine={folder}/made", "bright=own_methods:bright", "deep=own_methods:deep"),
    ]
    prepare_records(source=source("mine=made"), records=records, jobs=1)
    with pytest.raises(InputError, match=r"the maps of mine are those of mine=.*/made, not of mi"):
        prepare_records(source=source("mine=photos"), records=records, jobs=1)


def test_a_further_method_that_lacks_a_photo_is_refused(folder):
    prepare_records(source=source("own_methods:bright"), records=Path("records"), jobs=1)
    add_maps("made", count=4)
    with pytest.raises(InputError, match=r"photos/p4.png: records holds it, but not all of mine"):
        prepare_records(source=source("mine=made"), records=Path("records"), jobs=1)


def test_beams_workers_make_maps_of_every_kind_one_photo_at_a_time(folder):
    from data_prep.beam.photos import BROKEN, MakeMaps, PhotoFiles

    add_maps("made", count=4)
    methods = parse_methods(["made=made", "own_methods:bright", "own_methods:deep"])
    stage = MakeMaps(methods, "out")
    stage.setup()
    photos = [PhotoFiles(f"p{n}", str(folder / f"photos/p{n}.png"), None) for n in (3, 4)]
    (passed,), (broken,) = (list(stage.process(files)) for files in photos)
    stage.teardown()
    assert passed == photos[0]
    assert [note["photos"] for note in notes(folder, "deep")] == [1, 1]
    for name, value in {"made": 3, "bright": 120, "deep": 51}.items():
        assert (read_grey(Path(f"out/maps/{name}/p3.png")) == value).all()
    assert (broken.tag, broken.value) == (
        BROKEN,
        f"{photos[1].photo}: made/p4.png: no map of it for made; put one there",
    )


@pytest.mark.parametrize("where", ["file", "script"])
def test_a_script_without_a_guard_makes_maps_in_a_pool(folder, where):
    methods = {"file": "own_methods:bright", "script": "dim"}[where]
    Path("script.py").write_text(
        "from data_prep.compute_maps import compute_maps\n"
        "from data_prep.methods.names import METHODS\n"
        "@METHODS.register('dim')\n"
        "def dim(rgb):\n"
        "    return rgb[..., 0] / 510\n"
        f"made = compute_maps(images='photos', output='maps', methods=['rbd', '{methods}'],\n"
        "    jobs=2, progress=False)\n"
        "print(made.written)\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if where == "file":
        assert (done.stdout, done.stderr) == ("10\n", "")
    else:
        assert done.stderr.splitlines()[-1] == (
            "data_prep.base.errors.InputError: --methods=dim: lies in the script itself, which "
            "other processes cannot import; put it into a file of its own, or give --jobs=1"
        )


def test_old_sources_of_plain_names_go_on(folder):
    plain = source("own_methods:bright")
    prepare_records(source=plain, records=Path("records"), jobs=1)
    path = Path("records/source.json")
    path.write_text(path.read_text().replace('"bright=own_methods:bright"', '"rbd"'))
    Path("records/train/labels/bright").rename("records/train/labels/rbd")
    prepare_records(
        source=dataclasses.replace(plain, methods=("rbd",)), records=Path("records"), jobs=1
    )
    assert json.loads(path.read_text())["methods"] == ["rbd"]
