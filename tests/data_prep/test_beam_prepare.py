import contextlib
import json
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.compute_maps import compute_maps
from data_prep.pictures.images import photo_size
from data_prep.pictures.photos import list_photos
from data_prep.records import format as records
from data_prep.records.format import open_labels, open_set
from data_prep.write_records import write_records

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what Beam imports
    pytest.importorskip("apache_beam", reason="apache-beam is not installed")
    from apache_beam.io.filesystem import FileMetadata, MatchResult
    from apache_beam.io.localfilesystem import LocalFileSystem
    from apache_beam.options.pipeline_options import PipelineOptions

    from data_prep import beam_prepare
    from data_prep.beam.shards import Layout
    from data_prep.beam_prepare import BeamSource, BeamSummary, prepare_on_beam

METHODS = ("mc", "rbd")
ROOT = Path(__file__).parents[2]


class BucketFileSystem(LocalFileSystem):
    """Files whose addresses look remote to Beam: bucket://PATH is the local PATH."""

    @classmethod
    def scheme(cls):
        return "bucket"

    def match(self, patterns, limits=None):
        found = super().match([pattern.removeprefix("bucket://") for pattern in patterns], limits)
        return [
            MatchResult(
                pattern,
                [FileMetadata(f"bucket://{f.path}", f.size_in_bytes) for f in result.metadata_list],
            )
            for pattern, result in zip(patterns, found, strict=True)
        ]

    def open(self, path, *arguments, **options):
        return super().open(path.removeprefix("bucket://"), *arguments, **options)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 3)


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    random = np.random.default_rng(0)
    for number in range(7):
        rgb = random.integers(0, 60, (30, 40 + number, 3), dtype=np.uint8)
        mask = np.zeros(rgb.shape[:2], np.uint8)
        mask[8:20, 10 : 25 + number] = 255
        rgb[mask > 0] += np.uint8(150)
        kind = "jpg" if number % 2 else "png"
        Image.fromarray(rgb).save(tmp_path / f"images/p{number}.{kind}")
        Image.fromarray(mask).save(tmp_path / f"masks/p{number}.png")
    return tmp_path


def prepare_locally(folder, *, masks=True, max_side=1024):
    made = compute_maps(
        images=folder / "images", output=folder / "maps", methods=METHODS, jobs=1, progress=False
    )
    write_records(
        photos=[p for p in list_photos(folder / "images") if p.path not in made.skipped],
        maps={name: folder / "maps" / name for name in METHODS},
        masks=folder / "masks" if masks else None,
        output=str(folder / "local"),
        max_side=max_side,
        progress=False,
    )
    return made


def prepare(folder, *, output="beam", options=("--runner=FnApiRunner",), **changes):
    source = {
        "images": f"{folder}/images/*",
        "masks": f"{folder}/masks/*",
        "methods": METHODS,
        **changes,
    }
    return prepare_on_beam(
        source=BeamSource(**source),
        output=output if "://" in output else f"{folder}/{output}",
        options=PipelineOptions(list(options)),
    )


def contents(folder, *patterns):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for pattern in patterns
        for path in sorted(folder.rglob(pattern))
    }


def record_files(folder):
    return contents(folder, "*.tfrecord", "*.manifest.json")


def test_records_are_those_of_the_local_tools(folder):
    prepare_locally(folder)
    assert prepare(folder) == BeamSummary(photos=7, left_out=0)
    expected = record_files(folder / "local")
    assert len(expected) == 3 * 3 + 3  # shards and manifests of images and two methods
    assert record_files(folder / "beam") == expected
    assert contents(folder / "beam/maps", "*.png*") == contents(folder / "maps", "*.png")
    images = open_set(f"{folder}/beam/images")
    assert images.manifest.has_masks and images.manifest.shard_counts == (3, 2, 2)
    open_labels(f"{folder}/beam/labels/mc/round0", images)


def test_broken_photos_are_counted_and_named(folder):
    (folder / "images/cut.jpg").write_bytes(b"\xff\xd8 cut")
    (folder / "images/empty.png").touch()
    (folder / "images/notes.txt").write_text("no photo")
    made = prepare_locally(folder, masks=False)
    assert prepare(folder, masks=None) == BeamSummary(photos=7, left_out=2)
    lines = (folder / "beam/left_out.txt").read_text().splitlines()
    assert lines == [f"{path}: {reason}" for path, reason in made.skipped.items()]
    assert [line.partition(":")[0] for line in lines] == [
        f"{folder}/images/{name}" for name in ("cut.jpg", "empty.png")
    ]
    assert record_files(folder / "beam") == record_files(folder / "local")


def test_finished_records_are_left_alone_and_a_stopped_run_keeps_its_maps(folder):
    first = prepare(folder, masks=None)
    before = {path: path.stat().st_mtime_ns for path in (folder / "beam").rglob("*")}
    whole = record_files(folder / "beam")
    assert prepare(folder, masks=None) == first
    assert prepare(folder, masks=None, methods=("mc",)) == first
    assert {path: path.stat().st_mtime_ns for path in (folder / "beam").rglob("*")} == before
    with pytest.raises(InputError, match="made with masks=None, not"):
        prepare(folder)
    with pytest.raises(InputError, match="made with methods=.*, without dsr; choose another"):
        prepare(folder, masks=None, methods=("mc", "dsr"))

    for name in (
        "prepared",
        "labels/mc/round0.manifest.json",
        "images-00001-of-00003.tfrecord",
        "maps/rbd/p3.png",
    ):
        (folder / "beam" / name).unlink()
    kept = {path: before[path] for path in (folder / "beam/maps").rglob("*.png")}
    assert len(kept) == 13
    assert prepare(folder, masks=None) == first
    assert record_files(folder / "beam") == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert set((folder / "beam").rglob("*")) == set(before)  # nothing temporary


def test_a_stopped_run_makes_the_maps_of_a_replaced_photo_again(folder):
    prepare(folder, masks=None)
    (folder / "images/p2.png").write_bytes((folder / "images/p4.png").read_bytes())
    prepare_locally(folder, masks=False)
    (folder / "beam/prepared").unlink()
    kept = {
        path: path.stat().st_mtime_ns
        for path in (folder / "beam/maps").rglob("*.png")
        if path.name != "p2.png"
    }
    assert prepare(folder, masks=None) == BeamSummary(photos=7, left_out=0)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(folder / "beam/maps", "*.png*") == contents(folder / "maps", "*.png")
    assert record_files(folder / "beam") == record_files(folder / "local")


def test_photos_and_records_may_be_remote(folder):
    prepare_locally(folder, max_side=20)
    images, masks = f"bucket://{folder}/images/*", f"bucket://{folder}/masks/*"
    output = f"ram://remote{folder}"
    prepare(folder, images=images, masks=masks, output=output, max_side=20)
    for name, content in record_files(folder / "local").items():
        with tf.io.gfile.GFile(f"{output}/{name}", "rb") as file:
            assert file.read() == content


def test_mistakes_name_the_address_of_a_remote_photo(folder):
    Image.new("L", (10, 10)).save(folder / "masks/p2.png")
    masks = f"bucket://{folder}/masks/*"
    with pytest.raises(InputError, match=f"^{masks[:-1]}p2.png: is 10x10, its photo 42x30"):
        prepare(folder, masks=masks)
    left = [path.name for path in (folder / "beam").rglob("*.*") if path.suffix != ".png"]
    assert not [name for name in left if name.endswith((".tmp", ".partial", ".manifest.json"))]


def test_a_set_of_empty_masks_is_refused_before_any_map_is_made(folder):
    for path in (folder / "masks").iterdir():
        height, width = photo_size(path)
        Image.new("L", (width, height)).save(path)
    with pytest.raises(InputError, match=r"masks/\*: nothing is salient in any mask; give masks"):
        prepare(folder)
    assert not list((folder / "beam").rglob("*.png"))
    Image.new("L", (42, 30), 255).save(folder / "masks/p2.png")
    assert prepare(folder) == BeamSummary(photos=7, left_out=0)  # one is enough


def test_a_mask_that_cannot_be_read_is_told_before_any_map_is_made(folder):
    (folder / "masks/p2.png").write_bytes(b"no mask")
    with pytest.raises(InputError, match=r"masks/p2.png: is no picture this program reads"):
        prepare(folder)
    assert not list((folder / "beam").rglob("*.png"))


def test_missing_mask_is_told_before_any_map_is_made(folder):
    (folder / "masks/p2.png").unlink()
    with pytest.raises(InputError, match=r"masks/\*: no mask for photo p2; add it or move"):
        prepare(folder)
    assert not (folder / "beam/maps").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p1.gif", "p1.gif and .*p1.jpg: two photos of one name"),
        ("a\nb.png", "in its name; rename"),
    ],
)
def test_names_that_no_record_could_have(folder, name, message):
    Image.new("RGB", (9, 9)).save(folder / "images" / name, format="PNG")
    with pytest.raises(InputError, match=message) as caught:
        prepare(folder, masks=None)
    assert "\n" not in str(caught.value)
    assert not (folder / "beam/maps").exists()


def test_map_of_another_photo_is_told(folder):
    (folder / "beam/maps/mc").mkdir(parents=True)
    Image.new("L", (10, 10)).save(folder / "beam/maps/mc/p4.png")
    with pytest.raises(InputError, match="maps/mc/p4.png: is 10x10, its photo 44x30; delete"):
        prepare(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": "nowhere/*.jpg"}, "nowhere/.*: matches no file; give a pattern"),
        ({"masks": "hare://masks/*"}, "hare://masks/.*: Unable to get filesystem"),
        ({"methods": ("mc", "best")}, "methods: 'best' is unknown"),
        ({"max_side": 0}, "max_side: 0 is too small"),
        ({"options": ["--runner=HareRunner"]}, "runner: .*HareRunner"),
    ],
)
def test_bad_settings(folder, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        prepare(folder, **changes)
    assert "\n" not in str(caught.value)


def test_no_usable_photo(folder):
    for path in (folder / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"no photo could be used \(7 are named in .*left_out.txt"):
        prepare(folder)


def test_layout_ranks_prefixes_and_cuts_shards():
    layout = Layout.from_counts({"00f1": 4, "0001": 2, "a000": 1})
    assert layout.starts == {"0001": 0, "00f1": 2, "a000": 6}
    assert layout.ends == (3, 5, 7) and layout.count == 7
    assert [layout.shard(rank) for rank in range(7)] == [0, 0, 0, 1, 1, 2, 2]


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "data_prep.beam_prepare", f"--output={folder}/beam", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_job_server_of_a_portable_runner(folder):
    prepare_locally(folder)
    portable = ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    assert prepare(folder, options=portable) == BeamSummary(photos=7, left_out=0)
    assert record_files(folder / "beam") == record_files(folder / "local")


@contextlib.contextmanager
def failing_renames(name, error):
    rename = tf.io.gfile.rename

    def fail(source, target, overwrite=False):
        if target.endswith(name):
            raise error(None, None, "a\n\treason")
        rename(source, target, overwrite=overwrite)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.io.gfile, "rename", fail)
        yield


@pytest.mark.parametrize("name", ["maps/mc/p3.png", "images-00001-of-00003.tfrecord"])
def test_busy_bucket_is_no_mistake_but_left_to_the_runner(folder, name):
    with (
        failing_renames(name, tf.errors.AbortedError),
        pytest.raises(InputError, match=rf"beam/{name}: cannot be written \(a reason\)") as caught,
    ):
        prepare(folder)
    assert "[while running '" in str(caught.value) and "\n" not in str(caught.value)
    assert not (folder / "beam/outcome.json").exists()
    assert prepare(folder) == BeamSummary(photos=7, left_out=0)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("labels/mc/round0.manifest.json", "again"),
        ("left_out.txt", r"again \[while running 'outcome'\]"),
        ("prepared", "again"),
    ],
)
def test_disk_full_at_the_end_is_one_line(folder, name, end):
    line = rf"^{folder}/beam/{name}: cannot be written \(a reason\); .* run the same command {end}$"
    with (
        failing_renames(name, tf.errors.ResourceExhaustedError),
        pytest.raises(InputError, match=line),
    ):
        prepare(folder)
    assert prepare(folder) == BeamSummary(photos=7, left_out=0)


def test_reason_of_a_failed_stage_is_what_stands_behind_the_tracebacks():
    try:
        raise tf.errors.UnavailableError(None, None, "HTTP 503\n\twhen reading gs://b/p.jpg")
    except tf.errors.OpError:
        told = traceback.format_exc()
    kind = "tensorflow.python.framework.errors_impl.UnavailableError"
    line = f"{kind}: HTTP 503 when reading gs://b/p.jpg"
    assert beam_prepare._reason(RuntimeError(f"failed\n{told}\nDuring another:\n\n{told}")) == line
    assert beam_prepare._reason(RuntimeError("one [while running 'pair']")) == (
        "one [while running 'pair']"
    )


@pytest.mark.slow
def test_command_line_with_two_worker_processes(folder, monkeypatch):
    monkeypatch.undo()  # the workers write shards of the usual size
    (folder / "images/cut.jpg").write_bytes(b"\xff\xd8 cut")
    prepare_locally(folder, masks=False)
    done = run(
        folder,
        f"--images={folder}/images/*",
        "--runner",
        "DirectRunner",
        "--direct_num_workers=2",
        "--direct_running_mode=multi_processing",
        "--methods=mc,rbd",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"7 photos written to {folder}/beam, 1 left out\n")
    assert record_files(folder / "beam") == record_files(folder / "local")
    assert json.loads((folder / "beam/prepared").read_text())["left_out"] == 1


@pytest.mark.slow
def test_command_line_tells_a_mistake_in_one_line(folder):
    (folder / "masks/p2.png").unlink()
    patterns = (f"--images={folder}/images/*", f"--masks={folder}/masks/*")
    done = run(folder, *patterns, "--runner=FnApiRunner")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {folder}/masks/*: no mask for")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--colour=blue"], "--colour: is a flag neither of this command nor of Beam"),
        (["--colour", "blue"], "--colour: is a flag neither of this command nor of Beam"),
        (["photos", "--runner=DirectRunner"], "photos: is no flag; a pattern needs quotes"),
        (["--streaming", "b.jpg", "c.jpg"], "b.jpg: is no flag; a pattern needs quotes"),
        (["--job_endpoint=host:1", "--slots", "2", "b.jpg"], "b.jpg: is no flag"),
        (["--job_endpoint=host:1", "--slots=2", "b.jpg"], "b.jpg: is no flag"),
    ],
)
def test_unknown_flags_and_words_are_refused(arguments, message):
    with pytest.raises(InputError, match=f"^{message}"):
        beam_prepare._beam_options(arguments)


def test_flags_of_beam_and_of_a_job_server_may_have_their_values_behind_them():
    direct = beam_prepare._beam_options(["--runner", "DirectRunner", "--direct_num_workers", "2"])
    values = direct.get_all_options()
    assert (values["runner"], values["direct_num_workers"]) == ("DirectRunner", 2)
    server = beam_prepare._beam_options(["--job_endpoint", "host:1", "--slots", "2", "--fast"])
    values = server.get_all_options(retain_unknown_options=True)
    assert (values["job_endpoint"], values["slots"], values["fast"]) == ("host:1", "2", True)
