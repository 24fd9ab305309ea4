"""Compares runs by their figures."""

from pathlib import Path

from data_prep.base.files import write_text
from deepusps_tf.evaluation.comparison import compare, markdown, table_csv
from deepusps_tf.settings.config import Config


def table(config: Config) -> None:
    """Compares runs by their figures: as Markdown, then as CSV."""
    rows = compare([Path(workdir) for workdir in config.workdirs], crf=config.crf)
    texts = {"table.md": markdown(rows), "table.csv": table_csv(rows)}
    print("\n".join(texts.values()), end="")
    if config.output:
        Path(config.output).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(f"{config.output}/{name}", text)
