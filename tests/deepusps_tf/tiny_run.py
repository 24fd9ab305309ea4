"""The command with a network of two convolutions, for tests that start it many times.

python -m tests.deepusps_tf.tiny_run --flags-of-deepusps_tf.main
"""

from absl import app, flags

from deepusps_tf import config
from deepusps_tf.main import main

if __name__ == "__main__":  # the CRF's processes import this module too, free of TensorFlow
    from deepusps_tf import rounds, train
    from tests.deepusps_tf.conftest import tiny_model

    train.build_model = rounds.build_model = tiny_model
    config.define_flags()
    flags.adopt_module_key_flags(config)
    app.run(main)
