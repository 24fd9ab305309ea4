"""Makes a salient-object segmentation model from photos without labels, and uses it.

python -m deepusps_tf.main --flagfile=configs/demo.flags
python -m deepusps_tf.main --flagfile=configs/cpu.flags --images=DIR
python -m deepusps_tf.main --mode=evaluate --workdir=DIR --images=DIR --masks=DIR
python -m deepusps_tf.main --mode=predict --model=DIR --images=DIR --output=DIR
"""

import importlib
import os

from absl import app, flags, logging

from data_prep.base.command import say
from data_prep.base.errors import InputError
from deepusps_tf.settings import flagfile
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import define_flags, from_flags


def run_mode(config: Config) -> None:
    """Does what `config.mode` names, by the module of that name in `deepusps_tf.commands`.

    It is imported only now: --help is quick so, and the CRF's processes, which import this module
    too, stay free of TensorFlow.
    """
    command = importlib.import_module(f"deepusps_tf.commands.{config.mode}")
    getattr(command, config.mode)(config)


def main(arguments: list[str]) -> int:
    """Runs the mode the flags name; a user's mistake ends with one line and status 2."""
    try:
        if len(arguments) > 1:
            raise InputError(f"{arguments[1]}: not a flag; flags are written --name=value")
        config = from_flags()
        run_mode(config)
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
    return 0


if __name__ == "__main__":
    # TensorFlow's start-up chatter about CUDA and oneDNN says nothing about the run.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.INFO)
    define_flags()
    flags.adopt_module_key_flags(flagfile)  # so that --help lists them
    app.run(main)
