"""Makes `python -m data_prep.sample` a command."""

from data_prep.base.command import start
from data_prep.sample.sample import define_flags, main

if __name__ == "__main__":
    define_flags()
    start(main)
