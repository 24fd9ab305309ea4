from pathlib import Path

import numpy as np

from data_prep.pictures.images import write_png
from data_prep.records.choices import photo_line, read_choices
from deepusps_tf.studio.chooser import Chooser


def test_choices_of_a_run_are_the_first_of_the_next(tmp_path):
    chosen = tmp_path / "chosen"
    write_png(chosen / "redrawn/rbd/sub/b.png", np.zeros((2, 2), np.uint8))
    (chosen / "choices.txt").write_text("without photo: a\nredrawn map: rbd sub/b\n")
    chooser = Chooser(tmp_path)
    assert chooser.choices() == read_choices(chosen / "choices.txt")
    assert not chooser.file.exists()
    chooser.choose(photo_line("c"), wanted=True)
    kept = read_choices(tmp_path / "choices.txt")
    assert kept == chooser.choices()
    assert (kept.photos, kept.redrawn) == (("a", "c"), (("rbd", "sub/b"),))
    assert (tmp_path / "redrawn/rbd/sub/b.png").is_file()
    chooser.choose(photo_line("a"), wanted=False)
    assert chooser.choices().photos == ("c",)
    assert read_choices(chosen / "choices.txt").photos == ("a",)


def test_the_next_workdir_is_one_that_is_not_there(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").mkdir()
    assert f"--workdir={tmp_path.resolve()}/run-3 \\\n" in Chooser(Path(tmp_path / "run")).command()
