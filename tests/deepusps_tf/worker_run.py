"""`tiny_run`, which also keeps every map that enters a moving average, as it is before rounding.

python -m tests.deepusps_tf.worker_run --flags-of-deepusps_tf.main
"""

from pathlib import Path

import numpy as np

from deepusps_tf import main
from deepusps_tf.commands.quick_start import import_keras


def keep_entered(folder: Path):
    """Makes a `MovingAverage.update` that keeps its maps in `folder`, each by epoch and photo."""
    from deepusps_tf.labels.moving_average import MovingAverage

    update = MovingAverage.update
    folder.mkdir(exist_ok=True)

    def keep(self, index, refined):
        np.save(folder / f"{self._current.parents[1].name}-{self._current.stem}-{index}", refined)
        update(self, index, refined)

    return keep


if __name__ == "__main__":  # the CRF's processes import this module too, free of TensorFlow
    import_keras()
    from deepusps_tf.labels import moving_average
    from deepusps_tf.runs import round_result
    from deepusps_tf.training import stage_scorer, start
    from tests.deepusps_tf.conftest import tiny_model

    for module in (start, stage_scorer, round_result):
        module.build_model = tiny_model
    moving_average.MovingAverage.update = keep_entered(Path("entered"))
    main.start()
