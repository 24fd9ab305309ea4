import json
import traceback

import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from tests.data_prep.beam_prepare.preparation import (
    BeamSummary,
    beam_prepare,
    prepare,
    prepare_locally,
    record_files,
    run,
)


def test_job_server_of_a_portable_runner(folder):
    prepare_locally(folder)
    portable = ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    assert prepare(folder, options=portable) == BeamSummary(photos=7, left_out=0)
    assert record_files(folder / "beam") == record_files(folder / "local")


def test_reason_of_a_failed_stage_is_what_stands_behind_the_tracebacks():
    try:
        raise tf.errors.UnavailableError(None, None, "HTTP 503\n\twhen reading gs://b/p.jpg")
    except tf.errors.OpError:
        told = traceback.format_exc()
    kind = "tensorflow.python.framework.errors_impl.UnavailableError"
    line = f"{kind}: HTTP 503 when reading gs://b/p.jpg"
    assert beam_prepare._reason(RuntimeError(f"failed\n{told}\nDuring another:\n\n{told}")) == line
    assert beam_prepare._reason(RuntimeError("one [while running 'pair']")) == (
        "one [while running 'pair']"
    )


@pytest.mark.slow
def test_command_line_with_two_worker_processes(folder, monkeypatch):
    monkeypatch.undo()  # the workers write shards of the usual size
    (folder / "images/cut.jpg").write_bytes(b"\xff\xd8 cut")
    prepare_locally(folder, masks=False)
    done = run(
        folder,
        f"--images={folder}/images/*",
        "--runner",
        "DirectRunner",
        "--direct_num_workers=2",
        "--direct_running_mode=multi_processing",
        "--methods=mc,rbd",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"7 photos written to {folder}/beam, 1 left out\n")
    assert record_files(folder / "beam") == record_files(folder / "local")
    assert json.loads((folder / "beam/prepared").read_text())["left_out"] == 1


@pytest.mark.slow
def test_command_line_tells_a_mistake_in_one_line(folder):
    (folder / "masks/p2.png").unlink()
    patterns = (f"--images={folder}/images/*", f"--masks={folder}/masks/*")
    done = run(folder, *patterns, "--runner=FnApiRunner")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {folder}/masks/*: no mask for")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--colour=blue"], "--colour: is a flag neither of this command nor of Beam"),
        (["--colour", "blue"], "--colour: is a flag neither of this command nor of Beam"),
        (["photos", "--runner=DirectRunner"], "photos: is no flag; a pattern needs quotes"),
        (["--streaming", "b.jpg", "c.jpg"], "b.jpg: is no flag; a pattern needs quotes"),
        (["--job_endpoint=host:1", "--slots", "2", "b.jpg"], "b.jpg: is no flag"),
        (["--job_endpoint=host:1", "--slots=2", "b.jpg"], "b.jpg: is no flag"),
    ],
)
def test_unknown_flags_and_words_are_refused(arguments, message):
    with pytest.raises(InputError, match=f"^{message}"):
        beam_prepare._beam_options(arguments)


def test_flags_of_beam_and_of_a_job_server_may_have_their_values_behind_them():
    direct = beam_prepare._beam_options(["--runner", "DirectRunner", "--direct_num_workers", "2"])
    values = direct.get_all_options()
    assert (values["runner"], values["direct_num_workers"]) == ("DirectRunner", 2)
    server = beam_prepare._beam_options(["--job_endpoint", "host:1", "--slots", "2", "--fast"])
    values = server.get_all_options(retain_unknown_options=True)
    assert (values["job_endpoint"], values["slots"], values["fast"]) == ("host:1", "2", True)
