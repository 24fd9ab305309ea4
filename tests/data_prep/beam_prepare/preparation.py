"""What the tests of preparation on Beam share; skips them where Beam is not installed."""

import contextlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import tensorflow as tf

from data_prep.compute_maps import compute_maps
from data_prep.pictures.photos import list_photos
from data_prep.write_records import write_records

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what Beam imports
    pytest.importorskip("apache_beam", reason="apache-beam is not installed")
    from apache_beam.io.filesystem import FileMetadata, MatchResult
    from apache_beam.io.localfilesystem import LocalFileSystem
    from apache_beam.options.pipeline_options import PipelineOptions

    from data_prep import beam_prepare
    from data_prep.beam.shards import Layout
    from data_prep.beam_prepare import BeamSource, BeamSummary, prepare_on_beam

__all__ = [
    "METHODS",
    "ROOT",
    "BeamSummary",
    "BucketFileSystem",
    "Layout",
    "PipelineOptions",
    "beam_prepare",
    "contents",
    "failing_renames",
    "prepare",
    "prepare_locally",
    "record_files",
    "run",
]

METHODS = ("mc", "rbd")


ROOT = Path(__file__).parents[3]


class BucketFileSystem(LocalFileSystem):
    """Files whose addresses look remote to Beam: bucket://PATH is the local PATH."""

    @classmethod
    def scheme(cls):
        return "bucket"

    def match(self, patterns, limits=None):
        found = super().match([pattern.removeprefix("bucket://") for pattern in patterns], limits)
        return [
            MatchResult(
                pattern,
                [FileMetadata(f"bucket://{f.path}", f.size_in_bytes) for f in result.metadata_list],
            )
            for pattern, result in zip(patterns, found, strict=True)
        ]

    def open(self, path, *arguments, **options):
        return super().open(path.removeprefix("bucket://"), *arguments, **options)


def prepare_locally(folder, *, masks=True, max_side=1024):
    made = compute_maps(
        images=folder / "images", output=folder / "maps", methods=METHODS, jobs=1, progress=False
    )
    write_records(
        photos=[p for p in list_photos(folder / "images") if p.path not in made.skipped],
        maps={name: folder / "maps" / name for name in METHODS},
        masks=folder / "masks" if masks else None,
        output=str(folder / "local"),
        max_side=max_side,
        progress=False,
    )
    return made


def prepare(folder, *, output="beam", options=("--runner=FnApiRunner",), **changes):
    source = {
        "images": f"{folder}/images/*",
        "masks": f"{folder}/masks/*",
        "methods": METHODS,
        **changes,
    }
    return prepare_on_beam(
        source=BeamSource(**source),
        output=output if "://" in output else f"{folder}/{output}",
        options=PipelineOptions(list(options)),
    )


def contents(folder, *patterns):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for pattern in patterns
        for path in sorted(folder.rglob(pattern))
    }


def record_files(folder):
    return contents(folder, "*.tfrecord", "*.manifest.json")


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "data_prep.beam_prepare", f"--output={folder}/beam", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@contextlib.contextmanager
def failing_renames(name, error):
    rename = tf.io.gfile.rename

    def fail(source, target, overwrite=False):
        if target.endswith(name):
            raise error(None, None, "a\n\treason")
        rename(source, target, overwrite=overwrite)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.io.gfile, "rename", fail)
        yield
