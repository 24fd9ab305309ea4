import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.base.command import start
from data_prep.base.errors import InputError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("end", "status", "line"),
    [
        (InputError("a.jpg: is empty; remove it"), 2, "error: a.jpg: is empty; remove it"),
        (
            OSError(28, "No space left on device", "a.png"),
            1,
            "error: [Errno 28] No space left on device: 'a.png'; mend that and run the same "
            "command again",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
        (KeyboardInterrupt("stopped: 1 of 3 maps written"), 130, "stopped: 1 of 3 maps written"),
    ],
)
def test_a_command_ends_in_one_line(monkeypatch, capsys, end, status, line):
    def run(_):
        raise end

    monkeypatch.setattr(
        "data_prep.base.command.app.run", lambda main, **_: sys.exit(main(["command"]))
    )
    with pytest.raises(SystemExit) as exit_:
        start(run)
    assert exit_.value.code == status
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize(
    ("module", "flags"),
    [
        ("data_prep.compute_maps", ["--images=i", "--output=o"]),
        ("data_prep.import_maps", ["--images=i", "--maps=m", "--output=o"]),
        ("data_prep.import_dataset", ["--dataset=ecssd", "--source=s", "--output=o"]),
        ("data_prep.sample", ["--output=o"]),
        ("data_prep.write_records", ["--images=i", "--maps=m", "--output=o"]),
    ],
)
def test_words_that_are_no_flags_are_refused(module, flags):
    done = subprocess.run(
        [sys.executable, "-m", module, *flags, "photos"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, last) == (
        2,
        "error: photos: not a flag; flags are written --name=value",
    )
    assert not (ROOT / "o").exists()
