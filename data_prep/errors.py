"""The one exception that stands for a mistake the user can mend."""


class InputError(Exception):
    """Bad input: its message is one line that names the file or flag and says how to mend it.

    Command lines print it without a traceback and exit with status 2.
    """
