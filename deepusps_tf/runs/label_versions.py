"""Which version of each method's first labels a run is trained from, kept in its workdir."""

import json
from pathlib import Path

from data_prep.base.command import tell
from data_prep.base.errors import damage_named
from data_prep.base.files import write_text
from data_prep.records.corrections import FIRST, newest_versions
from deepusps_tf.runs.round_result import JOINT
from deepusps_tf.settings.config import Config

LABEL_VERSIONS = "labels.json"


def read_versions(workdir: str | Path) -> dict[str, str]:
    """The label version of each method whose maps were corrected before a run began.

    Raises:
        InputError: the file that says so is damaged.
    """
    path = Path(workdir) / LABEL_VERSIONS
    if not path.is_file():
        return {}
    with damage_named(path, "delete the workdir, or write again what it held"):
        kept = dict(json.loads(path.read_text(encoding="utf-8")))
        return {str(method): str(version) for method, version in kept.items()}


def choose_versions(config: Config) -> None:
    """Lets a run that begins train from the newest labels; one that began goes on with its own.

    Raises:
        InputError: what its workdir or its records keep of versions is damaged.
    """
    newest, own = newest_versions(Path(config.records)), read_versions(config.workdir)
    newest = {method: newest[method] for method in config.method_names if method in newest}
    workdir = Path(config.workdir)
    if not any((workdir / name).is_dir() for name in (*config.method_names, JOINT, "fusion")):
        if newest != own:
            write_text(str(workdir / LABEL_VERSIONS), json.dumps(newest) + "\n")
        return
    late = [method for method in newest if newest[method] != own.get(method, FIRST)]
    if late:
        tell(
            f"{workdir}: began before maps of {', '.join(late)} in {config.records} were "
            "corrected, and goes on with those of then; to train on the corrected ones, choose "
            "another --workdir"
        )
