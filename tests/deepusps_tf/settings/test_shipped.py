from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.settings import shipped
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.shipped import (
    find_flagfile,
    inline_flagfiles,
    shipped_folder,
    shipped_names,
    without_flagfiles,
)

ROOT = Path(__file__).parents[3]


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_flagfiles_of_the_program_are_named():
    assert shipped_names()[:4] == ["cpu.flags", "cpu_paper.flags", "demo.flags", "half_steps.flags"]
    assert "ablations/no_crf.flags" in shipped_names()


def test_an_installed_package_brings_its_own(tmp_path, monkeypatch):
    assert shipped_folder() == ROOT / "configs"
    package = tmp_path / "deepusps_tf"
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    inside = write(package / "configs/cpu.flags", "--size=64")
    write(tmp_path / "configs/cpu.flags", "--size=32")
    assert shipped_names() == ["cpu.flags"]
    assert find_flagfile("cpu.flags") == inside


@pytest.mark.parametrize("name", ["ablations/no_crf.flags", "configs/ablations/no_crf.flags"])
def test_flagfiles_of_the_program_are_found_from_any_folder(elsewhere, capsys, name):
    found = find_flagfile(name)
    assert found.samefile(ROOT / "configs/ablations/no_crf.flags")
    assert capsys.readouterr().err == f"--flagfile={name}: taken from {found}\n"


def test_a_file_of_that_name_comes_first(elsewhere, capsys):
    write(elsewhere / "cpu.flags", "--size=64")
    assert find_flagfile("cpu.flags") == Path("cpu.flags")
    assert not capsys.readouterr().err


def test_missing_flagfiles_are_refused_in_one_line(elsewhere):
    message = (
        r"^--flagfile=no_crf.flags: no such file; of the program's own there are cpu.flags, .*"
    )
    with pytest.raises(InputError, match=message) as caught:
        find_flagfile("no_crf.flags")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="--flagfile=sub: a folder; name a file"):
        (elsewhere / "sub").mkdir()
        inline_flagfiles(["--flagfile=sub"])
    with pytest.raises(InputError, match="--flagfile: name a file"):
        inline_flagfiles(["--size=32", "--flagfile"])


def test_flagfiles_stand_in_their_place(elsewhere):
    write(elsewhere / "inner.flags", "--epochs=2", "", "# --seed=1", "// no", "--nocrf")
    write(elsewhere / "outer.flags", "--size=32", "  --flagfile=inner.flags  ", "--size=64")
    assert inline_flagfiles(["--seed=3", "--flagfile=outer.flags", "--rounds", "1"]) == [
        *("--seed=3", "--size=32", "--epochs=2", "--nocrf", "--size=64", "--rounds", "1")
    ]
    apart = ["-flagfile", "inner.flags", "--flagfile=", "x"]
    assert inline_flagfiles(apart) == ["--epochs=2", "--nocrf", "x"]
    assert without_flagfiles(["--seed=3", *apart]) == ["--seed=3", "x"]


def test_a_flagfile_may_nest_one_of_the_program(elsewhere):
    write(elsewhere / "own.flags", "--flagfile=cpu.flags", "--size=64")
    config = read_flagfile(elsewhere / "own.flags")
    assert (config.size, config.workdir) == (64, "runs/cpu")


def test_a_flagfile_that_names_itself_is_refused(elsewhere):
    write(elsewhere / "a.flags", "--flagfile=b.flags")
    write(elsewhere / "b.flags", "--flagfile=./a.flags")
    with pytest.raises(InputError, match="a.flags: names itself by --flagfile"):
        inline_flagfiles(["--flagfile=a.flags"])
    write(elsewhere / "c.flags", "--flagfile=d.flags", "--flagfile=d.flags")  # twice is no circle
    write(elsewhere / "d.flags", "--size=32")
    assert inline_flagfiles(["--flagfile=c.flags"]) == ["--size=32", "--size=32"]


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", "--size=64\n".encode("utf-16")])
def test_a_flagfile_that_is_no_text_is_refused(elsewhere, content):
    (elsewhere / "photo.flags").write_bytes(content)
    with pytest.raises(InputError, match="photo.flags: not UTF-8 text; save it as UTF-8"):
        inline_flagfiles(["--flagfile=photo.flags"])


def test_a_mark_before_the_text_is_passed_over(elsewhere):
    (elsewhere / "marked.flags").write_bytes(b"\xef\xbb\xbf--size=64\n--epochs=2\n")
    assert inline_flagfiles(["--flagfile=marked.flags"]) == ["--size=64", "--epochs=2"]
