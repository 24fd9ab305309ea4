import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import photo_size
from tests.data_prep.beam_prepare.preparation import BeamSummary, failing_renames, prepare


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
