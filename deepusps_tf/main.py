"""Makes a salient-object segmentation model from photos without labels, and uses it.

python -m deepusps_tf.main --flagfile=configs/demo.flags
python -m deepusps_tf.main --flagfile=configs/cpu.flags --images=DIR
python -m deepusps_tf.main --mode=evaluate --workdir=DIR --images=DIR --masks=DIR
python -m deepusps_tf.main --mode=predict --model=DIR --images=DIR --output=DIR
"""

import functools
import importlib
import sys
from collections.abc import Sequence

from absl import app

from data_prep.base.command import quiet_tensorflow, say
from data_prep.base.command_line import asks_for_help, show
from data_prep.base.errors import InputError
from data_prep.base.installation import check_whole
from data_prep.base.log import start_console
from deepusps_tf.commands.quick_start import import_keras
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import (
    define_flags,
    from_flags,
    parse_arguments,
    wanted_verbosity,
)
from deepusps_tf.settings.help import help_text
from deepusps_tf.settings.places import check_places


def run_mode(config: Config) -> int | None:
    """Does what `config.mode` names, by the module of that name in `deepusps_tf.commands`.

    Returns what that does: the status that the process ends with, None for 0.

    It is imported only now: --help is quick so, and the CRF's processes, which import this module
    too, stay free of TensorFlow.

    Raises:
        InputError: the mode needs what is not installed.
    """
    if config.mode != "predict":
        check_whole(config.mode)
    import_keras()
    command = importlib.import_module(f"deepusps_tf.commands.{config.mode}")
    return getattr(command, config.mode)(config)


def main(_: Sequence[str]) -> int:
    """Runs the mode the flags name; a user's mistake ends with one line and status 2."""
    try:
        config = from_flags()
        check_places(config)
        return run_mode(config) or 0
    except InputError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        where = "" if error.filename else f"{config.workdir or config.output}: "
        say(f"error: {where}{error}; mend that and run the same command again")
        return 1
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        return 130


def start(argv: Sequence[str] | None = None, *, mode: str | None = None) -> None:
    """Runs the program and ends the process with its status.

    Args:
        argv: the program's name and its flags; None: those of this process.
        mode: what to do, whatever flagfiles say; None: what the flags say.
    """
    quiet_tensorflow()
    define_flags()
    app.run(_run, argv=argv, flags_parser=functools.partial(_parse, mode=mode))


def _run(argv: Sequence[str]) -> int:
    start_console(wanted_verbosity())
    return main(argv)


def _parse(argv: Sequence[str], mode: str | None) -> list[str]:
    if asks_for_help(argv[1:]):
        show(help_text(mode) if mode else f"{__doc__}\n{help_text()}")
        sys.exit(0)
    try:
        return parse_arguments(argv, mode=mode)
    except InputError as error:
        say(f"error: {error}")
        sys.exit(2)
    except OSError as error:
        say(f"error: {error}; mend that and run the same command again")
        sys.exit(1)


if __name__ == "__main__":
    start()
