import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.import_maps import ImportSummary, import_maps
from data_prep.pictures.masks import read_grey

ROOT = Path(__file__).parents[2]


def save(path, value, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size[::-1], value, np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path):
    for photo_id in ("1", "2", "3"):
        save(tmp_path / "photos" / f"{photo_id}.bmp", 0)
        save(tmp_path / "maps" / "HS" / f"{photo_id}.png", 10 * int(photo_id))
    save(tmp_path / "maps" / "rbd" / "1_RBD.png", 77)
    save(tmp_path / "maps" / "rbd" / "2.png", 78)
    save(tmp_path / "maps" / "rbd" / "other.png", 79)
    return {name: tmp_path / name for name in ("images", "maps", "output")} | {
        "images": tmp_path / "photos"
    }


def test_maps_come_under_the_photos_ids(folders):
    assert import_maps(**folders) == ImportSummary(
        written=5, missing={"rbd": ["3"]}, strays={"rbd": ["other.png"]}
    )
    output = folders["output"]
    made = sorted(str(path.relative_to(output)) for path in output.rglob("*.*"))
    assert made == ["hs/1.png", "hs/2.png", "hs/3.png", "rbd/1.png", "rbd/2.png"]
    assert (read_grey(output / "hs" / "3.png") == 30).all()
    assert (read_grey(output / "rbd" / "1.png") == 77).all()


def test_only_the_chosen_methods(folders):
    assert import_maps(**folders, methods=["hs"]).written == 3
    assert [path.name for path in folders["output"].iterdir()] == ["hs"]


def test_a_map_fits_the_upright_photo(folders):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(folders["images"] / "4.jpg", exif=exif)
    save(folders["maps"] / "HS" / "4.png", 40, size=(4, 6))
    import_maps(**folders)
    assert read_grey(folders["output"] / "hs" / "4.png").shape == (6, 4)


def test_maps_of_0_and_1_are_imported_as_0_to_255(folders):
    for photo_id in ("1", "2", "3"):
        save(folders["maps"] / "HS" / f"{photo_id}.png", int(photo_id != "3"))
    import_maps(**folders)
    for photo_id, value in (("1", 255), ("3", 0)):
        assert (read_grey(folders["output"] / "hs" / f"{photo_id}.png") == value).all()
    assert (read_grey(folders["output"] / "rbd" / "1.png") == 77).all()


def test_wrong_sizes_are_found_before_anything_is_written(folders):
    save(folders["maps"] / "rbd" / "2.png", 1, size=(5, 4))
    with pytest.raises(InputError, match=r"2\.png: is 5 x 4 pixels, its photo .*2\.bmp is 6 x 4"):
        import_maps(**folders)
    assert not folders["output"].exists()


def test_mistakes(folders, tmp_path):
    with pytest.raises(InputError, match="has no folder 'mc'; there are hs, rbd"):
        import_maps(**folders, methods=["mc"])
    with pytest.raises(InputError, match="cannot be listed"):
        import_maps(**{**folders, "maps": tmp_path / "absent"})
    with pytest.raises(InputError, match="holds no folders"):
        import_maps(**{**folders, "maps": folders["maps"] / "HS"})
    save(folders["maps"] / "rbd" / "1.jpg", 5)
    with pytest.raises(InputError, match="two photos of one name|two maps of one photo"):
        import_maps(**folders)
    (folders["maps"] / "rbd" / "1.jpg").unlink()
    save(folders["maps"] / "hs" / "x.png", 5)
    with pytest.raises(InputError, match="one method twice"):
        import_maps(**folders)
    (folders["maps"] / "hs" / "x.png").rename(folders["maps"] / "x.png")
    (folders["maps"] / "hs").rmdir()
    save(folders["maps"] / "dsr" / "photo-1.png", 5)
    with pytest.raises(InputError, match=r"no map is named like a photo; .* such as 1\.png"):
        import_maps(**folders)


def test_broken_maps_are_named(folders):
    path = folders["maps"] / "HS" / "2.png"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"HS/2\.png: is empty"):
        import_maps(**folders)


@pytest.mark.slow
def test_command_line(folders):
    command = [sys.executable, "-m", "data_prep.import_maps"]
    flags = [f"--{name}={path}" for name, path in folders.items()]
    done = subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == "rbd: no photo for other.png\nrbd: no map for 3\n5 maps written\n"
    done = subprocess.run(
        [*command, *flags, "--methods=mc"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.endswith("has no folder 'mc'; there are hs, rbd\n")
    assert done.stderr.count("\n") == 1


def test_maps_are_found_by_names_in_another_unicode_form(folders):
    composed, parted = (unicodedata.normalize(form, "\u00e9") for form in ("NFC", "NFD"))
    save(folders["images"] / f"{composed}.bmp", 0)
    save(folders["maps"] / "HS" / f"{parted}_HS.png", 88)
    assert import_maps(**folders).written == 6
    assert (read_grey(folders["output"] / f"hs/{composed}.png") == 88).all()
