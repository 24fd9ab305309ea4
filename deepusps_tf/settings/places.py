"""Whether what settings name is there: found before anything heavy is loaded, or written."""

from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.pictures.photos import SUFFIXES, find_masks, list_photos
from data_prep.records.layout import PREPARED
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.own_output import photos_to_predict

RUN_FLAGFILE = "config.flags"
CHOSEN = "chosen"  # the folder of a run's own photos and labels, where it has --choices
# The line of it that says which folder its relative paths are meant from.
STARTED_IN = "# Relative paths start in "
KERAS_SUFFIX = ".keras"


def check_places(config: Config) -> None:
    """Finds files and folders that are missing for a mode.

    Only names are looked at: what is in the files, whoever reads them finds.

    Args:
        config: settings that `deepusps_tf.settings.checks.checked` took.

    Raises:
        InputError: for the first that is found.
    """
    if config.mode == "predict":
        _check_predicted(config)
    elif config.mode == "train" and config.devices != "workers":  # whose chief has the photos
        _check_trained(config)
    elif config.mode == "evaluate":
        _check_scored(config)
    elif config.mode in ("export", "report", "studio") and config.workdir:
        runs_in(Path(config.workdir))
    elif config.mode == "studio" and config.model:
        find_model(config.model)


def find_model(path: str | Path) -> Path:
    """Finds an exported model: the latest version in a folder of versions, that version, or a file.

    Returns:
        The folder of the version, or the `.keras` file.

    Raises:
        InputError: where there is none.
    """
    path = Path(path)
    if path.suffix == KERAS_SUFFIX and not path.is_dir():
        if not path.is_file():
            raise InputError(f"{path}: no such file; --mode=export --format=keras writes one")
        return path
    versions = exported_versions(path)
    if versions:
        path = path / str(versions[-1])
    if not (path / "saved_model.pb").is_file():
        raise InputError(f"{path}: holds no exported model; give <workdir>/export")
    return path


def exported_versions(folder: str | Path) -> list[int]:
    """Lists the whole versions in a model folder, ascending."""
    return sorted(int(path.name) for path in Path(folder).glob("*") if path.name.isdigit())


def runs_in(workdir: Path) -> list[Path]:
    """Lists the workdirs of the runs in a folder: itself, or its repeats in order.

    Raises:
        InputError: where there are none.
    """
    if (workdir / RUN_FLAGFILE).is_file():
        return [workdir]
    repeats = [path.parent for path in workdir.glob(f"repeat*/{RUN_FLAGFILE}")]
    if not repeats:
        raise InputError(f"{workdir}: holds no run; make one with --mode=train")
    return sorted(repeats, key=lambda path: (len(path.name), path.name))


def names_one_picture(output: Path) -> bool:
    """Whether the `--output` of predictions is the file to write rather than a folder."""
    return output.suffix.lower() in SUFFIXES and not output.is_dir()


def _check_predicted(config: Config) -> None:
    images, output = Path(config.images), Path(config.output)
    photos_to_predict(images, output, recursive=config.walks)
    if names_one_picture(output):
        if not images.is_file():
            raise InputError(
                f"--output={output}: one file, and --images={images} is a folder; name a folder"
            )
        if output.suffix.lower() != ".png":
            raise InputError(f"--output={output}: pictures are written as PNG; name it .png")
        output = output.parent
    _check_folder_can_be(output, "output")
    if config.summary:
        summary = Path(config.summary)
        if summary.is_dir():
            raise InputError(f"--summary={summary}: a folder; name a file")
        _check_folder_can_be(summary.parent, "summary")
    if config.model:
        find_model(config.model)


def _check_trained(config: Config) -> None:
    _check_folder_can_be(Path(config.workdir), "workdir")
    taken = (Path(config.workdir) / CHOSEN).is_dir()
    if config.choices and not taken and not Path(config.choices).is_file():
        raise InputError(f"--choices={config.choices}: no such file; leave it out or name one")
    if config.images and not (Path(config.records) / PREPARED).is_file():
        _check_labelled(config.images, config.masks, recursive=config.walks)
        _check_labelled(config.test_images, config.test_masks, recursive=config.walks)
    made = config.images or config.sample_size or "://" in config.records
    if not made and not Path(config.records).is_dir():
        raise InputError(f"--records={config.records}: no such folder; give --images to make it of")


def _check_scored(config: Config) -> None:
    if config.workdir:
        runs_in(Path(config.workdir))
    images, masks = config.labelled
    if config.maps:
        list_photos(config.maps)
        list_photos(config.masks)
    else:
        _check_labelled(images, masks, recursive=config.walks)
    if config.model:
        find_model(config.model)
    if config.output:
        _check_folder_can_be(Path(config.output), "output")


def _check_labelled(images: str | None, masks: str | None, *, recursive: bool) -> None:
    photos = list_photos(images, recursive=recursive) if images else []
    if masks:
        find_masks(photos, masks, "photo")


def _check_folder_can_be(folder: Path, flag: str) -> None:
    """Finds a file in the place of a folder, or of one above it."""
    for path in (folder, *folder.parents):
        if path.is_dir():
            return
        if path.exists():
            raise InputError(f"--{flag}={folder}: {path} is a file; name a folder")
