"""What is said and where: on the screen by `--verbosity`, in a run's log file all of it."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from absl import logging as absl_logging
from tqdm import tqdm

VERBOSITY = (
    "How much is said on the screen. 0, the normal level: the bar, a line a round, warnings. -1: "
    "warnings and what comes out. 1: all that the log file of a run has, such as TensorFlow's "
    "messages at its start."
)
QUIET, NORMAL, DEBUG = -1, 0, 1
_LEVELS = {QUIET: logging.WARNING, NORMAL: logging.INFO, DEBUG: logging.DEBUG}
_KEPT = 10_000  # records before there is a file for them

_notes = logging.getLogger("data_prep.notes")
_notes.setLevel(logging.DEBUG)
_notes.propagate = False  # what a caller does with the log is no matter for these
_notes.addHandler(logging.NullHandler())


def note(message: str, *arguments) -> None:
    """Keeps a line in the log file; on the screen it is with `--verbosity=1` alone."""
    _notes.debug(message, *arguments)


def inform(message: str, *arguments) -> None:
    """Says a line on the screen, where the level is the normal one, and in the log file."""
    _notes.info(message, *arguments)


def note_shown(line: str) -> None:
    """Keeps in the log file a line that is on the screen already."""
    _notes.info("%s", line, extra={"shown": True})


class _Console(logging.Handler):
    """Prints lines above a bar: those of this program, and what others warn of.

    What TensorFlow warns of is for those who write programs: at the normal level only its errors
    are shown.
    """

    def __init__(self):
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        from_tensorflow = record.name == "tensorflow" or "/tensorflow/" in record.pathname
        least = logging.ERROR if from_tensorflow else logging.WARNING
        own = record.name == _notes.name
        if not own and record.levelno < least and self.level > logging.DEBUG:
            return
        if getattr(record, "shown", False):
            return
        try:
            warned = record.levelno >= logging.WARNING
            name = f"{record.levelname.lower()}: " if warned else ""
            tqdm.write(f"{name}{self.format(record)}", file=sys.stderr)
        except Exception:
            self.handleError(record)


class _Early(logging.Handler):
    """Keeps records until there is a file for them."""

    def __init__(self):
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.records) < _KEPT:
            self.records.append(record)


_console, _early = _Console(), _Early()
_verbosity = NORMAL


def start_console(verbosity: int) -> None:
    """Lets this process, which is the program's own, say what `verbosity` asks for.

    Everything said goes to the log file too, as soon as there is one.

    Args:
        verbosity: see `VERBOSITY`; less or more than it knows are its ends.
    """
    global _verbosity
    _verbosity = min(max(verbosity, QUIET), DEBUG)
    _console.setLevel(_LEVELS[_verbosity])
    root = logging.getLogger()
    root.removeHandler(absl_logging.get_absl_handler())
    for logger in (root, _notes):
        for handler in (_console, _early):
            if handler not in logger.handlers:
                logger.addHandler(handler)
    root.setLevel(logging.INFO)  # debugging of libraries is for those who write them
    logging.getLogger("absl").setLevel(logging.DEBUG)


def is_quiet() -> bool:
    """Whether neither a bar nor lines are wanted."""
    return _verbosity == QUIET


def says_all() -> bool:
    """Whether nothing is to be held back."""
    return _verbosity == DEBUG


class _LogFile(logging.FileHandler):
    """Appends lines with their times; where the disk is full it says so once."""

    def __init__(self, path: Path):
        super().__init__(path, encoding="utf-8")
        self._told = False
        layout = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        layout.converter = time.gmtime
        self.setFormatter(layout)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 the name that logging calls
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            tell_unwritten(Path(self.baseFilename), error)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written was told
            super().close()


@contextlib.contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Appends all that is said to a file while what stands in it runs, and how that failed.

    A file that cannot be written stops nothing: one line says so.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path)
    except OSError as error:
        tell_unwritten(path, error)
        yield
        return
    loggers = (logging.getLogger(), _notes)
    for logger in loggers:
        logger.addHandler(handler)
        logger.removeHandler(_early)
    for record in _early.records:
        handler.handle(record)
    _early.records.clear()
    try:
        yield
    except BaseException:
        _notes.debug("ended by", exc_info=True)
        raise
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


def tell_unwritten(path: Path, error: OSError) -> None:
    """Says on the screen that a file about the run cannot be written, and what becomes of it."""
    reason = error.strerror or error
    line = f"warning: {path}: cannot be written ({reason}); the run goes on without it"
    tqdm.write(line, file=sys.stderr)
