"""Feeds the program hostile photos, damaged files and malformed requests, and counts its answers.

python -m benchmarks.fuzz [--seed=0] [--photos=300] [--files=100] [--requests=100] [--scratch=DIR]
    [--module=tests.deepusps_tf.tiny_run]

Photos are decoded one by one in a process with bounded memory, then all in one folder go through
the maps and through `--mode=predict`. Files are damaged one a time in copies of a finished and of a
killed run, on which a command is then started. Requests go to the signatures of an exported model.
An answer is one line that names what is wrong, a typed error, or the right result. Every other
(a traceback, a signal, a command without end, a file lost, a good photo left out) is a failure and
is printed; the exit code is then 1. A damaged number that nothing checks is no failure: "went on to
another end" counts those.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from absl import flags

from benchmarks.answers import Answer, print_table
from benchmarks.hostile_photos import DAMAGES, hostile_photo, picture
from benchmarks.hostile_requests import send_requests
from benchmarks.kill_loop import SMALL_RUN, kill_when, outcome, run_alone
from benchmarks.scratch import scratch_folder
from data_prep.base.command import start

GOOD_PHOTOS = 10  # among the hostile ones, which must come through
MEMORY = 4 * 2**30  # bytes of address space in which every photo must be answered
SECONDS = 300  # within which a command must have ended
HALF_WAY = "run/rbd/round2/checkpoints/epoch-0001"  # of the run that is killed
# What no command reads again, once there are records.
UNREAD = (
    "records/sample/",
    "records/maps/",
    "run/logs/",
    "run/report/",
    "run/export/",
    "output",
)


def write_photos(folder: Path, count: int, seed: int) -> dict[str, str]:
    """Writes good photos `good<n>.png` and `count` hostile ones; returns the latters' kinds."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    kinds = {}
    for number in range(GOOD_PHOTOS):
        (folder / f"good{number}.png").write_bytes(picture("PNG", random))
    for number in range(count):
        kind, data = hostile_photo(random)
        name = f"{number:04d}{random.choice(['.jpg', '.png', '.gif', '.TIFF', '.webp', '.bmp'])}"
        (folder / name).write_bytes(data)
        kinds[name] = kind
    return kinds


def decode_photos(folder: Path, kinds: dict[str, str]) -> Iterator[Answer]:
    """Decodes each hostile photo in one process of bounded memory, which must live to the end."""
    done = _start([sys.executable, "-m", "benchmarks.fuzz", f"--decode={folder}"], folder.parent)
    answers = dict(re.findall(r"^(\d{4}\.\w+)\t(.*)$", done.stdout, flags=re.MULTILINE))
    for name, kind in kinds.items():
        answer = answers.get(name, f"no answer; the process ended with {done.returncode}")
        good = answer == "decoded" or answer.startswith("refused: ")
        verdict = answer.split(":")[0] if good else "failed"
        yield Answer(kind.split(",")[0], verdict, "" if good else f"{name} ({kind}): {answer}")


def decode_here(folder: Path) -> None:
    """Prints what decoding each photo of a folder comes to, under `MEMORY`."""
    import resource

    from data_prep.pictures.images import read_rgb_within
    from data_prep.pictures.opening import ImageError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in sorted(folder.iterdir()):
        try:
            rgb, _ = read_rgb_within(path, max_side=512)
            sound = rgb.dtype == np.uint8 and rgb.ndim == 3 and 0 < max(rgb.shape) <= 512
            answer = "decoded" if sound else f"an array of {rgb.dtype} {rgb.shape}"
        except ImageError as error:
            one_line = "\n" not in str(error) and str(path) in str(error)
            answer = f"refused: {error}" if one_line else f"several lines: {error!r}"
        except Exception as error:  # what the table is made to show
            answer = repr(error)
        print(f"{path.name}\t{answer}", flush=True)


def photo_commands(folder: Path, module: str, model: Path) -> Iterator[Answer]:
    """Sends the whole folder through the maps and `--mode=predict`: no good photo may be lost."""
    maps, masks = folder.parent / "maps", folder.parent / "masks"
    commands = {
        "maps": ("data_prep.compute_maps", maps, "--methods=mc", "--jobs=2"),
        "predict": (module, masks, "--mode=predict", f"--model={model}", "--nocrf"),
    }
    for kind, (name, output, *arguments) in commands.items():
        arguments = [f"--images={folder}", f"--output={output}", *arguments]
        done = _start([sys.executable, "-m", name, *arguments], folder.parent)
        written = {path.stem for path in output.rglob("*.png")}
        lost = [f"good{n}" for n in range(GOOD_PHOTOS) if f"good{n}" not in written]
        told = set(re.findall(r"/(\d{4})\.\w+: ", done.stdout + done.stderr))
        silent = {path.stem for path in folder.iterdir()} - written - told
        wrong = _misbehaviour(done) or (f"exit {done.returncode}" if done.returncode else "")
        wrong = (
            wrong or (f"lost {lost}" if lost else "") or (f"silent on {silent}" if silent else "")
        )
        yield Answer(f"the folder, {kind}", "failed" if wrong else "all answered", wrong)


def damage_files(
    scratch: Path, module: str, count: int, seed: int, jobs: int = 2
) -> Iterator[Answer]:
    """Damages one file at a time of a finished and of a killed run and starts a command on them."""
    finished, killed = scratch / "finished", scratch / "killed"
    command = [sys.executable, "-m", module, *SMALL_RUN]
    run_alone(command, finished)
    kill_when(command, killed, HALF_WAY)
    expected = outcome(finished)
    seeds = np.random.default_rng(seed).integers(0, 2**31, count)

    def one(number: int) -> Answer:
        folder = scratch / f"damaged{number}"
        random = np.random.default_rng(seeds[number])
        whole = random.random() < 0.5
        shutil.copytree(finished if whole else killed, folder)
        mode = random.choice(["train", "evaluate", "report", "export"]) if whole else "train"
        try:
            return _damage_one(folder, command, mode, random, expected)
        finally:
            shutil.rmtree(folder)

    with ThreadPoolExecutor(jobs) as threads:
        yield from threads.map(one, range(count))


def _damage_one(
    folder: Path,
    command: list[str],
    mode: str,
    random: np.random.Generator,
    expected: dict[str, str],
) -> Answer:
    paths = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    victim = random.choice(sorted(path for path in paths if not path.startswith(UNREAD)))
    damage = random.choice(sorted(DAMAGES))
    path = folder / victim
    path.write_bytes(DAMAGES[damage](path.read_bytes(), random))
    before = _hashes(folder, victim)
    used = command if mode == "train" else [*command[:3], f"--mode={mode}", "--workdir=run"]
    done = _start(used, folder)
    kind = re.sub(r"\d{5}|[0-9a-f]{20,}", "*", path.name)
    what = f"{victim}, {damage}, then {mode}"
    if wrong := _misbehaviour(done):
        return Answer(kind, "failed", f"{what}: {wrong}")
    if done.returncode:
        changed = before.items() - _hashes(folder, victim).items()
        lost = sorted(name for name, _ in changed if not _superseded(folder / name))
        failure = f"{what}: lost {lost}" if lost else ""
        return Answer(kind, "failed" if lost else "refused", failure)
    if mode != "train":
        return Answer(kind, "went on")
    differing = {name for name, _ in outcome(folder).items() ^ expected.items()} - {victim}
    return Answer(kind, f"went on to {'another' if differing else 'the same'} end")


def _superseded(path: Path) -> bool:
    """Whether a file of a commit had to go: a later epoch was committed or the round has ended."""
    parts = re.fullmatch(r"(.*/checkpoints)/(epoch|mva)-(\d{4})(.*)", path.as_posix())
    if not parts:
        return False
    folder, kind, epoch, rest = parts.groups()
    later = [number for number in _commits(Path(folder)) if number > int(epoch)]
    replaced = any(Path(f"{folder}/{kind}-{number:04d}{rest}").is_file() for number in later)
    return replaced or (Path(folder).parent / "round.json").is_file()


def _commits(checkpoints: Path) -> set[int]:
    """Numbers of the epochs that are committed whole."""
    folders = checkpoints.glob("epoch-[0-9][0-9][0-9][0-9]")
    whole = ("state.json", "model.weights.h5")
    return {int(f.name[-4:]) for f in folders if all((f / name).is_file() for name in whole)}


def _hashes(folder: Path, but: str) -> dict[str, str]:
    """Hashes what a refused command may not change: all it reads but the damaged file.

    What an epoch wrote that was not committed when the run was killed is not read again.
    """
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in paths.items()
        if name != but and not name.startswith(UNREAD) and ".tmp" not in name
        if not (path.match("mva-*.npy") and int(path.stem[-4:]) not in _commits(path.parent))
    }


def _misbehaviour(done: subprocess.CompletedProcess) -> str:
    """Says what is wrong with the way a command ended, whatever it should have done."""
    if done.returncode not in (0, 1, 2):
        return f"ended with {done.returncode}: {done.stderr[-500:]}"
    if "Traceback" in done.stderr + done.stdout:
        return f"a traceback: {done.stderr[-1500:]}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if done.returncode and len(errors) != 1:
        return f"status {done.returncode} with {len(errors)} error lines: {done.stderr[-500:]}"
    return ""


def _start(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, -signal.SIGALRM, "", f"no end: {error}")


def main(_) -> int:
    """Runs all parts and prints what they came to."""
    values = flags.FLAGS
    if values.decode:
        decode_here(Path(values.decode))
        return 0
    scratch = scratch_folder(values.scratch, "fuzz")
    folder, model = scratch / "photos", scratch / "finished/run/export"
    kinds = write_photos(folder, values.photos, values.seed)
    parts: dict[str, tuple[Callable[[], Iterator[Answer]], int]] = {
        "photos": (lambda: decode_photos(folder, kinds), values.photos),
        "files": (
            lambda: damage_files(scratch, values.module, values.files, values.seed),
            values.files,
        ),
        "folders": (lambda: photo_commands(folder, values.module, model), 2),
        "requests": (lambda: send_requests(model, values.requests, values.seed), values.requests),
    }
    failures = []
    for part, (run, count) in parts.items():
        failures += print_table(part, run(), count)
    print(f"{len(failures)} failures")
    for failure in failures:
        print(failure)
    return int(bool(failures))


if __name__ == "__main__":
    flags.DEFINE_integer("seed", 0, "Seed of everything that is drawn.")
    flags.DEFINE_integer("photos", 300, "Hostile photos.", lower_bound=1)
    flags.DEFINE_integer("files", 100, "Damaged files.", lower_bound=0)
    flags.DEFINE_integer("requests", 100, "Malformed requests.", lower_bound=0)
    flags.DEFINE_string("scratch", None, "Empty folder to work in; default: a temporary one.")
    flags.DEFINE_string(
        "module", "tests.deepusps_tf.tiny_run", "Program to feed; its network takes seconds."
    )
    flags.DEFINE_string("decode", None, "Only decode this folder's photos, in this process.")
    start(main)
