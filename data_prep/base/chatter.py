"""What TensorFlow says of itself while it is imported, kept off the screen.

Its messages of that time heed none of its settings: they go to file descriptor 2. So a process of
its own reads them meanwhile. It passes on at once what is no chatter, and where the import fails,
or this process dies in it, the chatter too. That process runs this file alone, with the standard
library.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

# Information and warnings of its log (`I0000 00:00:...`), and the notice that precedes them.
_CHATTER = (b"I0000 ", b"W0000 ", b"WARNING: All log messages before absl::InitializeLog()")
# What this process writes at the end, as other processes may keep the pipe open.
_WELL, _FAILED = b"\0well\n", b"\0failed\n"


def is_chatter(line: bytes) -> bool:
    """Whether a line is one of those that TensorFlow writes on every start."""
    return line.startswith(_CHATTER)


@contextlib.contextmanager
def chatter_held() -> Iterator[list[str]]:
    """Holds chatter back while what stands in it is imported.

    Yields:
        A list, which gets the lines held back when it ended well.
    """
    import subprocess  # not above: the process that reads needs none of it

    held: list[str] = []
    command = [sys.executable, "-I", "-S", __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    # In a session of its own: Ctrl-C is not its to answer.
    reader = subprocess.Popen(command, start_new_session=True, **pipes)
    sys.stderr.flush()
    screen = os.dup(2)
    os.dup2(reader.stdin.fileno(), 2)
    end = _FAILED
    try:
        yield held
        end = _WELL
    finally:
        sys.stderr.flush()
        os.dup2(screen, 2)
        os.close(screen)
        with reader:  # waits for it
            with contextlib.suppress(BrokenPipeError):
                reader.stdin.write(end)
                reader.stdin.close()
            held += reader.stdout.read().decode(errors="replace").splitlines()


def _read() -> None:
    """Passes the lines of stdin on to stderr, and at the end the chatter among them to stdout."""
    held = []
    for line in sys.stdin.buffer:
        if line == _WELL:
            sys.stdout.buffer.writelines(held)
            return
        if line == _FAILED:
            break
        if is_chatter(line):
            held.append(line)
        else:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
    sys.stderr.buffer.writelines(held)


if __name__ == "__main__":
    _read()
