import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.methods.names import (
    METHODS,
    Method,
    batch_size,
    entries_anywhere,
    in_batches,
    parse_methods,
)

ROOT = Path(__file__).parents[3]


def test_entries_of_every_kind():
    entries = ["rbd", "mine.deep:glow", "other=mine.deep:glow", "made=maps/made", "m-2=made"]
    assert parse_methods(entries) == (
        Method("rbd", "rbd"),
        Method("glow", "mine.deep:glow"),
        Method("other", "mine.deep:glow"),
        Method("made", "maps/made"),
        Method("m-2", "./made"),
    )
    folders = [method.folder for method in parse_methods(entries)]
    assert folders == [None, None, None, "maps/made", "./made"]


def test_a_methods_own_name_may_stand_for_maps_made_elsewhere():
    (method,) = parse_methods(["rbd=rbd"])
    assert (method.name, method.folder) == ("rbd", "./rbd")


def test_entries_mean_the_same_in_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entries = entries_anywhere(["mc", "mine:glow", "glow2=mine:glow", "m=maps", "n=gs://b/maps"])
    assert entries == (
        *("mc", "glow=mine:glow", "glow2=mine:glow", f"m={tmp_path}/maps", "n=gs://b/maps"),
    )
    assert entries_anywhere(entries) == entries


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "none given; name some of rbd, dsr, mc, hs"),
        (["gmr"], "'gmr' is unknown; choose from rbd, dsr, mc, hs, or write package.module:fun"),
        (["a b=maps/a"], "--methods=a b=maps/a: 'a b' cannot name a folder"),
        (["../up=maps"], "'../up' cannot name a folder"),
        (["=maps"], "'' cannot name a folder"),
        (["mine="], "--methods=mine=: write NAME=FOLDER"),
        (["fusion=maps"], "fusion is a folder that runs have"),
        (["mine:report"], "report is a folder that runs have"),
        (["Logs=maps"], "Logs is a folder that runs have"),
        (["mc", "mc=maps"], "--methods: mc is named twice"),
        (["one:glow", "two:glow"], "glow is named twice; name each once, another by NAME=..."),
    ],
)
def test_mistakes_are_one_line(entries, message):
    with pytest.raises(InputError) as caught:
        parse_methods(entries)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_method_is_found_where_its_source_says():
    from data_prep.methods.mc import saliency

    methods = parse_methods(["mc", "m=data_prep.methods.mc:saliency"])
    assert [method.function for method in methods] == [saliency, saliency]
    with pytest.raises(InputError, match="--methods=os:sep: is no function of a photo"):
        _ = Method("sep", "os:sep").function


def test_other_processes_find_what_this_one_registered(monkeypatch):
    monkeypatch.setitem(METHODS._parts, "mine", parse_methods)
    (method,) = parse_methods(["mine"])
    assert method.importable == Method("mine", "data_prep.methods.names:parse_methods")
    monkeypatch.setattr(parse_methods, "__module__", "__main__")
    with pytest.raises(InputError, match="--methods=mine: lies in the script itself"):
        _ = method.importable


def test_methods_say_how_many_photos_they_take():
    from data_prep.methods.rbd import saliency

    @in_batches(5)
    def deep(photos):
        return photos

    assert (batch_size(saliency), batch_size(deep)) == (None, 5)


def test_batches_are_marked_with_brackets():
    with pytest.raises(TypeError, match=r"write @in_batches\(\)"):

        @in_batches
        def method(photos):
            return photos


def test_names_are_read_without_numba_or_tensorflow():
    code = (
        "import sys, data_prep.methods.names as n; n.parse_methods(['rbd', 'a=maps/a'])\n"
        "print(sorted({'numba', 'tensorflow', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
