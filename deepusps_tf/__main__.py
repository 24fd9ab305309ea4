"""Makes `python -m deepusps_tf` the program `deepusps`."""

from deepusps_tf.cli import run

if __name__ == "__main__":
    run()
