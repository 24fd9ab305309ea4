"""The paper's ablation without refinement: the mean loss over the handcrafted maps themselves."""

from collections.abc import Sequence
from pathlib import Path

from data_prep.records.format import RecordSet
from deepusps_tf.fusion.base import Fusion, LearnedLabels
from deepusps_tf.labels.pseudo_labels import handcrafted_threshold
from deepusps_tf.settings.parts import FUSIONS


@FUSIONS.register("direct")
class Direct(Fusion):
    """Learns all methods' maps at once, each cut at its own method's threshold."""

    refines = False

    def learned(
        self, images: RecordSet, labels: Sequence[RecordSet], folder: Path
    ) -> LearnedLabels:
        """Takes the maps as they are.

        Raises:
            InputError: where maps cannot be cut.
        """
        scale = self.config.threshold_scale
        thresholds = tuple(handcrafted_threshold(part, scale) for part in labels)
        return LearnedLabels(tuple(labels), thresholds)
