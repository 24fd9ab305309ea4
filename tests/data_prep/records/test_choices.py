import pytest

from data_prep.base.errors import InputError
from data_prep.records.choices import (
    Choices,
    in_words,
    map_line,
    method_line,
    photo_line,
    read_choices,
    redrawn_maps,
)

ODD = "beach/a photo: no. 3 # 1"


def test_lines_are_read_as_they_are_written(tmp_path):
    file = tmp_path / "choices.txt"
    lines = [
        "# mine",
        photo_line(ODD),
        "",
        method_line("hs"),
        map_line("rbd", ODD),
        photo_line("b"),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    choices = read_choices(file)
    assert choices == Choices((ODD, "b"), ("hs",), (("rbd", ODD),))
    assert list(redrawn_maps(file, choices)) == [("rbd", ODD, tmp_path / f"redrawn/rbd/{ODD}.png")]
    assert in_words(choices) == [
        f"Left out of the training photos (2): {ODD}, b.",
        "Methods left out (1): hs.",
        f"Maps redrawn (1): {ODD} (rbd).",
    ]


def test_no_file_is_no_choice(tmp_path):
    assert not read_choices(tmp_path / "gone.txt") and in_words(Choices()) == []


@pytest.mark.parametrize("line", ["p3", "without photo:", "with method: hs", "redrawn map: rbd"])
def test_what_is_no_choice_is_named(tmp_path, line):
    file = tmp_path / "choices.txt"
    file.write_text(f"# a comment\n{line}\n")
    with pytest.raises(InputError, match=r"choices.txt: line 2 is no choice; write `without photo"):
        read_choices(file)


def test_what_is_no_text_is_named(tmp_path):
    (tmp_path / "choices.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"choices.txt: not UTF-8 text; save it"):
        read_choices(tmp_path / "choices.txt")
