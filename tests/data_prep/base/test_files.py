from pathlib import Path

import pytest
import tensorflow as tf

from data_prep.base.errors import InputError, PassingError
from data_prep.base.files import clear_write_errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (tf.errors.UnavailableError, PassingError),
        (tf.errors.AbortedError, PassingError),
        (tf.errors.DeadlineExceededError, PassingError),
        (tf.errors.ResourceExhaustedError, InputError),
        (tf.errors.PermissionDeniedError, InputError),
    ],
)
def test_write_errors_tell_a_busy_bucket_from_a_full_one(error, kind):
    with (
        pytest.raises(InputError, match=r"^b/s: cannot be written \(its reason\); ") as caught,
        clear_write_errors("b/s"),
    ):
        raise error(None, None, "its\n reason")
    assert type(caught.value) is kind


def test_full_disk_is_one_line():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(InputError, match="/dev/full: cannot be written"),
        clear_write_errors(str(full)),
        tf.io.gfile.GFile(str(full), "w") as file,
    ):
        file.write("x" * 100_000)
