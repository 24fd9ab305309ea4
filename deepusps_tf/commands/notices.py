"""What must be said beside the results of a run."""

from deepusps_tf.settings.config import Config


def print_truth_notice(config: Config) -> None:
    """Says loudly that a run was trained on truth, where it was."""
    if config.truth_notice:
        print(f"*** {config.truth_notice} ***\n")
