"""Small files that are there whole or not at all, on a disk or in a bucket."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from data_prep.base.errors import InputError, PassingError

# TensorFlow tries again by itself when a bucket does not answer; then it ends in one of these.
_NO_ANSWER = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)


def write_text(path: str, text: str) -> None:
    """Writes a small file so that it is there whole or not at all."""
    with clear_write_errors(path):
        with tf.io.gfile.GFile(path + ".tmp", "w") as file:
            file.write(text)
        tf.io.gfile.rename(path + ".tmp", path, overwrite=True)


@contextlib.contextmanager
def clear_write_errors(path: str) -> Iterator[None]:
    """Turns TensorFlow's errors of writing into one line that names `path`.

    Raises:
        InputError: where the disk is full or forbidden.
        PassingError: where a bucket gave no answer.
    """
    try:
        yield
    except tf.errors.OpError as error:
        kind = PassingError if isinstance(error, _NO_ANSWER) else InputError
        reason = " ".join(error.message.split())
        raise kind(
            f"{path}: cannot be written ({reason}); mend that and run the same command again"
        ) from error
