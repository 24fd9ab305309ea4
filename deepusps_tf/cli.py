"""The program `deepusps`: a word says what to do, flags say how.

deepusps train --flagfile=cpu.flags --images=DIR
deepusps predict --model=runs/cpu/export --images=DIR --output=DIR
deepusps predict --help
"""

import runpy
import sys
from collections.abc import Sequence
from typing import NoReturn

import deepusps_tf
from data_prep.base.command import quiet_tensorflow, say
from data_prep.base.command_line import asks_for_help, show
from data_prep.base.errors import InputError
from data_prep.base.installation import check_whole
from deepusps_tf.commands.quick_start import import_quietly
from deepusps_tf.main import start
from deepusps_tf.settings.setting import MODES

# The steps before training, alone: the module of each, and what it does.
STEPS = {
    "compute-maps": ("data_prep.compute_maps", "Makes handcrafted maps of photos."),
    "import-maps": ("data_prep.import_maps", "Takes maps that other programs made."),
    "import-dataset": ("data_prep.import_dataset", "Lays a published data set out as folders."),
    "write-records": ("data_prep.write_records", "Writes photos and maps as records."),
    "beam-prepare": ("data_prep.beam_prepare", "Makes maps and records on many machines."),
    "sample": ("data_prep.sample", "Writes the embedded sample as folders."),
}
_WITH_TENSORFLOW = ("write-records", "beam-prepare")


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Does what the first argument names and ends the process with its status.

    Args:
        arguments: behind the program's name; None: those of this process.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _run(words)
    except InputError as error:
        say(f"error: {error}")
        sys.exit(2)
    sys.exit(0)


def _run(words: Sequence[str]) -> None:
    word, *rest = words or [""]
    if word in MODES:
        start([f"deepusps {word}", *rest], mode=word)
    elif word in STEPS:
        check_whole(word)
        quiet_tensorflow()
        sys.argv = [f"deepusps {word}", *rest]
        if word in _WITH_TENSORFLOW:
            import_quietly("tensorflow")
        try:
            runpy.run_module(STEPS[word][0], run_name="__main__", alter_sys=True)
        except ModuleNotFoundError as error:
            if error.name != "apache_beam":
                raise
            raise InputError(f"{word} needs Apache Beam: pip install 'deepusps_tf[beam]'") from None
    elif word == "--version":
        print(f"deepusps {deepusps_tf.__version__}")
    elif asks_for_help([word]) or word == "help":
        show(words_text())
    else:
        known = ", ".join([*MODES, *STEPS])
        what = f"{word}: " if word else ""
        raise InputError(f"{what}first name what to do: {known}; deepusps --help says what they do")


def words_text() -> str:
    """Lists what the program does, a line each."""
    width = max(map(len, STEPS)) + 2
    modes = [f"  {word:{width}}{text}" for word, text in MODES.items()]
    steps = [f"  {word:{width}}{text}" for word, (_, text) in STEPS.items()]
    return "\n".join(
        [
            __doc__,
            *modes,
            "\nThe steps before training, alone:\n",
            *steps,
            "\ndeepusps WORD --help lists the flags of each; deepusps --version names the version.",
        ]
    )
