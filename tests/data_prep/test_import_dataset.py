import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep import import_dataset as module
from data_prep.base.errors import InputError
from data_prep.import_dataset import import_dataset
from data_prep.pictures.masks import read_grey

ROOT = Path(__file__).parents[2]


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(np.zeros((4, 6)) if pixels is None else pixels)).save(path)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def where(tmp_path):
    return {"source": tmp_path / "source", "output": tmp_path / "output"}


@pytest.mark.parametrize(
    ("dataset", "photos", "masks"),
    [
        ("msra_b", ".", "."),
        ("msra_b", "MSRA-B", "MSRA-B"),
        ("msra_b", "MSRA-B/image", "MSRA-B/annotation"),
        ("ecssd", "images", "ground_truth_mask"),
        ("ecssd", "ECSSD/Images", "ECSSD/Ground_Truth_Mask"),
        ("dut_omron", "DUT-OMRON-image", "pixelwiseGT-new-PNG"),
        ("sed2", "SED2/Imgs", "SED2/Imgs"),
        ("pascal_s", "datasets/imgs/pascal", "datasets/masks/pascal"),
        ("pascal_s", "images", "masks"),
    ],
)
def test_published_layouts_are_found(where, dataset, photos, masks):
    for photo_id, suffix in (("1", "jpg"), ("2", "JPG")):
        save(where["source"] / photos / f"{photo_id}.{suffix}")
        save(where["source"] / masks / f"{photo_id}.png", np.full((4, 6), 255))
    (where["source"] / photos / "Thumbs.db").touch()
    assert import_dataset(dataset=dataset, **where) == {where["output"]: 2}
    assert files(where["output"]) == ["images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png"]
    assert (read_grey(where["output"] / "masks/2.png") == 255).all()


def test_files_are_linked_and_an_import_goes_on(where, monkeypatch):
    photo, mask = where["source"] / "images/a.jpg", where["source"] / "ground_truth_mask/a.png"
    save(photo)
    save(mask)
    import_dataset(dataset="ecssd", **where)
    output = where["output"]
    assert (output / "images/a.jpg").samefile(photo) and (output / "masks/a.png").samefile(mask)
    (output / "images/a.jpg").unlink()

    def refuse(*_):
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    import_dataset(dataset="ecssd", **where)
    assert (output / "images/a.jpg").read_bytes() == photo.read_bytes()
    assert not (output / "images/a.jpg").samefile(photo)
    assert len(files(output)) == 2


def test_an_import_that_was_cut_short_goes_on(where, monkeypatch):
    for number in (1, 2):
        save(where["source"] / f"images/{number}.jpg")
        save(where["source"] / f"masks/{number}.png")
    output = where["output"]
    (output / "images").mkdir(parents=True)
    (output / "images/.1.jpg.partial").write_bytes(b"killed here")
    (output / "masks").mkdir()
    (output / "masks/.1.png.77.partial").write_bytes(b"as write_png names it")

    def fill_disk(_, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise OSError("another disk")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "link", refuse)
        patch.setattr(shutil, "copyfile", fill_disk)
        import_dataset(dataset="ecssd", **where)
    assert files(output) == ["masks/.1.png.77.partial"]
    import_dataset(dataset="ecssd", **where)
    whole = ["images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png"]
    assert [name for name in files(output) if not name.endswith(".partial")] == whole


@pytest.fixture
def msra(where, monkeypatch):
    """Five photos and lists of 2, 1 and 2 of them."""
    monkeypatch.setattr(module, "SPLITS", {"train": 2, "valid": 1, "test": 2})
    for number in range(5):
        save(where["source"] / f"0_{number}.jpg")
        save(where["source"] / f"0_{number}.png")
    lists = where["source"].parent / "lists"
    lists.mkdir()
    (lists / "train_cvpr2013.txt").write_text("0_0.png\r\n0_3.png\r\n")
    (lists / "valid.txt").write_text("annotation/0_1.png\n\n")
    (lists / "test_cvpr2013.txt").write_text("0_2\nannotation\\0_4.jpg")
    return {"dataset": "msra_b", **where, "split_lists": lists}


def test_msra_b_is_divided_by_its_lists(msra):
    output = msra["output"]
    assert import_dataset(**msra) == {
        output / "train": 2,
        output / "valid": 1,
        output / "test": 2,
    }
    for split, ids in (("train", "03"), ("valid", "1"), ("test", "24")):
        photos = [f"images/0_{number}.jpg" for number in ids]
        assert files(output / split) == [*photos, *(f"masks/0_{number}.png" for number in ids)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("test_cvpr2013.txt", "0_2.jpg", "names 1 files, MSRA-B's 2"),
        ("test_cvpr2013.txt", "0_2.jpg\n0_9.jpg", "no photo 0_9; unpack MSRA-B again"),
        ("valid.txt", "0_3.png", "0_3 is in .*train_cvpr2013.txt already"),
        ("valid.txt", "0_\xe9.png", "damaged; fetch it again, or store it as UTF-8"),
    ],
)
def test_lists_that_do_not_fit_are_named(msra, name, text, message):
    (msra["split_lists"] / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=f"{name}: {message}"):
        import_dataset(**msra)
    assert not msra["output"].exists()


def test_missing_list_is_named(msra):
    (msra["split_lists"] / "valid.txt").unlink()
    with pytest.raises(InputError, match=r"holds neither valid_cvpr2013.txt nor valid.txt"):
        import_dataset(**msra)
    with pytest.raises(InputError, match="only msra_b is published with lists"):
        import_dataset(**{**msra, "dataset": "ecssd"})


def test_graded_masks_of_pascal_s_are_cut_at_half(where):
    save(where["source"] / "imgs/pascal/1.jpg", np.zeros((1, 4)))
    save(where["source"] / "masks/pascal/1.png", [[0, 127, 128, 255]])
    import_dataset(dataset="pascal_s", **where)
    made = read_grey(where["output"] / "masks/1.png")
    np.testing.assert_array_equal(made, [[0, 0, 255, 255]])


def test_two_masks_of_a_sed2_photo_are_joined(where):
    save(where["source"] / "1.jpg", np.zeros((1, 4)))
    save(where["source"] / "1_1.png", [[255, 0, 0, 0]])
    save(where["source"] / "1_2.png", [[0, 0, 255, 0]])
    import_dataset(dataset="sed2", **where)
    made = read_grey(where["output"] / "masks/1.png")
    np.testing.assert_array_equal(made, [[255, 0, 255, 0]])


def test_weizmanns_paintings_are_voted_on(where):
    red, blue, grey = (255, 0, 0), (0, 0, 255), (90, 90, 90)
    folder = where["source"] / "2obj/boats"
    save(folder / "src_color/boats.png", np.full((1, 4, 3), 90))
    save(folder / "src_bw/boats.png", np.full((1, 4), 90))
    for person, row in enumerate(
        ([red, blue, red, grey], [red, blue, grey, grey], [red, grey, grey, blue])
    ):
        save(folder / f"human_seg/boats_{person}.png", [row])
    import_dataset(dataset="sed2", **where)
    made = read_grey(where["output"] / "masks/boats.png")
    np.testing.assert_array_equal(made, [[255, 255, 0, 0]])
    assert files(where["output"]) == ["images/boats.png", "masks/boats.png"]


def test_sed1_beside_sed2_is_not_taken_for_it(where):
    for name in ("1obj/boat", "2obj/boats"):
        save(where["source"] / name / "src_color/photo.png", np.full((1, 4, 3), 90))
        save(where["source"] / name / "human_seg/one.png", [[(255, 0, 0)] * 4])
    with pytest.raises(InputError, match="source: holds 1obj, 2obj; give the one with two objects"):
        import_dataset(dataset="sed2", **where)
    where["source"] /= "2obj"
    import_dataset(dataset="sed2", **where)
    assert files(where["output"]) == ["images/boats.png", "masks/boats.png"]


def test_what_is_missing_is_named(where):
    source = where["source"]
    with pytest.raises(InputError, match="source: no such folder; give the one that ECSSD is in"):
        import_dataset(dataset="ecssd", **where)
    save(source / "images/0001.jpg")
    with pytest.raises(InputError, match="not laid out as SED2") as caught:
        import_dataset(dataset="sed2", **where)
    assert str(caught.value).endswith(
        "expected <id>/src_color/ and <id>/human_seg/ or JPEG and PNG side by side in Imgs/ or "
        "JPEG and PNG side by side or images/ and masks/, there or one folder deeper"
    )
    save(source / "images/0002.jpg")
    message = (
        r"not laid out as ECSSD; expected images/ and ground_truth_mask/ or images/ and masks/"
    )
    with pytest.raises(InputError, match=message):
        import_dataset(dataset="ecssd", **where)
    save(source / "ground_truth_mask/0002.png")
    with pytest.raises(InputError, match="ground_truth_mask: no mask for 0001; unpack"):
        import_dataset(dataset="ecssd", **where)
    save(source / "ground_truth_mask/0001.png", np.zeros((4, 5)))
    with pytest.raises(InputError, match=r"0001.png: is 5x4, its photo .*0001.jpg 6x4"):
        import_dataset(dataset="ecssd", **where)
    save(source / "ground_truth_mask/0001.png")
    save(source / "ground_truth_mask/0003.png")
    with pytest.raises(InputError, match="ground_truth_mask: no photo for 0003.png"):
        import_dataset(dataset="ecssd", **where)
    assert not where["output"].exists()


def test_an_output_with_other_photos_is_refused(where):
    save(where["source"] / "images/1.jpg")
    save(where["source"] / "masks/1.png")
    save(where["output"] / "images/other.jpg")
    with pytest.raises(InputError, match=r"images: holds other.jpg already; choose an empty"):
        import_dataset(dataset="ecssd", **where)


def test_command(where):
    save(where["source"] / "images/1.jpg")
    save(where["source"] / "masks/1.png")
    command = [sys.executable, "-m", "data_prep.import_dataset", "--dataset=ecssd"]
    flags = [f"--{name}={path}" for name, path in where.items()]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith(f"1 photos: --images={where['output']}/images --masks=")
    assert "note: ECSSD was published with 1000 photos" in done.stderr
    flags[0] = "--source=nowhere"
    failed = subprocess.run(
        [*command, *flags], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: nowhere: no such folder")
    assert "Traceback" not in failed.stderr
